//! The pool: its settings, what it keeps, the triggers that it calls, and the checks that operations share.
//!
//! It does what Cognito is documented and reported to do around a sign-in with the four triggers, and is never lenient.
//! Not emulated: the limit on wrong passwords and codes, request quotas, the schema of attributes, sign-in by an alias such
//! as the email address, the expiry of temporary passwords, managed login, devices, `USER_AUTH`, the tokens that the
//! documentation promises to the first sign-in after a sign-up where MFA is on (users report `MFA_SETUP`), and credentials of
//! AWS: any caller may use the operations that start with `Admin` or configure the pool.
//!
//! Invariant: no lock is held while a trigger runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_lc_rs::hmac;
use serde_json::Value;
use shared::clock::UnixTime;

use crate::error::CognitoError;
use crate::random;
use crate::request::Request;
use crate::settings::{ClientSettings, Clock, PoolSettings};
use crate::signing_key::SigningKey;
use crate::state::State;
use crate::state::grant::Grants;
use crate::state::message::Message;
use crate::state::mfa::PoolMfa;
use crate::state::session::Sessions;
use crate::state::user::Users;
use crate::triggers::delivery::Delivery;
use crate::triggers::{NoObserver, Observer, Triggers};

/// A user pool and its app clients, in memory.
pub struct Pool {
    pub(crate) settings: PoolSettings,
    pub(crate) delivery: Delivery,
    pub(crate) signing_key: SigningKey,
    /// Derives the salts of users who do not exist.
    pub(crate) simulation_key: hmac::Key,
    clock: Clock,
    state: Mutex<State>,
}

impl Pool {
    /// An empty pool with its own signing key.
    pub fn new(settings: PoolSettings, triggers: Arc<dyn Triggers>, clock: Clock) -> Result<Self, CognitoError> {
        let delivery = Delivery {
            triggers,
            observer: Arc::new(NoObserver),
            time_out: settings.trigger_time_out,
            attempts: settings.trigger_deliveries,
        };
        let state = State {
            users: Users::default(),
            sessions: Sessions::default(),
            grants: Grants::default(),
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

    /// The same pool, observed.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.delivery.observer = observer;
        self
    }

    /// The settings of the pool.
    pub fn settings(&self) -> &PoolSettings {
        &self.settings
    }

    /// The keys that verify its tokens, as served at `/<user pool id>/.well-known/jwks.json`.
    pub fn jwks(&self) -> Value {
        self.signing_key.jwks()
    }

    /// Everything that was sent to users, oldest first.
    pub fn messages(&self) -> Vec<Message> {
        self.state().messages.clone()
    }

    pub(crate) fn now(&self) -> UnixTime {
        (self.clock)()
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn send(&self, message: Message) {
        self.delivery.observer.message_sent(&message);
        self.state().messages.push(message);
    }

    /// The app client of a request.
    pub(crate) fn client(&self, request: &Request) -> Result<&ClientSettings, CognitoError> {
        let client_id = request.required("ClientId")?;
        let client = self.settings.clients.iter().find(|client| client.client_id == client_id);
        client.ok_or_else(|| CognitoError::resource_not_found(format!("User pool client {client_id} does not exist.")))
    }

    /// The operations that start with `Admin` or configure the pool carry its id.
    pub(crate) fn check_user_pool(&self, request: &Request) -> Result<(), CognitoError> {
        let user_pool_id = request.required("UserPoolId")?;
        if user_pool_id == self.settings.user_pool_id {
            Ok(())
        } else {
            Err(CognitoError::resource_not_found(format!("User pool {user_pool_id} does not exist.")))
        }
    }

    /// The name of the user whose `AccessToken` a request carries.
    pub(crate) fn user_of_access_token(&self, request: &Request) -> Result<String, CognitoError> {
        let invalid = || CognitoError::not_authorized("Invalid Access Token");
        let claims = self.signing_key.verify(request.required("AccessToken")?).ok_or_else(invalid)?;
        let text = |name| claims.get(name).and_then(Value::as_str).ok_or_else(invalid);
        if text("token_use")? != "access" {
            return Err(invalid());
        }
        if UnixTime(claims.get("exp").and_then(Value::as_u64).ok_or_else(invalid)?) <= self.now() {
            return Err(CognitoError::not_authorized("Access Token has expired"));
        }
        if self.state().grants.is_revoked(text("origin_jti")?).ok_or_else(invalid)? {
            return Err(CognitoError::not_authorized("Access Token has been revoked"));
        }
        Ok(text("username")?.to_owned())
    }
}
