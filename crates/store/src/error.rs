//! Why the database, or the place of bodies, did not do it, in words that fit all of them.

/// Why the database did not do it. `Busy`, `Gone` and `Bodies` may be tried again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the database is not reachable: {0}")]
    Gone(String),
    #[error("the database is busy: {0}")]
    Busy(String),
    #[error("there is no space left: {0}")]
    Full(String),
    /// Folder or bucket of message bodies.
    #[error("message bodies are not reachable: {0}")]
    Bodies(String),
    #[error("a row has another shape than the code expects: {0}")]
    Shape(String),
    #[error("{0} exists already")]
    Exists(String),
    #[error("statement failed: {0}")]
    Statement(String),
    #[error("migration {number} failed: {why}")]
    Migration { number: u32, why: String },
}

impl Error {
    /// The same request may succeed later without anybody doing anything but wait.
    pub fn is_passing(&self) -> bool {
        matches!(self, Error::Gone(_) | Error::Busy(_) | Error::Bodies(_))
    }
}
