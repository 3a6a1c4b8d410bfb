//! Planned maintenance that goes on now, as the watcher knows it.
//!
//! In: windows of the message centre. Out: what a probe misses meanwhile is expected and no news ([`is_expected`]); an issue says which
//! window it falls into ([`of`]). Invariant: what is shown as wrong already stays so: a window makes nothing right.

use super::message;
use gateway::health::{Engine, Service, Symptom};
use gateway::scope::OrgScope;
use mail::PersonId;
use store::{Error, Tx};

/// Windows at the same time.
const WINDOWS_MAX: usize = 200;

/// One window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Such as MC100001.
    pub id: String,
    /// 0: everybody.
    pub org: i64,
    /// None named: all.
    pub services: Vec<Service>,
}

impl Planned {
    /// Whether this service of this organisation (0: everybody's) is worked on. Work on delivery is work on each way out.
    fn covers(&self, org: i64, service: &Service) -> bool {
        let is_named = |one: &Service| one == service || *one == Service::Delivery && matches!(service, Service::Connector(_));
        (self.org == 0 || self.org == org) && (self.services.is_empty() || self.services.iter().any(is_named))
    }
}

/// What goes on at this moment.
pub async fn now(tx: &mut Tx, now_ms: i64) -> Result<Vec<Planned>, Error> {
    let windows = message::windows(tx, OrgScope::All, PersonId(0), now_ms, WINDOWS_MAX).await?;
    let begun = windows.into_iter().filter(|window| window.phase(now_ms) == "in-progress");
    Ok(begun.map(|window| Planned { id: window.id(), org: window.org, services: window.body.services }).collect())
}

/// The window that covers all of these services.
pub fn of<'a>(planned: &'a [Planned], org: i64, services: impl Iterator<Item = &'a Service> + Clone) -> Option<&'a Planned> {
    services.clone().next()?;
    planned.iter().find(|window| services.clone().all(|service| window.covers(org, service)))
}

/// A probe of ours that fails where work is planned, and that nobody was told of before.
pub fn is_expected(planned: &[Planned], symptom: &Symptom, engine: &Engine) -> bool {
    let services = symptom.hits.iter().map(|(service, _)| service);
    symptom.cause.starts_with("probe.") && of(planned, symptom.org, services).is_some() && !engine.shows(symptom)
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway::health::{HealthSettings, Level};

    fn symptom(cause: &str, org: i64, service: Service) -> Symptom {
        Symptom { cause: cause.into(), what: String::new(), org, hits: vec![(service, Level::Degraded)], evidence: Default::default() }
    }

    #[test]
    fn a_window_covers_what_it_names() {
        let window = |org, services: &[Service]| Planned { id: "MC1".into(), org, services: services.to_vec() };
        let connector = || Service::Connector("one".into());
        for (window, org, service, want, why) in [
            (window(0, &[Service::Intake]), 0, Service::Intake, true, "the one it names"),
            (window(0, &[Service::Intake]), 7, Service::Intake, true, "everybody is also this organisation"),
            (window(0, &[Service::Intake]), 0, Service::Delivery, false, "another"),
            (window(0, &[]), 0, Service::Delivery, true, "none named is all"),
            (window(7, &[connector()]), 7, connector(), true, "an organisation's own way out"),
            (window(7, &[connector()]), 8, connector(), false, "of another organisation"),
            (window(7, &[]), 0, Service::Intake, false, "work for one is none for everybody"),
            (window(0, &[Service::Delivery]), 7, connector(), true, "delivery is each way out"),
            (window(0, &[connector()]), 0, Service::Delivery, false, "and not the other way round"),
        ] {
            assert_eq!(of(&[window], org, [service].iter()).is_some(), want, "{why}");
        }
        assert!(of(&[window(0, &[])], 0, [].iter()).is_none(), "of nothing there is no window");
    }

    #[test]
    fn only_probes_are_expected_to_fail_and_only_what_is_new() {
        let planned = [Planned { id: "MC1".into(), org: 0, services: vec![Service::Intake] }];
        let (probe, real) = (symptom("probe.refused", 0, Service::Intake), symptom("intake.slow", 0, Service::Intake));
        let mut engine = Engine::default();
        assert!(is_expected(&planned, &probe, &engine));
        assert!(!is_expected(&planned, &real, &engine), "what real mail meets is shown");
        assert!(!is_expected(&[], &probe, &engine));
        let settings = HealthSettings::default();
        for second in 0..30 {
            engine.step(std::slice::from_ref(&probe), second * 1_000, &settings);
        }
        assert!(!is_expected(&planned, &probe, &engine), "it is shown, and stays so until it works");
    }
}
