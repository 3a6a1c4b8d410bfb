//! Rules and states as tables, and whole hours played through.

use super::rules::judge;
use super::*;
use crate::settings::Span;
use crate::signal::{Counter, PartState, Signals, Target, Tried};
use mail::OrgId;
use std::sync::Arc;

fn sample(change: impl FnOnce(&mut Sample)) -> Sample {
    let mut sample = Sample { node: 1, at_ms: 1_000_000, window_ms: 60_000, ..Sample::default() };
    change(&mut sample);
    sample
}

fn causes(seen: &Seen) -> Vec<String> {
    judge(seen, &HealthSettings::default()).iter().map(|found| format!("{}/{}@{}", found.cause, found.what, found.org)).collect()
}

fn of(change: impl FnOnce(&mut Sample)) -> Vec<String> {
    causes(&Seen { now_ms: 1_000_000, samples: vec![sample(change)], queues: vec![] })
}

fn down(sample: &mut Sample, part: &str) {
    sample.parts.insert(part.into(), PartState { is_up: false, since_ms: 990_000, why: "gone".into() });
}

fn count(sample: &mut Sample, pairs: &[(&str, u64)]) {
    sample.counters.extend(pairs.iter().map(|(name, count)| (name.to_string(), *count)));
}

#[test]
fn each_rule_sees_its_own_fault_and_nothing_else() {
    let nothing: Vec<String> = vec![];
    assert_eq!(of(|_| {}), nothing, "a node without mail is well");
    for part in ["database", "bodies", "dns", "smtp", "clock", "acme", "balance", "probe-intake", "probe-delivery"] {
        assert_eq!(of(|sample| down(sample, part)).len(), 1, "{part}");
    }
    assert_eq!(of(|sample| down(sample, "clamd")), ["filter.engine/clamd@0"]);
    let both = |sample: &mut Sample| ["database", "probe-intake"].into_iter().for_each(|part| down(sample, part));
    assert_eq!(of(both), ["database.unreachable/@0"], "a probe that failed is no news when the reason is known");
    let list = |failed_in_row, sample: &mut Sample| {
        sample.facts.lists.insert("zen.example".into(), ListFact { took_ms: 3, failed_in_row });
    };
    assert_eq!(of(|sample| list(1, sample)), nothing, "one question that was lost is none");
    assert_eq!(of(|sample| list(2, sample)), ["filter.list/zen.example@0"]);
    let without_dns = |sample: &mut Sample| {
        list(9, sample);
        down(sample, "dns");
    };
    assert_eq!(of(without_dns), ["dns.unreachable/@0"], "without DNS no list answers, and that is said");
    assert_eq!(of(|sample| down(sample, "status-bucket")), ["status.bucket/@0"]);
    let signals = Signals::default();
    signals.probed(OrgId(7), "next", "550 no", 5);
    signals.probed(OrgId(8), "next", "", 5);
    assert_eq!(of(|sample| sample.probes = signals.snapshot().probes), ["probe.connector/next@7"]);
    for (pairs, want, why) in [
        (vec![("accepted", 100), ("store_failures", 1)], vec![], "one failure is none"),
        (vec![("accepted", 10), ("store_failures", 3)], vec!["intake.store/@0"], "a quarter"),
        (vec![("accepted", 0), ("store_failures", 2)], vec!["intake.store/@0"], "nothing is taken any more"),
        (vec![("accepted", 1000), ("store_failures", 3)], vec![], "three of a thousand"),
        (vec![("accepted", 50), ("not_inspectable", 9)], vec![], "18 %"),
        (vec![("accepted", 50), ("not_inspectable", 10)], vec!["filter.uninspected/@0"], "20 %"),
        (vec![("accepted", 5), ("not_inspectable", 5)], vec![], "five mails are few"),
        (vec![("dns_queries", 100), ("dns_failures", 29)], vec![], "29 %"),
        (vec![("dns_queries", 100), ("dns_failures", 30)], vec!["dns.failing/@0"], "30 %"),
        (vec![("events_dropped", 1)], vec!["trace.losing/@0"], "any loss"),
    ] {
        assert_eq!(of(|sample| count(sample, &pairs)), want, "{why}");
    }
}

#[test]
fn large_messages_that_are_stored_slowly_are_spoken_of() {
    // The bucket of up to 8.4 s, and that of up to 4.2 s.
    for (at, count, want) in [(23, 20, vec!["bodies.slow/@0"]), (22, 20, vec![]), (23, 9, vec![])] {
        let mut buckets = vec![0; 32];
        buckets[at] = count;
        let times = crate::signal::Times { buckets, micros: 0 };
        assert_eq!(of(|sample| drop(sample.timers.insert("body_put".into(), times))), want, "{count} in bucket {at}");
    }
}

fn waited(percent: i64, mean_ms: i64) -> Facts {
    Facts { database_ms: Some(900), database_waited_percent: Some(percent), database_mean_ms: Some(mean_ms), ..Facts::default() }
}

#[test]
fn disk_certificate_database_and_signatures() {
    const DAY_MS: i64 = 86_400_000;
    for (facts, want, why) in [
        (Facts { disk_free: Some(1 << 30), disk_total: Some(100 << 30), ..Facts::default() }, vec!["disk.low/@0"], "1 %"),
        (Facts { disk_free: Some(40 << 30), disk_total: Some(2_000 << 30), ..Facts::default() }, vec![], "2 % of a large disk is enough"),
        (Facts { disk_free: Some(50 << 30), disk_total: Some(100 << 30), ..Facts::default() }, vec![], "half"),
        (Facts { certificate_until_ms: Some(1_000_000 + 20 * DAY_MS), ..Facts::default() }, vec![], "twenty days"),
        (Facts { certificate_until_ms: Some(1_000_000 + 3 * DAY_MS), ..Facts::default() }, vec!["certificate.expiring/@0"], "three days"),
        (Facts { certificate_until_ms: Some(999_999), ..Facts::default() }, vec!["certificate.expired/@0"], "over"),
        (Facts { database_ms: Some(1_999), ..Facts::default() }, vec![], "just fast enough"),
        (Facts { database_ms: Some(2_000), ..Facts::default() }, vec!["database.slow/@0"], "slow"),
        (waited(61, 1_600), vec!["database.slow/@0"], "held again and again"),
        (waited(39, 1_600), vec![], "now and then"),
        (waited(90, 400), vec![], "busy, and quick enough"),
        (
            Facts { signatures_ms: [("clamd".into(), 1_000_000 - 8 * DAY_MS)].into(), ..Facts::default() },
            vec!["signatures.old/clamd@0"],
            "old",
        ),
    ] {
        assert_eq!(of(|sample| sample.facts = facts), want, "{why}");
    }
}

fn target(org: i64, change: impl FnOnce(&mut Target)) -> Target {
    let mut target = Target { org, connector: "next".into(), tried_ms: 999_000, ..Target::default() };
    change(&mut target);
    target
}

#[test]
fn a_broken_connector_touches_its_organisation_alone() {
    let broken = || target(7, |target| (target.unreached_in_row, target.unreached_since_ms) = (3, 980_000));
    let well = || target(8, |target| target.delivered = 100);
    assert_eq!(of(|sample| sample.targets = vec![broken(), well()]), ["connector.unreachable/next@7"]);
    let fresh = target(7, |target| (target.unreached_in_row, target.unreached_since_ms) = (3, 997_000));
    assert!(of(|sample| sample.targets = vec![fresh]).is_empty(), "three seconds are not long enough");
    let once = target(7, |target| (target.unreached_in_row, target.unreached_since_ms) = (1, 900_000));
    assert!(of(|sample| sample.targets = vec![once]).is_empty(), "one failure is none");
    let half = target(7, |target| (target.delivered, target.unreached, target.runs) = (10, 10, 5));
    assert_eq!(of(|sample| sample.targets = vec![half]), ["connector.unsteady/next@7"]);
    let over = target(7, |target| (target.delivered, target.unreached, target.runs) = (2, 20, 1));
    assert!(of(|sample| sample.targets = vec![over]).is_empty(), "one long outage that is over is not unsteadiness");
    let noisy = target(7, |target| (target.delivered, target.unreached) = (90, 10));
    assert!(of(|sample| sample.targets = vec![noisy]).is_empty(), "a tenth is noise");
    let putting_off = target(7, |target| (target.delivered, target.deferred) = (10, 30));
    assert_eq!(of(|sample| sample.targets = vec![putting_off]), ["connector.deferring/next@7"]);
    // Two nodes, of which one cannot reach it: the way is not down.
    let other = Sample { node: 2, targets: vec![target(7, |target| target.delivered = 5)], ..sample(|_| {}) };
    let seen = Seen { now_ms: 1_000_000, samples: vec![sample(|sample| sample.targets = vec![broken()]), other], queues: vec![] };
    assert!(causes(&seen).is_empty(), "{:?}", causes(&seen));
}

#[test]
fn the_queue_is_judged_by_age_and_length() {
    let queue = |org, connector: &str, waiting, oldest_ms| QueueOf { org, connector: connector.into(), waiting, oldest_ms };
    for (queues, want, why) in [
        (vec![queue(1, "next", 10, None)], vec![], "nothing was tried"),
        (vec![queue(1, "next", 10, Some(3_000_000 - 14 * 60_000))], vec![], "young"),
        (vec![queue(1, "next", 10, Some(3_000_000 - 16 * 60_000))], vec!["queue.age/next@1"], "old"),
        (vec![queue(1, "", 10, Some(0))], vec![], "the world may be slow"),
        (vec![queue(1, "next", 30_000, None), queue(2, "other", 20_000, None)], vec!["queue.depth/@0"], "long"),
        (vec![queue(1, "next", 49_000, None), queue(2, "other", 2_000, None)], vec!["queue.depth/@1"], "it is one organisation's"),
        (
            vec![queue(1, "a", 30_000, None), queue(1, "b", 30_000, None), queue(2, "other", 1, None)],
            vec!["queue.depth/@1"],
            "over two ways",
        ),
    ] {
        let samples = vec![Sample { at_ms: 3_000_000, ..sample(|_| {}) }];
        assert_eq!(causes(&Seen { now_ms: 3_000_000, samples, queues }), want, "{why}");
    }
}

#[test]
fn a_node_that_fell_silent_is_spoken_of_and_its_signals_do_not_count() {
    let mut old = sample(|sample| down(sample, "clamd"));
    old.at_ms -= 40_000;
    assert_eq!(causes(&Seen { now_ms: 1_000_000, samples: vec![old.clone()], queues: vec![] }), ["node.silent/1@0"]);
    old.at_ms -= 7_200_000;
    assert!(causes(&Seen { now_ms: 1_000_000, samples: vec![old], queues: vec![] }).is_empty(), "it was switched off");
}

/// Plays seconds through: whether the fault is there in each. Returns what changed, with the second.
fn played(seconds: i64, is_wrong: impl Fn(i64) -> bool) -> Vec<(i64, Kind)> {
    let (mut engine, mut changes) = (Engine::default(), Vec::new());
    let fault = Symptom {
        cause: "filter.engine".into(),
        what: "clamd".into(),
        org: 0,
        hits: vec![(Service::Filtering, Level::Degraded)],
        evidence: Evidence::default(),
    };
    for second in (0..seconds).step_by(5) {
        let symptoms = if is_wrong(second) { vec![fault.clone()] } else { vec![] };
        let found = engine.step(&symptoms, second * 1_000, &HealthSettings::default());
        changes.extend(found.into_iter().map(|change| (second, change.kind)));
        let kept = serde_json::to_string(&engine).expect("JSON");
        engine = serde_json::from_str(&kept).expect("another node goes on with it");
    }
    changes
}

#[test]
#[allow(clippy::single_range_in_vec_init, reason = "spans of seconds, one or more")]
fn a_state_changes_when_it_lasts() {
    use Kind::{Back, Began, Over, Relapsed, Restoring};
    for (wrong, want, why) in [
        (vec![], vec![], "well"),
        (vec![100..105], vec![], "one look"),
        (vec![100..200], vec![(110, Began), (215, Restoring), (230, Over)], "shown in 10 s, over 30 s after it ended"),
        (vec![100..200, 205..300], vec![(110, Began), (315, Restoring), (330, Over)], "a breath is no recovery"),
        (
            vec![100..200, 220..300],
            vec![(110, Began), (215, Restoring), (220, Back), (315, Restoring), (330, Over)],
            "not restored after all",
        ),
        (
            vec![100..200, 300..400],
            vec![(110, Began), (215, Restoring), (230, Over), (310, Relapsed), (430, Restoring), (460, Over)],
            "the same issue again stays longer",
        ),
    ] {
        assert_eq!(played(600, |second| wrong.iter().any(|span: &std::ops::Range<i64>| span.contains(&second))), want, "{why}");
    }
}

#[test]
fn a_tenth_of_noise_changes_nothing_and_a_noisy_fault_does_not_flap() {
    // A fixed sequence that looks random: multiplicative hashing of the second.
    let noise = |second: i64| (second.wrapping_mul(2_654_435_761) >> 7).rem_euclid(10) == 0;
    let changes = played(3_600, noise);
    assert!(changes.len() <= 1, "noise alone: {changes:?}");
    let during = |second: i64| (600..1_800).contains(&second) && !noise(second);
    let changes = played(3_600, during);
    let shown = changes.iter().filter(|(_, kind)| matches!(kind, Kind::Began | Kind::Relapsed)).count();
    let over: Vec<i64> = changes.iter().filter(|(_, kind)| *kind == Kind::Over).map(|(second, _)| *second).collect();
    assert_eq!((shown, over.len()), (1, 1), "{changes:?}");
    assert!((1_800..1_920).contains(&over[0]), "restored within two minutes: {over:?}");
    assert_eq!(changes.len(), 3, "began, restoring, over, and nothing between: {changes:?}");
}

/// Whatever came before, a fault that is over is over within the promised two minutes.
#[test]
fn a_fault_that_keeps_coming_back_still_recovers_in_time() {
    let changes = played(3_600, |second| second % 200 < 60);
    let ends = changes.iter().filter(|(_, kind)| *kind == Kind::Over).map(|(second, _)| second % 200 - 60);
    assert!(ends.clone().count() > 10 && ends.clone().all(|late| late <= 100), "{changes:?}");
}

/// 20,000 mails in an hour, with the refusals, deferrals and failures that every hour has.
#[test]
fn a_quiet_hour_changes_nothing() {
    let (signals, mut window, mut engine) = (Signals::default(), Window::default(), Engine::default());
    let settings = HealthSettings::default();
    let names: Vec<Arc<str>> = (0..20).map(|n| format!("c{n}").into()).collect();
    let (mut mails, mut looks) = (0_u64, 0);
    for second in 0..3_600_i64 {
        let now_ms = second * 1_000;
        for _ in 0..(5 + second % 2) {
            mails += 1;
            signals.accepted();
            signals.took(crate::signal::Timer::Reply, std::time::Duration::from_millis(3 + mails % 900));
            signals.add(Counter::DnsQueries, 6);
            signals.add(Counter::DnsFailures, u64::from(mails % 40 == 0));
            signals.add(Counter::NotInspectable, u64::from(mails % 500 == 0));
            let (n, roll) = (mails as usize % names.len(), mails % 100);
            let tried = match roll {
                0 => Tried::Unreached("421 4.4.2 broken".into()),
                1..=5 => Tried::Reached { delivered: 0, refused: 0, deferred: 1 },
                6..=9 => Tried::Reached { delivered: 0, refused: 1, deferred: 0 },
                _ => Tried::Reached { delivered: 1, refused: 0, deferred: 0 },
            };
            signals.tried(OrgId(n as i64), &names[n], tried, now_ms);
        }
        if second % 5 == 0 {
            looks += 1;
            let facts = Facts { database_ms: Some(2 + second % 30), disk_free: Some(50), disk_total: Some(100), ..Facts::default() };
            let seen = Seen { now_ms, samples: vec![window.take(&signals, facts, 1, now_ms)], queues: vec![] };
            let changes = engine.step(&judge(&seen, &settings), now_ms, &settings);
            assert!(changes.is_empty(), "second {second}: {changes:?}");
        }
    }
    assert!(mails >= 19_000 && looks == 720, "{mails} mails, {looks} looks");
}

#[test]
fn states_show_the_worst_cause_of_each_service() {
    let symptom = |cause: &str, org, level| Symptom {
        cause: cause.into(),
        what: String::new(),
        org,
        hits: vec![(Service::Delivery, level), (Service::Connector("next".into()), Level::Interrupted)],
        evidence: Evidence::default(),
    };
    let mut engine = Engine::default();
    let settings = HealthSettings { enter_after: Span::ms(0), ..HealthSettings::default() };
    engine.step(&[symptom("a", 1, Level::Degraded), symptom("b", 1, Level::Interrupted)], 5, &settings);
    let states = engine.states();
    assert_eq!(states[&(1, Service::Delivery)].status, Status::ServiceInterruption);
    assert_eq!(states[&(1, Service::Delivery)].cause, "b");
    assert!(states.keys().all(|(org, _)| *org == 1), "nobody else is touched");
    engine.step(&[], 10, &settings);
    assert_eq!(engine.states()[&(1, Service::Delivery)].status, Status::ServiceInterruption, "one good look is none");
    engine.step(&[], 10 + settings.leave_after.as_ms() / 2, &settings);
    assert_eq!(engine.states()[&(1, Service::Delivery)].status, Status::RestoringService);
    engine.step(&[], 10 + settings.leave_after.as_ms(), &settings);
    assert!(engine.states().is_empty());
}

/// What a mail pays for being counted: a few additions, against milliseconds of judging. 1 % of 2 ms is 20 µs.
#[test]
fn counting_costs_little() {
    let (signals, name) = (Signals::default(), Arc::<str>::from("next"));
    let begun = std::time::Instant::now();
    const MAILS: u32 = 100_000;
    for _ in 0..MAILS {
        signals.accepted();
        signals.add(Counter::Connections, 1);
        signals.add(Counter::AcceptedOctets, 10_000);
        for timer in crate::signal::Timer::ALL {
            signals.took(*timer, std::time::Duration::from_micros(900));
        }
        signals.tried(OrgId(1), &name, Tried::Reached { delivered: 1, refused: 0, deferred: 0 }, 1);
    }
    let each = begun.elapsed() / MAILS;
    assert!(each.as_micros() < 20, "{each:?} for each mail");
}
