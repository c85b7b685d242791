//! The limit on requests, so that an app can see what Cognito answers above its quotas.
//!
//! Cognito has a quota for each category of operations, in each account and region; here one number is for all calls together.
//!
//! Source: "Quotas in Amazon Cognito" of the developer guide.

use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};

use shared::clock::UnixTime;

use crate::error::CognitoError;

/// How many calls a second are answered, and how many there were in this one.
pub(crate) struct RequestLimit {
    per_second: NonZeroU32,
    counted: Mutex<(UnixTime, u32)>,
}

impl RequestLimit {
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        Self { per_second, counted: Mutex::default() }
    }

    /// Counts a call, or refuses it; those that are refused are not counted.
    pub(crate) fn count(&self, now: UnixTime) -> Result<(), CognitoError> {
        let mut counted = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        let (second, before) = *counted;
        let count = if second == now { before.saturating_add(1) } else { 1 };
        if count > self.per_second.get() {
            return Err(CognitoError::new("TooManyRequestsException", "Rate exceeded"));
        }
        *counted = (now, count);
        Ok(())
    }
}
