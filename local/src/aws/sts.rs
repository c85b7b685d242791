//! STS: who the caller is. Everybody is the same user.
//!
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>

use axum::http::StatusCode;

use crate::triggers::ACCOUNT;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
const REQUEST_ID: &str = "00000000-0000-0000-0000-000000000000";

/// Takes a form, as the query protocol does, and returns XML.
pub(crate) fn call(form: &[u8]) -> (StatusCode, String) {
    let form = str::from_utf8(form).unwrap_or_default();
    match form.split('&').find_map(|pair| pair.strip_prefix("Action=")) {
        Some("GetCallerIdentity") => (StatusCode::OK, get_caller_identity()),
        _ => (StatusCode::BAD_REQUEST, invalid_action()),
    }
}

fn get_caller_identity() -> String {
    format!(
        "<GetCallerIdentityResponse xmlns=\"{NAMESPACE}\">\
         <GetCallerIdentityResult>\
         <Arn>arn:aws:iam::{ACCOUNT}:user/operator</Arn>\
         <UserId>AIDALOCALPOOLOPERATOR</UserId>\
         <Account>{ACCOUNT}</Account>\
         </GetCallerIdentityResult>\
         <ResponseMetadata><RequestId>{REQUEST_ID}</RequestId></ResponseMetadata>\
         </GetCallerIdentityResponse>"
    )
}

/// Without the action itself, so that nothing has to be escaped.
fn invalid_action() -> String {
    format!(
        "<ErrorResponse xmlns=\"{NAMESPACE}\">\
         <Error><Type>Sender</Type><Code>InvalidAction</Code>\
         <Message>The local pool does not have this action. It has GetCallerIdentity.</Message></Error>\
         <RequestId>{REQUEST_ID}</RequestId>\
         </ErrorResponse>"
    )
}
