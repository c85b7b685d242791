//! The time that a trigger may take. Cognito waits 5 s, the start of a function included.
//!
//! Source: <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html>

use std::time::Duration;

/// For all that a trigger does once it was started; what is not done by now is given up while it can still be told. The
/// alarms `…Slow` of template.yaml hear of what comes near it.
pub const TRIGGER: Duration = Duration::from_millis(3800);
/// For one connection, with its TLS.
pub const CONNECTION: Duration = Duration::from_secs(1);
/// For one attempt of one call.
pub const ATTEMPT: Duration = Duration::from_millis(1500);
/// Attempts of one call that is throttled, or whose connection fails.
pub const ATTEMPTS: u32 = 3;
/// The longest wait before the second attempt, and twice that before the third; each is drawn at random below its bound.
pub const FIRST_BACKOFF: Duration = Duration::from_millis(50);
/// For the connections that are opened during the start, while nothing is asked yet.
pub const OPENING: Duration = Duration::from_millis(400);
