//! Delivery security as the settings want it.

use crate::settings::Settings;
use anyhow::Context;
use gateway::delivery::Tls;
use gateway::delivery::security::Security;
use gateway::delivery::security::fetch::Places;
use gateway::delivery::security::outcome::Outcomes;
use gateway::delivery::security::policies::Policies;
use gateway::delivery::security::proven::{ProvenDns, Validating};
use gateway::delivery::security::settings::{DaneMode, DeliverySettings};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use std::path::Path;
use std::sync::Arc;
use store::Db;

/// TLS towards next hops, with the roots that the operator trusts besides.
pub fn tls(settings: &DeliverySettings) -> anyhow::Result<Tls> {
    let roots: Vec<CertificateDer<'static>> = match settings.roots.as_str() {
        "" => Vec::new(),
        file => {
            CertificateDer::pem_file_iter(file).and_then(Iterator::collect).with_context(|| format!("[delivery] roots: reading {file}"))?
        }
    };
    Tls::new(&roots).context("[delivery] roots")
}

/// What protects deliveries. Call it inside a runtime.
pub fn of(settings: &Settings, db: &Db) -> anyhow::Result<Security> {
    let delivery = &settings.delivery;
    let is_dns_off = settings.dns.servers == gateway::connection::settings::Servers::Off;
    let proven: Option<Arc<dyn ProvenDns>> = match delivery.dane {
        DaneMode::Off => None,
        _ if is_dns_off => None,
        mode => {
            let anchors = Some(delivery.trust_anchor.as_str()).filter(|file| !file.is_empty()).map(Path::new);
            Some(Arc::new(Validating::new(&settings.dns, mode, anchors).context("[delivery] dane")?))
        }
    };
    let policies = delivery.mta_sts.then(|| Policies::new(db.clone(), policy_places(delivery)));
    Ok(Security {
        mx: Places { port: delivery.mx_port, private: delivery.private_networks },
        proven,
        policies,
        outcomes: settings.tls_reports.send.then(|| Outcomes::start(db.clone())),
        honours_no: delivery.tls_required_no,
    })
}

/// Where hosts of policies and reports may be.
pub fn policy_places(delivery: &DeliverySettings) -> Places {
    Places { port: delivery.policy_port, private: delivery.private_networks }
}
