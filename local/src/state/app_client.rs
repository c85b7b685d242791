//! A pool's app clients: what `CreateUserPoolClient` and `UpdateUserPoolClient` set and `DescribeUserPoolClient` returns.
//!
//! Invariant: an update replaces everything but the name, the id and the secret. That is so for every member, also for one that no
//! model has: it is described as it was given.
//! Source: the API reference of these operations, and their shapes in the service model.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::clock::UnixTime;

use crate::error::CognitoError;
use crate::random;
use crate::request::{Request, outside_of_enum};
use crate::settings::{AuthSessionValidity, ClientSettings, ExplicitAuthFlow, PreventUserExistenceErrors};
use crate::state::modified::LastModified;
use crate::stored::StoredClientSettings;

/// What a request does not set, or what is held apart: the members of `DescribeUserPoolClient` that no update takes are ignored in
/// one. Two members are newer than the service model here: `ClientSecretArn` is described only, and
/// `PublishSecretsInAWSSecretsManager` is never described.
const NOT_MEMBERS: [&str; 10] = [
    "ClientId",
    "ClientName",
    "ClientSecret",
    "ClientSecretArn",
    "ClientType",
    "CreationDate",
    "GenerateSecret",
    "LastModifiedDate",
    "PublishSecretsInAWSSecretsManager",
    "UserPoolId",
];

/// One app client.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct AppClient {
    #[serde(with = "StoredClientSettings")]
    pub(crate) settings: ClientSettings,
    name: String,
    /// As the API returns them, without what [`ClientSettings`] holds.
    members: Map<String, Value>,
    /// What `SetUserPoolClientSessionConfiguration` was given: no update of the client touches it.
    pub(crate) session_configuration: Option<Map<String, Value>>,
    created_at: UnixTime,
    modified_at: LastModified,
}

/// All app clients of a pool, by id.
#[derive(Clone, Default, Serialize, Deserialize)]
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
        Self::made(settings.client_id.clone(), settings, members, now)
    }

    /// What `CreateUserPoolClient` makes.
    pub(crate) fn new(request: &Request, now: UnixTime) -> Result<Self, CognitoError> {
        let name = request.required("ClientName")?.to_owned();
        let secret = request.flag("GenerateSecret")?.then(random::alphanumeric::<51>).transpose()?;
        let settings = settings(request, random::alphanumeric::<26>()?, secret)?;
        Ok(Self::made(name, settings, members(request), now))
    }

    fn made(name: String, settings: ClientSettings, members: Map<String, Value>, now: UnixTime) -> Self {
        let modified_at = LastModified::at(now);
        Self { settings, name, members, session_configuration: None, created_at: now, modified_at }
    }

    /// What `UpdateUserPoolClient` leaves.
    pub(crate) fn updated(&self, request: &Request, now: UnixTime) -> Result<Self, CognitoError> {
        let name = request.optional("ClientName")?.unwrap_or(&self.name).to_owned();
        let settings = settings(request, self.settings.client_id.clone(), self.settings.client_secret.clone())?;
        let modified_at = self.modified_at.again(now);
        Ok(Self { settings, name, members: members(request), modified_at, ..self.clone() })
    }

    /// `DescribeUserPoolClient`
    pub(crate) fn to_json(&self, user_pool_id: &str) -> Value {
        let settings = &self.settings;
        let mut described = self.members.clone();
        let [of_refresh, of_access, of_id] = VALIDITIES;
        let (refresh, refresh_unit) = self.validity(of_refresh, settings.refresh_token_validity);
        let (access, access_unit) = self.validity(of_access, settings.token_validity);
        let (id, id_unit) = self.validity(of_id, settings.id_token_validity.unwrap_or(settings.token_validity));
        let flows = settings.explicit_auth_flows.iter().map(|flow| flow.as_str()).collect::<Vec<_>>();
        // As it was given, in its older names too.
        let flows = described.remove("ExplicitAuthFlows").unwrap_or_else(|| json!(flows));
        let mut units = described.get("TokenValidityUnits").and_then(Value::as_object).cloned().unwrap_or_default();
        units.extend(
            [(of_refresh, refresh_unit), (of_access, access_unit), (of_id, id_unit)]
                .map(|((_, token, _), unit)| (token.to_owned(), unit)),
        );
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
            "TokenValidityUnits": units,
            "CreationDate": self.created_at,
            "LastModifiedDate": self.modified_at.to_json(),
        });
        described.extend(own.as_object().cloned().unwrap_or_default());
        described.extend(settings.client_secret.as_ref().map(|secret| ("ClientSecret".to_owned(), json!(secret))));
        Value::Object(described)
    }

    /// A number and its unit: as they were given, or the default.
    fn validity(&self, (member, token, default_unit): Validity, default: Duration) -> (Value, Value) {
        let given = self.members.get(member).filter(|number| **number != 0);
        let unit = self.members.get("TokenValidityUnits").and_then(|units| units.get(token));
        match (given, unit) {
            (Some(number), unit) => (number.clone(), unit.cloned().unwrap_or_else(|| json!(default_unit))),
            (None, unit) => {
                let (number, unit) =
                    unit.and_then(|unit| in_unit(default, unit.as_str()?)).unwrap_or(in_units(default));
                (json!(number), json!(unit))
            }
        }
    }

    /// An item of `ListUserPoolClients`.
    pub(crate) fn summary(&self, user_pool_id: &str) -> Value {
        json!({ "ClientId": self.settings.client_id, "ClientName": self.name, "UserPoolId": user_pool_id })
    }

    /// Whether the client sees an attribute, in `GetUser` and ID tokens: all where there is no `ReadAttributes`.
    pub(crate) fn may_read(&self, attribute: &str) -> bool {
        self.lists("ReadAttributes", attribute)
    }

    /// Whether the client may set an attribute: all where there is no `WriteAttributes`.
    pub(crate) fn may_write(&self, attribute: &str) -> bool {
        self.lists("WriteAttributes", attribute)
    }

    fn lists(&self, member: &str, attribute: &str) -> bool {
        let listed = self.members.get(member).and_then(Value::as_array);
        listed.is_none_or(|names| names.iter().any(|name| name == attribute))
    }
}

/// How long a token is valid: the member that says so, the token's name among the units, and the unit where there is none.
type Validity = (&'static str, &'static str, &'static str);
const VALIDITIES: [Validity; 3] = [
    ("RefreshTokenValidity", "RefreshToken", "days"),
    ("AccessTokenValidity", "AccessToken", "hours"),
    ("IdTokenValidity", "IdToken", "hours"),
];

fn members(request: &Request) -> Map<String, Value> {
    let defaults =
        json!({ "AllowedOAuthFlowsUserPoolClient": false, "EnablePropagateAdditionalUserContextData": false });
    let mut members = defaults.as_object().cloned().unwrap_or_default();
    members.extend(request.members_except(&NOT_MEMBERS));
    members
}

fn settings(request: &Request, client_id: String, secret: Option<String>) -> Result<ClientSettings, CognitoError> {
    let flows = request.list("ExplicitAuthFlows")?;
    let parse = |flow: &Value| {
        let word = flow.as_str().unwrap_or_default();
        ExplicitAuthFlow::parse(word).ok_or_else(|| outside_of_enum("ExplicitAuthFlows", word))
    };
    let mut explicit_auth_flows = flows.iter().map(parse).collect::<Result<Vec<_>, _>>()?;
    // The names without ALLOW_ are older, and add to flows that cannot be switched off by them.
    let old = |flow: &Value| flow.as_str().is_some_and(|word| !word.starts_with("ALLOW_"));
    if flows.iter().any(old) {
        if !flows.iter().all(old) {
            return Err(CognitoError::invalid_parameter(
                "Auth flow names with and without the prefix ALLOW_ cannot be used together",
            ));
        }
        explicit_auth_flows.push(ExplicitAuthFlow::RefreshToken);
        if !flows.iter().any(|flow| flow == "CUSTOM_AUTH_FLOW_ONLY") {
            explicit_auth_flows.extend([ExplicitAuthFlow::CustomAuth, ExplicitAuthFlow::UserSrp]);
        }
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
    let validity = |of: Validity, default: u64, most: u64| -> Result<Duration, CognitoError> {
        let (member, token, unit) = of;
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
    let [refresh_token, access_token, id_token] = VALIDITIES;
    let refresh_token_validity = validity(refresh_token, 30 * DAY, 3650 * DAY)?;
    let token_validity = validity(access_token, 60 * 60, DAY)?;
    let id_token_validity = validity(id_token, 60 * 60, DAY)?;
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

/// `None` unless it is a whole number of them.
fn in_unit(validity: Duration, unit: &str) -> Option<(u64, &str)> {
    let (seconds, length) = (validity.as_secs(), seconds_of(unit)?);
    (seconds.checked_rem(length)? == 0).then_some((seconds.checked_div(length)?, unit))
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
