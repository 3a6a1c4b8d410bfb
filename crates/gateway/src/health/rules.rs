//! The rules: what counts as wrong. Pure; every number stands in `[health]` or below, and in the evidence.

use super::{Evidence, Facts, HealthSettings, Level, Sample, Service, Symptom};
use crate::signal::{Target, Times};
use std::collections::{BTreeMap, HashMap};

/// Fewer events in the window than this say nothing about a share.
const FEW: u64 = 10;
/// Failures in a row before a next hop counts as not there.
const IN_ROW: u64 = 2;
/// Questions to a list in DNS without a usable answer.
const LIST_IN_ROW: u32 = 2;
/// Share of mails that could not be inspected, in percent, from which on filtering counts as degraded.
const UNINSPECTED_PERCENT: i64 = 20;
/// Shares in percent.
const DNS_FAILED_PERCENT: i64 = 30;
const UNREACHED_PERCENT: i64 = 40;
/// Times within the window that a next hop has to be lost before it counts as unsteady: one outage that is over is none.
const RUNS: u64 = 3;
const DEFERRED_PERCENT: i64 = 50;
const STORE_FAILED_PERCENT: i64 = 5;
const STORE_DOWN_PERCENT: i64 = 50;
/// From here on the disk is as good as full.
const DISK_FULL_PERCENT: i64 = 1;
/// Share of the time that goes into waiting for the database from which on it is slow, if one wait is at least this part of the limit.
const DATABASE_WAITED_PERCENT: i64 = 40;
const DATABASE_MEAN_PART: i64 = 4;
/// An organisation with this share of what waits is the one whose queue is long; others are not touched.
const QUEUE_OWN_PERCENT: i64 = 80;
/// This much free space is enough on any disk.
const DISK_ENOUGH: u64 = 2 << 30;
/// A node that has not been heard of for this long is silent; for much longer it was switched off.
const SILENT_MS: i64 = 30_000;
const GONE_MS: i64 = 60 * 60 * 1000;

/// What is judged: every node's last sample, and what the queue owes.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub now_ms: i64,
    pub samples: Vec<Sample>,
    pub queues: Vec<QueueOf>,
}

/// What one organisation has waiting for one way out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct QueueOf {
    pub org: i64,
    /// '' is MX records.
    pub connector: String,
    pub waiting: i64,
    /// When the oldest that was tried already came in; `None` when none was.
    pub oldest_ms: Option<i64>,
}

/// Everything that is wrong now.
pub fn judge(seen: &Seen, settings: &HealthSettings) -> Vec<Symptom> {
    let fresh: Vec<&Sample> = seen.samples.iter().filter(|sample| seen.now_ms - sample.at_ms < SILENT_MS).collect();
    let mut found = Vec::new();
    silent_nodes(seen, &mut found);
    for sample in &fresh {
        parts(sample, &mut found);
        facts(sample, seen.now_ms, settings, &mut found);
    }
    shares(&fresh, &mut found);
    slow(&fresh, settings, &mut found);
    connectors(&fresh, seen.now_ms, settings, &mut found);
    queues(seen, settings, &mut found);
    for sample in &fresh {
        probed(sample, &mut found);
    }
    explained(&mut found);
    worst_of_each(found)
}

/// Mail through a connector that does not arrive.
fn probed(sample: &Sample, found: &mut Vec<Symptom>) {
    for probe in sample.probes.iter().filter(|probe| !probe.state.is_up) {
        let hits = [(Service::Connector(probe.connector.clone()), Level::Degraded)];
        let mut symptom = symptom("probe.connector", &probe.connector, &hits, &[("down_ms", sample.at_ms - probe.state.since_ms)]);
        (symptom.org, symptom.evidence.said) = (probe.org, probe.state.why.clone());
        found.push(symptom);
    }
}

/// A probe that failed is news only where nothing else says why.
fn explained(found: &mut Vec<Symptom>) {
    let is_probe = |symptom: &Symptom| symptom.cause.split('.').next() == Some("probe");
    let known: Vec<(i64, Service)> = {
        let others = found.iter().filter(|symptom| !is_probe(symptom));
        others
            .flat_map(|one| one.hits.iter().filter(|(_, level)| *level > Level::Advice).map(|(service, _)| (one.org, service.clone())))
            .collect()
    };
    let is_known = |symptom: &Symptom| symptom.hits.iter().all(|(service, _)| known.contains(&(symptom.org, service.clone())));
    found.retain(|symptom| !is_probe(symptom) || !is_known(symptom));
}

/// The same cause on two nodes is one.
fn worst_of_each(found: Vec<Symptom>) -> Vec<Symptom> {
    let mut kept: BTreeMap<(String, String, i64), Symptom> = BTreeMap::new();
    for symptom in found {
        let key = (symptom.cause.clone(), symptom.what.clone(), symptom.org);
        match kept.get(&key) {
            Some(known) if known.level() >= symptom.level() => {}
            _ => drop(kept.insert(key, symptom)),
        }
    }
    kept.into_values().collect()
}

fn symptom(cause: &str, what: &str, hits: &[(Service, Level)], numbers: &[(&str, i64)]) -> Symptom {
    let numbers = numbers.iter().map(|(name, value)| (name.to_string(), *value)).collect();
    Symptom { cause: cause.into(), what: what.into(), org: 0, hits: hits.to_vec(), evidence: Evidence { numbers, said: String::new() } }
}

fn silent_nodes(seen: &Seen, found: &mut Vec<Symptom>) {
    for sample in &seen.samples {
        let ago_ms = seen.now_ms - sample.at_ms;
        if (SILENT_MS..GONE_MS).contains(&ago_ms) {
            let hits = [(Service::Intake, Level::Advice)];
            found.push(symptom("node.silent", &sample.node.to_string(), &hits, &[("silent_ms", ago_ms)]));
        }
    }
}

/// What is beside us and does not answer.
fn parts(sample: &Sample, found: &mut Vec<Symptom>) {
    use Level::{Advice, Degraded, Interrupted};
    use Service::{Admin, Delivery, Directory, Filtering, Intake, Quarantine, Trace};
    for (name, part) in sample.parts.iter().filter(|(_, part)| !part.is_up) {
        let (cause, what, hits) = match name.as_str() {
            "database" => {
                let hits = vec![
                    (Intake, Interrupted),
                    (Delivery, Degraded),
                    (Quarantine, Interrupted),
                    (Trace, Interrupted),
                    (Admin, Interrupted),
                    (Directory, Degraded),
                ];
                ("database.unreachable", "", hits)
            }
            "bodies" => ("bodies.unreachable", "", vec![(Intake, Degraded), (Delivery, Degraded), (Quarantine, Degraded)]),
            "dns" => ("dns.unreachable", "", vec![(Filtering, Degraded), (Delivery, Degraded)]),
            "smtp" => ("intake.port", "", vec![(Intake, Interrupted)]),
            "probe-intake" => ("probe.refused", "", vec![(Intake, Degraded)]),
            "probe-delivery" => ("probe.late", "", vec![(Delivery, Degraded)]),
            crate::connection::acme::PART => ("certificate.not-renewed", "", vec![(Intake, Advice)]),
            "clock" => ("clock.jumped", "", vec![(Trace, Advice)]),
            "balance" => ("balance.wrong", "", vec![(Trace, Degraded)]),
            "status-bucket" => ("status.bucket", "", vec![(Admin, Advice)]),
            engine => ("filter.engine", engine, vec![(Filtering, Degraded)]),
        };
        let mut symptom = symptom(cause, what, &hits, &[("down_ms", sample.at_ms - part.since_ms)]);
        symptom.evidence.said = part.why.clone();
        found.push(symptom);
    }
}

fn facts(sample: &Sample, now_ms: i64, settings: &HealthSettings, found: &mut Vec<Symptom>) {
    let facts = &sample.facts;
    if let (Some(free), Some(total)) = (facts.disk_free, facts.disk_total.filter(|total| *total > 0)) {
        let percent = (free as u128 * 100 / total as u128) as i64;
        if percent < i64::from(settings.disk_free_percent) && free < DISK_ENOUGH {
            let level = if percent < DISK_FULL_PERCENT { Level::Interrupted } else { Level::Degraded };
            let numbers = [("free_octets", free as i64), ("free_percent", percent)];
            found.push(symptom("disk.low", "", &[(Service::Intake, level)], &numbers));
        }
    }
    database(facts, settings, found);
    if let Some(left_ms) = facts.certificate_until_ms.map(|until| until - now_ms) {
        let days = left_ms.div_euclid(86_400_000);
        if left_ms <= 0 {
            found.push(symptom("certificate.expired", "", &[(Service::Intake, Level::Degraded)], &[("days", -days)]));
        } else if left_ms < settings.certificate_before.as_ms() {
            found.push(symptom("certificate.expiring", "", &[(Service::Intake, Level::Advice)], &[("days", days)]));
        }
    }
    // Without DNS none of them answers, and that is said already.
    let has_dns = sample.parts.get("dns").is_none_or(|part| part.is_up);
    for (zone, list) in facts.lists.iter().filter(|(_, list)| has_dns && list.failed_in_row >= LIST_IN_ROW) {
        let numbers = [("in_row", i64::from(list.failed_in_row)), ("took_ms", list.took_ms)];
        found.push(symptom("filter.list", zone, &[(Service::Filtering, Level::Advice)], &numbers));
    }
    for (engine, newest_ms) in facts.signatures_ms.iter().filter(|(_, newest)| now_ms - **newest > settings.signatures_old.as_ms()) {
        let days = (now_ms - newest_ms) / 86_400_000;
        found.push(symptom("signatures.old", engine, &[(Service::Filtering, Level::Advice)], &[("days", days)]));
    }
}

/// Slow is a transaction that takes long, or waits that are shorter and come again and again.
fn database(facts: &Facts, settings: &HealthSettings, found: &mut Vec<Symptom>) {
    let limit_ms = settings.database_slow.as_ms();
    let took_ms = facts.database_ms.unwrap_or(0);
    let (percent, mean_ms) = (facts.database_waited_percent.unwrap_or(0), facts.database_mean_ms.unwrap_or(0));
    let is_held = percent >= DATABASE_WAITED_PERCENT && mean_ms >= limit_ms / DATABASE_MEAN_PART;
    if took_ms < limit_ms && !is_held {
        return;
    }
    let hits = [(Service::Intake, Level::Degraded), (Service::Admin, Level::Degraded), (Service::Trace, Level::Degraded)];
    let numbers = [("took_ms", took_ms), ("limit_ms", limit_ms), ("waited_percent", percent), ("mean_ms", mean_ms)];
    found.push(symptom("database.slow", "", &hits, &numbers));
}

fn sum(samples: &[&Sample], counter: &str) -> u64 {
    samples.iter().filter_map(|sample| sample.counters.get(counter)).sum()
}

/// `part` of `all` in percent, when there is enough to say so.
fn percent(part: u64, all: u64) -> Option<i64> {
    (all >= FEW).then(|| (part * 100 / all) as i64)
}

fn shares(samples: &[&Sample], found: &mut Vec<Symptom>) {
    let (accepted, failed) = (sum(samples, "accepted"), sum(samples, "store_failures"));
    let share = (failed * 100).checked_div(accepted + failed).unwrap_or(0) as i64;
    if failed >= 2 && share >= STORE_FAILED_PERCENT {
        let level = if share >= STORE_DOWN_PERCENT { Level::Interrupted } else { Level::Degraded };
        let numbers = [("failed", failed as i64), ("accepted", accepted as i64), ("percent", share)];
        found.push(symptom("intake.store", "", &[(Service::Intake, level)], &numbers));
    }
    let uninspected = sum(samples, "not_inspectable");
    if let Some(share) = percent(uninspected, accepted).filter(|share| *share >= UNINSPECTED_PERCENT) {
        let numbers = [("uninspected", uninspected as i64), ("accepted", accepted as i64), ("percent", share)];
        found.push(symptom("filter.uninspected", "", &[(Service::Filtering, Level::Degraded)], &numbers));
    }
    let (asked, unanswered) = (sum(samples, "dns_queries"), sum(samples, "dns_failures"));
    if let Some(share) = percent(unanswered, asked).filter(|share| *share >= DNS_FAILED_PERCENT) {
        let numbers = [("failed", unanswered as i64), ("asked", asked as i64), ("percent", share)];
        found.push(symptom("dns.failing", "", &[(Service::Filtering, Level::Degraded)], &numbers));
    }
    let dropped = sum(samples, "events_dropped");
    if dropped > 0 {
        found.push(symptom("trace.losing", "", &[(Service::Trace, Level::Degraded)], &[("dropped", dropped as i64)]));
    }
}

fn slow(samples: &[&Sample], settings: &HealthSettings, found: &mut Vec<Symptom>) {
    let all = |timer: &str| samples.iter().filter_map(|sample| sample.timers.get(timer)).fold(Times::default(), |a, b| a.and(b));
    let (reply_ms, bodies_ms) = (settings.reply_slow.as_ms(), settings.bodies_slow.as_ms());
    for (timer, cause, service, limit_ms) in [
        ("reply", "intake.slow", Service::Intake, reply_ms),
        ("inspect", "filter.slow", Service::Filtering, reply_ms),
        ("body_put", "bodies.slow", Service::Intake, bodies_ms),
    ] {
        let times = all(timer);
        let p95_ms = times.quantile_ms(0.95);
        if times.count() >= FEW && p95_ms >= limit_ms {
            let numbers = [("p95_ms", p95_ms), ("limit_ms", limit_ms), ("count", times.count() as i64)];
            found.push(symptom(cause, "", &[(service, Level::Degraded)], &numbers));
        }
    }
}

/// All nodes' tallies of one organisation's way out.
#[derive(Default)]
struct Way<'a> {
    all: Target,
    /// Nodes that tried, and those whose last tries failed.
    nodes: usize,
    down: usize,
    why: &'a str,
}

fn connectors(samples: &[&Sample], now_ms: i64, settings: &HealthSettings, found: &mut Vec<Symptom>) {
    let mut ways: HashMap<(i64, &str), Way<'_>> = HashMap::new();
    for target in samples.iter().flat_map(|sample| &sample.targets).filter(|target| !target.connector.is_empty()) {
        let way = ways.entry((target.org, target.connector.as_str())).or_default();
        way.nodes += 1;
        way.all.delivered += target.delivered;
        way.all.refused += target.refused;
        way.all.deferred += target.deferred;
        way.all.unreached += target.unreached;
        way.all.looks += target.looks;
        way.all.runs += target.runs;
        let is_down = target.unreached_in_row >= IN_ROW && now_ms - target.unreached_since_ms >= settings.enter_after.as_ms() / 2;
        if is_down {
            way.down += 1;
            way.why = &target.why;
            way.all.unreached_in_row += target.unreached_in_row;
            let since = target.unreached_since_ms;
            way.all.unreached_since_ms = if way.all.unreached_since_ms == 0 { since } else { since.min(way.all.unreached_since_ms) };
        }
    }
    for ((org, name), way) in ways {
        found.extend(of_way(name, &way, now_ms).map(|symptom| Symptom { org, ..symptom }));
    }
}

fn of_way(name: &str, way: &Way<'_>, now_ms: i64) -> Option<Symptom> {
    let all = &way.all;
    let connector = || Service::Connector(name.into());
    let mut symptom = if way.down == way.nodes {
        let hits = [(connector(), Level::Interrupted), (Service::Delivery, Level::Degraded)];
        let numbers = [("in_row", all.unreached_in_row as i64), ("down_ms", now_ms - all.unreached_since_ms)];
        symptom("connector.unreachable", name, &hits, &numbers)
    } else {
        let answered = all.delivered + all.refused + all.deferred;
        let (unreached, deferred) = (percent(all.unreached, answered + all.looks + all.unreached), percent(all.deferred, answered));
        if let Some(share) = unreached.filter(|share| *share >= UNREACHED_PERCENT && all.runs >= RUNS) {
            let numbers = [("failed", all.unreached as i64), ("reached", (answered + all.looks) as i64), ("percent", share)];
            symptom("connector.unsteady", name, &[(connector(), Level::Degraded)], &numbers)
        } else if let Some(share) = deferred.filter(|share| *share >= DEFERRED_PERCENT) {
            let numbers = [("deferred", all.deferred as i64), ("reached", answered as i64), ("percent", share)];
            symptom("connector.deferring", name, &[(connector(), Level::Degraded), (Service::Delivery, Level::Degraded)], &numbers)
        } else {
            return None;
        }
    };
    symptom.evidence.said = way.why.into();
    Some(symptom)
}

fn queues(seen: &Seen, settings: &HealthSettings, found: &mut Vec<Symptom>) {
    depth(seen, settings, found);
    for queue in &seen.queues {
        let Some(age_ms) = queue.oldest_ms.map(|oldest| seen.now_ms - oldest) else { continue };
        let is_explained =
            |known: &Symptom| known.cause == "connector.unreachable" && known.org == queue.org && known.what == queue.connector;
        // Mail to the world waits for hosts that are not ours to judge; what is not there has been told of.
        if age_ms >= settings.queue_age.as_ms() && !queue.connector.is_empty() && !found.iter().any(is_explained) {
            let hits = [(Service::Delivery, Level::Degraded), (Service::Connector(queue.connector.clone()), Level::Degraded)];
            let numbers = [("age_ms", age_ms), ("waiting", queue.waiting), ("limit_ms", settings.queue_age.as_ms())];
            found.push(Symptom { org: queue.org, ..symptom("queue.age", &queue.connector, &hits, &numbers) });
        }
    }
}

/// A long queue is told to those who wait: to the organisation that nearly all of it belongs to, or to everybody.
fn depth(seen: &Seen, settings: &HealthSettings, found: &mut Vec<Symptom>) {
    let waiting: i64 = seen.queues.iter().map(|queue| queue.waiting).sum();
    if waiting < i64::from(settings.queue_depth) {
        return;
    }
    let mut own: BTreeMap<i64, i64> = BTreeMap::new();
    seen.queues.iter().for_each(|queue| *own.entry(queue.org).or_default() += queue.waiting);
    let (org, most) = own.into_iter().max_by_key(|(_, waiting)| *waiting).unwrap_or_default();
    let org = if most * 100 >= waiting * QUEUE_OWN_PERCENT { org } else { 0 };
    let numbers = [("waiting", if org == 0 { waiting } else { most }), ("limit", i64::from(settings.queue_depth))];
    found.push(Symptom { org, ..symptom("queue.depth", "", &[(Service::Delivery, Level::Degraded)], &numbers) });
}
