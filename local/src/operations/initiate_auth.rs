//! `InitiateAuth` and `AdminInitiateAuth`: one function for each flow.

use serde_json::{Value, json};
use shared::cognito::ChallengeName;

use crate::error::CognitoError;
use crate::issue_tokens::{grant_of, refresh_tokens};
use crate::pool::Pool;
use crate::request::{Request, Strings, outside_of_enum, parameter};
use crate::settings::{ClientSettings, ExplicitAuthFlow, PreventUserExistenceErrors};
use crate::sign_in::{check_may_sign_in, continue_sign_in, issue_password_verifier};
use crate::srp::ClientPublicValue;
use crate::state::session::{AnsweredChallenge, FlowOwner, SignInState};
use crate::state::user::UserStatus;

/// The caller of an operation: an app client, or an operator by an operation that starts with `Admin`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Caller {
    Client,
    Operator,
}

pub(crate) async fn initiate_auth(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    initiate(pool, request, Caller::Client).await
}

pub(crate) async fn admin_initiate_auth(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    initiate(pool, request, Caller::Operator).await
}

async fn initiate(pool: &Pool, request: &Request, caller: Caller) -> Result<Value, CognitoError> {
    use ExplicitAuthFlow::{
        AdminUserPassword, CustomAuth, RefreshToken, TokenExchangeDelegation, TokenExchangeImpersonation, UserAuth,
        UserPassword, UserSrp,
    };
    let client = &pool.client(request)?;
    let parameters = request.strings("AuthParameters")?;
    let auth_flow = request.required("AuthFlow")?;
    let flow = match (auth_flow, caller) {
        ("CUSTOM_AUTH", _) => CustomAuth,
        ("REFRESH_TOKEN_AUTH" | "REFRESH_TOKEN", _) => RefreshToken,
        ("USER_SRP_AUTH", _) => UserSrp,
        ("USER_PASSWORD_AUTH", Caller::Client) => UserPassword,
        ("ADMIN_USER_PASSWORD_AUTH" | "ADMIN_NO_SRP_AUTH", Caller::Operator) => AdminUserPassword,
        ("USER_PASSWORD_AUTH", Caller::Operator)
        | ("ADMIN_USER_PASSWORD_AUTH" | "ADMIN_NO_SRP_AUTH", Caller::Client) => {
            return Err(CognitoError::invalid_parameter("Initiate Auth method not supported."));
        }
        ("USER_AUTH", _) => return Err(flow_not_enabled(auth_flow)),
        (unknown, _) => return Err(outside_of_enum("AuthFlow", unknown)),
    };
    if !client.explicit_auth_flows.contains(&flow) {
        return Err(flow_not_enabled(auth_flow));
    }
    match flow {
        CustomAuth => custom_auth(pool, client, &parameters).await,
        RefreshToken => refresh_token_auth(pool, client, &parameters).await,
        UserSrp => user_srp_auth(pool, client, &parameters),
        UserAuth | TokenExchangeDelegation | TokenExchangeImpersonation => Err(flow_not_enabled(auth_flow)),
        UserPassword | AdminUserPassword => password_auth(pool, client, &parameters).await,
    }
}

/// With `CHALLENGE_NAME=SRP_A` Define can ask for the password; without, it receives an empty session.
async fn custom_auth(pool: &Pool, client: &ClientSettings, parameters: &Strings) -> Result<Value, CognitoError> {
    let typed_name = parameter(parameters, "USERNAME")?;
    client.check_secret_hash(typed_name, parameters.get("SECRET_HASH").map(String::as_str))?;
    let srp_a = match parameters.get("CHALLENGE_NAME").map(String::as_str) {
        None => None,
        Some("SRP_A") => Some(parse_srp_a(parameters)?),
        Some(other) => return Err(outside_of_enum("ChallengeName", other)),
    };
    let answered = srp_a.iter().map(|_| AnsweredChallenge::by_cognito(ChallengeName::SrpA, true)).collect();

    let known = pool.state().users.find(typed_name).map(|user| (user.user_name.clone(), user.status));
    let user_not_found = known.is_none();
    let user_name = match (known, client.prevent_user_existence_errors) {
        // With SRP_A, this error comes only after the password.
        (Some((_, UserStatus::Unconfirmed)), _) if srp_a.is_none() => {
            return Err(CognitoError::user_not_confirmed());
        }
        (Some((user_name, _)), _) => user_name,
        (None, PreventUserExistenceErrors::Enabled) => typed_name.to_owned(),
        (None, PreventUserExistenceErrors::Legacy) => return Err(CognitoError::user_not_found()),
    };
    let sign_in = SignInState {
        client: client.clone(),
        user_name,
        user_not_found,
        flow_owner: FlowOwner::Define,
        srp_a,
        selected_mfa: None,
        answered,
    };
    continue_sign_in(pool, sign_in, None).await
}

/// `USER_SRP_AUTH`: asks for the password at once, and calls no trigger.
fn user_srp_auth(pool: &Pool, client: &ClientSettings, parameters: &Strings) -> Result<Value, CognitoError> {
    let mut sign_in = sign_in_without_define(pool, client, parameters)?;
    let srp_a = parse_srp_a(parameters)?;
    sign_in.answered.push(AnsweredChallenge::by_cognito(ChallengeName::SrpA, true));
    issue_password_verifier(pool, sign_in, srp_a)
}

/// `USER_PASSWORD_AUTH` and `ADMIN_USER_PASSWORD_AUTH`: the call carries the password.
async fn password_auth(pool: &Pool, client: &ClientSettings, parameters: &Strings) -> Result<Value, CognitoError> {
    let password = parameter(parameters, "PASSWORD")?;
    let mut sign_in = sign_in_without_define(pool, client, parameters)?;
    pool.check_not_locked_out(&sign_in.user_name)?;
    let known = pool.state().users.named(&sign_in.user_name).map(|user| user.password.clone());
    let proven =
        known.is_some_and(|verifier| verifier.is_of(&pool.settings.user_pool_id, &sign_in.user_name, password));
    if !proven {
        pool.count_wrong_password(&sign_in.user_name);
        return Err(CognitoError::incorrect_username_or_password());
    }
    check_may_sign_in(pool, &sign_in.user_name)?;
    // No trigger receives it: only the flows that call Define have a session in their events.
    sign_in.answered.push(AnsweredChallenge::by_cognito(ChallengeName::PasswordVerifier, true));
    continue_sign_in(pool, sign_in, None).await
}

/// `REFRESH_TOKEN_AUTH`: the refresh token stays the same.
async fn refresh_token_auth(pool: &Pool, client: &ClientSettings, parameters: &Strings) -> Result<Value, CognitoError> {
    let (grant, user_name) = grant_of(pool, client, parameter(parameters, "REFRESH_TOKEN")?)?;
    client.check_secret_hash(&user_name, parameters.get("SECRET_HASH").map(String::as_str))?;
    let result = refresh_tokens(pool, client, &grant).await?;
    Ok(json!({ "ChallengeParameters": {}, "AuthenticationResult": result }))
}

fn sign_in_without_define(
    pool: &Pool,
    client: &ClientSettings,
    parameters: &Strings,
) -> Result<SignInState, CognitoError> {
    let typed_name = parameter(parameters, "USERNAME")?;
    client.check_secret_hash(typed_name, parameters.get("SECRET_HASH").map(String::as_str))?;
    let known = pool.state().users.find(typed_name).map(|user| user.user_name.clone());
    let user_not_found = known.is_none();
    if user_not_found && client.prevent_user_existence_errors == PreventUserExistenceErrors::Legacy {
        return Err(CognitoError::user_not_found());
    }
    Ok(SignInState {
        client: client.clone(),
        user_name: known.unwrap_or_else(|| typed_name.to_owned()),
        user_not_found,
        flow_owner: FlowOwner::Cognito,
        srp_a: None,
        selected_mfa: None,
        answered: Vec::new(),
    })
}

fn parse_srp_a(parameters: &Strings) -> Result<ClientPublicValue, CognitoError> {
    let srp_a = ClientPublicValue::parse(parameter(parameters, "SRP_A")?);
    srp_a.ok_or_else(|| CognitoError::invalid_parameter("Invalid SRP_A"))
}

fn flow_not_enabled(flow: &str) -> CognitoError {
    CognitoError::invalid_parameter(match flow {
        "USER_SRP_AUTH" => "USER_SRP_AUTH is not enabled for the client.".to_owned(),
        "USER_PASSWORD_AUTH" | "USER_AUTH" => format!("{flow} flow not enabled for this client"),
        _ => "Auth flow not enabled for this client".to_owned(),
    })
}
