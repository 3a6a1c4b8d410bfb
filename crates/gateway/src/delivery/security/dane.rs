//! DANE for SMTP: which certificates the owner of a signed zone says its mail servers have (RFC 6698, RFC 7671, RFC 7672).
//!
//! In: TLSA records that were proven, and the chain a server showed. Out: whether it fits. Pure but for the questions of [`of_host`].

use super::proven::{ProvenDns, UnprovenError};
use crate::delivery::certificate;
use aws_lc_rs::digest::{SHA256, SHA512, digest};
use mail::dns::{Record, RecordType};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use std::time::Duration;

/// TLSA records of one host that are looked at.
const RECORDS_MAX: usize = 32;
/// Certificates of a chain that are looked at.
const CHAIN_MAX: usize = 10;

const TRUST_ANCHOR: u8 = 2;
const END_ENTITY: u8 = 3;
/// Signatures that servers make with their certificates (RFC 8446 §9.1 and what is older).
static ALGORITHMS: &[&dyn rustls::pki_types::SignatureVerificationAlgorithm] = webpki::ALL_VERIFICATION_ALGS;

/// One TLSA record that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tlsa {
    pub usage: u8,
    pub selector: u8,
    pub matching: u8,
    pub octets: Vec<u8>,
}

/// What is to be checked of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dane {
    pub records: Vec<Tlsa>,
    /// The name under which the records stood: sent as SNI (RFC 7672 §8.1), and the first that a DANE-TA certificate may be for.
    pub base: String,
    /// Other names that a DANE-TA certificate may be for (RFC 7672 §3.2.2).
    pub names: Vec<String>,
}

/// What DNS says about one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tls {
    /// Nothing that was proven.
    Unsaid,
    /// There are records, and none can be used: TLS, with any certificate (RFC 7672 §2.2).
    AnyCertificate,
    Checked(Dane),
}

impl Tlsa {
    /// The record when it can be used (RFC 7672 §3.1, RFC 6698 §2.1).
    pub fn usable(record: &Record) -> Option<Tlsa> {
        let Record::Tlsa { usage, selector, matching, octets } = record else { return None };
        let is_sized = match matching {
            0 => !octets.is_empty(),
            1 => octets.len() == 32,
            2 => octets.len() == 64,
            _ => false,
        };
        let is_usable = matches!(*usage, TRUST_ANCHOR | END_ENTITY) && *selector <= 1 && is_sized;
        is_usable.then(|| Tlsa { usage: *usage, selector: *selector, matching: *matching, octets: octets.clone() })
    }

    /// The record that stays right when a certificate is renewed with the same key (RFC 7671 §5.1); `None` for what is no certificate.
    pub fn of_key(certificate: &[u8]) -> Option<Tlsa> {
        let key = certificate::public_key(certificate)?;
        Some(Tlsa { usage: END_ENTITY, selector: 1, matching: 1, octets: digest(&SHA256, key).as_ref().to_vec() })
    }

    /// `3 1 1 0c72ac70…`, as reports show it.
    pub fn shown(&self) -> String {
        let hex: String = self.octets.iter().map(|octet| format!("{octet:02x}")).collect();
        format!("{} {} {} {hex}", self.usage, self.selector, self.matching)
    }

    fn fits(&self, certificate: &[u8]) -> bool {
        let whole = match self.selector {
            0 => Some(certificate),
            _ => certificate::public_key(certificate),
        };
        let Some(whole) = whole else { return false };
        match self.matching {
            0 => self.octets == whole,
            1 => self.octets == digest(&SHA256, whole).as_ref(),
            _ => self.octets == digest(&SHA512, whole).as_ref(),
        }
    }
}

/// Looks up what is said of `host`, a mail server of `domain` (RFC 7672 §2.2.2 and §2.2.3). `domain` has been proven to name it.
/// # Errors
/// The answers are bogus or cannot be had: the host must not be used now (RFC 7672 §2.1.1).
pub async fn of_host(dns: &dyn ProvenDns, domain: &str, host: &str) -> Result<Tls, UnprovenError> {
    let (v4, v6) = tokio::join!(dns.ask(host, RecordType::A), dns.ask(host, RecordType::Aaaa));
    let (v4, v6) = (v4?, v6?);
    let found = if v4.records.is_empty() { &v6 } else { &v4 };
    let mut bases = Vec::with_capacity(2);
    if found.is_secure && !found.records.is_empty() {
        bases.push(found.name.clone());
    }
    if host != found.name && (found.is_secure || found.is_alias_secure) {
        bases.push(host.to_string());
    }
    for base in bases {
        let answer = dns.ask(&format!("_25._tcp.{base}"), RecordType::Tlsa).await?;
        if !answer.is_secure || answer.records.is_empty() {
            continue;
        }
        let records: Vec<Tlsa> = answer.records.iter().filter_map(Tlsa::usable).take(RECORDS_MAX).collect();
        return Ok(match records.is_empty() {
            true => Tls::AnyCertificate,
            false => Tls::Checked(Dane { records, names: vec![host.to_string(), domain.to_string()], base }),
        });
    }
    Ok(Tls::Unsaid)
}

impl Dane {
    /// Whether the chain a server showed, its own certificate first, is what DNS says.
    /// # Errors
    /// Why not, in words.
    pub fn judge(&self, chain: &[CertificateDer<'_>], now_ms: i64) -> Result<(), String> {
        let Some((own, others)) = chain.split_first() else { return Err("the server showed no certificate".into()) };
        // RFC 7672 §3.1.1: neither the names nor the end of a certificate count where the record is about itself.
        if self.of_usage(END_ENTITY).any(|record| record.fits(own)) {
            return Ok(());
        }
        let mut why = "its certificate fits none of the TLSA records".to_string();
        for record in self.of_usage(TRUST_ANCHOR) {
            let written = CertificateDer::from(record.octets.as_slice());
            let in_record = (record.selector == 0 && record.matching == 0).then_some(&written);
            for anchor in others.iter().take(CHAIN_MAX).filter(|one| record.fits(one)).chain(in_record) {
                match self.leads_to(own, others, anchor, now_ms) {
                    Ok(()) => return Ok(()),
                    Err(reason) => why = reason,
                }
            }
        }
        Err(why)
    }

    fn of_usage(&self, usage: u8) -> impl Iterator<Item = &Tlsa> {
        self.records.iter().filter(move |record| record.usage == usage)
    }

    /// RFC 7672 §3.1.2: the chain up to this anchor is valid now, and for one of the names.
    fn leads_to(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        anchor: &CertificateDer<'_>,
        now_ms: i64,
    ) -> Result<(), String> {
        let anchors: [TrustAnchor<'_>; 1] = [webpki::anchor_from_trusted_cert(anchor).map_err(|why| why.to_string())?];
        let leaf = webpki::EndEntityCert::try_from(own).map_err(|why| why.to_string())?;
        let now = UnixTime::since_unix_epoch(Duration::from_millis(now_ms.max(0).unsigned_abs()));
        let usage = webpki::KeyUsage::server_auth();
        let others = &others[..others.len().min(CHAIN_MAX)];
        leaf.verify_for_usage(ALGORITHMS, &anchors, others, now, usage, None, None).map_err(|why| why.to_string())?;
        let is_for =
            |name: &String| ServerName::try_from(name.as_str()).is_ok_and(|name| leaf.verify_is_valid_for_subject_name(&name).is_ok());
        match std::iter::once(&self.base).chain(&self.names).any(is_for) {
            true => Ok(()),
            false => Err(format!("its certificate is not for {}", self.base)),
        }
    }
}

#[cfg(test)]
mod tests;
