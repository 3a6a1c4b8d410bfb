//! Services, levels, and the states of Microsoft Graph's service health.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What people rely on. Connectors are services of the organisation that has them.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Service {
    Intake,
    Filtering,
    Delivery,
    Quarantine,
    Trace,
    Admin,
    Directory,
    Connector(String),
}

impl Service {
    /// Those that every organisation has, in the order of a mail's way.
    pub const SHARED: [Service; 7] =
        [Service::Intake, Service::Filtering, Service::Delivery, Service::Quarantine, Service::Trace, Service::Admin, Service::Directory];

    /// Word key and first part of the identifier.
    pub fn kind(&self) -> &'static str {
        match self {
            Service::Intake => "intake",
            Service::Filtering => "filtering",
            Service::Delivery => "delivery",
            Service::Quarantine => "quarantine",
            Service::Trace => "trace",
            Service::Admin => "admin",
            Service::Directory => "directory",
            Service::Connector(_) => "connector",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Service::Connector(name) => write!(f, "connector:{name}"),
            other => f.write_str(other.kind()),
        }
    }
}

impl From<Service> for String {
    fn from(service: Service) -> String {
        service.to_string()
    }
}

/// There is no service of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is no service")]
pub struct NoService(String);

impl FromStr for Service {
    type Err = NoService;

    fn from_str(text: &str) -> Result<Service, NoService> {
        if let Some(name) = text.strip_prefix("connector:").filter(|name| !name.is_empty()) {
            return Ok(Service::Connector(name.into()));
        }
        Service::SHARED.into_iter().find(|service| service.kind() == text).ok_or_else(|| NoService(text.into()))
    }
}

impl TryFrom<String> for Service {
    type Error = NoService;

    fn try_from(text: String) -> Result<Service, NoService> {
        text.parse()
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Level {
    #[default]
    Fine,
    /// Works; somebody should do something before it does not.
    Advice,
    /// Works worse, or for some.
    Degraded,
    /// Does not work.
    Interrupted,
}

macro_rules! statuses {
    ($($variant:ident = $name:literal),* $(,)?) => {
        /// `serviceHealthStatus` of Microsoft Graph v1.0, in its spelling.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum Status { $(#[serde(rename = $name)] $variant),* }

        impl Status {
            pub const ALL: &[Status] = &[$(Status::$variant),*];

            pub fn name(self) -> &'static str {
                match self { $(Status::$variant => $name),* }
            }

            pub fn parse(name: &str) -> Option<Status> {
                match name { $($name => Some(Status::$variant),)* _ => None }
            }
        }
    };
}

statuses!(
    ServiceOperational = "serviceOperational",
    Investigating = "investigating",
    RestoringService = "restoringService",
    VerifyingService = "verifyingService",
    ServiceRestored = "serviceRestored",
    PostIncidentReviewPublished = "postIncidentReviewPublished",
    ServiceDegradation = "serviceDegradation",
    ServiceInterruption = "serviceInterruption",
    ExtendedRecovery = "extendedRecovery",
    FalsePositive = "falsePositive",
    InvestigationSuspended = "investigationSuspended",
);

impl Status {
    /// Says that all is well, or that nobody needs to look any more.
    pub fn is_over(self) -> bool {
        matches!(
            self,
            Status::ServiceOperational
                | Status::ServiceRestored
                | Status::PostIncidentReviewPublished
                | Status::FalsePositive
                | Status::InvestigationSuspended
        )
    }

    /// How bad a service with this status is.
    pub fn level(self) -> Level {
        match self {
            Status::ServiceInterruption => Level::Interrupted,
            Status::ServiceDegradation | Status::RestoringService | Status::ExtendedRecovery => Level::Degraded,
            Status::Investigating | Status::VerifyingService => Level::Advice,
            _ => Level::Fine,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_read_as_they_are_written() {
        for service in Service::SHARED.into_iter().chain([Service::Connector("a:b".into())]) {
            assert_eq!(service.to_string().parse::<Service>(), Ok(service));
        }
        assert!("connector:".parse::<Service>().is_err() && "mail".parse::<Service>().is_err());
    }

    #[test]
    fn statuses_are_spelled_as_graph_spells_them() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.name()), Some(*status));
            assert_eq!(serde_json::to_string(status).expect("a word"), format!("\"{}\"", status.name()));
        }
        assert_eq!(Status::ALL.len(), 11);
    }
}
