//! How long an invocation may take. Cognito waits 5 s, including the start of a function.
//!
//! Source: <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-working-with-lambda-triggers.html>

use std::time::Duration;

/// For everything that one invocation does: what is not done by then is given up while the reason can still be logged. The
/// `…Fails` alarms of template.yaml count what comes near it.
pub const INVOCATION: Duration = Duration::from_millis(3800);
/// For the token guard's decision while it only reports, so that a slow table denies nothing: two thirds of the invocation are left
/// to the next function.
pub const REPORTED_DECISION: Duration = Duration::from_millis(1300);
/// For the record that the claims of a refresh come from: a refresh passes without them.
pub const REFRESH_CLAIMS: Duration = Duration::from_millis(1000);
/// For one connection, with its TLS.
pub const CONNECTION: Duration = Duration::from_secs(1);
/// For one attempt of one call.
pub const ATTEMPT: Duration = Duration::from_millis(1500);
/// Attempts of one call that is throttled, or whose connection fails.
pub const ATTEMPTS: u32 = 3;
/// The longest wait before the second attempt, and twice that before the third; each is drawn at random below its bound.
pub const FIRST_BACKOFF: Duration = Duration::from_millis(50);
/// For the connections that are opened on startup, before anything is asked for.
pub const PRECONNECT: Duration = Duration::from_millis(400);
