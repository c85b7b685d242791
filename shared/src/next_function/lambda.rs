//! The next function, invoked by Lambda's Invoke API.
//!
//! Source: <https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html>

use aws_sdk_lambda::Client;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_lambda::types::InvocationType;
use serde_json::Value;

use super::{Invoked, NextFunction};
use crate::error::InvokeError;
use crate::guard_settings::FunctionArn;

/// One function.
pub struct LambdaFunction {
    client: Client,
    arn: FunctionArn,
}

impl LambdaFunction {
    /// The function `arn`.
    #[must_use]
    pub fn new(client: Client, arn: FunctionArn) -> Self {
        Self { client, arn }
    }
}

impl NextFunction for LambdaFunction {
    async fn invoke(&self, event: &Value) -> Result<Invoked, InvokeError> {
        let request = self.client.invoke().function_name(self.arn.as_str());
        let request = request.invocation_type(InvocationType::RequestResponse).payload(Blob::new(event.to_string()));
        let response = request.send().await.map_err(|fault| InvokeError(fault.into()))?;
        let payload = response.payload.map(Blob::into_inner).unwrap_or_default();
        Ok(Invoked { failed: response.function_error.is_some(), payload })
    }
}
