//! How fast: run with `cargo test -p gateway --release delivery::tests::speed -- --ignored --nocapture`.

use super::*;
use testkit::postgres::sqlite;
use testkit::sink::SinkSettings;

const MAILS: usize = 5_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement, not a test"]
async fn mails_per_second_to_one_next_hop() {
    let sink = Sink::start(SinkSettings::default()).await;
    let database = sqlite();
    let gate = Setup::to(&sink).patient().open(&database).await;
    let body: Bytes = format!("Subject: hello\r\n\r\n{}", "0123456789 0123456789 0123456789 0123456789 0123456789\r\n".repeat(72)).into();
    let mut mails = Vec::new();
    for _ in 0..MAILS {
        let mut mail = gate.mail(&["bo@example.net"]);
        mail.octets = body.clone();
        gate.insert(&mail).await;
        mails.push(mail);
    }
    let (began, cpu) = (Instant::now(), cpu_ms());
    for mail in mails {
        gate.queue.start(mail);
    }
    while gate.queue.in_memory() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let (wall, cpu) = (began.elapsed(), cpu_ms() - cpu);
    assert_eq!(gate.count("SELECT count(*) FROM recipient WHERE state = 'delivered'").await, MAILS as i64);
    println!(
        "{MAILS} mails of {} octets in {wall:?}: {:.0}/s, {:.0} us CPU a mail with the sink in this process, {} connections",
        body.len(),
        MAILS as f64 / wall.as_secs_f64(),
        cpu as f64 * 1000.0 / MAILS as f64,
        sink.connections()
    );
    gate.close().await;
}

/// CPU time of this process so far.
fn cpu_ms() -> i64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    let ticks: i64 = fields[11].parse::<i64>().expect("utime") + fields[12].parse::<i64>().expect("stime");
    ticks * 10
}
