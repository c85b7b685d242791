//! Other services of AWS, as far as the functions and operator commands call them: DynamoDB and KMS over the records of the
//! functions that run in this process, Lambda with those functions, CloudFormation with their stack, CloudTrail, and STS.
//!
//! Invariant: anything else is refused with an error in AWS's shape that lists what is supported.
//!
//! Source: the API reference of each service; the resources are those of template.yaml.

mod cloudformation;
mod cloudtrail;
mod dynamodb;
mod error;
mod kms;
mod lambda;
mod query;
mod rfc3339;
mod sts;

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value, json};

use crate::aws::error::AwsError;
use crate::aws::query::Form;
use crate::service::Service;

const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// The answer to `POST /`; `None` where it is for Cognito.
pub(crate) fn answer(service: &Service, headers: &HeaderMap, body: &[u8]) -> Option<Response> {
    let functions = service.functions()?;
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let target = text(HeaderName::from_static("x-amz-target"));
    if let Some(operation) = target.strip_prefix(dynamodb::TARGET_PREFIX) {
        let answered = dynamodb::call(functions.store(), service.started_at(), operation, body);
        Some(json_response("application/x-amz-json-1.0", answered))
    } else if let Some(operation) = target.strip_prefix(kms::TARGET_PREFIX) {
        let answered = kms::call(functions.sealer(), service.started_at(), operation, body);
        Some(json_response("application/x-amz-json-1.1", answered))
    } else if let Some(operation) =
        target.trim_start_matches(cloudtrail::NAMESPACE).strip_prefix(cloudtrail::TARGET_PREFIX)
    {
        let answered = cloudtrail::call(service.started_at(), operation, body);
        Some(json_response("application/x-amz-json-1.1", answered))
    } else if target.is_empty() && text(header::CONTENT_TYPE).starts_with("application/x-www-form-urlencoded") {
        let form = Form::parse(body);
        let (namespace, answered) = match form.get("Version") {
            Some(cloudformation::VERSION) => {
                (cloudformation::NAMESPACE, cloudformation::call(service, functions, &form))
            }
            _ => (sts::NAMESPACE, sts::call(&form)),
        };
        let (status, answered) = query::response(namespace, form.action(), answered);
        Some((status, [(header::CONTENT_TYPE, "text/xml")], answered).into_response())
    } else {
        None
    }
}

/// The answer to a request below Lambda's `/2015-03-31/`.
pub(crate) async fn answer_lambda(
    service: &Service,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    body: &[u8],
) -> Response {
    match lambda::call(service, method, path, headers, body).await {
        Ok(lambda::Answer::Described(described)) => json_response("application/json", Ok(described)),
        Ok(lambda::Answer::Invoked(Ok(answer))) => json_response("application/json", Ok(answer)),
        Ok(lambda::Answer::Invoked(Err(message))) => {
            let failure = json!({ "errorType": "SignInError", "errorMessage": message });
            let mut response = json_response("application/json", Ok(failure));
            response.headers_mut().insert("x-amz-function-error", HeaderValue::from_static("Unhandled"));
            response
        }
        Err(error) => json_response("application/json", Err(error)),
    }
}

fn json_response(content_type: &'static str, answered: Result<Value, AwsError>) -> Response {
    let content_type = [(header::CONTENT_TYPE, content_type)];
    match answered {
        Ok(answer) => (StatusCode::OK, content_type, answer.to_string()).into_response(),
        Err(AwsError { status, kind, message }) => {
            let body = json!({ "__type": kind, "message": message });
            let mut response = (status, content_type, body.to_string()).into_response();
            response.headers_mut().insert(ERROR_TYPE, HeaderValue::from_static(kind));
            response
        }
    }
}
