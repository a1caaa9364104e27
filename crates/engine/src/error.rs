//! Problems in doing: a kind that decides the exit status, a message, a hint, the object it is about.
//! Owns the shape of every error of the engine; never holds a secret.

use std::fmt;

/// The engine's result.
pub type Result<T> = std::result::Result<T, Error>;

/// What kind of problem it is; each kind has one exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A fault of ours (exit 1).
    Internal,
    /// Usage or configuration (exit 2).
    Usage,
    /// The source is unreadable, corrupt, locked or has changed (exit 3).
    Source,
    /// The target is unreachable, refuses, is not empty or lacks a privilege (exit 4).
    Target,
    /// The plan needs a decision (exit 5).
    NeedsDecision,
    /// Rows were rejected beyond the limit (exit 6).
    Rejected,
    /// Verification found differences (exit 7).
    Different,
    /// Interrupted; can be resumed (exit 8).
    Interrupted,
}

impl Kind {
    /// The exit status of the command line.
    pub fn exit(self) -> u8 {
        match self {
            Kind::Internal => 1,
            Kind::Usage => 2,
            Kind::Source => 3,
            Kind::Target => 4,
            Kind::NeedsDecision => 5,
            Kind::Rejected => 6,
            Kind::Different => 7,
            Kind::Interrupted => 8,
        }
    }
}

/// A problem in doing.
#[derive(Debug)]
pub struct Error {
    /// Its kind.
    pub kind: Kind,
    /// What went wrong, in one sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The table, file, step or server it is about.
    pub object: Option<String>,
    /// What lies beneath.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// A new error.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), hint: None, object: None, source: None }
    }

    /// An error about the source (exit 3).
    pub fn source(message: impl Into<String>) -> Self {
        Self::new(Kind::Source, message)
    }

    /// An error about the target (exit 4).
    pub fn target(message: impl Into<String>) -> Self {
        Self::new(Kind::Target, message)
    }

    /// A fault of ours (exit 1).
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// A usage error (exit 2).
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds what it is about.
    #[must_use]
    pub fn about(mut self, object: impl Into<String>) -> Self {
        self.object = Some(object.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn because(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(cause));
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(object) = &self.object {
            write!(f, "{object}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|e| e as &(dyn std::error::Error + 'static))
    }
}
