//! What comes next in a sign-in. First Cognito's own challenges, after the password: a new password, then MFA
//! ([`cognito_step`]). Then Define decides in `CUSTOM_AUTH`; in every other flow tokens follow.
//!
//! Invariant: a user who does not exist never gets tokens.
//!
//! Source: the Cognito API reference, `InitiateAuth` and `RespondToAuthChallenge`.

use serde_json::{Value, json};
use shared::cognito::{ChallengeName, CognitoMfa, TokenSource};

use crate::error::CognitoError;
use crate::issue_tokens::issue_tokens;
use crate::pool::Pool;
use crate::random;
use crate::request::Strings;
use crate::settings::{AfterCognitoChallenge, PoolSettings, PreventUserExistenceErrors};
use crate::srp::{ClientPublicValue, Handshake, PasswordVerifier};
use crate::state::State;
use crate::state::message::{Message, MessageReason, masked_address, masked_number};
use crate::state::mfa::{MfaRequirement, SentCode, destination};
use crate::state::session::{FlowOwner, OpenChallenge, SignInState};
use crate::state::user::UserStatus;
use crate::triggers::delivery::{CreatedChallenge, DefineDecision, EventFrame};

/// Issues the next challenge, or tokens, or ends the sign-in.
pub(crate) async fn continue_sign_in(
    pool: &Pool,
    sign_in: SignInState,
    client_metadata: Option<Strings>,
) -> Result<Value, CognitoError> {
    let step = cognito_step(&sign_in, &pool.state(), &pool.settings);
    match step {
        CognitoStep::NewPassword => issue_new_password_required(pool, sign_in),
        CognitoStep::Mfa(factor) => issue_mfa(pool, sign_in, factor),
        CognitoStep::SelectMfaType(factors) => {
            let parameters = json!({ "MFAS_CAN_CHOOSE": name_list(&factors), "USER_ID_FOR_SRP": sign_in.user_name });
            issue(pool, sign_in, OpenChallenge::SelectMfaType(factors), parameters)
        }
        CognitoStep::MfaSetup(factors) => {
            let parameters = json!({ "MFAS_CAN_SETUP": name_list(&factors), "USER_ID_FOR_SRP": sign_in.user_name });
            issue(pool, sign_in, OpenChallenge::MfaSetup { verified: false }, parameters)
        }
        CognitoStep::IssueTokens(source) => {
            issue_tokens(pool, &sign_in.client, &sign_in.user_name, source, client_metadata).await
        }
        CognitoStep::CallDefine => call_define(pool, sign_in, client_metadata).await,
    }
}

/// What keeps a user out who has proven the password.
pub(crate) fn check_may_sign_in(pool: &Pool, user_name: &str) -> Result<(), CognitoError> {
    let now = pool.now();
    let mut state = pool.state();
    state.lockouts.forget(user_name);
    let user = state.users.named(user_name).ok_or_else(CognitoError::incorrect_username_or_password)?;
    if !user.enabled {
        return Err(CognitoError::user_disabled());
    }
    match user.status {
        UserStatus::Unconfirmed => Err(CognitoError::user_not_confirmed()),
        UserStatus::ResetRequired => {
            Err(CognitoError::new("PasswordResetRequiredException", "Password reset required for the user"))
        }
        UserStatus::ForceChangePassword if user.password_expires_at.is_some_and(|until| until <= now) => {
            Err(CognitoError::not_authorized("Temporary password has expired and must be reset by an administrator."))
        }
        UserStatus::Confirmed | UserStatus::ForceChangePassword => Ok(()),
    }
}

/// What Cognito does itself before, or instead of, calling Define.
enum CognitoStep {
    NewPassword,
    Mfa(CognitoMfa),
    SelectMfaType(Vec<CognitoMfa>),
    MfaSetup(Vec<CognitoMfa>),
    IssueTokens(TokenSource),
    CallDefine,
}

fn cognito_step(sign_in: &SignInState, state: &State, settings: &PoolSettings) -> CognitoStep {
    let Some(user) = state.users.named(&sign_in.user_name).filter(|_| sign_in.has_proven_password()) else {
        return CognitoStep::CallDefine;
    };
    let bypasses_define =
        |after| sign_in.flow_owner == FlowOwner::Cognito || after == AfterCognitoChallenge::IssueTokens;
    let cognito_asks_for_new_password = bypasses_define(settings.temporary_passwords);
    if user.status == UserStatus::ForceChangePassword {
        return if cognito_asks_for_new_password { CognitoStep::NewPassword } else { CognitoStep::CallDefine };
    }
    if !sign_in.has_passed_mfa() {
        match (user.mfa.requirement(&state.mfa, &user.attributes), sign_in.selected_mfa) {
            (MfaRequirement::Nothing, _) => {}
            (MfaRequirement::SetUp(factors), _) => return CognitoStep::MfaSetup(factors),
            (MfaRequirement::Factor(factor), _) | (MfaRequirement::Choice(_), Some(factor)) => {
                return CognitoStep::Mfa(factor);
            }
            (MfaRequirement::Choice(factors), None) => return CognitoStep::SelectMfaType(factors),
        }
    }
    let otherwise = match sign_in.flow_owner {
        FlowOwner::Cognito => CognitoStep::IssueTokens(TokenSource::Authentication),
        FlowOwner::Define => CognitoStep::CallDefine,
    };
    match sign_in.answered.last().map(|last| last.name) {
        Some(ChallengeName::NewPasswordRequired) if cognito_asks_for_new_password => {
            CognitoStep::IssueTokens(TokenSource::NewPasswordChallenge)
        }
        Some(ChallengeName::MfaSetup | ChallengeName::Mfa(_)) if bypasses_define(settings.after_cognito_mfa) => {
            CognitoStep::IssueTokens(TokenSource::Authentication)
        }
        Some(
            ChallengeName::SrpA
            | ChallengeName::PasswordVerifier
            | ChallengeName::NewPasswordRequired
            | ChallengeName::SelectMfaType
            | ChallengeName::MfaSetup
            | ChallengeName::Mfa(_)
            | ChallengeName::CustomChallenge,
        )
        | None => otherwise,
    }
}

/// Calls Define and does what it decided.
async fn call_define(
    pool: &Pool,
    mut sign_in: SignInState,
    client_metadata: Option<Strings>,
) -> Result<Value, CognitoError> {
    let frame = event_frame(pool, &sign_in, client_metadata.clone());
    let challenge_name = match pool.delivery.define(&frame, &sign_in.answered).await? {
        DefineDecision::FailAuthentication => return Err(CognitoError::incorrect_username_or_password()),
        DefineDecision::IssueTokens if sign_in.user_not_found => {
            return Err(CognitoError::incorrect_username_or_password());
        }
        DefineDecision::IssueTokens => {
            let source = TokenSource::Authentication;
            return issue_tokens(pool, &sign_in.client, &sign_in.user_name, source, client_metadata).await;
        }
        DefineDecision::Challenge(name) => name,
    };
    match ChallengeName::parse(&challenge_name) {
        Some(ChallengeName::PasswordVerifier) => {
            let srp_a = sign_in.srp_a.take().ok_or_else(CognitoError::unrecognizable_lambda_output)?;
            issue_password_verifier(pool, sign_in, srp_a)
        }
        Some(ChallengeName::CustomChallenge) => issue_custom_challenge(pool, sign_in, frame).await,
        Some(ChallengeName::NewPasswordRequired) => issue_new_password_required(pool, sign_in),
        Some(ChallengeName::SrpA | ChallengeName::SelectMfaType | ChallengeName::MfaSetup | ChallengeName::Mfa(_))
        | None => Err(CognitoError::unrecognizable_lambda_output()),
    }
}

/// What the events of this sign-in have in common.
pub(crate) fn event_frame(pool: &Pool, sign_in: &SignInState, client_metadata: Option<Strings>) -> EventFrame {
    let state = pool.state();
    let user_attributes = state.users.named(&sign_in.user_name).map(|user| user.trigger_attributes());
    EventFrame {
        region: pool.settings.region.clone(),
        user_pool_id: pool.settings.user_pool_id.clone(),
        user_name: sign_in.user_name.clone(),
        client_id: sign_in.client.client_id.clone(),
        user_attributes: user_attributes.unwrap_or_default(),
        user_not_found: match sign_in.client.prevent_user_existence_errors {
            PreventUserExistenceErrors::Enabled => Some(sign_in.user_not_found),
            PreventUserExistenceErrors::Legacy => None,
        },
        client_metadata,
        functions: state.configuration.functions(),
        groups: state.groups.configuration_of(&sign_in.user_name),
    }
}

// ── One challenge each.

pub(crate) fn issue_password_verifier(
    pool: &Pool,
    sign_in: SignInState,
    srp_a: ClientPublicValue,
) -> Result<Value, CognitoError> {
    let known = pool.state().users.named(&sign_in.user_name).map(|user| user.password.clone());
    let password = match known {
        Some(password) => password,
        None => PasswordVerifier::simulated(&pool.simulation_key, &sign_in.user_name)?,
    };
    let handshake = Handshake::new(password, srp_a)?;
    let parameters = handshake.challenge_parameters(&sign_in.user_name);
    issue(pool, sign_in, OpenChallenge::PasswordVerifier(Box::new(handshake)), parameters)
}

async fn issue_custom_challenge(
    pool: &Pool,
    sign_in: SignInState,
    mut frame: EventFrame,
) -> Result<Value, CognitoError> {
    if !pool.settings.client_metadata_reaches_create {
        frame.client_metadata = None;
    }
    let created = pool.delivery.create(&frame, &sign_in.answered).await?;
    let CreatedChallenge { mut public_parameters, private_parameters, metadata } = created;
    public_parameters.insert("USERNAME".to_owned(), sign_in.user_name.clone());
    let challenge = OpenChallenge::CustomChallenge { private_parameters, metadata };
    issue(pool, sign_in, challenge, json!(public_parameters))
}

/// Only for a user with a temporary password who has proven it.
fn issue_new_password_required(pool: &Pool, sign_in: SignInState) -> Result<Value, CognitoError> {
    let is_password_proven = sign_in.has_proven_password();
    let attributes = {
        let state = pool.state();
        let user = state.users.named(&sign_in.user_name);
        let user = user.filter(|user| is_password_proven && user.status == UserStatus::ForceChangePassword);
        user.ok_or_else(CognitoError::unrecognizable_lambda_output)?.attributes.clone()
    };
    let parameters = json!({
        "USER_ID_FOR_SRP": sign_in.user_name,
        "requiredAttributes": "[]",
        "userAttributes": json!(attributes).to_string(),
    });
    issue(pool, sign_in, OpenChallenge::NewPasswordRequired, parameters)
}

fn issue_mfa(pool: &Pool, sign_in: SignInState, factor: CognitoMfa) -> Result<Value, CognitoError> {
    let user_name = &sign_in.user_name;
    let mut parameters = json!({ "USER_ID_FOR_SRP": user_name });
    let medium = match factor {
        CognitoMfa::SoftwareToken => {
            let name =
                pool.state().users.named(user_name).and_then(|user| user.mfa.software_token_name().map(str::to_owned));
            if let (Some(name), Some(parameters)) = (name, parameters.as_object_mut()) {
                parameters.insert("FRIENDLY_DEVICE_NAME".to_owned(), json!(name));
            }
            return issue(pool, sign_in, OpenChallenge::SoftwareTokenMfa, parameters);
        }
        CognitoMfa::Sms => "SMS",
        CognitoMfa::Email => "EMAIL",
    };
    let (code, destination) = send_mfa_code(pool, user_name, factor)?;
    if let Some(parameters) = parameters.as_object_mut() {
        parameters.insert("CODE_DELIVERY_DELIVERY_MEDIUM".to_owned(), json!(medium));
        parameters.insert("CODE_DELIVERY_DESTINATION".to_owned(), json!(destination));
    }
    issue(pool, sign_in, OpenChallenge::SentCodeMfa(factor, code), parameters)
}

/// Sends a code, and returns it with the masked address that it was sent to.
fn send_mfa_code(pool: &Pool, user_name: &str, factor: CognitoMfa) -> Result<(SentCode, String), CognitoError> {
    let to = {
        let state = pool.state();
        let user = state.users.named(user_name).ok_or_else(CognitoError::user_not_found)?;
        destination(factor, &user.attributes).map(str::to_owned)
    };
    let to = to.ok_or_else(|| {
        CognitoError::invalid_parameter(format!("Missing verified destination for {}", factor.as_str()))
    })?;
    let code = random::confirmation_code()?;
    let masked = match factor {
        CognitoMfa::Email => masked_address(&to),
        CognitoMfa::SoftwareToken | CognitoMfa::Sms => masked_number(&to),
    };
    pool.send(Message { to, user_name: user_name.to_owned(), reason: MessageReason::Mfa, code: code.clone() });
    Ok((SentCode::new(code), masked))
}

/// Returns the challenge to the client, with a new session string.
fn issue(
    pool: &Pool,
    sign_in: SignInState,
    challenge: OpenChallenge,
    parameters: Value,
) -> Result<Value, CognitoError> {
    let name = challenge.name().as_str();
    let now = pool.now();
    let session = pool.state().sessions.open(sign_in, challenge, now)?;
    Ok(json!({ "ChallengeName": name, "ChallengeParameters": parameters, "Session": session }))
}

/// A list inside of `ChallengeParameters`: JSON in a string.
fn name_list(factors: &[CognitoMfa]) -> String {
    json!(factors.iter().copied().map(CognitoMfa::as_str).collect::<Vec<_>>()).to_string()
}
