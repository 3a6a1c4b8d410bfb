//! Credentials of AUTH PLAIN (RFC 4616) and LOGIN.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// RFC 4954 §4: what a client sends in one step.
pub const RESPONSE_OCTETS_MAX: usize = 12_288;
/// Each of login and password; RFC 4616 §2 has 255 characters, passwords made by programs are longer.
const CREDENTIAL_OCTETS_MAX: usize = 1_024;

#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Whom the client wants to act as; empty for itself.
    pub acts_as: String,
    pub login: String,
    pub password: String,
}

/// Does not show the password.
impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("acts_as", &self.acts_as).field("login", &self.login).finish_non_exhaustive()
    }
}

/// `base64([authzid] NUL authcid NUL passwd)`.
pub fn decode_plain(response: &str) -> Option<Credentials> {
    let text = decode(response)?;
    let mut parts = text.split('\0');
    let (acts_as, login, password) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let credentials = Credentials { acts_as: acts_as.to_string(), login: login.to_string(), password: password.to_string() };
    is_usable(&credentials).then_some(credentials)
}

/// Both answers of LOGIN, to "Username:" and "Password:".
pub fn decode_login(login: &str, password: &str) -> Option<Credentials> {
    let credentials = Credentials { acts_as: String::new(), login: decode(login)?, password: decode(password)? };
    is_usable(&credentials).then_some(credentials)
}

/// The initial response of AUTH PLAIN, for our own client.
pub fn encode_plain(login: &str, password: &str) -> String {
    STANDARD.encode(format!("\0{login}\0{password}"))
}

fn decode(response: &str) -> Option<String> {
    if response.len() > RESPONSE_OCTETS_MAX {
        return None;
    }
    String::from_utf8(STANDARD.decode(response).ok()?).ok()
}

fn is_usable(credentials: &Credentials) -> bool {
    let Credentials { acts_as, login, password } = credentials;
    let is_short = [acts_as, login, password].iter().all(|text| text.len() <= CREDENTIAL_OCTETS_MAX);
    is_short
        && !login.is_empty()
        && !password.is_empty()
        && !password.contains('\0')
        && ![acts_as, login].iter().any(|text| text.contains(char::is_control))
}
