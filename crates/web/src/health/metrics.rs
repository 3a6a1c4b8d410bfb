//! `/metrics` as Prometheus reads it (text format 0.0.4).

use super::bus::Health;
use gateway::signal::{Snapshot, Target, Times};
use std::fmt::Write;
use std::net::IpAddr;

/// The counters of this node for a peer that may read them.
pub fn for_peer(health: &Health, peer: IpAddr, now_ms: i64) -> Option<String> {
    let from = health.settings().metrics_from;
    let may = if from.is_empty() { peer.to_canonical().is_loopback() } else { from.contains(peer) };
    let signals = health.signals().filter(|_| may)?;
    Some(text(&signals.snapshot(), &signals.targets(now_ms), now_ms))
}

fn text(seen: &Snapshot, targets: &[Target], now_ms: i64) -> String {
    let mut out = String::new();
    for (name, count) in &seen.counters {
        let _ = write!(out, "# TYPE gatepost_{name}_total counter\ngatepost_{name}_total {count}\n");
    }
    for (name, value) in &seen.gauges {
        let _ = write!(out, "# TYPE gatepost_{name} gauge\ngatepost_{name} {value}\n");
    }
    for (name, times) in &seen.timers {
        histogram(&mut out, name, times);
    }
    let _ = writeln!(out, "# TYPE gatepost_part_up gauge");
    for (name, part) in &seen.parts {
        let _ = writeln!(out, "gatepost_part_up{{part=\"{}\"}} {}", label(name), i32::from(part.is_up));
    }
    let _ = writeln!(out, "# TYPE gatepost_next_hop_total counter");
    for target in targets {
        let (org, connector) = (target.org, label(&target.connector));
        let results =
            [("delivered", target.delivered), ("refused", target.refused), ("deferred", target.deferred), ("unreached", target.unreached)];
        for (result, count) in results {
            let _ = writeln!(out, "gatepost_next_hop_total{{org=\"{org}\",connector=\"{connector}\",result=\"{result}\"}} {count}");
        }
    }
    let _ = writeln!(out, "# TYPE gatepost_next_hop_down_seconds gauge");
    for target in targets {
        let down = if target.unreached_since_ms > 0 { (now_ms - target.unreached_since_ms) as f64 / 1e3 } else { 0.0 };
        let _ = writeln!(out, "gatepost_next_hop_down_seconds{{org=\"{}\",connector=\"{}\"}} {down}", target.org, label(&target.connector));
    }
    out
}

fn histogram(out: &mut String, name: &str, times: &Times) {
    let _ = writeln!(out, "# TYPE gatepost_{name}_seconds histogram");
    let mut sum = 0;
    for (at, count) in times.buckets.iter().enumerate() {
        sum += count;
        let le = if at + 1 == times.buckets.len() { "+Inf".to_string() } else { format!("{}", (1u64 << at) as f64 / 1e6) };
        let _ = writeln!(out, "gatepost_{name}_seconds_bucket{{le=\"{le}\"}} {sum}");
    }
    let _ = write!(out, "gatepost_{name}_seconds_sum {}\ngatepost_{name}_seconds_count {sum}\n", times.micros as f64 / 1e6);
}

/// A label's value with what would end it escaped.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::health::HealthSettings;
    use gateway::signal::{Signals, Timer, Tried};
    use std::sync::Arc;

    #[test]
    fn only_this_machine_reads_and_what_it_reads_is_whole() {
        let signals = Arc::new(Signals::default());
        signals.accepted();
        signals.took(Timer::Reply, std::time::Duration::from_millis(5));
        signals.tried(mail::OrgId(1), &"a\"b".into(), Tried::Unreached("x".into()), 5);
        let health = Health::with(signals, HealthSettings::default());
        let text = for_peer(&health, [127, 0, 0, 1].into(), 1_005).expect("loopback");
        for line in [
            "gatepost_accepted_total 1",
            "gatepost_reply_seconds_count 1",
            "gatepost_next_hop_total{org=\"1\",connector=\"a\\\"b\",result=\"unreached\"} 1",
            "gatepost_next_hop_down_seconds{org=\"1\",connector=\"a\\\"b\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in\n{text}");
        }
        assert!(text.contains("le=\"+Inf\"} 1"));
        assert_eq!(for_peer(&health, [192, 0, 2, 1].into(), 0), None);
    }

    /// What the dashboard and the alert rules ask for is what we say.
    #[test]
    fn every_metric_that_is_deployed_is_there() {
        let signals = Arc::new(Signals::default());
        signals.part_up("clamd", 5);
        signals.tried(mail::OrgId(1), &"a".into(), Tried::Unreached("x".into()), 5);
        let text = for_peer(&Health::with(signals, HealthSettings::default()), [127, 0, 0, 1].into(), 9).expect("loopback");
        let said: std::collections::HashSet<&str> =
            text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split(['{', ' ']).next()).collect();
        let mut asked = 0;
        for file in [
            include_str!("../../../../deploy/grafana/gatepost.json"),
            include_str!("../../../../deploy/prometheus/gatepost.rules.yml"),
            include_str!("../../../../deploy/prometheus/gatepost.test.yml"),
        ] {
            let is_of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            for (at, _) in file.match_indices("gatepost_") {
                let name = &file[at..at + file[at..].find(|c| !is_of_name(c)).unwrap_or(file.len() - at)];
                assert!(said.contains(name), "{name} is asked for and never said");
                asked += 1;
            }
        }
        assert!(asked > 20, "{asked}");
        let dashboard: serde_json::Value = serde_json::from_str(include_str!("../../../../deploy/grafana/gatepost.json")).expect("JSON");
        let panels = dashboard["panels"].as_array().expect("panels");
        let is_drawn = |panel: &&serde_json::Value| {
            panel["type"] == "row" || panel["targets"].as_array().is_some_and(|all| all.iter().all(|one| one["expr"].is_string()))
        };
        assert!(panels.len() > 5 && panels.iter().all(|panel| is_drawn(&panel)), "every panel asks for something");
        assert!(dashboard["schemaVersion"].is_number() && dashboard["title"].is_string());
    }
}
