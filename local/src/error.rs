//! Cognito's errors, as a client receives them: a type and a message.
//!
//! Source: the errors of each operation in the Cognito API reference; the messages as users see and report them.

use std::fmt;

/// A response other than success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CognitoError {
    /// Cognito's name of the error, such as `NotAuthorizedException`.
    pub kind: &'static str,
    /// Cognito's message.
    pub message: String,
}

impl CognitoError {
    pub(crate) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { kind, message }
    }

    pub(crate) fn not_authorized(message: impl Into<String>) -> Self {
        Self::new("NotAuthorizedException", message)
    }

    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    pub(crate) fn resource_not_found(message: impl Into<String>) -> Self {
        Self::new("ResourceNotFoundException", message)
    }

    /// One error for a wrong password, a hidden unknown user and `failAuthentication`: a client cannot tell them apart.
    pub(crate) fn incorrect_username_or_password() -> Self {
        Self::not_authorized("Incorrect username or password.")
    }

    pub(crate) fn user_not_found() -> Self {
        Self::new("UserNotFoundException", "User does not exist.")
    }

    /// What the operations say instead that carry a client's id and a name, but do not sign in.
    pub(crate) fn unknown_combination() -> Self {
        // Source: aws-sdk-ios#4837, amazon-cognito-identity-js#537.
        Self::new("UserNotFoundException", "Username/client id combination not found.")
    }

    pub(crate) fn user_disabled() -> Self {
        Self::not_authorized("User is disabled.")
    }

    pub(crate) fn user_not_confirmed() -> Self {
        Self::new("UserNotConfirmedException", "User is not confirmed.")
    }

    pub(crate) fn missing_parameter(name: &str) -> Self {
        Self::invalid_parameter(format!("Missing required parameter {name}"))
    }

    pub(crate) fn not_in_tier(feature: &str) -> Self {
        Self::new(
            "FeatureUnavailableInTierException",
            format!("{feature} is not in the feature plan of this user pool."),
        )
    }

    /// A trigger returned something other than its documented response.
    pub(crate) fn unrecognizable_lambda_output() -> Self {
        Self::new("InvalidLambdaResponseException", "Unrecognizable lambda output")
    }

    pub(crate) fn internal() -> Self {
        Self::new("InternalErrorException", "Something went wrong")
    }

    /// Whether the fault is the pool's and not its caller's.
    pub fn is_internal(&self) -> bool {
        self.kind == "InternalErrorException"
    }
}

impl fmt::Display for CognitoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

impl std::error::Error for CognitoError {}

impl From<getrandom::Error> for CognitoError {
    fn from(_: getrandom::Error) -> Self {
        Self::internal()
    }
}

impl From<aws_lc_rs::error::Unspecified> for CognitoError {
    fn from(_: aws_lc_rs::error::Unspecified) -> Self {
        Self::internal()
    }
}
