//! Use case: the token guard's decision while it only reports: nothing is denied, and what would have been is logged.
//!
//! Invariant: whatever happens inside of the decision, there is an outcome within the limit, and no error leaves.

use std::future::Future;

use serde_json::Value;

use crate::characters::one_line;
use crate::cognito::TokenSource;
use crate::contained::contained;
use crate::error::{HandlerError, chain};

/// Longer than any id of an app client.
const LONGEST_CLIENT_ID: usize = 128;

/// What `decide` passes; `None` for what it would deny, for a fault, a panic, and no outcome before `limit` ends.
///
/// `runtime` logs these lines at every `LOG_LEVEL`: a report that is empty because of a setting would be a bad surprise.
pub async fn report_only<T>(
    event: &Value,
    decide: impl Future<Output = Result<T, HandlerError>>,
    limit: impl Future<Output = ()>,
) -> Option<T> {
    contained(decide, limit).await.map_err(|error| report(event, &error)).ok()
}

fn report(event: &Value, error: &HandlerError) {
    let reason = chain(error);
    let source = event.get("triggerSource").and_then(Value::as_str).and_then(TokenSource::parse);
    let source = source.map(TokenSource::as_str);
    let client_id = event.get("callerContext").and_then(|caller| caller.get("clientId")?.as_str());
    let client_id = client_id.map(|client_id| one_line(client_id, LONGEST_CLIENT_ID));
    if error.is_refusal() {
        tracing::warn!(reason, source, client_id, "would be refused");
    } else {
        tracing::warn!(reason, source, client_id, "would have failed");
    }
}
