//! What a record notes for operators: nothing here decides about a sign-in.

use serde::{Deserialize, Serialize};

use crate::characters::one_line;
use crate::clock::UnixTime;

/// A change of a record by a command: who made it, when, and which command. For people: anybody who may write the table can forge
/// it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    by: String,
    at: UnixTime,
    what: String,
}

impl Change {
    /// Characters of `by` at most; the rest is cut.
    pub const BY_CHARACTERS: usize = 256;
    /// Characters of `what` at most.
    pub const WHAT_CHARACTERS: usize = 64;

    /// `by` is the ARN that STS returned. Both are cut, and on one line.
    #[must_use]
    pub fn new(by: &str, what: &str, at: UnixTime) -> Self {
        Self { by: one_line(by, Self::BY_CHARACTERS), at, what: one_line(what, Self::WHAT_CHARACTERS) }
    }

    /// The operator's ARN.
    #[must_use]
    pub fn by(&self) -> &str {
        &self.by
    }

    /// When.
    #[must_use]
    pub fn at(&self) -> UnixTime {
        self.at
    }

    /// The command.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }
}

/// By how much the clock of an authenticator is off, as a wrong passcode showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockOffset {
    /// Seconds that it is ahead; negative when it is behind.
    pub seconds: i64,
    /// When the passcode was typed.
    pub at: UnixTime,
}
