//! When something was changed last, in milliseconds as Cognito has it: each change is later than the one before.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::clock::UnixTime;

/// `LastModifiedDate`, in milliseconds since 1970. The clock gives whole seconds: a further change in one second is a millisecond later.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct LastModified(u64);

impl LastModified {
    pub(crate) fn at(now: UnixTime) -> Self {
        Self(now.0.saturating_mul(1000))
    }

    /// After another change.
    pub(crate) fn again(self, now: UnixTime) -> Self {
        Self(Self::at(now).0.max(self.0.saturating_add(1)))
    }

    /// In seconds, with a fraction.
    #[expect(clippy::cast_precision_loss, reason = "exact for the next 280,000 years")]
    pub(crate) fn to_json(self) -> Value {
        json!(self.0 as f64 / 1000.0)
    }
}
