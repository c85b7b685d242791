//! AWS as every command reaches it, and why a call was not done.

use std::error::Error;
use std::fmt::{Display, Formatter};
use std::iter::successors;
use std::str::FromStr;
use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cognitoidentityprovider::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_dynamodb::operation::get_item::GetItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_kms::operation::encrypt::EncryptError;
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use shared::error::Cause as StoreCause;

/// Clients of the services that a deployment is made of.
#[derive(Clone, Debug)]
pub struct Services {
    pub(crate) cognito: aws_sdk_cognitoidentityprovider::Client,
    pub(crate) lambda: aws_sdk_lambda::Client,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) kms: aws_sdk_kms::Client,
    pub(crate) cloudformation: aws_sdk_cloudformation::Client,
    pub(crate) cloudtrail: aws_sdk_cloudtrail::Client,
    pub(crate) sts: aws_sdk_sts::Client,
    pub(crate) first_pause: Duration,
}

impl Services {
    /// Of a region; credentials and endpoint as AWS's tools find them.
    pub async fn of_region(region: &str) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(Duration::from_secs(5))
            .operation_attempt_timeout(Duration::from_secs(20))
            .build();
        let https =
            aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let loader = aws_config::defaults(BehaviorVersion::latest()).region(Region::new(region.to_owned()));
        Self::new(&loader.timeout_config(timeouts).http_client(https).load().await)
    }

    /// Of a configuration.
    #[must_use]
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            cognito: aws_sdk_cognitoidentityprovider::Client::new(config),
            lambda: aws_sdk_lambda::Client::new(config),
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            kms: aws_sdk_kms::Client::new(config),
            cloudformation: aws_sdk_cloudformation::Client::new(config),
            cloudtrail: aws_sdk_cloudtrail::Client::new(config),
            sts: aws_sdk_sts::Client::new(config),
            first_pause: Duration::from_secs(1),
        }
    }

    /// The same, with another pause before a throttled call is repeated; each pause is twice the one before it.
    #[must_use]
    pub fn with_first_pause(self, first_pause: Duration) -> Self {
        Self { first_pause, ..self }
    }
}

/// A call that AWS did not do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallError {
    /// AWS's name of the call.
    pub call: &'static str,
    /// What to do follows from it.
    pub cause: Cause,
    /// AWS's code and message, or why there was no answer.
    pub reason: String,
}

/// Why a call was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// No credentials were found.
    NoCredentials,
    /// Where credentials should come from, there was an error.
    CredentialsNotLoaded,
    /// AWS refuses credentials that have expired.
    CredentialsExpired,
    /// AWS refuses the credentials.
    CredentialsRefused,
    /// AWS was not reached, or not in time.
    NotReached,
    /// AWS has no such thing in this account and region.
    NotFound,
    /// AWS does not allow the call.
    Denied,
    /// AWS gets too many calls.
    Throttled,
    /// Somebody else is changing the same thing.
    Conflict,
    /// The pool has no such user.
    NoSuchUser,
    /// Another error.
    Other,
}

impl Cause {
    /// Of an error code.
    #[must_use]
    pub fn of(code: &str) -> Self {
        match code {
            "ExpiredToken" | "ExpiredTokenException" => Self::CredentialsExpired,
            "IncompleteSignature"
            | "IncompleteSignatureException"
            | "InvalidClientTokenId"
            | "InvalidSignatureException"
            | "MissingAuthenticationToken"
            | "MissingAuthenticationTokenException"
            | "OptInRequired"
            | "RequestExpired"
            | "SignatureDoesNotMatch"
            | "UnrecognizedClientException" => Self::CredentialsRefused,
            "NotFoundException" | "ResourceNotFoundException" | "TableNotFoundException" => Self::NotFound,
            "TooManyRequestsException" | "ThrottlingException" | "Throttling" | "RequestLimitExceeded" => {
                Self::Throttled
            }
            "ConcurrentModificationException" => Self::Conflict,
            "UserNotFoundException" => Self::NoSuchUser,
            "AccessDenied" | "AccessDeniedException" | "NotAuthorizedException" => Self::Denied,
            _ => Self::Other,
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::NoCredentials => {
                "Sign in as for the AWS CLI, or set AWS_PROFILE to a profile that has some, and run it again."
            }
            Self::CredentialsNotLoaded => {
                "Sign in to AWS (aws sso login), correct the profile, \
             or export the credentials (aws configure export-credentials), and run it again."
            }
            Self::CredentialsExpired => "Sign in to AWS, and run it again.",
            Self::CredentialsRefused => {
                "Check the access key, the computer's clock, and that the account has enabled the region, and run it again."
            }
            Self::NotReached => {
                "Check the network, AWS_ENDPOINT_URL, and the region that the pool's id begins with, and run it again."
            }
            Self::NotFound => {
                "Check the name, the region, and the account of the credentials (aws sts get-caller-identity), \
             and run it again."
            }
            Self::Denied => "Allow the actions of this command, which docs/policies lists, and run it again.",
            Self::Throttled | Self::Conflict | Self::NoSuchUser | Self::Other => "Run it again.",
        }
    }
}

impl CallError {
    /// Why, in words. A cause that has nothing to do with the call is said without it.
    #[must_use]
    pub fn why(&self) -> String {
        let Self { call, cause, reason } = self;
        match cause {
            Cause::NoCredentials => "no AWS credentials were found".to_owned(),
            Cause::CredentialsNotLoaded => format!("the AWS credentials could not be loaded: {reason}"),
            Cause::CredentialsExpired => "the AWS credentials have expired".to_owned(),
            Cause::CredentialsRefused => format!("AWS refuses the credentials: {reason}"),
            Cause::NotReached => format!("AWS was not reached: {reason}"),
            Cause::NotFound | Cause::Denied | Cause::Throttled | Cause::Conflict | Cause::NoSuchUser | Cause::Other => {
                format!("{call}: {reason}")
            }
        }
    }
}

/// A user pool's id: its region, an underscore, letters and digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPoolId {
    text: String,
    region: String,
}

impl UserPoolId {
    /// The region that it names.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }
}

impl FromStr for UserPoolId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let of_region = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        match text.split_once('_') {
            Some((region, rest))
                if !region.is_empty()
                    && region.chars().all(of_region)
                    && !rest.is_empty()
                    && rest.chars().all(|c| c.is_ascii_alphanumeric()) =>
            {
                Ok(Self { text: text.to_owned(), region: region.to_owned() })
            }
            Some(_) | None => Err("a user pool id looks like us-east-1_Example12"),
        }
    }
}

impl Display for UserPoolId {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// AWS's code and message; without an answer, the error that the others follow from.
pub(crate) fn failed<E, R>(call: &'static str) -> impl FnOnce(SdkError<E, R>) -> CallError
where
    E: ProvideErrorMetadata + Error + 'static,
    R: std::fmt::Debug + 'static,
{
    move |error| {
        let (cause, reason) = match error.code() {
            Some(code) => (Cause::of(code), format!("{code}: {}", error.message().unwrap_or("no message"))),
            None => {
                let errors = || successors(Some(&error as &(dyn Error + 'static)), |&error| error.source());
                let cause = errors().find_map(of_credentials).unwrap_or_else(|| of_connection(&error));
                (cause, errors().last().map(ToString::to_string).unwrap_or_default())
            }
        };
        let reason = reason.split_whitespace().collect::<Vec<_>>().join(" ");
        CallError { call, cause, reason: reason.trim_end_matches('.').to_owned() }
    }
}

/// The call that a store or a sealer failed at.
///
/// # Errors
/// It is no call's error, but one of what is stored.
pub(crate) fn failed_call(cause: StoreCause) -> Result<CallError, StoreCause> {
    cause
        .downcast::<SdkError<GetItemError>>()
        .map(|error| failed("GetItem")(*error))
        .or_else(|cause| cause.downcast::<SdkError<PutItemError>>().map(|error| failed("PutItem")(*error)))
        .or_else(|cause| cause.downcast::<SdkError<EncryptError>>().map(|error| failed("Encrypt")(*error)))
}

fn of_credentials(error: &(dyn Error + 'static)) -> Option<Cause> {
    let error = error.downcast_ref::<CredentialsError>()?;
    let none = matches!(error, CredentialsError::CredentialsNotLoaded(_));
    Some(if none { Cause::NoCredentials } else { Cause::CredentialsNotLoaded })
}

fn of_connection<E, R>(error: &SdkError<E, R>) -> Cause {
    let failed_on_the_way =
        matches!(error, SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout());
    let not_reached = failed_on_the_way || matches!(error, SdkError::TimeoutError(_));
    if not_reached { Cause::NotReached } else { Cause::Other }
}
