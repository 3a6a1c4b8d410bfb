//! Roles: named sets of permissions.

use super::May;

/// The roles that come with Gatepost, and the mark of one that does not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    Operator,
    SupportEngineer,
    AccountManager,
    Administrator,
    SecurityReader,
    HelpDesk,
    QuarantineReviewer,
    Person,
    /// One that the organisation made itself; its name and permissions stand in `own_role`.
    Own,
}

impl Role {
    /// Those that come with Gatepost; not [`Role::Own`].
    pub const ALL: [Role; 8] = [
        Role::Operator,
        Role::SupportEngineer,
        Role::AccountManager,
        Role::Administrator,
        Role::SecurityReader,
        Role::HelpDesk,
        Role::QuarantineReviewer,
        Role::Person,
    ];

    /// As stored; words `role-…`.
    pub fn name(self) -> &'static str {
        match self {
            Role::Operator => "operator",
            Role::SupportEngineer => "support-engineer",
            Role::AccountManager => "account-manager",
            Role::Administrator => "administrator",
            Role::SecurityReader => "security-reader",
            Role::HelpDesk => "help-desk",
            Role::QuarantineReviewer => "quarantine-reviewer",
            Role::Person => "person",
            Role::Own => "own",
        }
    }

    pub fn parse(name: &str) -> Option<Role> {
        Role::ALL.into_iter().find(|role| role.name() == name)
    }

    /// What it may. Support engineers and account managers see nothing of an organisation by their role: that takes its consent.
    pub fn may(self) -> &'static [May] {
        use May::*;
        match self {
            Role::Operator => May::ALL,
            Role::SupportEngineer => &[Community, Moderate, Support, Tokens],
            Role::AccountManager => &[Community, Support, Tokens],
            Role::Administrator => &[
                Overview,
                Trace,
                ReadMail,
                OwnQuarantine,
                Quarantine,
                Release,
                ReleaseMalware,
                ReadSettings,
                Entries,
                Policies,
                Rules,
                Domains,
                Connectors,
                People,
                Audit,
                Requests,
                Community,
                Moderate,
                Tokens,
            ],
            Role::SecurityReader => &[Overview, Trace, OwnQuarantine, Quarantine, ReadSettings, Audit, Requests, Community, Tokens],
            Role::HelpDesk => &[Overview, Trace, OwnQuarantine, Quarantine, ReadSettings, Requests, Community],
            Role::QuarantineReviewer => &[Overview, OwnQuarantine, Quarantine, Release, ReadMail, Community],
            Role::Person => &[OwnQuarantine, Community],
            Role::Own => &[],
        }
    }

    /// Roles of the service rather than of one organisation.
    pub fn is_of_service(self) -> bool {
        matches!(self, Role::Operator | Role::SupportEngineer | Role::AccountManager)
    }
}
