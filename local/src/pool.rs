//! The user pool: what it keeps, and the operations it knows.
//!
//! It does what Cognito is documented and reported to do around a sign-in with the four triggers, and nothing leniently.
//! Not here: Cognito's passcode_limit after wrong passwords and codes, its rate limits, its schema of attributes, sign-in by an
//! alias such as the email address, the age of temporary passwords, managed login, devices, `USER_AUTH`, the tokens that the
//! documentation promises to the first sign-in after a sign-up where MFA is on (users report MFA_SETUP), and any check of the
//! credentials behind operations that start with `Admin` or configure the pool: whoever reaches the pool may call these.
//!
//! Invariant: no lock is held while a trigger runs. A session string is taken out of the state before its answer is
//! judged, so of two answers to one challenge one is judged.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Value, json};

use crate::accounts::{User, UserKey};
use crate::cognito_mfa::PoolMfa;
use crate::error::CognitoError;
use crate::random;
use crate::request::Request;
use crate::settings::{ClientSettings, Clock, PoolSettings, PreventUserExistenceErrors, UnixSeconds};
use crate::sign_in::Session;
use crate::tokens::{Grant, SigningKey};
use crate::triggers::{Delivery, NobodyWatches, Observer, Triggers};

/// A user pool and its app clients, in memory.
pub struct Pool {
    pub(crate) settings: PoolSettings,
    pub(crate) delivery: Delivery,
    pub(crate) signing_key: SigningKey,
    /// Makes the salts of users who do not exist.
    pub(crate) simulation_key: hmac::Key,
    clock: Clock,
    state: Mutex<State>,
}

pub(crate) struct State {
    pub(crate) users: BTreeMap<UserKey, User>,
    /// By session string.
    pub(crate) sessions: HashMap<String, Session>,
    /// By refresh token.
    pub(crate) grants: HashMap<String, Grant>,
    pub(crate) messages: Vec<Message>,
    pub(crate) mfa: PoolMfa,
}

/// Something that Cognito would send.
#[derive(Clone)]
pub struct Message {
    /// The email address or phone number.
    pub to: String,
    /// Whom it is about.
    pub user_name: String,
    /// Why it is sent.
    pub reason: MessageReason,
    /// The code or the temporary password.
    pub code: String,
}

/// Why a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageReason {
    /// To confirm a sign-up.
    SignUp,
    /// To tell a temporary password.
    TemporaryPassword,
    /// To set a new password in place of a forgotten one.
    ForgotPassword,
    /// To sign in: a factor of Cognito's own.
    Mfa,
}

impl Message {
    /// As `GET /messages` gives it.
    pub fn to_json(&self) -> Value {
        let reason = match self.reason {
            MessageReason::SignUp => "SIGN_UP",
            MessageReason::TemporaryPassword => "TEMPORARY_PASSWORD",
            MessageReason::ForgotPassword => "FORGOT_PASSWORD",
            MessageReason::Mfa => "MFA",
        };
        json!({ "to": self.to, "userName": self.user_name, "reason": reason, "code": self.code })
    }
}

impl Pool {
    /// An empty pool with a signing key of its own.
    pub fn new(settings: PoolSettings, triggers: Arc<dyn Triggers>, clock: Clock) -> Result<Self, CognitoError> {
        let delivery = Delivery {
            triggers,
            observer: Arc::new(NobodyWatches),
            time_out: settings.trigger_time_out,
            times: settings.trigger_deliveries,
        };
        let state = State {
            users: BTreeMap::new(),
            sessions: HashMap::new(),
            grants: HashMap::new(),
            messages: Vec::new(),
            mfa: PoolMfa::new(settings.mfa_configuration),
        };
        Ok(Self {
            settings,
            delivery,
            signing_key: SigningKey::generate()?,
            simulation_key: hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>()?),
            clock,
            state: Mutex::new(state),
        })
    }

    /// The same pool, watched.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.delivery.observer = observer;
        self
    }

    /// Carries out one operation of Cognito's API: its name and the JSON that goes in, the JSON that comes out.
    pub async fn call(&self, operation: &str, body: Value) -> Result<Value, CognitoError> {
        let request = Request::read(body)?;
        match operation {
            "InitiateAuth" => self.initiate_auth(&request).await,
            "AdminInitiateAuth" => self.admin_initiate_auth(&request).await,
            "RespondToAuthChallenge" => self.respond_to_auth_challenge(&request).await,
            "AdminRespondToAuthChallenge" => self.admin_respond_to_auth_challenge(&request).await,

            "SignUp" => self.sign_up(&request),
            "ConfirmSignUp" => self.confirm_sign_up(&request),
            "AdminConfirmSignUp" => self.admin_confirm_sign_up(&request),
            "AdminCreateUser" => self.admin_create_user(&request),
            "AdminSetUserPassword" => self.admin_set_user_password(&request),
            "AdminGetUser" => self.admin_get_user(&request),
            "GetUser" => self.get_user(&request),

            "ForgotPassword" => self.forgot_password(&request),
            "ConfirmForgotPassword" => self.confirm_forgot_password(&request),

            "AssociateSoftwareToken" => self.associate_software_token(&request),
            "VerifySoftwareToken" => self.verify_software_token(&request),
            "SetUserMFAPreference" => self.set_user_mfa_preference(&request),
            "AdminSetUserMFAPreference" => self.admin_set_user_mfa_preference(&request),
            "AdminDeleteSoftwareToken" => self.admin_delete_software_token(&request),
            "SetUserPoolMfaConfig" => self.set_user_pool_mfa_config(&request),
            "GetUserPoolMfaConfig" => self.get_user_pool_mfa_config(&request),

            "GetTokensFromRefreshToken" => self.get_tokens_from_refresh_token(&request).await,
            "RevokeToken" => self.revoke_token(&request),
            "GlobalSignOut" => self.global_sign_out(&request),
            "AdminUserGlobalSignOut" => self.admin_user_global_sign_out(&request),
            unknown => Err(CognitoError::new(
                "UnknownOperationException",
                format!("The local user pool does not know the operation {unknown}"),
            )),
        }
    }

    /// What the pool was set to.
    pub fn settings(&self) -> &PoolSettings {
        &self.settings
    }

    /// The keys that its tokens verify with, as served at `/<user pool id>/.well-known/jwks.json`.
    pub fn jwks(&self) -> Value {
        self.signing_key.jwks()
    }

    /// Everything that was sent to users, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.state().messages.clone()
    }

    pub(crate) fn now(&self) -> UnixSeconds {
        (self.clock)()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn send(&self, message: Message) {
        self.delivery.observer.message_sent(&message);
        self.state().messages.push(message);
    }

    /// The app client that a request names.
    pub(crate) fn client(&self, request: &Request) -> Result<&ClientSettings, CognitoError> {
        let client_id = request.required("ClientId")?;
        self.client_named(client_id)
            .ok_or_else(|| CognitoError::resource_not_found(format!("User pool client {client_id} does not exist.")))
    }

    pub(crate) fn client_named(&self, client_id: &str) -> Option<&ClientSettings> {
        self.settings.clients.iter().find(|client| client.client_id == client_id)
    }

    /// Operations of an operator name the pool.
    pub(crate) fn check_user_pool(&self, request: &Request) -> Result<(), CognitoError> {
        let user_pool_id = request.required("UserPoolId")?;
        if user_pool_id == self.settings.user_pool_id {
            Ok(())
        } else {
            Err(CognitoError::resource_not_found(format!("User pool {user_pool_id} does not exist.")))
        }
    }
}

impl ClientSettings {
    /// What a caller hears of an unknown user.
    pub(crate) fn hide(&self, unknown: CognitoError, hidden: impl FnOnce() -> CognitoError) -> CognitoError {
        match self.prevent_user_existence_errors {
            PreventUserExistenceErrors::Enabled => hidden(),
            PreventUserExistenceErrors::Legacy => unknown,
        }
    }

    /// `SECRET_HASH` is base64(HMAC-SHA256(client secret, user name + client id)), and belongs to clients with a secret only.
    pub(crate) fn check_secret_hash(&self, user_name: &str, presented: Option<&str>) -> Result<(), CognitoError> {
        let id = &self.client_id;
        let matches = match (&self.client_secret, presented) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some(_), None) => {
                return Err(CognitoError::not_authorized(format!(
                    "Client {id} is configured with secret but SECRET_HASH was not received"
                )));
            }
            (Some(secret), Some(presented)) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
                let message = format!("{user_name}{id}");
                BASE64_STANDARD
                    .decode(presented)
                    .is_ok_and(|hash| hmac::verify(&key, message.as_bytes(), &hash).is_ok())
            }
        };
        let mismatch = || CognitoError::not_authorized(format!("Unable to verify secret hash for client {id}"));
        matches.then_some(()).ok_or_else(mismatch)
    }
}
