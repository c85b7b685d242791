//! The local user pool in this process, and a client of it: what a user can do, and what an attacker can.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use local::in_process::{InProcess, NextInProcess};
use local::{ClientSettings, CognitoError, Pool, PoolSettings, SrpClient, Trigger, TriggerFuture, Triggers};
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::cognito::UserKey;
use shared::guard_settings::{GuardedSince, ReportOnly};
use shared::next_function::Next;
use shared::settings::{AcceptedCognitoMfa, Enrollment, SignInSettings};
use shared::store::RecordStore;
use shared::store::memory::MemoryStore;

use crate::clock::TestClock;
use crate::driver::Driver;

/// The password of every user here.
pub const PASSWORD: &str = "Plainly-fake-1";

/// The local pool with its triggers, and a clock that the test sets.
pub struct TestPool {
    pool: Arc<Pool>,
    /// `None` where they are set for good.
    triggers: Option<Arc<Deployed>>,
    clock: TestClock,
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

/// The next challenge of a sign-in, or its tokens.
#[derive(Clone, Debug)]
pub struct Step {
    /// The pool's answer.
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
    /// A pool without users.
    #[must_use]
    pub fn new(enrollment: Enrollment, settings: PoolSettings) -> Self {
        Self::with(SignInSettings::new(AcceptedCognitoMfa::NONE, enrollment).expect("settings"), settings)
    }

    /// The same, where Cognito factors may be accepted.
    #[must_use]
    pub fn with(sign_in: SignInSettings, settings: PoolSettings) -> Self {
        Self::over(MemoryStore::default(), sign_in, settings)
    }

    /// The same, with the records in `store`.
    #[must_use]
    pub fn over(store: impl RecordStore + 'static, sign_in: SignInSettings, settings: PoolSettings) -> Self {
        Self::of(settings, |clock| InProcess::over(store, sign_in, clock).expect("triggers"))
    }

    /// A pool whose token guard only reports for a time, or hands on what it passes.
    #[must_use]
    pub fn guarded(report_only: ReportOnly, next: Option<Next<NextInProcess>>, settings: PoolSettings) -> Self {
        Self::of(settings, |clock| InProcess::new(clock).expect("triggers").with_guard(report_only, next))
    }

    /// A pool whose token guard has refused since that time.
    #[must_use]
    pub fn guarded_since(since: UnixTime, settings: PoolSettings) -> Self {
        Self::of(settings, |clock| {
            InProcess::new(clock).expect("triggers").with_guarded_since(GuardedSince::new(since))
        })
    }

    fn of<S: RecordStore + 'static>(
        settings: PoolSettings,
        triggers: impl FnOnce(local::Clock) -> InProcess<S>,
    ) -> Self {
        let clock = TestClock::default();
        let reads = clock.clone();
        let reads: local::Clock = Arc::new(move || reads.now());
        let triggers = triggers(Arc::clone(&reads));
        let triggers = Arc::new(Deployed(Mutex::new(Arc::new(triggers))));
        let pool = Pool::new(settings, Arc::<Deployed>::clone(&triggers), reads).expect("a pool");
        Self { pool: Arc::new(pool), triggers: Some(triggers), clock }
    }

    /// A pool that is there already.
    #[must_use]
    pub fn of_pool(pool: Arc<Pool>, clock: TestClock) -> Self {
        Self { pool, triggers: None, clock }
    }

    /// Deploys the triggers with other settings, over the same records.
    pub fn set_triggers(&self, sign_in: SignInSettings) {
        let triggers = self.triggers.as_ref().expect("triggers that can be set anew");
        let anew = triggers.now().set_anew(sign_in);
        *triggers.0.lock().unwrap_or_else(PoisonError::into_inner) = anew;
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// Lets `seconds` pass.
    pub fn wait(&self, seconds: u64) {
        self.clock.wait(seconds);
    }

    fn client(&self) -> &ClientSettings {
        self.settings().clients.first().expect("a client")
    }

    /// Adds a user with an address and a temporary password.
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
    pub async fn add_user(&self, user_name: &str) {
        self.add_user_with_temporary_password(user_name).await;
        self.set_password(user_name, PASSWORD, true).await;
    }

    /// The key of a user's record.
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
    pub async fn set_password(&self, user_name: &str, password: &str, permanent: bool) {
        let pool_id = &self.settings().user_pool_id;
        let request =
            json!({ "UserPoolId": pool_id, "Username": user_name, "Password": password, "Permanent": permanent });
        self.call("AdminSetUserPassword", request).await.expect("a password");
    }

    /// InitiateAuth with SRP_A, then PASSWORD_VERIFIER.
    pub async fn start(&self, user_name: &str, password: &str) -> Result<Step, CognitoError> {
        let srp = SrpClient::new(&self.settings().user_pool_id).expect("SRP");
        let parameters = json!({ "CHALLENGE_NAME": "SRP_A", "USERNAME": user_name, "SRP_A": srp.public_value() });
        let request =
            json!({ "AuthFlow": "CUSTOM_AUTH", "ClientId": self.client().client_id, "AuthParameters": parameters });
        let mut asked = self.step(user_name, self.call("InitiateAuth", request).await?);
        // An address stands for the user only here.
        asked.user_name = asked.shown("USER_ID_FOR_SRP").to_owned();
        assert_eq!(asked.challenge_name(), Some("PASSWORD_VERIFIER"));
        let responses = srp.answer(asked.parameters(), password, self.now()).expect("a claim");
        self.respond(&asked, responses, None).await
    }

    /// RespondToAuthChallenge with whatever responses.
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
    pub async fn answer(&self, step: &Step, answer: &str) -> Result<Step, CognitoError> {
        self.respond(step, json!({ "USERNAME": step.user_name, "ANSWER": answer }), None).await
    }

    /// The same, with `afterSecondFactor` in the client metadata.
    pub async fn answer_requesting(
        &self,
        step: &Step,
        answer: &str,
        after_second_factor: &str,
    ) -> Result<Step, CognitoError> {
        let responses = json!({ "USERNAME": step.user_name, "ANSWER": answer });
        self.respond(step, responses, Some(json!({ "afterSecondFactor": after_second_factor }))).await
    }

    /// A sign-in of `user_name` with the right password.
    pub async fn sign_in(&self, user_name: &str) -> PoolSignIn<'_> {
        self.resume(self.start(user_name, PASSWORD).await.expect("a challenge"))
    }

    /// The sign-in that `step` belongs to.
    #[must_use]
    pub fn resume(&self, step: Step) -> PoolSignIn<'_> {
        PoolSignIn { pool: self, step, client_metadata: None }
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

/// One sign-in past the password, step by step.
pub struct PoolSignIn<'a> {
    pool: &'a TestPool,
    /// Where it is.
    pub step: Step,
    /// What the client sends with each answer.
    pub client_metadata: Option<Value>,
}

impl Driver for PoolSignIn<'_> {
    type Error = CognitoError;

    fn now(&self) -> UnixTime {
        self.pool.now()
    }

    async fn challenge(&mut self) -> Result<Value, CognitoError> {
        Ok(self.step.parameters().clone())
    }

    async fn answer(&mut self, typed: &str) -> Result<bool, CognitoError> {
        let responses = json!({ "USERNAME": self.step.user_name, "ANSWER": typed });
        let next = self.pool.respond(&self.step, responses, self.client_metadata.clone()).await?;
        let answered = std::mem::replace(&mut self.step, next);
        // Only a wrong answer is followed by the same challenge.
        Ok(self.step.has_tokens() || self.step.shown("challenge") != answered.shown("challenge"))
    }

    async fn has_tokens(&mut self) -> Result<bool, CognitoError> {
        Ok(self.step.has_tokens())
    }
}
