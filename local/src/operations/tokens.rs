//! `GetTokensFromRefreshToken`, `RevokeToken`, `GlobalSignOut` and `AdminUserGlobalSignOut`.

use serde_json::{Value, json};

use crate::error::CognitoError;
use crate::issue_tokens::{grant_of, refresh_tokens};
use crate::pool::Pool;
use crate::request::Request;

/// What `REFRESH_TOKEN_AUTH` does, as a separate operation; Amplify calls it.
pub(crate) async fn get_tokens_from_refresh_token(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let client = &pool.client(request)?;
    if !client.is_secret(request.optional("ClientSecret")?) {
        return Err(CognitoError::not_authorized("Invalid client secret"));
    }
    let (grant, _) = grant_of(pool, client, request.required("RefreshToken")?)?;
    Ok(json!({ "AuthenticationResult": refresh_tokens(pool, client, &grant).await? }))
}

pub(crate) fn revoke_token(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let client = &pool.client(request)?;
    if !client.is_secret(request.optional("ClientSecret")?) {
        return Err(CognitoError::new("UnauthorizedException", "Invalid client secret"));
    }
    let token = request.required("Token")?;
    if pool.signing_key.verify(token).is_some() {
        return Err(CognitoError::new("UnsupportedTokenTypeException", "Unsupported token type"));
    }
    pool.state().grants.revoke(client, token)?;
    Ok(json!({}))
}

pub(crate) fn global_sign_out(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let user_name = pool.user_of_access_token(request)?;
    pool.state().grants.revoke_all_of(&user_name);
    Ok(json!({}))
}

pub(crate) fn admin_user_global_sign_out(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let user_name = request.required("Username")?;
    let mut state = pool.state();
    let user_name = state.users.get(user_name)?.user_name.clone();
    state.grants.revoke_all_of(&user_name);
    Ok(json!({}))
}
