//! What could not be read: why, and what to do.

use super::verdict::{Finding, Severity, Verdict};
use crate::aws::CallError;

/// The only finding, when nothing of the pool could be read.
#[must_use]
pub fn nothing_was_read(unreadable: &CallError) -> Finding {
    Finding {
        severity: Severity::Unreadable,
        id: "unreadable",
        subject: "pool".into(),
        sentence: format!("could not be read, so nothing was checked: {}", unreadable.why()),
        remedy: Some(unreadable.cause.remedy()),
    }
}

pub(super) fn not_read(unreadable: &CallError) -> Verdict {
    Verdict::Unreadable(format!("could not be read: {}", unreadable.why()), unreadable.cause.remedy())
}
