//! The query protocol of STS and CloudFormation: a form is sent, and XML comes back.
//!
//! Source: <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html>

use std::collections::BTreeMap;

use axum::http::StatusCode;
use percent_encoding::percent_decode_str;

use crate::aws::error::AwsError;

const REQUEST_ID: &str = "00000000-0000-0000-0000-000000000000";

/// The members of a request.
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    pub(crate) fn parse(body: &[u8]) -> Self {
        let body = String::from_utf8_lossy(body);
        let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
        Self(pairs.map(|(name, value)| (decoded(name), decoded(value))).collect())
    }

    /// A member that is there and not empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(crate) fn action(&self) -> &str {
        self.get("Action").unwrap_or_default()
    }
}

/// An operation that is not here.
pub(crate) fn invalid_action(service: &str, here: &[&str]) -> AwsError {
    let here = here.join(", ");
    AwsError::new("InvalidAction", format!("The local pool's {service} does not have this action. It has {here}."))
}

/// The elements of a result, or the error, as the whole response.
pub(crate) fn response(namespace: &str, action: &str, result: Result<String, AwsError>) -> (StatusCode, String) {
    match result {
        Ok(result) => {
            let result = element(&format!("{action}Result"), &result);
            let metadata = element("ResponseMetadata", &element("RequestId", REQUEST_ID));
            let response = format!("{action}Response");
            (StatusCode::OK, format!("<{response} xmlns=\"{namespace}\">{result}{metadata}</{response}>"))
        }
        Err(AwsError { status, kind, message }) => {
            let error = element("Type", "Sender") + &element("Code", kind) + &text("Message", &message);
            let error = element("Error", &error) + &element("RequestId", REQUEST_ID);
            (status, format!("<ErrorResponse xmlns=\"{namespace}\">{error}</ErrorResponse>"))
        }
    }
}

/// An element around what is XML already.
pub(crate) fn element(name: &str, inside: &str) -> String {
    format!("<{name}>{inside}</{name}>")
}

/// An element around text.
pub(crate) fn text(name: &str, text: &str) -> String {
    element(name, &text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"))
}

/// A list of structures.
pub(crate) fn list(name: &str, members: impl IntoIterator<Item = String>) -> String {
    let members: String = members.into_iter().map(|member| element("member", &member)).collect();
    element(name, &members)
}
