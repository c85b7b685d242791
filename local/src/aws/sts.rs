//! STS: who the caller is. Everybody is the same user.
//!
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>

use crate::aws::error::AwsError;
use crate::aws::query::{Form, element, invalid_action};
use crate::triggers::ACCOUNT;

pub(crate) const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

const OPERATIONS: [&str; 1] = ["GetCallerIdentity"];

/// Returns the elements of the result.
pub(crate) fn call(form: &Form) -> Result<String, AwsError> {
    match form.action() {
        "GetCallerIdentity" => Ok(element("Arn", &format!("arn:aws:iam::{ACCOUNT}:user/operator"))
            + &element("UserId", "AIDALOCALPOOLOPERATOR")
            + &element("Account", ACCOUNT)),
        _ => Err(invalid_action("STS", &OPERATIONS)),
    }
}
