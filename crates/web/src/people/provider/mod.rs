//! Signing in through an organisation's own provider (OpenID Connect Core 1.0, authorisation code with PKCE, RFC 7636).
//!
//! In: what the provider says about somebody, signed. Out: a person of that organisation. Invariants: an answer is for the request this
//! browser began (state and nonce, kept here; the browser has a token of them), from the provider that was asked (issuer, RFC 9207),
//! for us (audience), signed with a public key of the provider; a provider speaks for its own organisation only and gives no role of
//! the service; fetching from a provider reaches no private network unless the operator allows it. Not here: the form for all of this
//! (`admin::access`).

pub mod api;
pub mod client;
pub mod id_token;
mod page;
pub mod sql;

pub use page::{back_path, routes};

use super::change::Chosen;
use super::{Person, Role};
use serde::{Deserialize, Serialize};

/// How the people of an organisation sign in; kept as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Access {
    /// Known recipients sign in by a link in a mail, for their own held mail.
    pub mailbox_links: bool,
    /// Who has to have a second factor.
    pub second_factor: SecondFactor,
    pub provider: Provider,
}

/// Who of an organisation has to have a second factor before anything else opens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SecondFactor {
    /// Nobody; it is offered.
    #[default]
    Offered,
    /// Who may do more than look after their own held mail.
    Staff,
    Everyone,
}

impl SecondFactor {
    pub const ALL: [SecondFactor; 3] = [SecondFactor::Offered, SecondFactor::Staff, SecondFactor::Everyone];

    pub fn name(self) -> &'static str {
        match self {
            SecondFactor::Offered => "offered",
            SecondFactor::Staff => "staff",
            SecondFactor::Everyone => "everyone",
        }
    }

    pub fn parse(name: &str) -> Option<SecondFactor> {
        SecondFactor::ALL.into_iter().find(|one| one.name() == name)
    }

    /// What the kept settings of an organisation say; "" are none.
    pub fn of_settings(json: &str) -> SecondFactor {
        /// Only what is wanted here of [`Access`]: this is read with every request.
        #[derive(Deserialize)]
        struct Kept {
            #[serde(default)]
            second_factor: SecondFactor,
        }
        serde_json::from_str::<Kept>(json).map_or(SecondFactor::Offered, |kept| kept.second_factor)
    }

    /// Whether this person has to have one.
    pub fn binds(self, person: &Person) -> bool {
        match self {
            SecondFactor::Offered => false,
            SecondFactor::Staff => person.may.iter().any(|may| !Role::Person.may().contains(may)),
            SecondFactor::Everyone => true,
        }
    }
}

impl Default for Access {
    fn default() -> Access {
        Access { mailbox_links: true, second_factor: SecondFactor::Offered, provider: Provider::default() }
    }
}

/// An OpenID Connect provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provider {
    pub is_on: bool,
    /// As the provider writes it; where `/.well-known/openid-configuration` is.
    pub issuer: String,
    pub client_id: String,
    /// "": a public client.
    pub client_secret: String,
    /// Claim that lists groups; "" asks for none.
    pub groups_claim: String,
    /// Group, and the role it gives; the first that fits wins.
    pub groups: Vec<(String, String)>,
    /// Role of those in no such group; "": they do not get in.
    pub other_role: String,
}

/// Groups that can be mapped.
pub const GROUPS_MAX: usize = 50;

impl Provider {
    /// The role for somebody in these groups, and none for those who do not get in.
    pub fn role_for(&self, groups: &[String]) -> Option<Chosen> {
        let mapped = self.groups.iter().find(|(group, _)| groups.iter().any(|one| one == group)).map(|(_, role)| role.as_str());
        Chosen::parse(mapped.unwrap_or(&self.other_role))
    }
}

/// What was begun when somebody was sent to the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sent {
    pub org: i64,
    pub issuer: String,
    pub client_id: String,
    pub state: String,
    pub nonce: String,
    pub verifier: String,
    pub redirect: String,
    pub next: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::people::Role;

    #[test]
    fn the_first_group_that_fits_gives_the_role() {
        let provider =
            Provider { groups: vec![("admins".into(), "administrator".into()), ("desk".into(), "own.7".into())], ..Provider::default() };
        let of = |groups: &[&str]| provider.role_for(&groups.iter().map(|group| group.to_string()).collect::<Vec<_>>());
        assert_eq!(of(&["desk", "admins"]), Some(Chosen::BuiltIn(Role::Administrator)));
        assert_eq!(of(&["desk"]), Some(Chosen::Own(7)));
        assert_eq!(of(&["Admins", ""]), None, "names are exact, and nobody else gets in");
        let open = Provider { other_role: "person".into(), ..provider };
        assert_eq!(open.role_for(&[]), Some(Chosen::BuiltIn(Role::Person)));
    }
}
