//! The session configurations of a pool and of its app clients, which are kept and returned: nobody's sessions are listed here.
//!
//! Invariant: each Set replaces the whole of it, and no update of the pool or of the client touches it.
//!
//! Source: the API reference of these operations.

use std::ops::RangeInclusive;

use serde_json::{Map, Value, json};

use crate::error::CognitoError;
use crate::pool::Pool;
use crate::request::{Request, missing_member, outside_of_enum, violated_constraint};
use crate::state::State;

pub(crate) fn get_user_pool_session_configuration(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    Ok(of_pool(pool, &pool.state()))
}

pub(crate) fn set_user_pool_session_configuration(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let tracking = request.required("UserSessionTracking")?;
    if !["ENABLED", "DISABLED"].contains(&tracking) {
        return Err(outside_of_enum("UserSessionTracking", tracking));
    }
    check_number(request.object("TokenSession")?, "MaxPerUser", "tokenSession.maxPerUser", 1..=100)?;
    let mut state = pool.state();
    check_tier(&state)?;
    state.session_configuration = Some(request.members_except(&["UserPoolId"]));
    Ok(of_pool(pool, &state))
}

pub(crate) fn get_user_pool_client_session_configuration(
    pool: &Pool,
    request: &Request,
) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    of_client(pool, &pool.state(), request.required("ClientId")?)
}

/// Documented: the pool has to track sessions. Once it does not any more, what was set stays, and counts again when it does.
pub(crate) fn set_user_pool_client_session_configuration(
    pool: &Pool,
    request: &Request,
) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let client_id = request.required("ClientId")?;
    check_number(request.object("SSOSession")?, "MaxValidityMinutes", "sSOSession.maxValidityMinutes", 0..=129_600)?;
    let mut state = pool.state();
    let mut client = state.clients.get(client_id)?.clone();
    check_tier(&state)?;
    if of_pool(pool, &state).get("UserSessionTracking").is_none_or(|tracking| tracking != "ENABLED") {
        return Err(CognitoError::invalid_parameter("User session tracking is not enabled for this user pool."));
    }
    client.session_configuration = Some(request.members_except(&["UserPoolId", "ClientId"]));
    state.clients.add(client);
    of_client(pool, &state, client_id)
}

fn of_pool(pool: &Pool, state: &State) -> Value {
    let default = json!({ "UserSessionTracking": "DISABLED", "TokenSession": { "MaxPerUser": 20 } });
    let ids = json!({ "UserPoolId": pool.settings.user_pool_id });
    merged([Some(default), state.session_configuration.clone().map(Value::Object), Some(ids)])
}

fn of_client(pool: &Pool, state: &State, client_id: &str) -> Result<Value, CognitoError> {
    let set = state.clients.get(client_id)?.session_configuration.clone();
    let default = json!({ "SSOSession": { "MaxValidityMinutes": 60 } });
    let ids = json!({ "UserPoolId": pool.settings.user_pool_id, "ClientId": client_id });
    Ok(merged([Some(default), set.map(Value::Object), Some(ids)]))
}

/// The members of all, where a later one replaces an earlier one.
fn merged(all: [Option<Value>; 3]) -> Value {
    let members = all.into_iter().flatten().filter_map(|value| value.as_object().cloned()).flatten();
    Value::Object(members.collect::<Map<_, _>>())
}

/// The one number of a structure, which is at `path` in what Cognito says of it.
fn check_number(
    structure: Option<Request>,
    name: &str,
    path: &str,
    range: RangeInclusive<u64>,
) -> Result<(), CognitoError> {
    let number = structure.map(|structure| structure.number(name)).transpose()?.flatten();
    let number = number.ok_or_else(|| missing_member(path))?;
    let problem = if number < *range.start() {
        format!("have value greater than or equal to {}", range.start())
    } else if number > *range.end() {
        format!("have value less than or equal to {}", range.end())
    } else {
        return Ok(());
    };
    Err(violated_constraint(path, &problem))
}

fn check_tier(state: &State) -> Result<(), CognitoError> {
    match state.configuration.is_lite() {
        true => Err(CognitoError::not_in_tier("The session configuration")),
        false => Ok(()),
    }
}
