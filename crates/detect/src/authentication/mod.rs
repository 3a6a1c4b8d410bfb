//! What authentication says about the sender, as findings.
//!
//! In: [`mail::AuthResults`], already complete. Out: findings with ids under `auth.` and `spoof.`. Not here: the checks
//! themselves (`mail::auth`).

pub mod own_domain;
mod results;

use crate::checks::CheckDoc;
use crate::inspect::Inspect;

pub const INSPECTIONS: &[&dyn Inspect] = &[&results::Results, &own_domain::OwnDomain];

pub const CHECKS: &[CheckDoc] = crate::checks::authentication::CHECKS;

#[cfg(test)]
mod tests;
