//! The token in which a provider says who somebody is (OpenID Connect Core 1.0 §3.1.3.7), checked.

use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

/// Signatures with a public key only: with a shared secret as the key, a token that anybody made would pass for the provider's
/// (RFC 8725 §2.1), and "none" is no signature.
const ALGORITHMS: &[Algorithm] = &[
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];
/// Clocks differ.
const LEEWAY_S: i64 = 60;
/// A token older than this answers no sign-in of now.
const AGE_S_MAX: i64 = 10 * 60;
const GROUPS_MAX: usize = 1000;
/// OpenID Connect Core 1.0 §2.
const SUBJECT_CHARS_MAX: usize = 255;

/// What must hold.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    pub issuer: &'a str,
    pub client_id: &'a str,
    pub nonce: &'a str,
    pub groups_claim: &'a str,
    pub now_ms: i64,
}

/// Who somebody is, in the provider's words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Claims {
    pub subject: String,
    /// "": not told, or the provider itself says that it is not checked.
    pub email: String,
    pub name: String,
    pub groups: Vec<String>,
}

/// Why a token does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Bad {
    #[error("it is no token")]
    Shape,
    #[error("it is signed in a way that is not taken")]
    Algorithm,
    #[error("the provider has no such key")]
    Key,
    #[error("the signature is wrong")]
    Signature,
    #[error("another issuer made it")]
    Issuer,
    #[error("it is for another client")]
    Audience,
    #[error("it answers another request")]
    Nonce,
    #[error("it is too old, or not valid yet")]
    Time,
}

/// The claims of a token that is the provider's, for us, about this request, and of now.
pub fn check(token: &str, keys: &JwkSet, wanted: Wanted<'_>) -> Result<Claims, Bad> {
    // An unknown algorithm, "none" among them, is no header to this library.
    let header = jsonwebtoken::decode_header(token).map_err(|_| Bad::Algorithm)?;
    if !ALGORITHMS.contains(&header.alg) {
        return Err(Bad::Algorithm);
    }
    let mut rules = Validation::new(header.alg);
    // Names and times are checked below, where the clock is a parameter.
    rules.validate_exp = false;
    rules.validate_aud = false;
    rules.required_spec_claims.clear();
    let mut bad = Bad::Key;
    for key in keys.keys.iter().filter(|key| is_for(key, header.kid.as_deref(), header.alg)) {
        let Ok(key) = DecodingKey::from_jwk(key) else { continue };
        match jsonwebtoken::decode::<Map<String, Value>>(token, &key, &rules) {
            Ok(token) => return claims(&token.claims, wanted),
            Err(_) => bad = Bad::Signature,
        }
    }
    Err(bad)
}

/// Whether a key may have made the signature.
fn is_for(key: &Jwk, kid: Option<&str>, algorithm: Algorithm) -> bool {
    let is_named = kid.is_none_or(|kid| key.common.key_id.as_deref().is_none_or(|id| id == kid));
    let is_of_kind =
        key.common.key_algorithm.is_none_or(|of_key| of_key.to_string().parse::<Algorithm>().is_ok_and(|of_key| of_key == algorithm));
    is_named && is_of_kind && !matches!(key.common.public_key_use, Some(PublicKeyUse::Encryption))
}

fn claims(all: &Map<String, Value>, wanted: Wanted<'_>) -> Result<Claims, Bad> {
    let text = |name: &str| all.get(name).and_then(Value::as_str).unwrap_or_default();
    if text("iss") != wanted.issuer {
        return Err(Bad::Issuer);
    }
    let audiences: Vec<&str> = match all.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let authorised = text("azp");
    let is_ours = audiences.contains(&wanted.client_id)
        && (audiences.len() == 1 || authorised == wanted.client_id)
        && (authorised.is_empty() || authorised == wanted.client_id);
    if !is_ours {
        return Err(Bad::Audience);
    }
    if text("nonce") != wanted.nonce || wanted.nonce.is_empty() {
        return Err(Bad::Nonce);
    }
    let (now_s, moment) = (wanted.now_ms / 1000, |name: &str| all.get(name).and_then(Value::as_f64).map(|at| at as i64));
    let (Some(ends_s), Some(made_s)) = (moment("exp"), moment("iat")) else { return Err(Bad::Time) };
    let begins_s = moment("nbf").unwrap_or(made_s);
    let is_now = now_s < ends_s + LEEWAY_S && now_s + LEEWAY_S >= begins_s.max(made_s) && now_s - made_s <= AGE_S_MAX;
    if !is_now {
        return Err(Bad::Time);
    }
    let subject = text("sub").to_string();
    if subject.is_empty() || subject.chars().count() > SUBJECT_CHARS_MAX {
        return Err(Bad::Shape);
    }
    let is_checked = !matches!(all.get("email_verified"), Some(Value::Bool(false))) && text("email_verified") != "false";
    Ok(Claims {
        subject,
        email: if is_checked { text("email").to_string() } else { String::new() },
        name: text("name").chars().filter(|c| !c.is_control()).take(crate::people::account::NAME_CHARS_MAX).collect(),
        groups: groups(all.get(wanted.groups_claim)),
    })
}

/// A list of names, or one name.
fn groups(claim: Option<&Value>) -> Vec<String> {
    match claim {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).take(GROUPS_MAX).map(str::to_string).collect(),
        Some(Value::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    }
}
