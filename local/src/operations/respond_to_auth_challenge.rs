//! `RespondToAuthChallenge` and `AdminRespondToAuthChallenge`, until there are tokens.
//!
//! Invariant: a response spends its session string before it is verified. Two kinds of responses do not spend it, as clients
//! rely on: a malformed one, or one that the password policy rejects; and a mistyped code of a Cognito factor.

use serde_json::Value;
use shared::clock::UnixTime;
use shared::cognito::{ChallengeName, CognitoMfa};

use crate::error::CognitoError;
use crate::pool::Pool;
use crate::request::{Request, Strings, outside_of_enum, parameter};
use crate::sign_in::{check_may_sign_in, continue_sign_in, event_frame};
use crate::srp::{Handshake, PasswordClaim, parse_claim_timestamp};
use crate::state::configuration::Configuration;
use crate::state::mfa::no_software_token;
use crate::state::password::Password;
use crate::state::session::{AnsweredChallenge, FlowOwner, OpenChallenge, SignInState, invalid_session};
use crate::state::user::UserStatus;

/// How far the time in a password claim may be from the pool's, either way. Cognito documents "a few seconds" and no number.
const CLAIM_TOLERANCE_SECONDS: u64 = 5 * 60;

/// A well-formed response to a challenge.
enum ChallengeResponse<'a> {
    PasswordVerifier { claim: PasswordClaim<'a>, claimed_time: UnixTime },
    CustomChallenge(&'a str),
    NewPasswordRequired { password: Password<'a>, attributes: Strings },
    MfaCode(&'a str),
    SelectMfaType(CognitoMfa),
    MfaSetup,
}

impl<'a> ChallengeResponse<'a> {
    fn parse(
        challenge_name: ChallengeName,
        responses: &'a Strings,
        configuration: &Configuration,
    ) -> Result<Self, CognitoError> {
        match challenge_name {
            ChallengeName::PasswordVerifier => {
                let claim = PasswordClaim {
                    secret_block: parameter(responses, "PASSWORD_CLAIM_SECRET_BLOCK")?,
                    signature: parameter(responses, "PASSWORD_CLAIM_SIGNATURE")?,
                    timestamp: parameter(responses, "TIMESTAMP")?,
                };
                let claimed_time = parse_claim_timestamp(claim.timestamp).ok_or_else(|| {
                    CognitoError::invalid_parameter("TIMESTAMP format should be EEE MMM d HH:mm:ss z yyyy in english")
                })?;
                Ok(Self::PasswordVerifier { claim, claimed_time })
            }
            ChallengeName::CustomChallenge => Ok(Self::CustomChallenge(parameter(responses, "ANSWER")?)),
            ChallengeName::NewPasswordRequired => {
                let attributes = responses.iter().filter_map(|(name, value)| {
                    Some((name.strip_prefix("userAttributes.")?.to_owned(), value.clone()))
                });
                let attributes: Strings = attributes.collect();
                configuration.schema.check(&attributes, true)?;
                let password = configuration.password_policy.password(parameter(responses, "NEW_PASSWORD")?)?;
                Ok(Self::NewPasswordRequired { password, attributes })
            }
            ChallengeName::SelectMfaType => {
                let answer = parameter(responses, "ANSWER")?;
                CognitoMfa::parse(answer).map(Self::SelectMfaType).ok_or_else(|| outside_of_enum("ANSWER", answer))
            }
            ChallengeName::MfaSetup => Ok(Self::MfaSetup),
            ChallengeName::Mfa(factor) => {
                let code = match factor {
                    CognitoMfa::SoftwareToken => "SOFTWARE_TOKEN_MFA_CODE",
                    CognitoMfa::Sms => "SMS_MFA_CODE",
                    CognitoMfa::Email => "EMAIL_OTP_CODE",
                };
                Ok(Self::MfaCode(parameter(responses, code)?))
            }
            ChallengeName::SrpA => Err(outside_of_enum("ChallengeName", challenge_name.as_str())),
        }
    }
}

pub(crate) async fn admin_respond_to_auth_challenge(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    respond_to_auth_challenge(pool, request).await
}

pub(crate) async fn respond_to_auth_challenge(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let client = &pool.client(request)?;
    let challenge_name = request.required("ChallengeName")?;
    let responses = request.strings("ChallengeResponses")?;
    let user_name = parameter(&responses, "USERNAME")?;
    client.check_secret_hash(user_name, responses.get("SECRET_HASH").map(String::as_str))?;
    let challenge_name =
        ChallengeName::parse(challenge_name).ok_or_else(|| outside_of_enum("ChallengeName", challenge_name))?;
    let configuration = pool.state().configuration.clone();
    let response = ChallengeResponse::parse(challenge_name, &responses, &configuration)?;
    let client_metadata = request.optional_strings("ClientMetadata")?;
    let session = match (request.optional("Session")?, &response) {
        (Some(session), _) => session.to_owned(),
        // Cognito knows this challenge by its SECRET_BLOCK, too: the clients of USER_SRP_AUTH send no session string.
        (None, ChallengeResponse::PasswordVerifier { claim, .. }) => {
            let found = pool.state().sessions.of_secret_block(claim.secret_block);
            found.ok_or_else(|| CognitoError::missing_parameter("Session"))?
        }
        (None, _) => return Err(CognitoError::missing_parameter("Session")),
    };
    let session = session.as_str();

    let now = pool.now();
    let (mut sign_in, challenge) = pool.state().sessions.take(session, client, user_name, challenge_name, now)?;
    let reopen = |sign_in, challenge| pool.state().sessions.reopen(session, sign_in, challenge);
    let answered = match (challenge, response) {
        (OpenChallenge::PasswordVerifier(handshake), ChallengeResponse::PasswordVerifier { claim, claimed_time }) => {
            let correct = verify_password(pool, &sign_in, &handshake, &claim, claimed_time)?;
            AnsweredChallenge::by_cognito(ChallengeName::PasswordVerifier, correct)
        }
        (
            OpenChallenge::CustomChallenge { private_parameters, metadata },
            ChallengeResponse::CustomChallenge(answer),
        ) => {
            let frame = event_frame(pool, &sign_in, client_metadata.clone());
            let correct = pool.delivery.verify(&frame, &private_parameters, answer).await?;
            AnsweredChallenge { name: ChallengeName::CustomChallenge, correct, metadata }
        }
        (OpenChallenge::NewPasswordRequired, ChallengeResponse::NewPasswordRequired { password, attributes }) => {
            let password = password.verifier(&pool.settings.user_pool_id, &sign_in.user_name)?;
            let now = pool.now();
            let mut state = pool.state();
            let user = state.users.get_mut(&sign_in.user_name)?;
            user.set_password(password, UserStatus::Confirmed, now);
            user.set_attributes(attributes, now);
            AnsweredChallenge::by_cognito(ChallengeName::NewPasswordRequired, true)
        }
        (OpenChallenge::SoftwareTokenMfa, ChallengeResponse::MfaCode(code)) => {
            if let Err(wrong) = redeem_passcode(pool, &sign_in, code) {
                reopen(sign_in, OpenChallenge::SoftwareTokenMfa);
                return Err(wrong);
            }
            AnsweredChallenge::by_cognito(ChallengeName::Mfa(CognitoMfa::SoftwareToken), true)
        }
        (OpenChallenge::SentCodeMfa(factor, sent), ChallengeResponse::MfaCode(code)) => {
            if let Err(wrong) = sent.check(code) {
                reopen(sign_in, OpenChallenge::SentCodeMfa(factor, sent));
                return Err(wrong);
            }
            AnsweredChallenge::by_cognito(ChallengeName::Mfa(factor), true)
        }
        (OpenChallenge::SelectMfaType(offered), ChallengeResponse::SelectMfaType(selected)) => {
            if !offered.contains(&selected) {
                reopen(sign_in, OpenChallenge::SelectMfaType(offered));
                return Err(CognitoError::invalid_parameter(format!(
                    "{} is not among MFAS_CAN_CHOOSE",
                    selected.as_str()
                )));
            }
            sign_in.selected_mfa = Some(selected);
            AnsweredChallenge::by_cognito(ChallengeName::SelectMfaType, true)
        }
        (OpenChallenge::MfaSetup { verified }, ChallengeResponse::MfaSetup) => {
            if let Err(too_early) = complete_mfa_setup(pool, &sign_in, verified) {
                reopen(sign_in, OpenChallenge::MfaSetup { verified });
                return Err(too_early);
            }
            AnsweredChallenge::by_cognito(ChallengeName::MfaSetup, true)
        }
        (
            OpenChallenge::PasswordVerifier(_)
            | OpenChallenge::CustomChallenge { .. }
            | OpenChallenge::NewPasswordRequired
            | OpenChallenge::SoftwareTokenMfa
            | OpenChallenge::SentCodeMfa(..)
            | OpenChallenge::SelectMfaType(_)
            | OpenChallenge::MfaSetup { .. },
            _,
        ) => return Err(invalid_session()),
    };
    sign_in.answered.push(answered);
    continue_sign_in(pool, sign_in, client_metadata).await
}

/// Whether the password is right; an error where the sign-in ends without a call of Define.
fn verify_password(
    pool: &Pool,
    sign_in: &SignInState,
    handshake: &Handshake,
    claim: &PasswordClaim<'_>,
    claimed_time: UnixTime,
) -> Result<bool, CognitoError> {
    pool.check_not_locked_out(&sign_in.user_name)?;
    let proven = handshake.is_proven_by(claim, &pool.settings.user_pool_id, &sign_in.user_name)
        && claimed_time.0.abs_diff(pool.now().0) <= CLAIM_TOLERANCE_SECONDS
        && !sign_in.user_not_found;
    let calls_define = sign_in.flow_owner == FlowOwner::Define && pool.settings.define_sees_wrong_password;
    if !proven {
        pool.count_wrong_password(&sign_in.user_name);
    }
    if !proven && !calls_define {
        return Err(CognitoError::incorrect_username_or_password());
    }
    if proven {
        check_may_sign_in(pool, &sign_in.user_name)?;
    }
    Ok(proven)
}

fn redeem_passcode(pool: &Pool, sign_in: &SignInState, code: &str) -> Result<(), CognitoError> {
    let now = pool.now();
    pool.state().users.get_mut(&sign_in.user_name)?.mfa.redeem_passcode(code, now)
}

fn complete_mfa_setup(pool: &Pool, sign_in: &SignInState, verified: bool) -> Result<(), CognitoError> {
    if !verified {
        return Err(no_software_token());
    }
    pool.state().users.get_mut(&sign_in.user_name)?.mfa.enable_software_token()
}
