//! AWS Lambda's side of a function: start, logging, the time budget. Used by each `main.rs`.

use lambda_runtime::{LambdaEvent, Runtime, service_fn};
use serde_json::Value;
use serde_json::value::RawValue;
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use crate::error::{ClientError, HandlerError};
use crate::invocation::answer;
use crate::settings::{Lookup, SettingError, optional};
use crate::timeouts;

/// What a `main.rs` returns.
pub type Ended = Result<(), Stopped>;

/// Why a function stopped, in words for its log.
pub struct Stopped(String);

impl std::fmt::Debug for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Takes a setting, or stops the function with the variable's name.
///
/// # Errors
/// The setting's.
pub fn setting<T>(setting: Result<T, SettingError>) -> Result<T, Stopped> {
    setting.map_err(|error| Stopped(error.to_string()))
}

/// Logs as JSON lines to standard output. `LOG_LEVEL` (ERROR, WARN, INFO, DEBUG, TRACE; INFO if not set) is ours alone:
/// libraries may put what they send into their lower levels, so from them only warnings and errors pass, and a release
/// build has nothing below INFO in it.
///
/// # Errors
/// A level that is none of the five.
pub fn start_logging(lookup: Lookup<'_>) -> Result<(), Stopped> {
    const VARIABLE: &str = "LOG_LEVEL";
    let level = match optional(lookup, VARIABLE) {
        None => Level::INFO,
        Some(level) => setting(level.parse().map_err(|_| SettingError {
            variable: VARIABLE,
            problem: format!("must be ERROR, WARN, INFO, DEBUG or TRACE; it is {level:?}"),
        }))?,
    };
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false).without_time();
    tracing_subscriber::registry().with(lines).with(filter(level)).init();
    Ok(())
}

/// The crates whose lines are ours.
const OURS: [&str; 5] =
    ["create_auth_challenge", "define_auth_challenge", "pre_token_generation", "shared", "verify_auth_challenge"];

fn filter(level: Level) -> Targets {
    Targets::new()
        .with_default(LevelFilter::from_level(level.min(Level::WARN)))
        .with_targets(OURS.map(|crate_name| (crate_name, level)))
        .with_target("shared::report_only", LevelFilter::from_level(level.max(Level::WARN)))
        // It repeats that an invocation failed, without the reason that our own line has.
        .with_target("lambda_runtime::layers::panic", LevelFilter::OFF)
}

/// Answers Lambda's invocations until the process ends.
///
/// # Errors
/// The runtime's own, such as a Runtime API that does not answer.
pub async fn serve(handler: impl AsyncFn(Value) -> Result<Value, HandlerError>) -> Ended {
    let invoke = |invocation: LambdaEvent<Box<RawValue>>| {
        let handler = &handler;
        async move {
            let request_id = &invocation.context.request_id;
            // Read here and not by the runtime, whose words for a bad event would reach the client.
            let event = serde_json::from_str(invocation.payload.get()).unwrap_or_default();
            answer(request_id, event, async |event| {
                tokio::time::timeout(timeouts::INVOCATION, handler(event)).await.unwrap_or(Err(HandlerError::TimedOut))
            })
            .await
        }
    };
    Runtime::new(service_fn(invoke)).run().await.map_err(|error| Stopped(error.to_string()))
}

impl From<ClientError> for lambda_runtime::Diagnostic {
    fn from(error: ClientError) -> Self {
        Self { error_type: "SignInError".to_owned(), error_message: error.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_crate_that_a_function_is_made_of_may_log() {
        let functions = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../functions")).unwrap();
        let functions = functions.map(|folder| folder.unwrap().file_name().into_string().unwrap().replace('-', "_"));
        let mut crates: Vec<String> = functions.chain(["shared".to_owned()]).collect();
        crates.sort();
        assert_eq!(crates, OURS);
    }
}
