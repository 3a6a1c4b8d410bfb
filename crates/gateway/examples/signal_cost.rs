//! What counting costs a mail: `cargo run --release -p gateway --example signal_cost [THREADS]`.
//!
//! Makes every call that one mail with one recipient makes on its way through intake and delivery, many times, on as many threads as
//! named (default: as many as processors), all on one [`Signals`] as in a server; prints processor time for each mail. What looks at
//! the signals costs the same however much mail there is and is measured beside: one sample of a server with 500 ways out.

use gateway::health::{Facts, HealthSettings, Seen, Window, rules};
use gateway::session::Stage;
use gateway::signal::{Counter, Gauge, Signals, Timer, Tried};
use mail::OrgId;
use std::sync::Arc;
use std::time::Instant;

const MAILS: u32 = 2_000_000;
const SAMPLES: u32 = 500;
/// Organisations with a connector of their own.
const WAYS: i64 = 500;

/// One connection with one mail for one recipient, as `connection`, `intake`, `queue` and `delivery` count it; every tenth is refused.
fn one_mail(signals: &Signals, names: &[Arc<str>], n: u32) {
    let at = n as usize % names.len();
    let (at_all, inspected, committed) = (Instant::now(), Instant::now(), Instant::now());
    signals.add(Counter::Connections, 1);
    signals.took(Timer::Inspect, inspected.elapsed());
    if n.is_multiple_of(10) {
        signals.refused(Stage::Content);
    } else {
        signals.took(Timer::Commit, committed.elapsed());
        signals.accepted();
        signals.add(Counter::AcceptedOctets, 4_000);
        signals.add(Counter::Held, 0);
        signals.add(Counter::Deleted, 0);
        signals.step(Gauge::DeliveriesUnderWay, 1);
        signals.add(Counter::Delivered, 1);
        signals.tried(OrgId(at as i64), &names[at], Tried::Reached { delivered: 1, refused: 0, deferred: 0 }, i64::from(n));
        signals.step(Gauge::DeliveriesUnderWay, -1);
    }
    signals.took(Timer::Reply, at_all.elapsed());
}

/// Processor time of this process so far, in user and kernel: fields 14 and 15 of proc(5), in hundredths of a second.
fn processor_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.map(|field| field.parse::<u64>().unwrap_or(0) * 10).sum()
}

fn main() {
    let threads = std::env::args().nth(1).and_then(|text| text.parse().ok());
    let threads = threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let names: Vec<Arc<str>> = (0..WAYS).map(|n| format!("connector-{n}").into()).collect();
    let signals = Signals::default();
    let before = processor_ms();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..MAILS).for_each(|n| one_mail(&signals, &names, n)));
        }
    });
    let mails = u64::from(MAILS) * threads as u64;
    let nanos = (processor_ms() - before) * 1_000_000 / mails;
    println!("{threads} threads: {nanos} ns of processor time for each mail ({} mails counted)", signals.count(Counter::Accepted));
    let (mut window, settings) = (Window::default(), HealthSettings::default());
    let began = Instant::now();
    for n in 0..SAMPLES {
        let now_ms = i64::from(n) * 5_000;
        let sample = window.take(&signals, Facts::default(), 1, now_ms);
        let found = rules::judge(&Seen { now_ms, samples: vec![sample], queues: Vec::new() }, &settings);
        assert!(found.is_empty(), "{found:?}");
    }
    println!("one look at {WAYS} ways out: {} µs, every 5 s", began.elapsed().as_micros() / u128::from(SAMPLES));
}
