//! An error of one of these services, and how a body that is not understood becomes one.

use axum::http::StatusCode;
use serde::de::DeserializeOwned;

/// A response other than success.
pub(crate) struct AwsError {
    pub(crate) status: StatusCode,
    /// The service's name of the error, such as `ValidationException`.
    pub(crate) kind: &'static str,
    pub(crate) message: String,
}

impl AwsError {
    pub(crate) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind, message: message.into() }
    }

    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", message)
    }

    pub(crate) fn unknown_operation(service: &str, operation: &str, here: &[&str]) -> Self {
        let here = here.join(", ");
        let message = format!("The local pool's {service} does not have {operation}. It has {here}.");
        Self::new("UnknownOperationException", message)
    }
}

/// Reads the body of a call. A member that is not here is refused, and the message names those that are.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, AwsError> {
    serde_json::from_slice(body).map_err(|error| match error.is_data() {
        true => AwsError::validation(format!("The local pool does not take this request: {error}.")),
        false => AwsError::new("SerializationException", "The body is not JSON."),
    })
}
