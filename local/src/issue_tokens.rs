//! Issues ID and access tokens, after a sign-in and for a refresh token.
//!
//! Source: the Cognito developer guide, "Understanding user pool JSON web tokens" and "Pre token generation Lambda trigger"
//! (which claims it may change).

use std::time::Duration;

use serde_json::{Map, Value, json};
use shared::clock::UnixTime;
use shared::cognito::TokenSource;

use crate::error::CognitoError;
use crate::pool::Pool;
use crate::random;
use crate::request::Strings;
use crate::settings::ClientSettings;
use crate::state::grant::AuthorizationGrant;
use crate::state::user::{User, UserStatus};
use crate::triggers::delivery::{ClaimChanges, EventFrame, SCOPE, TokenChanges};

/// Ends a sign-in: the response with all three tokens.
pub(crate) async fn issue_tokens(
    pool: &Pool,
    client: &ClientSettings,
    user_name: &str,
    source: TokenSource,
    client_metadata: Option<Strings>,
) -> Result<Value, CognitoError> {
    let grant = AuthorizationGrant::new(client, user_name, pool.now())?;
    let mut result = id_and_access_token(pool, client, &grant, source, client_metadata).await?;
    let refresh_token = random::opaque::<96>()?;
    result.insert("RefreshToken".to_owned(), json!(refresh_token));
    pool.state().grants.add(refresh_token, grant);
    Ok(json!({ "ChallengeParameters": {}, "AuthenticationResult": result }))
}

/// The grant of a client's refresh token, and the name of its user.
pub(crate) fn grant_of(
    pool: &Pool,
    client: &ClientSettings,
    refresh_token: &str,
) -> Result<(AuthorizationGrant, String), CognitoError> {
    let state = pool.state();
    let grant = state.grants.of_refresh_token(client, refresh_token);
    let grant = grant.ok_or_else(|| CognitoError::not_authorized("Invalid Refresh Token"))?;
    let user = state.users.named(&grant.user).ok_or_else(CognitoError::user_not_found)?;
    Ok((grant.clone(), user.user_name.clone()))
}

/// A new ID and access token. Refresh tokens are not rotated here, so the response has none.
pub(crate) async fn refresh_tokens(
    pool: &Pool,
    client: &ClientSettings,
    grant: &AuthorizationGrant,
) -> Result<Map<String, Value>, CognitoError> {
    grant.check_refresh_token(pool.now())?;
    id_and_access_token(pool, client, grant, TokenSource::RefreshTokens, None).await
}

async fn id_and_access_token(
    pool: &Pool,
    client: &ClientSettings,
    grant: &AuthorizationGrant,
    source: TokenSource,
    client_metadata: Option<Strings>,
) -> Result<Map<String, Value>, CognitoError> {
    let frame = event_frame(pool, client, grant, client_metadata)?;
    let version = pool.state().configuration.pre_token_generation();
    let changes = match version {
        Some(version) => pool.delivery.generate_tokens(&frame, source, version).await?,
        None => TokenChanges::default(),
    };
    let now = pool.now();
    let (access, id) = {
        let state = pool.state();
        let user = state.users.named(&grant.user).ok_or_else(CognitoError::user_not_found)?;
        let groups: Vec<&str> = state.groups.of(&user.user_name).into_iter().map(|(name, _)| name).collect();
        let id_validity = client.id_token_validity.unwrap_or(client.token_validity);
        let mut access = common_claims(pool, grant, user, client.token_validity, now)?;
        access.insert("token_use".to_owned(), json!("access"));
        access.insert("client_id".to_owned(), json!(client.client_id));
        access.insert("username".to_owned(), json!(user.user_name));
        access.insert("scope".to_owned(), json!(SCOPE));
        let mut id = common_claims(pool, grant, user, id_validity, now)?;
        if !groups.is_empty() {
            access.insert("cognito:groups".to_owned(), json!(groups));
            id.insert("cognito:groups".to_owned(), json!(groups));
        }
        id.insert("token_use".to_owned(), json!("id"));
        id.insert("aud".to_owned(), json!(client.client_id));
        id.insert("cognito:username".to_owned(), json!(user.user_name));
        let reader = state.clients.get(&client.client_id)?;
        let readable = user.attributes.iter().filter(|(name, _)| reader.may_read(name));
        id.extend(readable.map(|(name, value)| (name.clone(), attribute_claim(name, value))));
        (changed(access, changes.access), changed(id, changes.id))
    };
    let result = json!({
        "AccessToken": pool.signing_key.sign(&access)?,
        "IdToken": pool.signing_key.sign(&id)?,
        "ExpiresIn": client.token_validity.as_secs(),
        "TokenType": "Bearer",
    });
    Ok(result.as_object().cloned().unwrap_or_default())
}

fn event_frame(
    pool: &Pool,
    client: &ClientSettings,
    grant: &AuthorizationGrant,
    client_metadata: Option<Strings>,
) -> Result<EventFrame, CognitoError> {
    let state = pool.state();
    let user = state.users.named(&grant.user).ok_or_else(CognitoError::user_not_found)?;
    if !user.enabled {
        return Err(CognitoError::user_disabled());
    }
    if user.status == UserStatus::Unconfirmed {
        return Err(CognitoError::user_not_confirmed());
    }
    Ok(EventFrame {
        region: pool.settings.region.clone(),
        user_pool_id: pool.settings.user_pool_id.clone(),
        user_name: user.user_name.clone(),
        client_id: client.client_id.clone(),
        user_attributes: user.trigger_attributes(),
        user_not_found: None,
        client_metadata,
        functions: state.configuration.functions(),
        groups: state.groups.configuration_of(&user.user_name),
    })
}

fn common_claims(
    pool: &Pool,
    grant: &AuthorizationGrant,
    user: &User,
    validity: Duration,
    now: UnixTime,
) -> Result<Map<String, Value>, CognitoError> {
    let claims = json!({
        "sub": user.sub,
        "iss": format!("{}/{}", pool.settings.endpoint, pool.settings.user_pool_id),
        "origin_jti": grant.origin_jti,
        "event_id": grant.event_id,
        "auth_time": grant.auth_time,
        "iat": now,
        "exp": now.plus(validity.as_secs()),
        "jti": random::uuid()?.to_string(),
    });
    Ok(claims.as_object().cloned().unwrap_or_default())
}

/// The claims after the changes of `PreTokenGeneration`, which cannot change the token's owner, audience or times.
fn changed(mut claims: Map<String, Value>, changes: ClaimChanges) -> Value {
    const FIXED: [&str; 15] = [
        "acr",
        "amr",
        "at_hash",
        "aud",
        "auth_time",
        "azp",
        "client_id",
        "exp",
        "iat",
        "iss",
        "jti",
        "nonce",
        "origin_jti",
        "sub",
        "token_use",
    ];
    let may_change = |name: &str| !FIXED.contains(&name) && !name.starts_with("cognito:");
    claims.retain(|name, _| !(may_change(name) && changes.suppress.contains(name)));
    claims.extend(changes.add.into_iter().filter(|(name, _)| may_change(name)));
    Value::Object(claims)
}

/// Attributes are strings and become string claims, except for the two that say whether an address was verified.
fn attribute_claim(name: &str, value: &str) -> Value {
    match name {
        "email_verified" | "phone_number_verified" => json!(value == "true"),
        _ => json!(value),
    }
}
