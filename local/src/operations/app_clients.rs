//! A pool's app clients.

use serde_json::{Map, Value, json};

use crate::error::CognitoError;
use crate::page::page;
use crate::pool::Pool;
use crate::request::Request;
use crate::state::app_client::AppClient;

pub(crate) fn create_user_pool_client(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let client = AppClient::new(request, pool.now())?;
    let response = json!({ "UserPoolClient": client.to_json(&pool.settings.user_pool_id) });
    pool.state().clients.add(client);
    Ok(response)
}

pub(crate) fn describe_user_pool_client(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let state = pool.state();
    let client = state.clients.get(request.required("ClientId")?)?;
    Ok(json!({ "UserPoolClient": client.to_json(&pool.settings.user_pool_id) }))
}

/// What is left out returns to its default.
pub(crate) fn update_user_pool_client(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let now = pool.now();
    let mut state = pool.state();
    let client = state.clients.get(request.required("ClientId")?)?.updated(request, now)?;
    let response = json!({ "UserPoolClient": client.to_json(&pool.settings.user_pool_id) });
    state.clients.add(client);
    Ok(response)
}

pub(crate) fn delete_user_pool_client(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    pool.state().clients.remove(request.required("ClientId")?)?;
    Ok(Value::Object(Map::new()))
}

pub(crate) fn list_user_pool_clients(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let state = pool.state();
    let clients = state.clients.0.values().map(|client| client.summary(&pool.settings.user_pool_id));
    page(request, "MaxResults", "NextToken", "UserPoolClients", 60, clients.collect())
}
