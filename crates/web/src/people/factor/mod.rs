//! Second factors and passkeys: what proves more than a password does.
//!
//! In: a code, a recovery code, an answer of an authenticator. Out: whether it is this person. Invariants: a code works once; recovery
//! codes are kept as digests; a passkey is checked by a library that is reviewed for it (`webauthn-rs`). A person has a second factor
//! when an authenticator app or a passkey is set up; recovery codes alone are none.

pub mod passkey;
mod recovery;
pub mod sql;
pub mod totp;

pub use passkey::routes;
pub use recovery::{CODES, fresh_codes};

use super::limit;
use super::session::digest;
use crate::App;
use crate::page::Fault;
use gateway::dkim::Seal;
use mail::PersonId;
use store::{Error, Tx};

/// What a person has set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Factors {
    pub has_password: bool,
    pub has_totp: bool,
    pub passkeys: i64,
    pub recovery_codes: i64,
}

impl Factors {
    /// Whether signing in asks for more than the first proof.
    pub fn has_second(self) -> bool {
        self.has_totp || self.passkeys > 0
    }
}

/// How somebody proved it the second time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    App,
    Recovery,
}

/// Whether `code` is the person's: from the authenticator app, or one of the recovery codes, which is gone then.
/// # Errors
/// [`Fault::TooMany`] when codes of this person were tried too often lately, from wherever.
pub async fn code_fits(app: &App, person: PersonId, code: &str) -> Result<Option<Proof>, Fault> {
    let key = format!("code {}", person.0);
    let now_ms = app.now_ms();
    app.limits().take(&key, limit::CODE, now_ms)?;
    let (code, seal) = (code.to_string(), app.seal.clone());
    let proof = app.db.tx(move |tx| Box::pin(async move { code_fits_in(tx, &seal, person, (&code, now_ms)).await })).await?;
    if proof.is_some() {
        app.limits().give_back(&key);
    }
    Ok(proof)
}

async fn code_fits_in(tx: &mut Tx, seal: &Seal, person: PersonId, (code, now_ms): (&str, i64)) -> Result<Option<Proof>, Error> {
    if let Some(totp) = sql::totp(tx, seal, person).await?.filter(|totp| totp.is_on)
        && let Some(step) = totp::fitting_step(&totp.secret, code, now_ms, totp.last_step)
    {
        // Of two with the same code at once, one gets in.
        return Ok(sql::use_step(tx, person, step).await?.then_some(Proof::App));
    }
    let plain = recovery::plain(code);
    if plain.is_empty() {
        return Ok(None);
    }
    Ok(sql::use_recovery_code(tx, person, &digest(&plain)).await?.then_some(Proof::Recovery))
}
