//! Lambda with our four functions, as template.yaml deploys them: described, and invoked in this process.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/api/API_Operations.html>

use axum::http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value, json};
use shared::clock::UnixTime;
use shared::cognito::CognitoMfa;
use shared::guard_settings::{GuardedSince, LongestSession};
use shared::requirements::Requirements;
use shared::settings::{AcceptedCognitoMfa, Enrollment, Issuer, PasscodeDigits, Policy, TokenGuard};

use crate::aws::dynamodb::TABLE_NAME;
use crate::aws::error::AwsError;
use crate::aws::kms::key_arn;
use crate::aws::rfc3339::rfc3339;
use crate::service::Service;
use crate::triggers::in_process::InProcess;
use crate::triggers::{ACCOUNT, Trigger, TriggerFailure, Triggers as _, function_arn, own_function};

/// What a call returns.
pub(crate) enum Answer {
    Described(Value),
    /// The function's own answer, or the text of its error.
    Invoked(Result<Value, String>),
}

pub(crate) async fn call(
    service: &Service,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Answer, AwsError> {
    let parts: Vec<&str> = path.split('/').collect();
    let (Some(functions), ["functions", name, operation @ ..]) = (service.functions(), parts.as_slice()) else {
        return Err(unknown_operation(method, path));
    };
    let trigger = named(service, name)?;
    match (method.as_str(), operation) {
        ("GET", []) => Ok(Answer::Described(json!({ "Configuration": configuration(functions, trigger) }))),
        ("GET", ["configuration"]) => Ok(Answer::Described(configuration(functions, trigger))),
        ("GET", ["policy"]) => policy(service, trigger).map(Answer::Described),
        ("POST", ["invocations"]) => invoke(functions, trigger, headers, body).await.map(Answer::Invoked),
        _ => Err(unknown_operation(method, path)),
    }
}

fn unknown_operation(method: &Method, path: &str) -> AwsError {
    const HERE: [&str; 4] = ["GetFunction", "GetFunctionConfiguration", "GetPolicy", "Invoke"];
    let operation = format!("{method} /2015-03-31/{path}");
    AwsError { status: StatusCode::NOT_FOUND, ..AwsError::unknown_operation("Lambda", &operation, &HERE) }
}

/// A function by its name, its ARN, or its ARN from the account on.
///
/// Another one that a pool calls is denied, not missing: it may be well, where it is.
fn named(service: &Service, given: &str) -> Result<Trigger, AwsError> {
    let arns = [given.to_owned(), format!("arn:aws:lambda:us-east-1:{given}"), function_arn(given)];
    let is_named = |trigger: &Trigger| arns.contains(&own_function(*trigger));
    if let Some(trigger) = Trigger::ALL.into_iter().find(is_named) {
        return Ok(trigger);
    }
    let here = Trigger::ALL.map(own_function).join(", ");
    if arns.iter().any(|arn| !service.pools_that_call(arn).is_empty()) {
        let message = format!("{given} is not in the local pool, which only calls it. The local pool has {here}.");
        let denied = AwsError::new("AccessDeniedException", message);
        return Err(AwsError { status: StatusCode::FORBIDDEN, ..denied });
    }
    let message = format!("Function not found: {given}. The local pool has {here}.");
    Err(AwsError { status: StatusCode::NOT_FOUND, ..AwsError::new("ResourceNotFoundException", message) })
}

fn configuration(functions: &InProcess, trigger: Trigger) -> Value {
    let arn = own_function(trigger);
    let name = arn.rsplit(':').next().unwrap_or_default();
    let memory = if trigger == Trigger::DefineAuthChallenge { 128 } else { 512 };
    json!({
        "FunctionName": name,
        "FunctionArn": arn,
        "Runtime": "provided.al2023",
        "Handler": "bootstrap",
        "Role": format!("arn:aws:iam::{ACCOUNT}:role/{name}Role"),
        "Timeout": 5,
        "MemorySize": memory,
        "Version": "$LATEST",
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Environment": { "Variables": variables(functions, trigger) },
    })
}

/// The variables of template.yaml, with the settings that the function has in this process.
fn variables(functions: &InProcess, trigger: Trigger) -> Map<String, Value> {
    const TABLE: &str = "TABLE_NAME";
    const KEY: &str = "KEY_ID";
    let names: &[&str] = match trigger {
        Trigger::DefineAuthChallenge => &[AcceptedCognitoMfa::VARIABLE, Enrollment::VARIABLE, Policy::VARIABLE],
        Trigger::CreateAuthChallenge => &[
            AcceptedCognitoMfa::VARIABLE,
            Enrollment::VARIABLE,
            KEY,
            PasscodeDigits::VARIABLE,
            Policy::VARIABLE,
            Requirements::CLIENTS,
            Requirements::FROM,
            TABLE,
            Issuer::VARIABLE,
        ],
        Trigger::VerifyAuthChallengeResponse => {
            &[Enrollment::VARIABLE, KEY, Policy::VARIABLE, Requirements::CLIENTS, Requirements::FROM, TABLE]
        }
        Trigger::PreTokenGeneration => &[
            GuardedSince::VARIABLE,
            LongestSession::VARIABLE,
            Policy::VARIABLE,
            Requirements::CLIENTS,
            Requirements::FROM,
            Requirements::GROUPS,
            TABLE,
            TokenGuard::VARIABLE,
        ],
    };
    let (settings, guard) = (functions.settings(), functions.guard());
    let time = |time: Option<UnixTime>| time.map(rfc3339).unwrap_or_default();
    let value = |name: &str| match name {
        AcceptedCognitoMfa::VARIABLE => accepted_cognito_mfa(settings.sign_in.accepted_cognito_mfa()),
        Enrollment::VARIABLE => enrollment(settings.sign_in.enrollment()).to_owned(),
        Issuer::VARIABLE => settings.issuer.as_str().to_owned(),
        PasscodeDigits::VARIABLE => settings.passcode_digits.as_str().to_owned(),
        TokenGuard::VARIABLE => token_guard(guard.setting).to_owned(),
        Policy::VARIABLE => guard.policy.as_str().to_owned(),
        Requirements::CLIENTS => guard.requirements.clients().join(" "),
        Requirements::FROM => time(guard.requirements.since()),
        Requirements::GROUPS => guard.requirements.groups().join(" "),
        GuardedSince::VARIABLE => time(guard.guarded_since.time()),
        LongestSession::VARIABLE => guard.longest_session.map(|longest| longest.days().to_string()).unwrap_or_default(),
        KEY => key_arn(),
        _ => TABLE_NAME.to_owned(),
    };
    // Those without a value are not set.
    let own = names.iter().map(|name| ((*name).to_owned(), json!(value(name)))).filter(|(_, value)| value != "");
    own.chain([("LOG_LEVEL".to_owned(), json!("INFO"))]).collect()
}

fn accepted_cognito_mfa(accepted: AcceptedCognitoMfa) -> String {
    let names: Vec<&str> =
        CognitoMfa::ALL.into_iter().filter(|mfa| accepted.contains(*mfa)).map(CognitoMfa::as_str).collect();
    if names.is_empty() { "NONE".to_owned() } else { names.join(",") }
}

fn enrollment(enrollment: Enrollment) -> &'static str {
    match enrollment {
        Enrollment::AtSignIn => "AT_SIGN_IN",
        Enrollment::ByOperator => "BY_OPERATOR",
        Enrollment::AfterCognitoMfa => "AFTER_COGNITO_MFA",
    }
}

pub(crate) fn token_guard(guard: TokenGuard) -> &'static str {
    match guard {
        TokenGuard::Grant => "GRANT",
        TokenGuard::TriggerSource => "TRIGGER_SOURCE",
    }
}

/// Cognito may call it for every pool that names it: here it does.
fn policy(service: &Service, trigger: Trigger) -> Result<Value, AwsError> {
    let function = own_function(trigger);
    let statement = |(user_pool_id, pool_arn): (String, String)| {
        json!({
            "Sid": user_pool_id,
            "Effect": "Allow",
            "Principal": { "Service": "cognito-idp.amazonaws.com" },
            "Action": "lambda:InvokeFunction",
            "Resource": function,
            "Condition": {
                "StringEquals": { "AWS:SourceAccount": ACCOUNT },
                "ArnLike": { "AWS:SourceArn": pool_arn },
            },
        })
    };
    let statements: Vec<Value> = service.pools_that_call(&function).into_iter().map(statement).collect();
    if statements.is_empty() {
        let message = "The resource you requested does not exist: no pool's LambdaConfig names this function.";
        let not_found = AwsError::new("ResourceNotFoundException", message);
        return Err(AwsError { status: StatusCode::NOT_FOUND, ..not_found });
    }
    let policy = json!({ "Version": "2012-10-17", "Id": "default", "Statement": statements });
    Ok(json!({ "Policy": policy.to_string() }))
}

async fn invoke(
    functions: &InProcess,
    trigger: Trigger,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Result<Value, String>, AwsError> {
    let kind = headers.get("x-amz-invocation-type").and_then(|kind| kind.to_str().ok());
    if kind.is_some_and(|kind| kind != "RequestResponse") {
        let message = "The local pool has the InvocationType RequestResponse only.";
        return Err(AwsError::new("InvalidParameterValueException", message));
    }
    let event = serde_json::from_slice(body)
        .map_err(|_| AwsError::new("InvalidRequestContentException", "The payload is not JSON."))?;
    Ok(functions.call(trigger, event).await.map_err(|failure| match failure {
        TriggerFailure::Function(text) | TriggerFailure::NotCalled(text) => text,
        TriggerFailure::TimedOut => "Task timed out".to_owned(),
    }))
}
