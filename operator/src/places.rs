//! Where the records of a pool are, as its functions name them.

use std::collections::HashMap;

use serde_json::{Value, json};
use shared::settings::{PasscodeDigits, StoreSettings};
use shared::store::dynamodb::DynamoDbStore;
use shared::store::kms::KmsSealer;

use crate::aws::{CallError, Cause, Services, failed};

pub(crate) struct Places {
    records: StoreSettings,
    pub(crate) passcode_digits: PasscodeDigits,
    /// About how many users the pool has.
    pub(crate) users: u64,
}

impl Places {
    /// Reads them at Create, which has all of them.
    pub(crate) async fn read(services: &Services, user_pool_id: &str) -> Result<Self, CallError> {
        let described = services.cognito("DescribeUserPool", &json!({ "UserPoolId": user_pool_id })).await?;
        let users = described.pointer("/UserPool/EstimatedNumberOfUsers").and_then(Value::as_u64).unwrap_or_default();
        let create = described.pointer("/UserPool/LambdaConfig/CreateAuthChallenge").and_then(Value::as_str);
        let create = create.ok_or_else(|| wrong("DescribeUserPool", "the pool has no CreateAuthChallenge trigger"))?;
        let configuration = services.lambda.get_function_configuration().function_name(create).send().await;
        let configuration = configuration.map_err(failed("GetFunctionConfiguration"))?;
        let variables: HashMap<String, String> =
            configuration.environment.and_then(|environment| environment.variables).unwrap_or_default();
        let lookup = |variable: &str| variables.get(variable).cloned();
        let not_understood =
            |error: shared::settings::SettingError| wrong("GetFunctionConfiguration", &error.to_string());
        Ok(Self {
            records: StoreSettings::read(&lookup).map_err(not_understood)?,
            passcode_digits: PasscodeDigits::read(&lookup).map_err(not_understood)?,
            users,
        })
    }

    /// The records' table.
    pub(crate) fn table_name(&self) -> &str {
        &self.records.table_name
    }

    /// The records, in another table if that is `given`.
    pub(crate) fn store(&self, services: &Services, given: Option<&str>) -> DynamoDbStore {
        let table_name = given.unwrap_or(&self.records.table_name);
        DynamoDbStore::new(services.dynamodb.clone(), table_name.to_owned())
    }

    pub(crate) fn sealer(&self, services: &Services) -> KmsSealer {
        KmsSealer::new(services.kms.clone(), self.records.key_id.clone())
    }
}

/// The ARN of who calls.
pub(crate) async fn caller(services: &Services) -> Result<String, CallError> {
    let identity = services.sts.get_caller_identity().send().await.map_err(failed("GetCallerIdentity"))?;
    identity.arn.ok_or_else(|| wrong("GetCallerIdentity", "the answer is incomplete"))
}

fn wrong(call: &'static str, reason: &str) -> CallError {
    CallError { call, cause: Cause::Other, reason: reason.to_owned() }
}
