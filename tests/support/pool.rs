//! A client of the local user pool, in this process: what a user can do, and what an attacker can.

use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use local::in_process::InProcess;
use local::{ClientSettings, CognitoError, Pool, PoolSettings, SrpClient, Trigger, TriggerFuture, Triggers};
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::cognito::UserKey;
use shared::settings::{AcceptedCognitoMfa, Enrollment, SignInSettings};
use shared::store::RecordStore;
use shared::store::memory::MemoryStore;

/// The password of every user here.
pub const PASSWORD: &str = "Plainly-fake-1";

/// The local pool with its triggers, and a clock that the test sets.
pub struct TestPool {
    pool: Pool,
    triggers: Arc<Deployed>,
    clock: Arc<AtomicU64>,
}

/// The triggers as they are set now.
struct Deployed(Mutex<Arc<dyn SetAnew>>);

trait SetAnew: Triggers {
    fn set_anew(&self, sign_in: SignInSettings) -> Arc<dyn SetAnew>;
}

impl<S: RecordStore + 'static> SetAnew for InProcess<S> {
    fn set_anew(&self, sign_in: SignInSettings) -> Arc<dyn SetAnew> {
        Arc::new(self.set_anew(sign_in))
    }
}

impl Deployed {
    fn now(&self) -> Arc<dyn SetAnew> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Triggers for Deployed {
    fn call(&self, trigger: Trigger, event: Value) -> TriggerFuture<'_> {
        let functions = self.now();
        Box::pin(async move { functions.call(trigger, event).await })
    }
}

/// The next thing that a sign-in asks, or its tokens.
#[derive(Clone, Debug)]
pub struct Step {
    /// What the pool answered.
    pub answer: Value,
    user_name: String,
}

impl Deref for TestPool {
    type Target = Pool;

    fn deref(&self) -> &Pool {
        &self.pool
    }
}

impl Default for TestPool {
    fn default() -> Self {
        Self::new(Enrollment::AtSignIn, PoolSettings::default())
    }
}

impl TestPool {
    /// A pool with one confirmed user, `ana`, who has a password and nothing else.
    ///
    /// # Panics
    /// When it cannot be set up.
    #[must_use]
    pub fn new(enrollment: Enrollment, settings: PoolSettings) -> Self {
        Self::with(SignInSettings::new(AcceptedCognitoMfa::NONE, enrollment).expect("settings"), settings)
    }

    /// The same, where factors of Cognito's own may be accepted.
    ///
    /// # Panics
    /// When it cannot be set up.
    #[must_use]
    pub fn with(sign_in: SignInSettings, settings: PoolSettings) -> Self {
        Self::over(MemoryStore::default(), sign_in, settings)
    }

    /// The same, with the records in `store`.
    ///
    /// # Panics
    /// When it cannot be set up.
    #[must_use]
    pub fn over(store: impl RecordStore + 'static, sign_in: SignInSettings, settings: PoolSettings) -> Self {
        let clock = Arc::new(AtomicU64::new(1_800_000_000));
        let reads = Arc::clone(&clock);
        let reads: local::Clock = Arc::new(move || UnixTime(reads.load(Ordering::SeqCst)));
        let triggers = InProcess::over(store, sign_in, Arc::clone(&reads)).expect("triggers");
        let triggers = Arc::new(Deployed(Mutex::new(Arc::new(triggers))));
        let pool = Pool::new(settings, Arc::<Deployed>::clone(&triggers), reads).expect("a pool");
        Self { pool, triggers, clock }
    }

    /// Deploys the triggers with other settings, over the same records.
    pub fn set_triggers(&self, sign_in: SignInSettings) {
        let anew = self.triggers.now().set_anew(sign_in);
        *self.triggers.0.lock().unwrap_or_else(PoisonError::into_inner) = anew;
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        UnixTime(self.clock.load(Ordering::SeqCst))
    }

    /// Lets `seconds` pass.
    pub fn wait(&self, seconds: u64) {
        self.clock.fetch_add(seconds, Ordering::SeqCst);
    }

    fn client(&self) -> &ClientSettings {
        self.settings().clients.first().expect("a client")
    }

    /// Adds a user with an address and a temporary password.
    ///
    /// # Panics
    /// When it cannot be added.
    pub async fn add_user_with_temporary_password(&self, user_name: &str) {
        let request = json!({
            "UserPoolId": self.settings().user_pool_id,
            "Username": user_name,
            "TemporaryPassword": PASSWORD,
            "MessageAction": "SUPPRESS",
            "UserAttributes": [{ "Name": "email", "Value": format!("{user_name}@example.com") }],
        });
        self.call("AdminCreateUser", request).await.expect("a user");
    }

    /// Adds a confirmed user with an address and a password.
    ///
    /// # Panics
    /// When it cannot be added.
    pub async fn add_user(&self, user_name: &str) {
        self.add_user_with_temporary_password(user_name).await;
        self.set_password(user_name, PASSWORD, true).await;
    }

    /// Whose record.
    ///
    /// # Panics
    /// When there is no such user.
    pub async fn user_key(&self, user_name: &str) -> UserKey {
        let user_pool_id = self.settings().user_pool_id.clone();
        let request = json!({ "UserPoolId": user_pool_id, "Username": user_name });
        let user = self.call("AdminGetUser", request).await.expect("a user");
        let attributes = user.get("UserAttributes").and_then(Value::as_array).expect("attributes");
        let sub = attributes.iter().find(|attribute| attribute.get("Name").is_some_and(|name| name == "sub"));
        let sub = sub.and_then(|sub| sub.get("Value")?.as_str()).expect("a sub").to_owned();
        UserKey { user_pool_id, sub }
    }

    /// An operator sets a password.
    ///
    /// # Panics
    /// When it cannot be set.
    pub async fn set_password(&self, user_name: &str, password: &str, permanent: bool) {
        let pool_id = &self.settings().user_pool_id;
        let request =
            json!({ "UserPoolId": pool_id, "Username": user_name, "Password": password, "Permanent": permanent });
        self.call("AdminSetUserPassword", request).await.expect("a password");
    }

    /// InitiateAuth with SRP_A, then PASSWORD_VERIFIER.
    ///
    /// # Errors
    /// Cognito's.
    ///
    /// # Panics
    /// When the pool asks for something else.
    pub async fn start(&self, user_name: &str, password: &str) -> Result<Step, CognitoError> {
        let srp = SrpClient::new(&self.settings().user_pool_id).expect("SRP");
        let parameters = json!({ "CHALLENGE_NAME": "SRP_A", "USERNAME": user_name, "SRP_A": srp.public_value() });
        let request =
            json!({ "AuthFlow": "CUSTOM_AUTH", "ClientId": self.client().client_id, "AuthParameters": parameters });
        let asked = self.step(user_name, self.call("InitiateAuth", request).await?);
        assert_eq!(asked.challenge_name(), Some("PASSWORD_VERIFIER"));
        let responses = srp.answer(asked.parameters(), password, self.now()).expect("a claim");
        self.respond(&asked, responses, None).await
    }

    /// RespondToAuthChallenge with whatever responses.
    ///
    /// # Errors
    /// Cognito's.
    pub async fn respond(&self, step: &Step, responses: Value, metadata: Option<Value>) -> Result<Step, CognitoError> {
        let mut request = json!({
            "ChallengeName": step.challenge_name(),
            "ClientId": self.client().client_id,
            "Session": step.answer.get("Session"),
            "ChallengeResponses": responses,
        });
        if let (Some(metadata), Some(request)) = (metadata, request.as_object_mut()) {
            request.insert("ClientMetadata".to_owned(), metadata);
        }
        Ok(self.step(&step.user_name, self.call("RespondToAuthChallenge", request).await?))
    }

    /// RespondToAuthChallenge to one of our challenges.
    ///
    /// # Errors
    /// Cognito's.
    pub async fn answer(&self, step: &Step, answer: &str) -> Result<Step, CognitoError> {
        self.respond(step, json!({ "USERNAME": step.user_name, "ANSWER": answer }), None).await
    }

    /// The same, with a after_second_factor for after the second factor.
    ///
    /// # Errors
    /// Cognito's.
    pub async fn answer_wishing(
        &self,
        step: &Step,
        answer: &str,
        after_second_factor: &str,
    ) -> Result<Step, CognitoError> {
        let responses = json!({ "USERNAME": step.user_name, "ANSWER": answer });
        self.respond(step, responses, Some(json!({ "afterSecondFactor": after_second_factor }))).await
    }

    fn step(&self, user_name: &str, answer: Value) -> Step {
        Step { answer, user_name: user_name.to_owned() }
    }
}

impl Step {
    /// `ChallengeName`
    #[must_use]
    pub fn challenge_name(&self) -> Option<&str> {
        self.answer.get("ChallengeName").and_then(Value::as_str)
    }

    /// `ChallengeParameters`
    ///
    /// # Panics
    /// When there are none.
    #[must_use]
    pub fn parameters(&self) -> &Value {
        self.answer.get("ChallengeParameters").unwrap_or_else(|| panic!("no challenge: {}", self.answer))
    }

    /// One of `ChallengeParameters`, empty when it is not there.
    #[must_use]
    pub fn shown(&self, name: &str) -> &str {
        self.parameters().get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// Whether the sign-in has ended in tokens.
    #[must_use]
    pub fn has_tokens(&self) -> bool {
        let token = |name| self.answer.pointer(name).is_some_and(Value::is_string);
        ["/AuthenticationResult/IdToken", "/AuthenticationResult/AccessToken"].into_iter().all(token)
    }
}
