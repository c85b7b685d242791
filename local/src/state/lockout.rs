//! The lockout after wrong passwords.
//!
//! Source: "Lockout behavior for failed sign-in attempts" of the Cognito developer guide: after five wrong passwords a lockout of one
//! second, which each further one doubles, up to about 15 minutes; attempts during a lockout do not count; the count starts again with
//! a right password, and after 15 minutes without an attempt.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use shared::clock::UnixTime;

use crate::error::CognitoError;

/// Wrong passwords that cost nothing.
const FREE: u32 = 5;
/// Seconds of the longest lockout, and of the pause after which the count starts again.
const LONGEST_SECONDS: u64 = 15 * 60;

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Failures {
    count: u32,
    last: UnixTime,
    locked_until: UnixTime,
}

/// Wrong passwords, by user name; of users who do not exist too, so that nobody can tell.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Lockouts(BTreeMap<String, Failures>);

impl Lockouts {
    pub(crate) fn check(&self, user_name: &str, now: UnixTime) -> Result<(), CognitoError> {
        match self.0.get(&user_name.to_lowercase()) {
            Some(failures) if now < failures.locked_until => {
                Err(CognitoError::not_authorized("Password attempts exceeded"))
            }
            Some(_) | None => Ok(()),
        }
    }

    pub(crate) fn count(&mut self, user_name: &str, now: UnixTime) {
        let before =
            self.0.get(&user_name.to_lowercase()).filter(|failures| now.since(failures.last) < LONGEST_SECONDS);
        let count = before.map_or(0, |failures| failures.count).saturating_add(1);
        let seconds = match count.checked_sub(FREE) {
            None => 0,
            Some(doublings) => 1_u64.checked_shl(doublings).unwrap_or(LONGEST_SECONDS).min(LONGEST_SECONDS),
        };
        self.0.insert(user_name.to_lowercase(), Failures { count, last: now, locked_until: now.plus(seconds) });
    }

    pub(crate) fn forget(&mut self, user_name: &str) {
        self.0.remove(&user_name.to_lowercase());
    }
}
