//! What the next function's error says: for the operator's log, and for the client only where the operator shows it.
//!
//! Invariant: a [`ShownSentence`] is made by [`Refusal::shown`] alone, from an error of the next function and under
//! `NEXT_PRE_TOKEN_GENERATION_ERRORS=SHOWN`. It is the one text apart from our fixed sentence that a client can receive.

use serde_json::Value;

use crate::characters::one_line;
use crate::guard_settings::NextFunctionErrors;

/// Characters of an error message that are kept, of any script.
pub const LONGEST_MESSAGE: usize = 200;
/// Characters of an error type that are kept.
const LONGEST_TYPE: usize = 100;

/// The next function ended with an error, which is how a team's own function denies tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    error_type: String,
    error_message: String,
}

impl Refusal {
    /// Reads what Lambda returns for a function that failed: `errorType` and `errorMessage`, each one line of bounded length.
    /// Whatever else it holds is left out, such as a stack trace.
    #[must_use]
    pub fn read(payload: &[u8]) -> Self {
        let error: Value = serde_json::from_slice(payload).unwrap_or_default();
        let text = |name: &str, longest| one_line(error.get(name).and_then(Value::as_str).unwrap_or_default(), longest);
        Self { error_type: text("errorType", LONGEST_TYPE), error_message: text("errorMessage", LONGEST_MESSAGE) }
    }

    /// Its message, where the operator shows it and there is one.
    #[must_use]
    pub fn shown(&self, errors: NextFunctionErrors) -> Option<ShownSentence> {
        match errors {
            NextFunctionErrors::Hidden => None,
            NextFunctionErrors::Shown if self.error_message.is_empty() => None,
            NextFunctionErrors::Shown => Some(ShownSentence(self.error_message.clone())),
        }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.error_type, self.error_message)
    }
}

impl std::error::Error for Refusal {}

/// One line of at most [`LONGEST_MESSAGE`] characters that the team's own function wrote for its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownSentence(String);

impl std::fmt::Display for ShownSentence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
