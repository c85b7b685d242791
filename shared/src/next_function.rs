//! The team's own Pre Token Generation function, which the token guard hands its events on to: the trait, and its
//! implementation below.

use std::future::Future;

use serde_json::Value;

use crate::error::InvokeError;
use crate::guard_settings::NextFunctionErrors;

#[cfg(feature = "next-function")]
pub mod lambda;

/// What an invocation returned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoked {
    /// The function ended with an error, and the payload says which.
    pub failed: bool,
    /// What the function returned, which nobody has read yet.
    pub payload: Vec<u8>,
}

/// Invokes the function and waits for its answer. It may run more than once for one call, as Cognito's own triggers may.
pub trait NextFunction: Send + Sync {
    /// Invokes it with `event`.
    fn invoke(&self, event: &Value) -> impl Future<Output = Result<Invoked, InvokeError>> + Send;
}

/// The function that follows, as it is set.
#[derive(Clone, Debug)]
pub struct Next<N> {
    /// The function.
    pub function: N,
    /// What a client sees when it refuses.
    pub errors: NextFunctionErrors,
}

/// There is none: nobody can make a value of this type.
#[derive(Clone, Copy, Debug)]
pub enum NoFunction {}

impl NextFunction for NoFunction {
    async fn invoke(&self, _: &Value) -> Result<Invoked, InvokeError> {
        match *self {}
    }
}
