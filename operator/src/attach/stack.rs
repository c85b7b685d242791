//! The stack of the functions, by its outputs, and the stack that owns a pool.
//!
//! The outputs say which functions there are, which pool may call them and how they are set: no right on Lambda is needed.
//! Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_DescribeStackResources.html>

use std::collections::BTreeMap;

use aws_sdk_cloudformation::error::ProvideErrorMetadata as _;
use aws_sdk_cloudformation::types::StackStatus;

use crate::aws::{CallError, Cause, Services, failed};

/// In which the outputs are what is deployed.
const SETTLED: [&str; 3] = ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"];

/// The stack of template.yaml.
#[derive(Clone, Debug)]
pub struct Stack {
    /// Its name.
    pub name: String,
    outputs: BTreeMap<String, String>,
}

impl Stack {
    /// A stack that has these outputs.
    #[must_use]
    pub fn new(name: String, outputs: BTreeMap<String, String>) -> Self {
        Self { name, outputs }
    }

    /// An output; `NONE` is none.
    #[must_use]
    pub fn output(&self, name: &str) -> Option<&str> {
        self.outputs.get(name).map(String::as_str).filter(|value| !value.is_empty() && *value != "NONE")
    }
}

impl Services {
    /// Reads the outputs of a stack.
    ///
    /// # Errors
    /// The call's; there is no such stack.
    pub async fn stack(&self, name: &str) -> Result<Stack, CallError> {
        const CALL: &str = "DescribeStacks";
        let answer = self.cloudformation.describe_stacks().stack_name(name).send().await;
        let stack = answer.map_err(failed(CALL))?.stacks.unwrap_or_default().into_iter().next();
        let status = stack.as_ref().and_then(|stack| stack.stack_status.as_ref()).map_or("", StackStatus::as_str);
        if !SETTLED.contains(&status) {
            let reason = format!("the stack {name} is {status}");
            return Err(CallError { call: CALL, cause: Cause::Other, reason });
        }
        let outputs = stack.and_then(|stack| stack.outputs).ok_or_else(|| {
            let reason = format!("the stack {name} has no outputs; is it one of template.yaml");
            CallError { call: CALL, cause: Cause::Other, reason }
        })?;
        let outputs = outputs.into_iter().filter_map(|output| Some((output.output_key?, output.output_value?)));
        Ok(Stack::new(name.to_owned(), outputs.collect()))
    }

    /// The name of the stack that a pool or an app client belongs to, by its id: that of CDK, Amplify, SAM and the Serverless Framework, too.
    ///
    /// # Errors
    /// The call's.
    pub async fn owner(&self, id: &str) -> Result<Option<String>, CallError> {
        let answer = self.cloudformation.describe_stack_resources().physical_resource_id(id).send().await;
        match answer {
            Ok(answer) => {
                let resources = answer.stack_resources.unwrap_or_default();
                let owned = resources.into_iter().find(|resource| resource.physical_resource_id.as_deref() == Some(id));
                Ok(owned.and_then(|owned| owned.stack_name))
            }
            Err(error)
                if error.code() == Some("ValidationError")
                    && error.message().is_some_and(|message| message.contains("does not exist")) =>
            {
                Ok(None)
            }
            Err(error) => Err(failed("DescribeStackResources")(error)),
        }
    }
}
