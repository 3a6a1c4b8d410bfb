//! Our end of TLS: certificate and key, read again when their files change.
//!
//! In: `[tls]`. Out: an acceptor with the newest pair that works. Invariant: once started we always have a working pair; a
//! broken new one is reported and the old one stays. Without files a pair is made that nobody else trusts, which is what
//! opportunistic TLS between mail servers expects at the least (RFC 7435).

use super::settings::TlsSettings;
use super::validity::until_ms;
use arc_swap::ArcSwap;
use mail::envelope::Tls as TlsFacts;
use rustls::ServerConfig;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, SignatureScheme};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Names recorded from one client certificate.
const CLIENT_NAMES_MAX: usize = 8;
/// Sessions that TLS 1.2 clients may resume.
const SESSIONS_KEPT: usize = 1_024;

/// Why there is no certificate to use.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("[tls] certificate and key go together; only one of them is set")]
    HalfSet,
    #[error("reading {path}: {why}", path = path.display())]
    Unreadable { path: PathBuf, why: String },
    #[error("{certificate} and {key} do not make a pair: {why}", certificate = certificate.display(), key = key.display())]
    NoPair { certificate: PathBuf, key: PathBuf, why: String },
    #[error("making a certificate: {0}")]
    Making(String),
    #[error("the roots for client certificates: {0}")]
    Roots(String),
}

/// The pair in use, and what is needed to make an acceptor from the next.
pub struct Keys {
    files: Option<Files>,
    current: ArcSwap<Pair>,
    seen: Mutex<Option<Stamp>>,
    verifier: Option<Arc<AnyClient>>,
    tickets: Arc<dyn rustls::server::ProducesTickets>,
}

/// A certificate with its key, ready to use.
struct Pair {
    config: Arc<ServerConfig>,
    /// When the certificate ends; `None` when that cannot be read.
    until_ms: Option<i64>,
    /// Our own first.
    chain: Vec<CertificateDer<'static>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// Changes whenever one of the files is written or replaced.
type Stamp = [(Option<SystemTime>, u64); 2];

impl Keys {
    /// `None` with `[tls] off`. `name` goes into a certificate that we make ourselves.
    pub fn from_settings(settings: &TlsSettings, name: &str) -> Result<Option<Arc<Keys>>, TlsError> {
        if settings.off {
            return Ok(None);
        }
        let files = match (settings.certificate.as_os_str().is_empty(), settings.key.as_os_str().is_empty()) {
            (true, true) => None,
            (false, false) => Some(Files { certificate: settings.certificate.clone(), key: settings.key.clone() }),
            _ => return Err(TlsError::HalfSet),
        };
        Keys::of(settings, files, name).map(Some)
    }

    /// As [`Keys::from_settings`] with the pair that is kept in this folder, which may come later: until then one that we make ourselves.
    pub fn awaited(settings: &TlsSettings, folder: &Path, name: &str) -> Result<Option<Arc<Keys>>, TlsError> {
        if settings.off {
            return Ok(None);
        }
        let files = Files { certificate: super::acme::certificate_in(folder), key: super::acme::key_in(folder) };
        Keys::of(settings, Some(files), name).map(Some)
    }

    fn of(settings: &TlsSettings, files: Option<Files>, name: &str) -> Result<Arc<Keys>, TlsError> {
        let is_awaited = settings.acme.is_on();
        let verifier = if settings.ask_client_certificate { Some(Arc::new(AnyClient::new()?)) } else { None };
        let tickets = aws_lc_rs::Ticketer::new().map_err(|error| TlsError::Making(error.to_string()))?;
        let seen = files.as_ref().map(Files::stamp);
        let first = match &files {
            // A pair that does not work is gotten anew; mail does not wait for it.
            Some(files) if is_awaited => files.read(&verifier, &tickets).or_else(|_| self_signed(name, &verifier, &tickets))?,
            Some(files) => files.read(&verifier, &tickets)?,
            None => self_signed(name, &verifier, &tickets)?,
        };
        Ok(Arc::new(Keys { files, current: ArcSwap::from_pointee(first), seen: Mutex::new(seen), verifier, tickets }))
    }

    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.load().config.clone())
    }

    /// When the certificate in use ends, Unix milliseconds.
    pub fn until_ms(&self) -> Option<i64> {
        self.current.load().until_ms
    }

    /// What we show to who connects, our own certificate first.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.current.load().chain.clone()
    }

    /// Reads the files again if they changed since the last look. True when a new pair is in use.
    /// # Errors
    /// The new files do not work; the old pair stays. The same files are reported once.
    pub fn reload_if_changed(&self) -> Result<bool, TlsError> {
        let Some(files) = &self.files else { return Ok(false) };
        let stamp = files.stamp();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.as_ref() == Some(&stamp) {
            return Ok(false);
        }
        *seen = Some(stamp);
        self.current.store(Arc::new(files.read(&self.verifier, &self.tickets)?));
        Ok(true)
    }

    /// Looks at the files for as long as somebody holds the keys.
    pub async fn watch(keys: std::sync::Weak<Keys>) {
        let mut every = tokio::time::interval_at(tokio::time::Instant::now() + LOOK_EVERY, LOOK_EVERY);
        loop {
            every.tick().await;
            let Some(keys) = keys.upgrade() else { return };
            match tokio::task::spawn_blocking(move || keys.reload_if_changed()).await {
                Ok(Ok(true)) => tracing::info!("the new certificate is in use"),
                Ok(Err(error)) => tracing::warn!(%error, "the new certificate does not work; the old one stays in use"),
                _ => {}
            }
        }
    }

    /// What the receipt says about a finished handshake.
    pub fn facts(&self, connection: &rustls::ServerConnection) -> TlsFacts {
        let suite = connection.negotiated_cipher_suite().map(|suite| suite.suite());
        TlsFacts {
            version: match connection.protocol_version() {
                Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2".to_string(),
                Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3".to_string(),
                other => format!("{other:?}"),
            },
            cipher: suite.and_then(|suite| suite.as_str()).map(iana_name).unwrap_or_default(),
            client_names: match (&self.verifier, connection.peer_certificates()) {
                (Some(verifier), Some(chain)) => verifier.names(chain),
                _ => Vec::new(),
            },
        }
    }
}

/// rustls names TLS 1.3 suites `TLS13_…`, IANA `TLS_…` (RFC 8446 §B.4).
fn iana_name(name: &str) -> String {
    name.replacen("TLS13_", "TLS_", 1)
}

impl Files {
    fn stamp(&self) -> Stamp {
        let facts = |path: &Path| match std::fs::metadata(path) {
            Ok(facts) => (facts.modified().ok(), facts.len()),
            Err(_) => (None, 0),
        };
        [facts(&self.certificate), facts(&self.key)]
    }

    fn read(&self, verifier: &Option<Arc<AnyClient>>, tickets: &Arc<dyn rustls::server::ProducesTickets>) -> Result<Pair, TlsError> {
        let unreadable = |path: &Path, why: String| TlsError::Unreadable { path: path.to_path_buf(), why };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect)
            .map_err(|error| unreadable(&self.certificate, error.to_string()))?;
        if chain.is_empty() {
            return Err(unreadable(&self.certificate, "there is no certificate in it (PEM is expected)".to_string()));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| unreadable(&self.key, error.to_string()))?;
        server_config(chain, key, verifier, tickets).map_err(|error| TlsError::NoPair {
            certificate: self.certificate.clone(),
            key: self.key.clone(),
            why: error.to_string(),
        })
    }
}

fn self_signed(
    name: &str,
    verifier: &Option<Arc<AnyClient>>,
    tickets: &Arc<dyn rustls::server::ProducesTickets>,
) -> Result<Pair, TlsError> {
    let making = |error: rcgen::Error| TlsError::Making(error.to_string());
    let made = rcgen::generate_simple_self_signed(vec![name.to_string()]).map_err(making)?;
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).map_err(|why| TlsError::Making(why.to_string()))?;
    server_config(vec![made.cert.der().clone()], key, verifier, tickets).map_err(|error| TlsError::Making(error.to_string()))
}

fn server_config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    verifier: &Option<Arc<AnyClient>>,
    tickets: &Arc<dyn rustls::server::ProducesTickets>,
) -> Result<Pair, rustls::Error> {
    // RFC 8997: TLS 1.0 and 1.1 are not to be used for mail.
    let builder = ServerConfig::builder_with_provider(provider()).with_safe_default_protocol_versions()?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier.clone()),
        None => builder.with_no_client_auth(),
    };
    let until_ms = chain.first().and_then(until_ms);
    let mut config = builder.with_single_cert(chain.clone(), key)?;
    config.ticketer = tickets.clone();
    config.session_storage = rustls::server::ServerSessionMemoryCache::new(SESSIONS_KEPT);
    config.send_tls13_tickets = 1;
    Ok(Pair { config: Arc::new(config), until_ms, chain })
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Takes any client certificate, so that no handshake fails for it (mail would go in the clear or not at all); whether it
/// proves a name is found out afterwards.
#[derive(Debug)]
struct AnyClient {
    strict: Arc<dyn ClientCertVerifier>,
}

impl AnyClient {
    fn new() -> Result<AnyClient, TlsError> {
        let roots = Arc::new(rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
        let strict =
            WebPkiClientVerifier::builder_with_provider(roots, provider()).build().map_err(|error| TlsError::Roots(error.to_string()))?;
        Ok(AnyClient { strict })
    }

    /// Names of a certificate whose chain ends in a public root; none otherwise.
    fn names(&self, chain: &[CertificateDer<'_>]) -> Vec<String> {
        let Some((leaf, between)) = chain.split_first() else { return Vec::new() };
        if self.strict.verify_client_cert(leaf, between, UnixTime::now()).is_err() {
            return Vec::new();
        }
        let Ok(certificate) = webpki::EndEntityCert::try_from(leaf) else { return Vec::new() };
        certificate.valid_dns_names().take(CLIENT_NAMES_MAX).map(str::to_ascii_lowercase).collect()
    }
}

impl ClientCertVerifier for AnyClient {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    /// No hints: they would make every handshake 15 KB longer.
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _between: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.strict.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.strict.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.strict.supported_verify_schemes()
    }
}
