//! A pool's app clients: what `CreateUserPoolClient` and `UpdateUserPoolClient` set and `DescribeUserPoolClient` returns.
//!
//! Invariant: an update replaces everything but the name, the id and the secret.
//! Source: the API reference of these operations.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};
use shared::clock::UnixTime;

use crate::error::CognitoError;
use crate::random;
use crate::request::{Request, outside_of_enum};
use crate::settings::{AuthSessionValidity, ClientSettings, ExplicitAuthFlow, PreventUserExistenceErrors};

/// What is returned as it was given.
const KEPT: [&str; 12] = [
    "AllowedOAuthFlows",
    "AllowedOAuthFlowsUserPoolClient",
    "AllowedOAuthScopes",
    "AnalyticsConfiguration",
    "CallbackURLs",
    "DefaultRedirectURI",
    "EnablePropagateAdditionalUserContextData",
    "LogoutURLs",
    "ReadAttributes",
    "RefreshTokenRotation",
    "SupportedIdentityProviders",
    "WriteAttributes",
];

/// One app client.
#[derive(Clone)]
pub(crate) struct AppClient {
    pub(crate) settings: ClientSettings,
    name: String,
    /// As the API returns them, without what [`ClientSettings`] holds.
    members: Map<String, Value>,
    created_at: UnixTime,
    modified_at: UnixTime,
}

/// All app clients of a pool, by id.
#[derive(Clone, Default)]
pub(crate) struct AppClients(pub(crate) BTreeMap<String, AppClient>);

impl AppClients {
    pub(crate) fn get(&self, client_id: &str) -> Result<&AppClient, CognitoError> {
        self.0.get(client_id).ok_or_else(|| no_such_client(client_id))
    }

    pub(crate) fn add(&mut self, client: AppClient) {
        self.0.insert(client.settings.client_id.clone(), client);
    }

    pub(crate) fn remove(&mut self, client_id: &str) -> Result<(), CognitoError> {
        self.0.remove(client_id).map(drop).ok_or_else(|| no_such_client(client_id))
    }
}

fn no_such_client(client_id: &str) -> CognitoError {
    CognitoError::resource_not_found(format!("User pool client {client_id} does not exist."))
}

impl AppClient {
    /// The client that a pool starts with.
    pub(crate) fn of_start(settings: ClientSettings, now: UnixTime) -> Self {
        let members = json!({
            "AllowedOAuthFlowsUserPoolClient": false,
            "EnablePropagateAdditionalUserContextData": false,
            "SupportedIdentityProviders": ["COGNITO"],
        });
        let members = members.as_object().cloned().unwrap_or_default();
        Self { name: settings.client_id.clone(), settings, members, created_at: now, modified_at: now }
    }

    /// What `CreateUserPoolClient` makes.
    pub(crate) fn new(request: &Request, now: UnixTime) -> Result<Self, CognitoError> {
        let name = request.required("ClientName")?.to_owned();
        let secret = request.flag("GenerateSecret")?.then(random::alphanumeric::<51>).transpose()?;
        let settings = settings(request, random::alphanumeric::<26>()?, secret)?;
        Ok(Self { settings, name, members: members(request), created_at: now, modified_at: now })
    }

    /// What `UpdateUserPoolClient` leaves.
    pub(crate) fn updated(&self, request: &Request, now: UnixTime) -> Result<Self, CognitoError> {
        let name = request.optional("ClientName")?.unwrap_or(&self.name).to_owned();
        let settings = settings(request, self.settings.client_id.clone(), self.settings.client_secret.clone())?;
        Ok(Self { settings, name, members: members(request), created_at: self.created_at, modified_at: now })
    }

    /// `DescribeUserPoolClient`
    pub(crate) fn to_json(&self, user_pool_id: &str) -> Value {
        let settings = &self.settings;
        let mut described = self.members.clone();
        let (refresh, refresh_unit) = in_units(settings.refresh_token_validity);
        let (access, access_unit) = in_units(settings.token_validity);
        let (id, id_unit) = in_units(settings.id_token_validity.unwrap_or(settings.token_validity));
        let flows = settings.explicit_auth_flows.iter().map(|flow| flow.as_str()).collect::<Vec<_>>();
        let own = json!({
            "UserPoolId": user_pool_id,
            "ClientId": settings.client_id,
            "ClientName": self.name,
            "ExplicitAuthFlows": flows,
            "PreventUserExistenceErrors": settings.prevent_user_existence_errors.as_str(),
            "AuthSessionValidity": settings.auth_session_validity.in_minutes(),
            "EnableTokenRevocation": settings.token_revocation,
            "RefreshTokenValidity": refresh,
            "AccessTokenValidity": access,
            "IdTokenValidity": id,
            "TokenValidityUnits": { "RefreshToken": refresh_unit, "AccessToken": access_unit, "IdToken": id_unit },
            "CreationDate": self.created_at,
            "LastModifiedDate": self.modified_at,
        });
        described.extend(own.as_object().cloned().unwrap_or_default());
        described.extend(settings.client_secret.as_ref().map(|secret| ("ClientSecret".to_owned(), json!(secret))));
        Value::Object(described)
    }

    /// An item of `ListUserPoolClients`.
    pub(crate) fn summary(&self, user_pool_id: &str) -> Value {
        json!({ "ClientId": self.settings.client_id, "ClientName": self.name, "UserPoolId": user_pool_id })
    }

    /// `ReadAttributes`: the claims and attributes that the client may see; `None` is all.
    pub(crate) fn may_write(&self, attribute: &str) -> bool {
        let listed = self.members.get("WriteAttributes").and_then(Value::as_array);
        listed.is_none_or(|names| names.iter().any(|name| name == attribute))
    }
}

fn members(request: &Request) -> Map<String, Value> {
    let defaults =
        json!({ "AllowedOAuthFlowsUserPoolClient": false, "EnablePropagateAdditionalUserContextData": false });
    let mut members = defaults.as_object().cloned().unwrap_or_default();
    members.extend(request.members_of(&KEPT));
    members
}

fn settings(request: &Request, client_id: String, secret: Option<String>) -> Result<ClientSettings, CognitoError> {
    let flows = request.list("ExplicitAuthFlows")?;
    let parse = |flow: &Value| {
        let word = flow.as_str().unwrap_or_default();
        ExplicitAuthFlow::parse(word).ok_or_else(|| outside_of_enum("ExplicitAuthFlows", word))
    };
    let mut explicit_auth_flows = flows.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    // The names without ALLOW_ do not go with a decision about the refresh: it is always allowed there.
    let old = |flow: &Value| flow.as_str().is_some_and(|word| !word.starts_with("ALLOW_"));
    if flows.iter().any(old) {
        if !flows.iter().all(old) {
            return Err(CognitoError::invalid_parameter(
                "Auth flow names with and without the prefix ALLOW_ cannot be used together",
            ));
        }
        explicit_auth_flows.push(ExplicitAuthFlow::RefreshToken);
    }
    if explicit_auth_flows.is_empty() {
        explicit_auth_flows = ExplicitAuthFlow::LEFT_OUT.to_vec();
    }
    let rotates = request.object("RefreshTokenRotation")?;
    let rotates = rotates.map(|rotation| rotation.optional("Feature").map(|feature| feature == Some("ENABLED")));
    if rotates.transpose()?.unwrap_or(false) && explicit_auth_flows.contains(&ExplicitAuthFlow::RefreshToken) {
        return Err(CognitoError::invalid_parameter(
            "ALLOW_REFRESH_TOKEN_AUTH cannot be used with refresh token rotation enabled.",
        ));
    }
    let prevent_user_existence_errors = match request.optional("PreventUserExistenceErrors")? {
        None | Some("ENABLED") => PreventUserExistenceErrors::Enabled,
        Some("LEGACY") => PreventUserExistenceErrors::Legacy,
        Some(other) => return Err(outside_of_enum("PreventUserExistenceErrors", other)),
    };
    let minutes = request.number("AuthSessionValidity")?.unwrap_or(3);
    let auth_session_validity = u8::try_from(minutes).ok().and_then(AuthSessionValidity::minutes);
    let auth_session_validity = auth_session_validity
        .ok_or_else(|| CognitoError::invalid_parameter("Invalid range for auth session validity: 3 to 15 minutes."))?;
    let units = request.object("TokenValidityUnits")?;
    let validity = |member: &str, token: &str, unit: &str, default: u64, most: u64| -> Result<Duration, CognitoError> {
        let unit = units.as_ref().map(|units| units.optional(token)).transpose()?.flatten().unwrap_or(unit);
        let seconds = seconds_of(unit).ok_or_else(|| outside_of_enum(token, unit))?;
        let seconds = match request.number(member)? {
            // Zero is the default, too.
            None | Some(0) => default,
            Some(number) => number.saturating_mul(seconds),
        };
        if seconds < 5 * 60 || seconds > most {
            return Err(CognitoError::invalid_parameter(format!("Invalid range for token validity: {member}")));
        }
        Ok(Duration::from_secs(seconds))
    };
    const DAY: u64 = 24 * 60 * 60;
    let refresh_token_validity = validity("RefreshTokenValidity", "RefreshToken", "days", 30 * DAY, 3650 * DAY)?;
    let token_validity = validity("AccessTokenValidity", "AccessToken", "hours", 60 * 60, DAY)?;
    let id_token_validity = validity("IdTokenValidity", "IdToken", "hours", 60 * 60, DAY)?;
    if refresh_token_validity < token_validity.max(id_token_validity) {
        return Err(CognitoError::invalid_parameter(
            "Invalid range for token validity: a refresh token must be valid for longer than the others",
        ));
    }
    Ok(ClientSettings {
        client_id,
        explicit_auth_flows,
        client_secret: secret,
        prevent_user_existence_errors,
        auth_session_validity,
        token_validity,
        id_token_validity: Some(id_token_validity),
        refresh_token_validity,
        token_revocation: request.member("EnableTokenRevocation").is_none_or(|enabled| enabled == true),
    })
}

fn seconds_of(unit: &str) -> Option<u64> {
    match unit {
        "seconds" => Some(1),
        "minutes" => Some(60),
        "hours" => Some(60 * 60),
        "days" => Some(24 * 60 * 60),
        _ => None,
    }
}

/// The largest unit in which it is a whole number, but not of a single one: an hour is 60 minutes, as template.yaml says.
fn in_units(validity: Duration) -> (u64, &'static str) {
    let seconds = validity.as_secs();
    for (unit, length) in [("days", 24 * 60 * 60), ("hours", 60 * 60), ("minutes", 60)] {
        if seconds.checked_rem(length) == Some(0) && seconds > length {
            return (seconds.checked_div(length).unwrap_or(seconds), unit);
        }
    }
    (seconds, "seconds")
}
