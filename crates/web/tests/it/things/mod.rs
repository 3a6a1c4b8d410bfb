//! One thing of each kind that belongs to an organisation: what a placeholder of which path means. One file a feature.

pub mod community;
mod desk;
mod diagnosis;
mod directory;
mod domain;
mod health;
pub mod mail;
mod mail_report;
mod people;
mod policy;
mod quarantine;
mod removal;
pub mod request;
mod restricted;
mod rule;
mod submission;
mod support;

pub use mail::held_mail;

use crate::scene::Scene;
use ::mail::OrgId;

/// Words that only stand in what belongs to the other organisation.
pub const MARK: &str = "zebra-of-other";

/// Beginning of a path, name of the placeholder ("*": any), and what it is.
pub type Places = Vec<(&'static str, &'static str, String)>;

/// The longest beginning wins.
pub struct Things {
    by_place: Places,
}

impl Things {
    pub fn value(&self, path: &str, placeholder: &str) -> String {
        let fits = |(begin, name, _): &&(&str, &str, String)| path.starts_with(*begin) && (*name == placeholder || *name == "*");
        let found = self.by_place.iter().filter(fits).max_by_key(|(begin, name, _)| (begin.len(), *name != "*"));
        found.unwrap_or_else(|| panic!("{path}: say in tests/it/things what {{{placeholder}}} is in an organisation")).2.clone()
    }
}

/// Makes things of `org`, each with [`MARK`] in what people read.
pub async fn things(scene: &Scene, org: OrgId) -> Things {
    let mut by_place = Places::new();
    by_place.extend(domain::there(scene, org).await);
    by_place.extend(community::there(scene, org).await);
    by_place.extend(desk::there(scene, org).await);
    by_place.extend(diagnosis::there(scene, org).await);
    by_place.extend(directory::there(scene, org).await);
    by_place.extend(mail::there(scene, org).await);
    by_place.extend(mail_report::there(scene, org).await);
    by_place.extend(health::there(scene, org).await);
    by_place.extend(quarantine::there(scene, org).await);
    by_place.extend(policy::there(scene, org).await);
    by_place.extend(removal::there(scene, org).await);
    by_place.extend(people::there(scene, org).await);
    by_place.extend(rule::there(scene, org).await);
    by_place.extend(submission::there(scene, org).await);
    by_place.extend(request::there(scene, org).await);
    by_place.extend(restricted::there(scene, org).await);
    by_place.extend(support::there(scene, org).await);
    Things { by_place }
}

/// The same kinds of name for what is nowhere.
pub fn nothing() -> Things {
    let mut by_place = Places::new();
    by_place.extend(domain::nowhere());
    by_place.extend(community::nowhere());
    by_place.extend(desk::nowhere());
    by_place.extend(diagnosis::nowhere());
    by_place.extend(directory::nowhere());
    by_place.extend(mail::nowhere());
    by_place.extend(mail_report::nowhere());
    by_place.extend(health::nowhere());
    by_place.extend(quarantine::nowhere());
    by_place.extend(policy::nowhere());
    by_place.extend(removal::nowhere());
    by_place.extend(people::nowhere());
    by_place.extend(rule::nowhere());
    by_place.extend(submission::nowhere());
    by_place.extend(request::nowhere());
    by_place.extend(support::nowhere());
    Things { by_place }
}

/// The same name under the paths of pages and of the API.
pub fn under(begins: &[&'static str], name: &str) -> Places {
    begins.iter().map(|begin| (*begin, "*", name.to_string())).collect()
}
