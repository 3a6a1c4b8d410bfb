//! Fetching from a provider: its metadata, its keys, and the code for a token.
//!
//! An administrator names the provider, so what is fetched is somebody's choice who must not look into the operator's network with it
//! (server-side request forgery): every address is looked up here and only public ones are connected to, no redirect is followed, answers
//! are short and quick, and what was fetched is never shown.

use super::Provider;
use crate::App;
use gateway::delivery::is_public;
use jsonwebtoken::jwk::JwkSet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
const ANSWER_OCTETS_MAX: usize = 256 << 10;

/// Why the provider could not be asked, for the administrator who tests it. Words `provider-…`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    #[error("not an https address")]
    NoTls,
    #[error("not a public address")]
    Private,
    #[error("not reachable: {0}")]
    Unreachable(String),
    #[error("answered {0}")]
    Status(u16),
    #[error("answered something else: {0}")]
    Unreadable(String),
    #[error("says it is another issuer")]
    OtherIssuer,
}

impl ProviderError {
    /// End of the key of its words.
    pub fn name(&self) -> &'static str {
        match self {
            ProviderError::NoTls => "no-tls",
            ProviderError::Private => "private",
            ProviderError::Unreachable(_) => "unreachable",
            ProviderError::Status(_) => "status",
            ProviderError::Unreadable(_) => "unreadable",
            ProviderError::OtherIssuer => "other-issuer",
        }
    }
}

/// OpenID Connect Discovery 1.0 §3, as far as we use it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Metadata {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub jwks_uri: String,
    #[serde(default)]
    pub token_endpoint_auth_methods_supported: Vec<String>,
    /// RFC 9207 §3.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
}

/// What the token endpoint answers.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Tokens {
    pub id_token: String,
}

/// Looks names up and keeps public addresses only.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.filter(|address| is_public(address.ip())).collect();
            if found.is_empty() {
                return Err(ProviderError::Private.into());
            }
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

static PUBLIC: LazyLock<Option<reqwest::Client>> = LazyLock::new(|| built(reqwest::Client::builder().dns_resolver(Arc::new(PublicOnly))));
static ANY: LazyLock<Option<reqwest::Client>> = LazyLock::new(|| built(reqwest::Client::builder()));

fn built(builder: reqwest::ClientBuilder) -> Option<reqwest::Client> {
    // A proxy from the environment would look names up for us.
    let builder = builder.no_proxy().redirect(reqwest::redirect::Policy::none()).connect_timeout(CONNECT_WITHIN).timeout(ANSWER_WITHIN);
    builder.build().inspect_err(|why| tracing::error!("no provider can be asked: {why}")).ok()
}

/// The address, when we may go there, and who goes.
fn target(app: &App, url: &str) -> Result<(reqwest::Url, &'static reqwest::Client), ProviderError> {
    let url = reqwest::Url::parse(url).map_err(|_| ProviderError::NoTls)?;
    let is_free = app.settings.private_providers;
    if url.scheme() != "https" && !(is_free && url.scheme() == "http") {
        return Err(ProviderError::NoTls);
    }
    let host = url.host_str().unwrap_or_default();
    let literal: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
    // An address in the URL itself is never looked up, so it is checked here.
    if !is_free && literal.is_some_and(|ip| !is_public(ip)) {
        return Err(ProviderError::Private);
    }
    let client = if is_free { &*ANY } else { &*PUBLIC };
    Ok((url, client.as_ref().ok_or_else(|| ProviderError::Unreachable("no client".into()))?))
}

async fn read<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<T, ProviderError> {
    let unreachable = |why: reqwest::Error| {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&why);
        while let Some(one) = cause {
            if one.downcast_ref::<ProviderError>() == Some(&ProviderError::Private) {
                return ProviderError::Private;
            }
            cause = one.source();
        }
        ProviderError::Unreachable(why.without_url().to_string())
    };
    let mut answer = request.header("accept", "application/json").send().await.map_err(unreachable)?;
    let status = answer.status();
    if !status.is_success() {
        return Err(ProviderError::Status(status.as_u16()));
    }
    let mut octets = Vec::new();
    while let Some(more) = answer.chunk().await.map_err(|why| ProviderError::Unreachable(why.without_url().to_string()))? {
        if octets.len() + more.len() > ANSWER_OCTETS_MAX {
            return Err(ProviderError::Unreadable("too long".into()));
        }
        octets.extend_from_slice(&more);
    }
    serde_json::from_slice(&octets).map_err(|why| ProviderError::Unreadable(format!("line {}, column {}", why.line(), why.column())))
}

/// The provider's metadata; its issuer is the one that was asked (OpenID Connect Discovery 1.0 §4.3).
pub async fn discover(app: &App, issuer: &str) -> Result<Metadata, ProviderError> {
    let (url, client) = target(app, &format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/')))?;
    let metadata: Metadata = read(client.get(url)).await?;
    if metadata.issuer != issuer {
        return Err(ProviderError::OtherIssuer);
    }
    // Where the browser is sent is not fetched by us, but must be TLS all the same.
    target(app, &metadata.token_endpoint)?;
    target(app, &metadata.jwks_uri)?;
    let is_web = reqwest::Url::parse(&metadata.authorization_endpoint)
        .is_ok_and(|url| url.scheme() == "https" || app.settings.private_providers && url.scheme() == "http");
    if is_web { Ok(metadata) } else { Err(ProviderError::NoTls) }
}

pub async fn keys(app: &App, metadata: &Metadata) -> Result<JwkSet, ProviderError> {
    let (url, client) = target(app, &metadata.jwks_uri)?;
    read(client.get(url)).await
}

/// The code for tokens (RFC 6749 §4.1.3), with the PKCE verifier.
pub async fn exchange(
    app: &App,
    metadata: &Metadata,
    provider: &Provider,
    sent: &super::Sent,
    code: &str,
) -> Result<Tokens, ProviderError> {
    let (url, client) = target(app, &metadata.token_endpoint)?;
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", &sent.redirect),
        ("code_verifier", &sent.verifier),
        ("client_id", &provider.client_id),
    ];
    let methods = &metadata.token_endpoint_auth_methods_supported;
    let by_post = !methods.is_empty() && !methods.iter().any(|method| method == "client_secret_basic");
    if by_post && !provider.client_secret.is_empty() {
        form.push(("client_secret", &provider.client_secret));
    }
    let pairs: Vec<String> = form.iter().map(|(name, value)| crate::page::guard::form_pair(name, value)).collect();
    let mut request = client.post(url).header("content-type", "application/x-www-form-urlencoded").body(pairs.join("&"));
    if !by_post && !provider.client_secret.is_empty() {
        // RFC 6749 §2.3.1: both are form-encoded before they are joined.
        let encoded = |text: &str| crate::page::guard::form_pair("", text).trim_start_matches('=').to_string();
        request = request.basic_auth(encoded(&provider.client_id), Some(encoded(&provider.client_secret)));
    }
    read(request).await
}
