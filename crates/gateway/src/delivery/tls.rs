//! TLS towards next hops: with and without a check of the certificate.

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::sync::Arc;
use tokio_rustls::TlsConnector;

/// Two ways to speak TLS; sessions are resumed within each.
#[derive(Clone)]
pub struct Tls {
    /// The certificate must be for the right name, from a public root or one of `extra_roots`.
    pub verified: TlsConnector,
    /// Any certificate: protects against listeners, not against impostors (RFC 7435).
    pub unverified: TlsConnector,
    /// What `verified` checks by.
    pub(super) verifier: Arc<WebPkiServerVerifier>,
}

impl Tls {
    /// # Errors
    /// A root that is not a certificate.
    pub fn new(extra_roots: &[CertificateDer<'static>]) -> Result<Tls, rustls::Error> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        for root in extra_roots {
            roots.add(root.clone())?;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots.clone()), provider.clone());
        let verifier = verifier.build().map_err(|why| rustls::Error::General(why.to_string()))?;
        let verified = config(&provider)?.with_root_certificates(roots).with_no_client_auth();
        let any = Arc::new(AnyCertificate { algorithms: provider.signature_verification_algorithms });
        let unverified = config(&provider)?.dangerous().with_custom_certificate_verifier(any).with_no_client_auth();
        Ok(Tls { verified: Arc::new(verified).into(), unverified: Arc::new(unverified).into(), verifier })
    }

    /// Whether `verified` takes this chain for this name at this moment (Unix milliseconds).
    /// # Errors
    /// What is wrong with it.
    pub fn judge(&self, chain: &[CertificateDer<'static>], name: &ServerName<'_>, now_ms: i64) -> Result<(), rustls::Error> {
        let Some((own, others)) = chain.split_first() else {
            return Err(rustls::Error::NoCertificatesPresented);
        };
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_millis(now_ms.max(0).unsigned_abs()));
        self.verifier.verify_server_cert(own, others, name, &[], now).map(|_| ())
    }
}

fn config(provider: &Arc<CryptoProvider>) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()
}

/// Takes any certificate, but still wants the handshake signed by its key.
#[derive(Debug)]
struct AnyCertificate {
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
