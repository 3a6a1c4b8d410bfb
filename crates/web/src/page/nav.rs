//! The navigation: what a person may open, in groups.

use super::View;
use crate::people::May;

/// A group of links under one heading.
#[derive(Debug, Clone)]
pub struct Group {
    /// Words key of the heading.
    pub title: &'static str,
    pub links: Vec<Link>,
}

#[derive(Debug, Clone)]
pub struct Link {
    pub href: &'static str,
    /// Words key.
    pub title: &'static str,
    pub icon: &'static str,
    pub is_here: bool,
}

/// One line of the table below: path, words key, icon, permission.
type Entry = (&'static str, &'static str, &'static str, May);

/// Everything there is, in the order people look for it. A link shows when the person may open it.
const ALL: &[(&str, &[Entry])] = &[
    (
        "nav-mail",
        &[
            ("/overview", "nav-overview", "data-trending", May::Overview),
            ("/reports", "nav-reports", "poll", May::Overview),
            ("/trace", "nav-trace", "search", May::Trace),
            ("/removals", "removal-title", "mail-dismiss", May::Trace),
            ("/submissions", "nav-submissions", "document-text", May::Trace),
            ("/quarantine", "nav-quarantine", "archive", May::Quarantine),
            ("/second-looks", "nav-second-looks", "question-circle", May::Trace),
            ("/quarantine/mine", "nav-mine", "mail-inbox", May::OwnQuarantine),
            ("/entries/mine", "nav-own-entries", "prohibited", May::OwnQuarantine),
            ("/rules/approvals", "rules-approvals", "gavel", May::OwnQuarantine),
        ],
    ),
    (
        "nav-protection",
        &[
            ("/policies", "nav-policies", "shield", May::ReadSettings),
            ("/entries", "nav-entries", "prohibited", May::ReadSettings),
            ("/rules", "nav-rules", "filter", May::ReadSettings),
            ("/restricted", "restricted-title", "prohibited", May::ReadSettings),
        ],
    ),
    (
        "nav-flow",
        &[
            ("/domains", "nav-domains", "globe", May::ReadSettings),
            ("/directory", "directory-title", "people", May::ReadSettings),
            ("/groups", "group-title", "people", May::ReadSettings),
            ("/connectors", "nav-connectors", "plug-connected", May::ReadSettings),
            ("/destinations", "destinations-title", "send", May::ReadSettings),
            ("/connectivity", "nav-connectivity", "poll", May::ReadSettings),
        ],
    ),
    ("nav-operation", &[("/admin/doctor", "nav-doctor", "settings", May::Operate)]),
    (
        "nav-support",
        &[
            ("/requests", "nav-requests", "mail-inbox", May::Requests),
            ("/premier", "premier-title", "people", May::Requests),
            ("/support", "support-title", "people", May::Support),
        ],
    ),
    ("nav-people", &[("/people", "nav-persons", "people", May::People), ("/audit", "nav-audit", "history", May::Audit)]),
];

/// What everybody who is signed in may open: path, words key, icon.
const EVERYBODY: &[(&str, &str, &str)] = &[
    ("/troubleshoot", "diagnosis-title", "search"),
    ("/health", "nav-health", "checkmark-circle"),
    ("/health/messages", "nav-messages", "mail"),
    ("/help/agent", "agent-title", "question-circle"),
    ("/community", "community-title", "people"),
    ("/help/phone", "phone-title", "question-circle"),
];

pub fn groups(view: &View) -> Vec<Group> {
    let path = view.path.split('?').next().unwrap_or_default();
    let is_under = |href: &str| path == href || path.strip_prefix(href).is_some_and(|rest| rest.starts_with('/'));
    // The longest that fits, so that a page stands under one link only.
    let hrefs = ALL.iter().flat_map(|(_, entries)| *entries).map(|entry| entry.0).chain(EVERYBODY.iter().map(|entry| entry.0));
    let here = hrefs.filter(|href| is_under(href)).max_by_key(|href| href.len());
    let is_here = |href: &str| here == Some(href);
    let link = |entry: &Entry| {
        let (href, title, icon, may) = *entry;
        // Support is nobody who belongs to an organisation (`support_desk::desk`).
        let is_theirs = may != May::Support || view.person.as_ref().is_some_and(|person| person.home.is_none());
        (view.may(may) && is_theirs).then(|| Link { href, title, icon, is_here: is_here(href) })
    };
    let links = |entries: &[Entry]| {
        let mut links: Vec<Link> = entries.iter().filter_map(link).collect();
        // Two permissions may lead to one page.
        links.dedup_by_key(|link| link.href);
        links
    };
    let groups = ALL.iter().map(|(title, entries)| Group { title, links: links(entries) });
    let everybody = EVERYBODY.iter().map(|(href, title, icon)| Link { href, title, icon, is_here: is_here(href) }).collect();
    let help = view.person.iter().map(|_| Group { title: "nav-help", links: Vec::clone(&everybody) });
    groups.chain(help).filter(|group| !group.links.is_empty()).collect()
}
