//! Cognito's own MFA: `AssociateSoftwareToken`, `VerifySoftwareToken`, `AdminDeleteSoftwareToken`, and the preferences and
//! configuration.
//!
//! Source: the API reference of these operations.

use serde_json::{Value, json};
use shared::cognito::CognitoMfa;
use shared::totp::{SECRET_BYTES, SharedSecret};

use crate::error::CognitoError;
use crate::pool::Pool;
use crate::random;
use crate::request::{Request, outside_of_enum};
use crate::settings::MfaConfiguration;
use crate::state::mfa::{MfaPreference, PoolMfa, configuration_member, preference_member};
use crate::state::session::PendingMfaSetup;

/// The length of `UserCode`.
const PASSCODE_DIGITS: usize = 6;

/// What authorizes the set-up of a software token.
#[expect(clippy::large_enum_variant, reason = "one a call, matched where it is made")]
enum Authorization {
    AccessToken {
        user_name: String,
    },
    /// The session string of an `MFA_SETUP`, which was taken, and what it stood for.
    Session {
        session: String,
        pending: PendingMfaSetup,
    },
}

impl Authorization {
    fn of(pool: &Pool, request: &Request) -> Result<Self, CognitoError> {
        if !pool.state().mfa.factors.contains(&CognitoMfa::SoftwareToken) {
            return Err(CognitoError::new(
                "SoftwareTokenMFANotFoundException",
                "Software Token MFA has not been enabled by the userPool",
            ));
        }
        match (request.optional("AccessToken")?, request.optional("Session")?) {
            (Some(_), None) => Ok(Self::AccessToken { user_name: pool.user_of_access_token(request)? }),
            (None, Some(session)) => {
                let now = pool.now();
                let pending = pool.state().sessions.take_mfa_setup(session, now)?;
                Ok(Self::Session { session: session.to_owned(), pending })
            }
            (Some(_), Some(_)) | (None, None) => {
                Err(CognitoError::invalid_parameter("Exactly one of AccessToken and Session has to be there"))
            }
        }
    }

    fn user_name(&self) -> &str {
        match self {
            Self::AccessToken { user_name } => user_name,
            Self::Session { pending, .. } => pending.user_name(),
        }
    }

    /// Each step of `MFA_SETUP` spends its session string and returns another.
    fn add_session(self, pool: &Pool, mut response: Value, verified: bool) -> Result<Value, CognitoError> {
        if let (Self::Session { pending, .. }, Some(members)) = (self, response.as_object_mut()) {
            let now = pool.now();
            let session = pool.state().sessions.continue_mfa_setup(pending, verified, now)?;
            members.insert("Session".to_owned(), json!(session));
        }
        Ok(response)
    }
}

pub(crate) fn associate_software_token(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let authorization = Authorization::of(pool, request)?;
    let secret = SharedSecret::new(random::bytes::<SECRET_BYTES>()?.to_vec());
    let secret_code = secret.to_base32().to_string();
    pool.state().users.get_mut(authorization.user_name())?.mfa.associate_software_token(secret);
    authorization.add_session(pool, json!({ "SecretCode": secret_code }), false)
}

/// After a wrong passcode, the session string can be used again.
pub(crate) fn verify_software_token(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let code = request.required("UserCode")?;
    if code.len() != PASSCODE_DIGITS || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(CognitoError::invalid_parameter(
            "1 validation error detected: Value at 'userCode' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [0-9]{6}",
        ));
    }
    let name = request.optional("FriendlyDeviceName")?.map(str::to_owned);
    let authorization = Authorization::of(pool, request)?;
    if let Err(error) = verify_token_of(pool, authorization.user_name(), code, name) {
        if let Authorization::Session { session, pending } = authorization {
            pool.state().sessions.reopen_mfa_setup(&session, pending);
        }
        return Err(error);
    }
    authorization.add_session(pool, json!({ "Status": "SUCCESS" }), true)
}

fn verify_token_of(pool: &Pool, user_name: &str, code: &str, name: Option<String>) -> Result<(), CognitoError> {
    let now = pool.now();
    pool.state().users.get_mut(user_name)?.mfa.verify_software_token(code, name, now)
}

/// Afterwards the user has no software token.
pub(crate) fn admin_delete_software_token(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    pool.state().users.get_mut(request.required("Username")?)?.mfa.delete_software_token();
    Ok(json!({}))
}

pub(crate) fn set_user_mfa_preference(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    let user_name = pool.user_of_access_token(request)?;
    set_preferences_of(pool, &user_name, request)
}

pub(crate) fn admin_set_user_mfa_preference(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    set_preferences_of(pool, request.required("Username")?, request)
}

fn set_preferences_of(pool: &Pool, user_name: &str, request: &Request) -> Result<Value, CognitoError> {
    let mut preferences = Vec::new();
    for factor in CognitoMfa::ALL {
        if let Some(settings) = request.object(preference_member(factor))? {
            preferences.push(MfaPreference {
                factor,
                enabled: settings.flag("Enabled")?,
                preferred: settings.flag("PreferredMfa")?,
            });
        }
    }
    let mut state = pool.state();
    let user = state.users.get_mut(user_name)?;
    user.mfa.set_preferences(&preferences, &user.attributes)?;
    Ok(json!({}))
}

pub(crate) fn set_user_pool_mfa_config(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    let configuration = match request.optional("MfaConfiguration")? {
        None => MfaConfiguration::Off,
        Some(word) => MfaConfiguration::parse(word).ok_or_else(|| outside_of_enum("MfaConfiguration", word))?,
    };
    let mut factors = Vec::new();
    for factor in CognitoMfa::ALL {
        let settings = request.object(configuration_member(factor))?;
        let on = match (factor, settings) {
            (_, None) => false,
            (CognitoMfa::SoftwareToken, Some(settings)) => settings.flag("Enabled")?,
            (CognitoMfa::Sms | CognitoMfa::Email, Some(_)) => true,
        };
        factors.extend(on.then_some(factor));
    }
    let problem = match (configuration, factors.is_empty()) {
        (MfaConfiguration::Off, true) | (MfaConfiguration::Optional | MfaConfiguration::On, false) => None,
        (MfaConfiguration::Off, false) => {
            Some("Invalid MFA configuration given, can't turn off MFA and configure an MFA together.")
        }
        (MfaConfiguration::Optional | MfaConfiguration::On, true) => {
            Some("Invalid MFA Configuration given. SMS MFA, Email MFA, or Software Token MFA must be enabled.")
        }
    };
    if let Some(problem) = problem {
        return Err(CognitoError::invalid_parameter(problem));
    }
    let mut state = pool.state();
    state.mfa = PoolMfa { configuration, factors, members: request.members_except(&["UserPoolId"]) };
    Ok(state.mfa.to_json())
}

pub(crate) fn get_user_pool_mfa_config(pool: &Pool, request: &Request) -> Result<Value, CognitoError> {
    pool.check_user_pool(request)?;
    Ok(pool.state().mfa.to_json())
}
