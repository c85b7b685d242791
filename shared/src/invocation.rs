//! One invocation: run the handler, log its reason if it fails, and let nothing but one sentence out.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use serde_json::Value;
use tracing::Instrument;

use crate::error::{ClientError, HandlerError, chain};

/// Runs `handler` on one event, logs the request id and `sub` with every line, and keeps the reason of a failure inside.
///
/// # Errors
/// [`ClientError`], whatever failed.
pub async fn answer<F>(request_id: &str, event: Value, handler: impl FnOnce(Value) -> F) -> Result<Value, ClientError>
where
    F: Future<Output = Result<Value, HandlerError>>,
{
    let sub = event.get("request").and_then(|request| request.get("userAttributes")?.get("sub")?.as_str());
    let sub = sub.unwrap_or_default();
    // At the highest level, so that an error is logged with it at every level.
    let span = tracing::error_span!("trigger", request_id, sub);
    let answered = AssertUnwindSafe(async { handler(event).await }).catch_unwind().instrument(span.clone()).await;
    match answered.unwrap_or(Err(HandlerError::Panicked)) {
        Ok(event) => Ok(event),
        Err(error) => {
            let _entered = span.enter();
            let reason = chain(&error);
            // The alarms in template.yaml go by this message, so it is logged at every level.
            if error.is_refusal() {
                tracing::error!(reason, "refused");
            } else {
                tracing::error!(reason, "failed");
            }
            Err(error.into())
        }
    }
}
