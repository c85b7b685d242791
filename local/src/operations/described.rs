//! Identity providers, resource servers and a domain: kept and described, so that what configures a pool can be tried here. Managed
//! login, federation and machine clients are not emulated.

use serde_json::{Map, Value, json};

use crate::error::CognitoError;
use crate::page::page;
use crate::pool::Pool;
use crate::request::Request;
use crate::triggers::ACCOUNT;

const OF_PROVIDER: [&str; 5] =
    ["ProviderName", "ProviderType", "ProviderDetails", "AttributeMapping", "IdpIdentifiers"];
const OF_SERVER: [&str; 3] = ["Identifier", "Name", "Scopes"];

pub(crate) fn create_identity_provider(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let name = request.required("ProviderName")?;
    request.required("ProviderType")?;
    let now = pool.now();
    let mut state = pool.state();
    if state.described.identity_providers.contains_key(name) {
        return Err(CognitoError::new("DuplicateProviderException", format!("A provider with the name {name} exists")));
    }
    let mut provider = request.members_of(&OF_PROVIDER);
    let own = [
        ("UserPoolId", json!(pool.settings.user_pool_id)),
        ("CreationDate", json!(now)),
        ("LastModifiedDate", json!(now)),
    ];
    provider.extend(own.map(|(name, value)| (name.to_owned(), value)));
    state.described.identity_providers.insert(name.to_owned(), provider.clone());
    Ok(json!({ "IdentityProvider": provider }))
}

pub(crate) fn describe_identity_provider(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let name = request.required("ProviderName")?;
    let state = pool.state();
    let provider = state.described.identity_providers.get(name).ok_or_else(|| no_provider(name))?;
    Ok(json!({ "IdentityProvider": provider }))
}

pub(crate) fn update_identity_provider(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let name = request.required("ProviderName")?;
    let now = pool.now();
    let mut state = pool.state();
    let provider = state.described.identity_providers.get_mut(name).ok_or_else(|| no_provider(name))?;
    provider.extend(request.members_of(&["ProviderDetails", "AttributeMapping", "IdpIdentifiers"]));
    provider.insert("LastModifiedDate".to_owned(), json!(now));
    Ok(json!({ "IdentityProvider": provider }))
}

pub(crate) fn delete_identity_provider(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let name = request.required("ProviderName")?;
    let removed = pool.state().described.identity_providers.remove(name);
    removed.map(|_| Value::Object(Map::new())).ok_or_else(|| no_provider(name))
}

pub(crate) fn list_identity_providers(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    const SUMMARY: [&str; 4] = ["ProviderName", "ProviderType", "CreationDate", "LastModifiedDate"];
    pool.check_user_pool(request)?;
    let state = pool.state();
    let providers = state.described.identity_providers.values();
    let summary = |provider: &Map<String, Value>| -> Value {
        SUMMARY.iter().filter_map(|name| Some(((*name).to_owned(), provider.get(*name)?.clone()))).collect()
    };
    page(request, "MaxResults", "NextToken", "Providers", 60, providers.map(summary).collect())
}

fn no_provider(name: &str) -> CognitoError {
    CognitoError::resource_not_found(format!("Identity provider {name} does not exist."))
}

pub(crate) fn create_resource_server(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let identifier = request.required("Identifier")?;
    request.required("Name")?;
    let user_pool_id = &pool.settings.user_pool_id;
    let mut state = pool.state();
    if state.described.resource_servers.iter().any(|(existing, _)| existing == identifier) {
        let message = format!("{identifier} already exists in user pool {user_pool_id}.");
        return Err(CognitoError::invalid_parameter(message));
    }
    let mut server = request.members_of(&OF_SERVER);
    server.insert("UserPoolId".to_owned(), json!(user_pool_id));
    state.described.resource_servers.push((identifier.to_owned(), server.clone()));
    Ok(json!({ "ResourceServer": server }))
}

pub(crate) fn describe_resource_server(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let identifier = request.required("Identifier")?;
    let state = pool.state();
    let found = state.described.resource_servers.iter().find(|(existing, _)| existing == identifier);
    let (_, server) = found.ok_or_else(|| no_server(identifier))?;
    Ok(json!({ "ResourceServer": server }))
}

pub(crate) fn update_resource_server(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let identifier = request.required("Identifier")?;
    request.required("Name")?;
    let mut state = pool.state();
    let found = state.described.resource_servers.iter_mut().find(|(existing, _)| existing == identifier);
    let (_, server) = found.ok_or_else(|| no_server(identifier))?;
    *server = request.members_of(&OF_SERVER);
    server.insert("UserPoolId".to_owned(), json!(pool.settings.user_pool_id));
    Ok(json!({ "ResourceServer": server }))
}

pub(crate) fn delete_resource_server(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let identifier = request.required("Identifier")?;
    let mut state = pool.state();
    let servers = &mut state.described.resource_servers;
    let position = servers.iter().position(|(existing, _)| existing == identifier);
    servers.remove(position.ok_or_else(|| no_server(identifier))?);
    Ok(Value::Object(Map::new()))
}

pub(crate) fn list_resource_servers(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let state = pool.state();
    let servers = state.described.resource_servers.iter().map(|(_, server)| json!(server));
    page(request, "MaxResults", "NextToken", "ResourceServers", 50, servers.collect())
}

fn no_server(identifier: &str) -> CognitoError {
    CognitoError::resource_not_found(format!("Resource server {identifier} does not exist."))
}

pub(crate) fn create_user_pool_domain(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let domain = request.required("Domain")?.to_owned();
    let mut state = pool.state();
    if state.described.domain.is_some() {
        return Err(CognitoError::invalid_parameter("Domain already associated with another user pool."));
    }
    state.described.domain = Some((domain, request.members_of(&["CustomDomainConfig", "ManagedLoginVersion"])));
    Ok(domain_response(request))
}

pub(crate) fn update_user_pool_domain(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let domain = request.required("Domain")?;
    let mut state = pool.state();
    let own = state.described.domain.as_mut().filter(|(existing, _)| existing == domain);
    let (_, members) = own.ok_or_else(no_domain)?;
    *members = request.members_of(&["CustomDomainConfig", "ManagedLoginVersion"]);
    Ok(domain_response(request))
}

pub(crate) fn delete_user_pool_domain(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let domain = request.required("Domain")?;
    let mut state = pool.state();
    if state.described.domain.as_ref().is_none_or(|(existing, _)| existing != domain) {
        return Err(no_domain());
    }
    state.described.domain = None;
    Ok(Value::Object(Map::new()))
}

/// A domain that is not there is described by nothing, as Cognito does.
pub(crate) fn describe_user_pool_domain(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let domain = request.required("Domain")?;
    let state = pool.state();
    let Some((_, members)) = state.described.domain.as_ref().filter(|(existing, _)| existing == domain) else {
        return Ok(json!({ "DomainDescription": {} }));
    };
    let mut described = members.clone();
    let own = json!({
        "UserPoolId": pool.settings.user_pool_id,
        "AWSAccountId": ACCOUNT,
        "Domain": domain,
        "Status": "ACTIVE",
    });
    described.extend(own.as_object().cloned().unwrap_or_default());
    Ok(json!({ "DomainDescription": described }))
}

/// The distribution is documented to be returned for a domain of one's own only.
fn domain_response(request: &Request) -> Value {
    let mut response = request.members_of(&["ManagedLoginVersion"]);
    if request.member("CustomDomainConfig").is_some() {
        response.insert("CloudFrontDomain".to_owned(), json!("local-pool.cloudfront.net"));
    }
    Value::Object(response)
}

fn no_domain() -> CognitoError {
    CognitoError::invalid_parameter("No such domain or user pool exists.")
}
