//! CloudFormation with the stack of template.yaml, `second-factor`, which made the pool that is there from the start and everything else
//! here. A pool that `CreateUserPool` made was made by no stack: `second-factor-for-<user pool id>` is the same deployment for it, as
//! with the parameter `ExistingUserPoolId`.
//!
//! Source: <https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_Operations.html>

use crate::aws::dynamodb::TABLE_NAME;
use crate::aws::error::AwsError;
use crate::aws::kms::{KEY_ID, key_arn};
use crate::aws::lambda::token_guard;
use crate::aws::query::{Form, element, invalid_action, list, text};
use crate::aws::rfc3339::rfc3339;
use crate::service::Service;
use crate::settings::PreTokenGenerationVersion;
use crate::triggers::in_process::InProcess;
use crate::triggers::{ACCOUNT, Trigger, own_function};

pub(crate) const NAMESPACE: &str = "http://cloudformation.amazonaws.com/doc/2010-05-15/";
/// What tells its requests from those of STS.
pub(crate) const VERSION: &str = "2010-05-15";

const OPERATIONS: [&str; 2] = ["DescribeStacks", "DescribeStackResources"];
/// The stack that made the first pool.
const STACK: &str = "second-factor";
/// What a stack that is deployed for an existing pool is called before the pool's id.
const FOR_EXISTING: &str = "second-factor-for-";
/// What an output is that has no value.
const NONE: &str = "NONE";

/// Returns the elements of the result.
pub(crate) fn call(service: &Service, functions: &InProcess, form: &Form) -> Result<String, AwsError> {
    match form.action() {
        "DescribeStacks" => describe_stacks(service, functions, form),
        "DescribeStackResources" => describe_stack_resources(service, form),
        _ => Err(invalid_action("CloudFormation", &OPERATIONS)),
    }
}

fn describe_stacks(service: &Service, functions: &InProcess, form: &Form) -> Result<String, AwsError> {
    let named = form.get("StackName").ok_or_else(|| {
        validation_error("The local pool describes one stack at a time, and StackName is missing.".to_owned())
    })?;
    let name = name_of(named);
    let first = service.first();
    let (user_pool_id, client_id) = match name.strip_prefix(FOR_EXISTING).and_then(|id| service.pool(id)) {
        Some(pool) => (pool.settings().user_pool_id.clone(), None),
        None if name == STACK => {
            (first.settings().user_pool_id.clone(), first.first_client().map(|client| client.client_id))
        }
        None => return Err(validation_error(format!("Stack with id {named} does not exist"))),
    };
    let events = first.settings().pre_token_generation.unwrap_or(PreTokenGenerationVersion::V2);
    let arn = |trigger| Some(own_function(trigger));
    let outputs: [(&str, Option<String>); 13] = [
        ("UserPoolId", Some(user_pool_id)),
        ("UserPoolClientId", client_id),
        ("TableName", Some(TABLE_NAME.to_owned())),
        ("SealingKeyArn", Some(key_arn())),
        ("DefineAuthChallengeArn", arn(Trigger::DefineAuthChallenge)),
        ("CreateAuthChallengeArn", arn(Trigger::CreateAuthChallenge)),
        ("VerifyAuthChallengeArn", arn(Trigger::VerifyAuthChallengeResponse)),
        ("PreTokenGenerationArn", arn(Trigger::PreTokenGeneration)),
        ("TokenGuard", Some(token_guard(functions.guard().setting).to_owned())),
        ("TokenGuardEvents", Some(events.as_str().to_owned())),
        ("FederatedProviders", Some(NONE.to_owned())),
        ("ReportOnlyUntil", Some(NONE.to_owned())),
        ("NextPreTokenGenerationArn", Some(NONE.to_owned())),
    ];
    let outputs = outputs.into_iter().filter_map(|(key, value)| {
        let value = value?;
        Some(text("OutputKey", key) + &text("OutputValue", &value))
    });
    let stack = text("StackId", &stack_id(name))
        + &text("StackName", name)
        + &text("CreationTime", &rfc3339(service.started_at()))
        + &element("StackStatus", "CREATE_COMPLETE")
        + &element("DisableRollback", "false")
        + &list("Outputs", outputs);
    Ok(list("Stacks", [stack]))
}

/// All resources of the stack that has this one, as CloudFormation answers.
fn describe_stack_resources(service: &Service, form: &Form) -> Result<String, AwsError> {
    let asked = form.get("PhysicalResourceId").filter(|_| form.get("StackName").is_none()).ok_or_else(|| {
        validation_error(
            "The local pool finds a stack's resources by PhysicalResourceId, and by nothing else.".to_owned(),
        )
    })?;
    let resources = resources(service);
    if resources.iter().all(|(_, _, physical_id)| physical_id != asked) {
        return Err(validation_error(format!("Stack for {asked} does not exist")));
    }
    let made_at = rfc3339(service.started_at());
    Ok(list(
        "StackResources",
        resources.into_iter().map(|(logical_id, kind, physical_id)| {
            text("StackName", STACK)
                + &text("StackId", &stack_id(STACK))
                + &text("LogicalResourceId", logical_id)
                + &text("PhysicalResourceId", &physical_id)
                + &text("ResourceType", kind)
                + &text("Timestamp", &made_at)
                + &element("ResourceStatus", "CREATE_COMPLETE")
        }),
    ))
}

/// What of template.yaml is here: logical id, type and physical id.
fn resources(service: &Service) -> Vec<(&'static str, &'static str, String)> {
    const FUNCTION: &str = "AWS::Lambda::Function";
    let first = service.first();
    let name = |trigger| own_function(trigger).rsplit(':').next().unwrap_or_default().to_owned();
    let client = first.first_client().map(|client| client.client_id);
    let client = client.map(|id| ("UserPoolClient", "AWS::Cognito::UserPoolClient", id));
    let all = [
        ("DefineAuthChallenge", FUNCTION, name(Trigger::DefineAuthChallenge)),
        ("CreateAuthChallenge", FUNCTION, name(Trigger::CreateAuthChallenge)),
        ("VerifyAuthChallenge", FUNCTION, name(Trigger::VerifyAuthChallengeResponse)),
        ("PreTokenGeneration", FUNCTION, name(Trigger::PreTokenGeneration)),
        ("UserPool", "AWS::Cognito::UserPool", first.settings().user_pool_id.clone()),
        ("SecondFactors", "AWS::DynamoDB::Table", TABLE_NAME.to_owned()),
        ("SealingKey", "AWS::KMS::Key", KEY_ID.to_owned()),
    ];
    all.into_iter().chain(client).collect()
}

/// A stack is named by its name or its id.
fn name_of(named: &str) -> &str {
    let name = named.split_once(":stack/").and_then(|(_, rest)| rest.split('/').next());
    name.filter(|name| stack_id(name) == named).unwrap_or(named)
}

fn stack_id(name: &str) -> String {
    format!("arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/{name}/57ac0000-0000-4000-8000-000000000000")
}

fn validation_error(message: String) -> AwsError {
    AwsError::new("ValidationError", message)
}
