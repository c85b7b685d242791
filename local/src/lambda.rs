//! The functions where Lambda's Invoke API is: `cargo lambda watch`, or a stand-in of AWS that they are deployed into.
//!
//! Invariant: nothing but the given endpoint is called, once a delivery, and signed with made-up credentials: whoever
//! reaches the pool reaches the functions by it, and that may not be somebody's account.
//!
//! Source: the Lambda API reference, "Invoke"; what Cognito says of each fault, users published.

use std::error::Error;
use std::str::FromStr;

use aws_sdk_lambda::config::retry::RetryConfig;
use aws_sdk_lambda::config::timeout::TimeoutConfig;
use aws_sdk_lambda::config::{BehaviorVersion, Credentials, Region, StalledStreamProtectionConfig};
use aws_sdk_lambda::error::{ProvideErrorMetadata as _, SdkError};
use aws_sdk_lambda::operation::invoke::InvokeError;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::{Client, Config};
use aws_smithy_http_client::tls::Provider;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use axum::http::Uri;
use clap::Args;
use serde_json::Value;

use crate::triggers::{Trigger, TriggerFailure, TriggerFuture, Triggers};

/// What stand-ins of AWS take, and AWS does not.
const MADE_UP: &str = "test";

/// Where the functions are, as an option of the command line.
#[derive(Args)]
pub struct LambdaOptions {
    /// Call the functions by Lambda's Invoke API at this address, and not in the program: `cargo lambda watch`, or a
    /// stand-in of AWS. There they have settings of their own.
    #[arg(long = "lambda-endpoint", value_name = "URL", conflicts_with_all = ["accepted_cognito_mfa", "enrollment"])]
    endpoint: Option<Endpoint>,
    /// What a function is called there, such as CreateAuthChallenge=NAME. Without it: define-auth-challenge,
    /// create-auth-challenge, verify-auth-challenge, pre-token-generation.
    #[arg(long = "function", value_name = "TRIGGER=NAME", requires = "endpoint")]
    named: Vec<NamedFunction>,
}

impl LambdaOptions {
    /// The functions there; `None` where they are called in the program.
    pub fn functions(self) -> Option<LambdaFunctions> {
        let functions = LambdaFunctions::at(&self.endpoint?);
        Some(self.named.into_iter().fold(functions, LambdaFunctions::named))
    }
}

/// The root of an HTTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint(String);

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let root = given.parse().ok().filter(|uri: &Uri| {
            let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
            // A user name or a path would not reach the functions.
            let authority = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
            scheme && authority && uri.path() == "/" && uri.query().is_none()
        });
        let problem = || "an address is expected, such as http://127.0.0.1:9000".to_owned();
        root.map(|_| Self(given.to_owned())).ok_or_else(problem)
    }
}

/// What one of the functions is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFunction {
    trigger: Trigger,
    name: String,
}

impl FromStr for NamedFunction {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let (of, name) = given.split_once('=').filter(|(_, name)| !name.is_empty()).unwrap_or_default();
        let trigger = Trigger::ALL.into_iter().find(|trigger| trigger.to_string() == of);
        let problem = || {
            format!(
                "TRIGGER=NAME is expected, where TRIGGER is one of {}",
                Trigger::ALL.map(|t| t.to_string()).join(", ")
            )
        };
        Ok(Self { trigger: trigger.ok_or_else(problem)?, name: name.to_owned() })
    }
}

/// The functions at an endpoint, under the names of their packages unless told otherwise.
pub struct LambdaFunctions {
    client: Client,
    named: Vec<NamedFunction>,
}

impl LambdaFunctions {
    /// The functions at `endpoint`.
    pub fn at(endpoint: &Endpoint) -> Self {
        // Of its own making, so that no proxy of the environment's is asked.
        let http =
            aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&endpoint.0)
            .credentials_provider(Credentials::new(MADE_UP, MADE_UP, None, None, "made up"))
            .region(Region::from_static("us-east-1"))
            // The pool itself counts the deliveries, and the time.
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(http)
            .build();
        Self { client: Client::from_conf(config), named: Vec::new() }
    }

    /// The same, where one is called otherwise.
    #[must_use]
    pub fn named(mut self, function: NamedFunction) -> Self {
        self.named.push(function);
        self
    }

    fn name(&self, trigger: Trigger) -> &str {
        let named = self.named.iter().rfind(|function| function.trigger == trigger);
        named.map_or(package(trigger), |function| &function.name)
    }

    async fn invoke(&self, trigger: Trigger, event: &Value) -> Result<Value, TriggerFailure> {
        let invoke = self.client.invoke().function_name(self.name(trigger)).payload(Blob::new(event.to_string()));
        let invoked = invoke.send().await.map_err(|error| no_answer(&error))?;
        // What is no JSON is no event either.
        let answer: Value = serde_json::from_slice(invoked.payload.unwrap_or_default().as_ref()).unwrap_or_default();
        match invoked.function_error {
            None => Ok(answer),
            Some(kind) => {
                let message = answer.get("errorMessage").and_then(Value::as_str);
                Err(TriggerFailure::Function(message.unwrap_or(&kind).to_owned()))
            }
        }
    }
}

impl Triggers for LambdaFunctions {
    fn call(&self, trigger: Trigger, event: Value) -> TriggerFuture<'_> {
        Box::pin(async move { self.invoke(trigger, &event).await })
    }
}

fn package(trigger: Trigger) -> &'static str {
    match trigger {
        Trigger::DefineAuthChallenge => "define-auth-challenge",
        Trigger::CreateAuthChallenge => "create-auth-challenge",
        Trigger::VerifyAuthChallengeResponse => "verify-auth-challenge",
        Trigger::PreTokenGeneration => "pre-token-generation",
    }
}

/// In a word where the service has one, such as `ResourceNotFoundException`; else the innermost cause.
fn no_answer(error: &SdkError<InvokeError>) -> TriggerFailure {
    if let Some(code) = error.code() {
        return TriggerFailure::NotCalled(code.to_owned());
    }
    if let Some(response) = error.raw_response() {
        return TriggerFailure::NotCalled(format!("HTTP {}", response.status()));
    }
    let mut cause: &dyn Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    TriggerFailure::NotCalled(cause.to_string())
}
