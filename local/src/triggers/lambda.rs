//! Calls the functions by Lambda's Invoke API: under `cargo lambda watch`, or deployed to an AWS emulator.
//!
//! Invariant: only the given endpoint is called, once for each delivery, and with fake credentials: anybody who reaches the
//! pool reaches the functions through it, so they must never be those of a real account.
//!
//! Source: the Lambda API reference, "Invoke"; Cognito's message for each failure as users published them.

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

use crate::triggers::{Trigger, TriggerFailure, TriggerFuture, Triggers, function_arn, own_function};

/// Credentials that AWS emulators accept and AWS does not.
const FAKE: &str = "test";

/// The options of the command line that say where the functions are.
#[derive(Args)]
pub struct LambdaOptions {
    /// Call the functions by Lambda's Invoke API at this address, and not in this process: `cargo lambda watch`, or an
    /// AWS emulator. There they have their own settings. Functions that the LambdaConfig of another pool names are called
    /// there by their ARNs.
    #[arg(long = "lambda-endpoint", value_name = "URL", conflicts_with_all = [
        "accepted_cognito_mfa", "enrollment", "passcode_digits",
        "second_factor_policy", "required_client", "required_from", "required_group",
    ])]
    endpoint: Option<Endpoint>,
    /// The name of a function there, such as CreateAuthChallenge=NAME. Default: define-auth-challenge,
    /// create-auth-challenge, verify-auth-challenge, pre-token-generation.
    #[arg(long = "function", value_name = "TRIGGER=NAME", requires = "endpoint")]
    named: Vec<NamedFunction>,
}

impl LambdaOptions {
    /// The functions there; `None` without an address.
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

/// The name of one of the functions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedFunction {
    trigger: Trigger,
    name: String,
}

impl FromStr for NamedFunction {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let (named, name) = given.split_once('=').filter(|(_, name)| !name.is_empty()).unwrap_or_default();
        let trigger = Trigger::ALL.into_iter().find(|trigger| trigger.to_string() == named);
        let problem = || {
            format!(
                "TRIGGER=NAME is expected, where TRIGGER is one of {}",
                Trigger::ALL.map(|t| t.to_string()).join(", ")
            )
        };
        Ok(Self { trigger: trigger.ok_or_else(problem)?, name: name.to_owned() })
    }
}

/// The functions at an endpoint. Without another name, each has the name of its package.
pub struct LambdaFunctions {
    client: Client,
    named: Vec<NamedFunction>,
}

impl LambdaFunctions {
    /// The functions at `endpoint`.
    pub fn at(endpoint: &Endpoint) -> Self {
        // Built here, so that it ignores the proxy settings of the environment.
        let http =
            aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&endpoint.0)
            .credentials_provider(Credentials::new(FAKE, FAKE, None, None, "fake"))
            .region(Region::from_static("us-east-1"))
            // The pool itself counts the deliveries and times them out.
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(http)
            .build();
        Self { client: Client::from_conf(config), named: Vec::new() }
    }

    /// The same, with another name for one of them.
    #[must_use]
    pub fn named(mut self, function: NamedFunction) -> Self {
        self.named.push(function);
        self
    }

    /// The ARN that stands for one of them.
    pub fn arn(&self, trigger: Trigger) -> String {
        function_arn(self.name(trigger))
    }

    fn name(&self, trigger: Trigger) -> &str {
        let named = self.named.iter().rfind(|function| function.trigger == trigger);
        named.map_or(package(trigger), |function| &function.name)
    }

    async fn invoke(&self, function: &str, event: &Value) -> Result<Value, TriggerFailure> {
        let invoke = self.client.invoke().function_name(function).payload(Blob::new(event.to_string()));
        let invoked = invoke.send().await.map_err(|error| no_answer(&error))?;
        // What is not JSON is not an event either.
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
        Box::pin(async move { self.invoke(self.name(trigger), &event).await })
    }

    /// Those that stand for the four have names there, and every other one its ARN.
    fn call_function(&self, arn: String, trigger: Trigger, event: Value) -> TriggerFuture<'_> {
        if arn == self.arn(trigger) || arn == own_function(trigger) {
            return self.call(trigger, event);
        }
        Box::pin(async move { self.invoke(&arn, &event).await })
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

/// The service's error code where it returned one, such as `ResourceNotFoundException`; else the innermost cause.
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
