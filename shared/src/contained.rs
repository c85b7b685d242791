//! Work whose failure must not become the invocation's: an outcome within a time limit, whatever happens inside.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::pin;

use futures_util::FutureExt;
use futures_util::future::{Either, select};

use crate::error::HandlerError;

/// What `work` comes to. A panic, and no outcome before `limit` ends, are errors.
///
/// # Errors
/// Those of `work`, [`HandlerError::Panicked`] and [`HandlerError::TimedOut`].
pub(crate) async fn contained<T>(
    work: impl Future<Output = Result<T, HandlerError>>,
    limit: impl Future<Output = ()>,
) -> Result<T, HandlerError> {
    let work = AssertUnwindSafe(work).catch_unwind();
    match select(pin!(work), pin!(limit)).await {
        Either::Left((outcome, _)) => outcome.unwrap_or(Err(HandlerError::Panicked)),
        Either::Right(((), _)) => Err(HandlerError::TimedOut),
    }
}
