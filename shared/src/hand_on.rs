//! Use case: hand an event on to the next function, once the token guard has passed its tokens.
//!
//! Invariant: the next function decides about its own claims, scopes and groups, and about tokens only by refusing them. It can
//! neither pass what the guard denies nor say anything about the second factor.

use serde_json::Value;

use crate::error::HandlerError;
use crate::next_function::{Invoked, Next, NextFunction};
use crate::next_refusal::Refusal;
use crate::token_grant::Claims;
use crate::token_response::{EventVersion, WrongType, merged};

/// Bytes of an answer that are read: far more than tokens can hold. What is longer could be too long for our own answer, and
/// then the client would read Lambda's words.
pub const LONGEST_ANSWER: usize = 1024 * 1024;

/// Invokes the next function with `event` as Cognito sent it, and returns the `response` for Cognito: the function's own, with
/// our claims.
///
/// # Errors
/// The function refuses, cannot be invoked, or returns something that is no answer of this trigger.
pub async fn hand_on(
    next: &Next<impl NextFunction>,
    event: &Value,
    ours: Option<(EventVersion, Claims)>,
) -> Result<Value, HandlerError> {
    let Invoked { failed, payload } = next.function.invoke(event).await?;
    if failed {
        let refusal = Refusal::read(&payload);
        let shown = refusal.shown(next.errors);
        return Err(HandlerError::NextFunctionRefused { refusal, shown });
    }
    merged(response(&payload)?, ours).map_err(|WrongType(part)| HandlerError::NotThisTriggersAnswer(part))
}

fn response(payload: &[u8]) -> Result<Value, HandlerError> {
    if payload.len() > LONGEST_ANSWER {
        return Err(HandlerError::NotThisTriggersAnswer("its length"));
    }
    match serde_json::from_slice(payload) {
        Ok(Value::Object(mut answer)) => Ok(answer.remove("response").unwrap_or_default()),
        Ok(_) | Err(_) => Err(HandlerError::NotThisTriggersAnswer("its shape")),
    }
}
