//! The pool: its settings, what it keeps, the triggers that it calls, and the checks that operations share.
//!
//! It does what Cognito is documented and reported to do around a sign-in with the four triggers, and is never lenient.
//! Not emulated: the limit on wrong codes, the quotas of categories of operations, managed login, devices, `USER_AUTH`, the tokens that the
//! documentation promises to the first sign-in after a sign-up where MFA is on (users report `MFA_SETUP`), and credentials of
//! AWS: any caller may use the operations that start with `Admin` or configure the pool.
//!
//! Invariant: no lock is held while a trigger runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::ser::Error as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::clock::UnixTime;

use crate::error::CognitoError;
use crate::request::{Request, Strings};
use crate::settings::{ClientSettings, Clock, PoolSettings, PreTokenGenerationVersion};
use crate::signing_key::SigningKey;
use crate::srp::SimulationKey;
use crate::state::State;
use crate::state::app_client::{AppClient, AppClients};
use crate::state::configuration::Configuration;
use crate::state::described::Described;
use crate::state::grant::Grants;
use crate::state::group::Groups;
use crate::state::lockout::Lockouts;
use crate::state::message::Message;
use crate::state::mfa::PoolMfa;
use crate::state::session::Sessions;
use crate::state::user::Users;
use crate::stored;
use crate::triggers::delivery::Delivery;
use crate::triggers::{ACCOUNT, NoObserver, Observer, Trigger, Triggers, own_function};

/// What a data file keeps of a pool.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct StoredPool<S> {
    region: String,
    pub(crate) user_pool_id: String,
    #[serde(with = "stored::bytes")]
    signing_key: Vec<u8>,
    simulation_key: SimulationKey,
    state: S,
}

/// A user pool and its app clients, in memory.
pub struct Pool {
    pub(crate) settings: PoolSettings,
    pub(crate) delivery: Delivery,
    pub(crate) signing_key: SigningKey,
    pub(crate) simulation_key: SimulationKey,
    clock: Clock,
    state: Mutex<State>,
}

impl Pool {
    /// An empty pool with its own signing key.
    pub fn new(settings: PoolSettings, triggers: Arc<dyn Triggers>, clock: Clock) -> Result<Self, CognitoError> {
        let now = clock();
        let configuration = Configuration::new(&Request::parse(create_user_pool(&settings))?, now)?;
        let mut clients = AppClients::default();
        settings.clients.iter().for_each(|client| clients.add(AppClient::of_start(client.clone(), now)));
        let state = State {
            users: Users::new(configuration.names.clone()),
            configuration,
            clients,
            groups: Groups::default(),
            lockouts: Lockouts::default(),
            described: Described::default(),
            sessions: Sessions::default(),
            grants: Grants::default(),
            messages: Vec::new(),
            mfa: PoolMfa::new(settings.mfa_configuration),
            session_configuration: None,
        };
        let keys = (SigningKey::generate()?, SimulationKey::generate()?);
        Ok(Self::with(settings, keys, state, triggers, clock))
    }

    /// A pool as it was stored. Of the settings, it takes what is not stored: the endpoint, and how the pool and its triggers behave.
    /// `None` where the signing key is none.
    pub(crate) fn restored(
        settings: PoolSettings,
        stored: StoredPool<State>,
        triggers: Arc<dyn Triggers>,
        clock: Clock,
    ) -> Option<Self> {
        let StoredPool { region, user_pool_id, signing_key, simulation_key, state } = stored;
        let settings = PoolSettings { region, user_pool_id, ..settings };
        Some(Self::with(settings, (SigningKey::from_pkcs8(&signing_key)?, simulation_key), state, triggers, clock))
    }

    fn with(
        settings: PoolSettings,
        (signing_key, simulation_key): (SigningKey, SimulationKey),
        state: State,
        triggers: Arc<dyn Triggers>,
        clock: Clock,
    ) -> Self {
        let delivery = Delivery {
            triggers,
            observer: Arc::new(NoObserver),
            time_out: settings.trigger_time_out,
            attempts: settings.trigger_deliveries,
        };
        Self { settings, delivery, signing_key, simulation_key, clock, state: Mutex::new(state) }
    }

    /// What [`Self::restored`] takes.
    pub(crate) fn to_stored(&self) -> Result<Value, serde_json::Error> {
        let signing_key = self.signing_key.to_pkcs8().map_err(serde_json::Error::custom)?;
        serde_json::to_value(StoredPool {
            region: self.settings.region.clone(),
            user_pool_id: self.settings.user_pool_id.clone(),
            signing_key: signing_key.as_ref().to_vec(),
            simulation_key: self.simulation_key.clone(),
            state: &*self.state(),
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

    /// What is served at `/<user pool id>/.well-known/openid-configuration`. Managed login is not there, and so are not its endpoints.
    pub fn openid_configuration(&self) -> Value {
        let issuer = format!("{}/{}", self.settings.endpoint, self.settings.user_pool_id);
        json!({
            "issuer": issuer,
            "jwks_uri": format!("{issuer}/.well-known/jwks.json"),
            "id_token_signing_alg_values_supported": ["RS256"],
            "response_types_supported": ["code", "token"],
            "scopes_supported": ["openid", "email", "phone", "profile"],
            "subject_types_supported": ["public"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        })
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
    pub(crate) fn client(&self, request: &Request) -> Result<ClientSettings, CognitoError> {
        Ok(self.state().clients.get(request.required("ClientId")?)?.settings.clone())
    }

    /// The app client that it started with; any other where that was deleted.
    pub(crate) fn first_client(&self) -> Option<ClientSettings> {
        let state = self.state();
        let first = self.settings.clients.first().and_then(|first| state.clients.get(&first.client_id).ok());
        first.or_else(|| state.clients.0.values().next()).map(|client| client.settings.clone())
    }

    /// Adds an app client as `CreateUserPoolClient` does.
    pub fn add_client(&self, client: ClientSettings) {
        let now = self.now();
        self.state().clients.add(AppClient::of_start(client, now));
    }

    /// Whether one of its app clients has this id.
    pub(crate) fn has_client(&self, client_id: &str) -> bool {
        self.state().clients.get(client_id).is_ok()
    }

    /// Whether this is its domain.
    pub(crate) fn has_domain(&self, domain: &str) -> bool {
        self.state().described.domain.as_ref().is_some_and(|(own, _)| own == domain)
    }

    /// Whether a sign-in of it waits under this session string.
    pub(crate) fn has_session(&self, session: &str) -> bool {
        self.state().sessions.has(session)
    }

    /// What `WriteAttributes` of the app client does not list is refused.
    pub(crate) fn check_client_may_write(
        &self,
        client: &ClientSettings,
        attributes: &Strings,
    ) -> Result<(), CognitoError> {
        let state = self.state();
        let client = state.clients.get(&client.client_id)?;
        if attributes.keys().all(|name| client.may_write(name)) {
            return Ok(());
        }
        Err(CognitoError::not_authorized("A client attempted to write unauthorized attribute"))
    }

    /// "Password attempts exceeded"
    pub(crate) fn check_not_locked_out(&self, user_name: &str) -> Result<(), CognitoError> {
        let now = self.now();
        self.state().lockouts.check(user_name, now)
    }

    pub(crate) fn count_wrong_password(&self, user_name: &str) {
        let now = self.now();
        self.state().lockouts.count(user_name, now);
    }

    /// Its ARN.
    pub(crate) fn arn(&self) -> String {
        let PoolSettings { region, user_pool_id, .. } = &self.settings;
        format!("arn:aws:cognito-idp:{region}:{ACCOUNT}:userpool/{user_pool_id}")
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

    /// The id of the app client that the `AccessToken` of a request was issued to.
    pub(crate) fn client_of_access_token(&self, request: &Request) -> Result<String, CognitoError> {
        let claims = self.signing_key.verify(request.required("AccessToken")?);
        let client_id = claims.and_then(|claims| claims.get("client_id")?.as_str().map(str::to_owned));
        client_id.ok_or_else(|| CognitoError::not_authorized("Invalid Access Token"))
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
        let user_name = text("username")?;
        let state = self.state();
        let user = state.users.named(user_name).ok_or_else(CognitoError::user_not_found)?;
        if !user.enabled {
            return Err(CognitoError::user_disabled());
        }
        Ok(user_name.to_owned())
    }
}

/// The body of the `CreateUserPool` that the settings stand for.
fn create_user_pool(settings: &PoolSettings) -> Value {
    let mut members = settings.user_pool.as_object().cloned().unwrap_or_default();
    let own = || lambda_config(own_function, settings.pre_token_generation);
    members.entry("LambdaConfig").or_insert_with(own);
    Value::Object(members)
}

/// `LambdaConfig` with `function` for each trigger. Without a version, the last trigger is not attached.
pub(crate) fn lambda_config(
    function: impl Fn(Trigger) -> String,
    pre_token_generation: Option<PreTokenGenerationVersion>,
) -> Value {
    let mut lambda = Map::new();
    for trigger in Trigger::ALL {
        let arn = function(trigger);
        match (trigger, pre_token_generation) {
            (Trigger::PreTokenGeneration, None) => {}
            (Trigger::PreTokenGeneration, Some(version)) => {
                let config = json!({ "LambdaArn": arn, "LambdaVersion": version.as_str() });
                lambda.insert("PreTokenGenerationConfig".to_owned(), config);
            }
            (Trigger::DefineAuthChallenge | Trigger::CreateAuthChallenge | Trigger::VerifyAuthChallengeResponse, _) => {
                drop(lambda.insert(trigger.to_string(), json!(arn)))
            }
        }
    }
    Value::Object(lambda)
}
