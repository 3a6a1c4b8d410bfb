//! Certificates from an ACME server (RFC 8555), by HTTP-01: asked for, kept in the data folder, renewed, taken up without a restart.
//!
//! In: `[tls.acme]`, a folder. Out: `certificate.pem` and `key.pem` in it, which [`super::tls::Keys`] follows, and what to answer on port 80
//! ([`answer_to`]). Invariants: the pair in use stays until a new one is whole; a server that fails is asked again later and later, never in
//! a tight circle; what went wrong is a signal of health and stands beside the pair for the doctor. Not here: serving the answers (`web`).

use super::settings::AcmeSettings;
use super::tls::Keys;
use super::validity;
use crate::signal::Signals;
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, Order, OrderStatus, RetryPolicy,
};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

/// The part of health that says how it went.
pub const PART: &str = "acme";
/// Directories that have a name.
const NAMED: [(&str, &str); 2] = [
    ("letsencrypt", "https://acme-v02.api.letsencrypt.org/directory"),
    ("letsencrypt-staging", "https://acme-staging-v02.api.letsencrypt.org/directory"),
];
/// How often it is looked whether something is due.
const LOOK_EVERY: Duration = Duration::from_secs(60 * 60);
/// After a failure; doubled each time, since authorities count failures.
const RETRY_FIRST: Duration = Duration::from_secs(10 * 60);
const RETRY_MAX: Duration = Duration::from_secs(12 * 60 * 60);
/// One attempt from account to certificate.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(5 * 60);
/// Questions that are open at the same time.
const ANSWERS_MAX: usize = 100;
/// What is kept of an error.
const WHY_CHARS_MAX: usize = 500;

/// Why there is no new certificate.
#[derive(Debug, thiserror::Error)]
pub enum AcmeError {
    #[error("the ACME server could not be asked: {0}")]
    Server(#[from] instant_acme::Error),
    #[error("{path}: {why}", path = path.display())]
    File { path: PathBuf, why: io::Error },
    /// It looked at us and was not content, mostly because port 80 of a name does not lead here.
    #[error("the authority did not find our answer for {name}: {why}")]
    Unproven { name: String, why: String },
    #[error("the authority offers no proof by HTTP for {0}")]
    NoHttp(String),
    #[error("the authority did not finish within {} s", ATTEMPT_WITHIN.as_secs())]
    Late,
}

/// Answers to the questions of the authority, by token. A process has one port 80.
static ANSWERS: LazyLock<Mutex<HashMap<String, String>>> = LazyLock::new(Mutex::default);

/// What `GET /.well-known/acme-challenge/TOKEN` answers now (RFC 8555 §8.3).
pub fn answer_to(token: &str) -> Option<String> {
    ANSWERS.lock().unwrap_or_else(PoisonError::into_inner).get(token).cloned()
}

/// An answer that is given as long as this lives.
struct Answer(String);

impl Answer {
    fn give(token: &str, answer: &str) -> Answer {
        let mut all = ANSWERS.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < ANSWERS_MAX {
            all.insert(token.to_string(), answer.to_string());
        }
        Answer(token.to_string())
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        ANSWERS.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.0);
    }
}

/// Where things lie in the folder.
pub fn certificate_in(folder: &Path) -> PathBuf {
    folder.join("certificate.pem")
}

pub fn key_in(folder: &Path) -> PathBuf {
    folder.join("key.pem")
}

/// The last failure, in words; it is not there when all is well.
pub fn failure_in(folder: &Path) -> PathBuf {
    folder.join("last-failure.txt")
}

/// What it takes to keep a certificate.
pub struct Keeper {
    pub settings: AcmeSettings,
    /// Names the certificate is for.
    pub names: Vec<String>,
    pub folder: PathBuf,
    pub keys: Arc<Keys>,
    pub signals: Arc<Signals>,
    pub clock: fn() -> i64,
}

/// The account with the authority, as it is kept.
#[derive(Serialize, Deserialize)]
struct Kept {
    directory: String,
    credentials: AccountCredentials,
}

impl Keeper {
    /// Keeps the certificate until the runtime ends.
    pub async fn run(self) {
        let mut wait = RETRY_FIRST;
        loop {
            match self.look().await {
                Ok(_) => {
                    wait = RETRY_FIRST;
                    tokio::time::sleep(LOOK_EVERY).await;
                }
                Err(_) => {
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(RETRY_MAX);
                }
            }
        }
    }

    /// Gets a certificate if one is due; whether it did.
    /// # Errors
    /// What went wrong; it was told to health and the log, and written down.
    pub async fn look(&self) -> Result<bool, AcmeError> {
        if !self.is_due() {
            self.signals.part_up(PART, (self.clock)());
            return Ok(false);
        }
        let done = match tokio::time::timeout(ATTEMPT_WITHIN, self.attempt()).await {
            Ok(done) => done,
            Err(_) => Err(AcmeError::Late),
        };
        let why = done.as_ref().err().map(|why| causes(why).chars().take(WHY_CHARS_MAX).collect::<String>());
        match &why {
            None => {
                tracing::info!(names = self.names.join(" "), "a new certificate is in use");
                self.signals.part_up(PART, (self.clock)());
                let _ = std::fs::remove_file(failure_in(&self.folder)); // mostly there is none
            }
            Some(why) => {
                tracing::warn!(why, "no new certificate from the ACME server; the present one stays, and it is tried again later");
                self.signals.part_down(PART, why, (self.clock)());
                // For the doctor only: a folder that cannot be written says so itself.
                let _ = std::fs::write(failure_in(&self.folder), why);
            }
        }
        done.map(|()| true)
    }

    /// Whether there is no certificate, one for other names, or one that ends soon.
    fn is_due(&self) -> bool {
        let Some(own) = first_of(&certificate_in(&self.folder)) else { return true };
        let Ok(parsed) = webpki::EndEntityCert::try_from(&own) else { return true };
        let has: Vec<&str> = parsed.valid_dns_names().collect();
        let is_for_all = self.names.iter().all(|name| has.iter().any(|one| one.eq_ignore_ascii_case(name)));
        let left_ms = validity::until_ms(&own).map_or(0, |until_ms| until_ms - (self.clock)());
        !is_for_all || left_ms < self.settings.renew_before.as_ms() || !key_in(&self.folder).exists()
    }

    async fn attempt(&self) -> Result<(), AcmeError> {
        std::fs::create_dir_all(&self.folder).map_err(|why| AcmeError::File { path: self.folder.clone(), why })?;
        let account = self.account().await?;
        let identifiers: Vec<Identifier> = self.names.iter().cloned().map(Identifier::Dns).collect();
        let mut order = account.new_order(&NewOrder::new(&identifiers)).await?;
        let answers = prove(&mut order).await?;
        let status = order.poll_ready(&patience()).await;
        if !matches!(status, Ok(OrderStatus::Ready)) {
            return Err(unproven(&mut order).await.unwrap_or_else(|| match status {
                Err(why) => AcmeError::Server(why),
                Ok(status) => AcmeError::Unproven { name: self.names.join(", "), why: format!("the order is {status:?}") },
            }));
        }
        drop(answers);
        let key = order.finalize().await?;
        let chain = order.poll_certificate(&patience()).await?;
        self.keep(&chain, &key)
    }

    /// The account that was made before with this directory, or a new one.
    async fn account(&self) -> Result<Account, AcmeError> {
        let (path, directory) = (self.folder.join("account.json"), directory_of(&self.settings));
        let kept: Option<Kept> = std::fs::read(&path).ok().and_then(|octets| serde_json::from_slice(&octets).ok());
        if let Some(kept) = kept.filter(|kept| kept.directory == directory) {
            return Ok(self.builder()?.from_credentials(kept.credentials).await?);
        }
        let contact = format!("mailto:{}", self.settings.contact);
        let contacts: &[&str] = if self.settings.contact.is_empty() { &[] } else { &[&contact] };
        let wanted = NewAccount { contact: contacts, terms_of_service_agreed: self.settings.agree, only_return_existing: false };
        let (account, credentials) = self.builder()?.create(&wanted, directory.clone(), None).await?;
        let text = serde_json::to_string(&Kept { directory, credentials }).unwrap_or_default();
        write(&path, text.as_bytes())?;
        Ok(account)
    }

    fn builder(&self) -> Result<instant_acme::AccountBuilder, AcmeError> {
        Ok(match self.settings.root.as_os_str().is_empty() {
            true => Account::builder()?,
            false => Account::builder_with_root(&self.settings.root)?,
        })
    }

    /// Puts the pair in place, key first: whoever looks in between sees no pair, keeps the old one and looks again.
    fn keep(&self, chain: &str, key: &str) -> Result<(), AcmeError> {
        write(&key_in(&self.folder), key.as_bytes())?;
        write(&certificate_in(&self.folder), chain.as_bytes())?;
        match self.keys.reload_if_changed() {
            Ok(_) => Ok(()),
            Err(why) => Err(AcmeError::File { path: certificate_in(&self.folder), why: io::Error::other(why.to_string()) }),
        }
    }
}

/// The address of the directory, by name or as it stands.
pub fn directory_of(settings: &AcmeSettings) -> String {
    let named = NAMED.iter().find(|(name, _)| settings.directory == *name).map(|(_, url)| *url);
    named.unwrap_or(&settings.directory).to_string()
}

/// Gives the answers that prove each name, and tells the authority to look.
async fn prove(order: &mut Order) -> Result<Vec<Answer>, AcmeError> {
    let mut answers = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(found) = authorizations.next().await {
        let mut found = found?;
        if found.status == AuthorizationStatus::Valid {
            continue;
        }
        let name = found.identifier().to_string();
        let Some(mut challenge) = found.challenge(ChallengeType::Http01) else { return Err(AcmeError::NoHttp(name)) };
        answers.push(Answer::give(&challenge.token, challenge.key_authorization().as_str()));
        challenge.set_ready().await?;
    }
    Ok(answers)
}

/// What the authority says it saw instead of our answer.
async fn unproven(order: &mut Order) -> Option<AcmeError> {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut found)) = authorizations.next().await {
        if found.refresh().await.is_err() {
            continue;
        }
        let name = found.identifier().to_string();
        if let Some(why) = found.challenges.iter().find_map(|one| one.error.as_ref()) {
            return Some(AcmeError::Unproven { name, why: why.to_string() });
        }
    }
    None
}

fn patience() -> RetryPolicy {
    RetryPolicy::new().timeout(Duration::from_secs(120))
}

/// An error with what it comes from.
fn causes(why: &AcmeError) -> String {
    let mut text = why.to_string();
    let mut cause = std::error::Error::source(why).and_then(std::error::Error::source);
    while let Some(one) = cause {
        text += &format!(": {one}");
        cause = one.source();
    }
    text
}

fn first_of(file: &Path) -> Option<CertificateDer<'static>> {
    CertificateDer::pem_file_iter(file).ok()?.next()?.ok()
}

/// Written under another name first, for us alone.
fn write(path: &Path, octets: &[u8]) -> Result<(), AcmeError> {
    let failed = |why| AcmeError::File { path: path.to_path_buf(), why };
    let unfinished = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished).map_err(failed)?;
    file.write_all(octets).and_then(|()| file.sync_all()).and_then(|()| std::fs::rename(&unfinished, path)).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_given_while_they_are_needed() {
        let answer = Answer::give("token-of-a-test", "token-of-a-test.thumb");
        assert_eq!(answer_to("token-of-a-test").as_deref(), Some("token-of-a-test.thumb"));
        drop(answer);
        assert_eq!(answer_to("token-of-a-test"), None);
    }

    #[test]
    fn directories_have_names() {
        let of = |name: &str| directory_of(&AcmeSettings { directory: name.into(), ..AcmeSettings::default() });
        assert!(of("letsencrypt-staging").starts_with("https://acme-staging"));
        assert_eq!(of("https://ca.example/dir"), "https://ca.example/dir");
    }
}
