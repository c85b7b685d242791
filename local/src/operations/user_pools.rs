//! One user pool: `DescribeUserPool`, `UpdateUserPool`, `AddCustomAttributes`, `ListUserPoolReplicas`. What makes, lists and deletes pools is in `service`.

use serde_json::{Map, Value, json};

use crate::error::CognitoError;
use crate::pool::Pool;
use crate::request::{Request, outside_of_enum};
use crate::settings::MfaConfiguration;

pub(crate) fn describe_user_pool(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    Ok(json!({ "UserPool": description(pool) }))
}

/// What `DescribeUserPool` and `CreateUserPool` return.
pub(crate) fn description(pool: &Pool) -> Value {
    let state = pool.state();
    let mut description = state.configuration.to_json();
    description.insert("Id".to_owned(), json!(pool.settings.user_pool_id));
    description.insert("Arn".to_owned(), json!(pool.arn()));
    description.insert("MfaConfiguration".to_owned(), json!(state.mfa.configuration.as_str()));
    description.insert("EstimatedNumberOfUsers".to_owned(), json!(state.users.len()));
    if let Some((domain, members)) = &state.described.domain {
        let name = if members.contains_key("CustomDomainConfig") { "CustomDomain" } else { "Domain" };
        description.insert(name.to_owned(), json!(domain));
    }
    Value::Object(description)
}

/// What is left out returns to its default.
pub(crate) fn update_user_pool(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let mfa = mfa_configuration(request)?;
    let now = pool.now();
    let mut state = pool.state();
    let configuration = state.configuration.updated(request, now)?;
    if mfa != MfaConfiguration::Off && state.mfa.factors.is_empty() && request.object("SmsConfiguration")?.is_none() {
        return Err(CognitoError::invalid_parameter(
            "SMS configuration and Auto verification for phone_number are required when MFA is required/optional",
        ));
    }
    state.configuration = configuration;
    state.mfa.configuration = mfa;
    Ok(Value::Object(Map::new()))
}

/// `MfaConfiguration`; left out, it is off.
pub(crate) fn mfa_configuration(request: &Request) -> Result<MfaConfiguration, CognitoError> {
    match request.optional("MfaConfiguration")? {
        None => Ok(MfaConfiguration::Off),
        Some(word) => MfaConfiguration::parse(word).ok_or_else(|| outside_of_enum("MfaConfiguration", word)),
    }
}

/// No pool has any.
pub(crate) fn list_user_pool_replicas(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    Ok(json!({ "UserPoolReplicas": [] }))
}

pub(crate) fn add_custom_attributes(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let mut state = pool.state();
    let mut schema = state.configuration.schema.clone();
    for attribute in request.list("CustomAttributes")? {
        schema.add_custom(&Request::parse(attribute)?)?;
    }
    state.configuration.schema = schema;
    Ok(Value::Object(Map::new()))
}
