//! A pool with a set clock, and small triggers: password, then "42", three answers at most.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use local::{
    ClientSettings, CognitoError, Observer, Pool, PoolSettings, PreventUserExistenceErrors, Service, SrpClient,
    Trigger, TriggerFailure, TriggerFuture, Triggers,
};
use serde_json::{Value, json};
use shared::clock::UnixTime;

pub(crate) const PASSWORD: &str = "Correct-Horse-7";
pub(crate) const POOL_ID: &str = "us-east-1_LocalPool";
pub(crate) const CLIENT_ID: &str = "localpoolclient00000000000";
const START: u64 = 1_800_000_000;

/// What a trigger answers to an event: its `response`.
pub(crate) type Answer = Result<Value, TriggerFailure>;

pub(crate) struct TestBed {
    pub(crate) pool: Arc<Pool>,
    calls: Arc<Calls>,
    now: Arc<AtomicU64>,
}

/// Every trigger call that was observed.
#[derive(Default)]
struct Calls(Mutex<Vec<(Trigger, Value)>>);

impl Observer for Calls {
    fn trigger_called(&self, trigger: Trigger, event: &Value, _answer: &Result<Value, TriggerFailure>) {
        self.0.lock().unwrap().push((trigger, event.clone()));
    }
}

/// Answers with a function of the trigger and its event.
struct Answering<F>(F);

impl<F: Fn(Trigger, &Value) -> Answer + Send + Sync> Triggers for Answering<F> {
    fn call(&self, trigger: Trigger, event: Value) -> TriggerFuture<'_> {
        let response = (self.0)(trigger, &event);
        Box::pin(async move {
            let mut event = event;
            event["response"] = response?;
            Ok(event)
        })
    }
}

pub(crate) fn usual_answer(trigger: Trigger, event: &Value) -> Answer {
    let request = &event["request"];
    Ok(match trigger {
        Trigger::DefineAuthChallenge => {
            let session = request["session"].as_array().unwrap();
            let last = session.last();
            let name = last.map_or("", |entry| entry["challengeName"].as_str().unwrap());
            let passed = last.is_some_and(|entry| entry["challengeResult"] == true);
            let temporary = request["userAttributes"]["cognito:user_status"] == "FORCE_CHANGE_PASSWORD";
            match name {
                "SRP_A" => challenge("PASSWORD_VERIFIER"),
                "PASSWORD_VERIFIER" if passed && temporary => challenge("NEW_PASSWORD_REQUIRED"),
                "PASSWORD_VERIFIER" | "NEW_PASSWORD_REQUIRED" if passed => challenge("CUSTOM_CHALLENGE"),
                "CUSTOM_CHALLENGE" if passed => tokens(),
                "CUSTOM_CHALLENGE" if session.len() < 5 => challenge("CUSTOM_CHALLENGE"),
                _ => failure(),
            }
        }
        Trigger::CreateAuthChallenge => json!({
            "publicChallengeParameters": { "challenge": "TEST" },
            "privateChallengeParameters": { "answer": "42" },
            "challengeMetadata": "TEST",
        }),
        Trigger::VerifyAuthChallengeResponse => json!({
            "answerCorrect": request["challengeAnswer"] == request["privateChallengeParameters"]["answer"]
        }),
        Trigger::PreTokenGeneration => json!({ "claimsAndScopeOverrideDetails": null }),
    })
}

pub(crate) fn challenge(name: &str) -> Value {
    json!({ "challengeName": name, "issueTokens": false, "failAuthentication": false })
}

pub(crate) fn tokens() -> Value {
    json!({ "challengeName": null, "issueTokens": true, "failAuthentication": false })
}

pub(crate) fn failure() -> Value {
    json!({ "challengeName": null, "issueTokens": false, "failAuthentication": true })
}

pub(crate) fn legacy() -> PoolSettings {
    with_client(ClientSettings {
        prevent_user_existence_errors: PreventUserExistenceErrors::Legacy,
        ..ClientSettings::default()
    })
}

/// A pool of which `CreateUserPool` would say this.
pub(crate) fn with_user_pool(members: Value) -> PoolSettings {
    let mut settings = PoolSettings::default();
    settings.user_pool.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    settings
}

pub(crate) fn with_client(client: ClientSettings) -> PoolSettings {
    PoolSettings { clients: vec![client], ..PoolSettings::default() }
}

impl TestBed {
    pub(crate) fn new() -> Self {
        Self::with(PoolSettings::default(), usual_answer)
    }

    pub(crate) fn with(
        settings: PoolSettings,
        answer: impl Fn(Trigger, &Value) -> Answer + Send + Sync + 'static,
    ) -> Self {
        Self::over(settings, Arc::new(Answering(answer)))
    }

    pub(crate) fn over(settings: PoolSettings, triggers: Arc<dyn Triggers>) -> Self {
        let now = Arc::new(AtomicU64::new(START));
        let clock = Arc::clone(&now);
        let calls = Arc::new(Calls::default());
        let pool = Pool::new(settings, triggers, Arc::new(move || UnixTime(clock.load(Ordering::Relaxed)))).unwrap();
        Self { pool: Arc::new(pool.observed_by(calls.clone())), calls, now }
    }

    /// The pool as a service, which makes others with the same clock and the usual triggers.
    pub(crate) fn service(&self) -> Arc<Service> {
        let now = Arc::clone(&self.now);
        let another = move |settings| {
            let clock = Arc::clone(&now);
            let clock = Arc::new(move || UnixTime(clock.load(Ordering::Relaxed)));
            Pool::new(settings, Arc::new(Answering(usual_answer)), clock)
        };
        Arc::new(Service::new(self.pool.clone(), another))
    }

    pub(crate) fn now(&self) -> UnixTime {
        UnixTime(self.now.load(Ordering::Relaxed))
    }

    pub(crate) fn advance(&self, seconds: u64) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }

    /// The events so far, and forgets them.
    pub(crate) fn take_calls(&self) -> Vec<(Trigger, Value)> {
        std::mem::take(&mut self.calls.0.lock().unwrap())
    }

    pub(crate) fn take_events(&self, of: Trigger) -> Vec<Value> {
        self.take_calls().into_iter().filter(|(trigger, _)| *trigger == of).map(|(_, event)| event).collect()
    }

    pub(crate) async fn call(&self, operation: &str, body: Value) -> Result<Value, CognitoError> {
        self.pool.call(operation, body).await
    }

    /// An operation of an operator: its body names the pool.
    pub(crate) async fn operate(&self, operation: &str, mut body: Value) -> Result<Value, CognitoError> {
        body["UserPoolId"] = json!(POOL_ID);
        self.call(operation, body).await
    }

    /// A user who is confirmed and has [`PASSWORD`].
    pub(crate) async fn add_user(&self, user_name: &str) {
        let user = json!({
            "UserPoolId": POOL_ID,
            "Username": user_name,
            "UserAttributes": [{ "Name": "email", "Value": "alice@example.com" }, { "Name": "email_verified", "Value": "true" }],
        });
        self.call("AdminCreateUser", user).await.unwrap();
        let password = json!({ "UserPoolId": POOL_ID, "Username": user_name, "Password": PASSWORD, "Permanent": true });
        self.call("AdminSetUserPassword", password).await.unwrap();
    }

    pub(crate) async fn initiate(&self, user_name: &str) -> Result<(SrpClient, Value), CognitoError> {
        let srp = SrpClient::new(POOL_ID).unwrap();
        let parameters = json!({ "CHALLENGE_NAME": "SRP_A", "USERNAME": user_name, "SRP_A": srp.public_value() });
        Ok((srp, self.initiate_with(parameters).await?))
    }

    /// A flow without Define.
    pub(crate) async fn initiate_flow(&self, flow: &str, user_name: &str) -> Result<(SrpClient, Value), CognitoError> {
        let srp = SrpClient::new(POOL_ID).unwrap();
        let parameters = json!({ "USERNAME": user_name, "SRP_A": srp.public_value() });
        let body = json!({ "ClientId": CLIENT_ID, "AuthFlow": flow, "AuthParameters": parameters });
        Ok((srp, self.call("InitiateAuth", body).await?))
    }

    pub(crate) async fn initiate_with(&self, parameters: Value) -> Result<Value, CognitoError> {
        let body = json!({ "ClientId": CLIENT_ID, "AuthFlow": "CUSTOM_AUTH", "AuthParameters": parameters });
        self.call("InitiateAuth", body).await
    }

    /// Answers the challenge that an earlier answer of the pool asked.
    pub(crate) async fn respond(&self, asked: &Value, responses: Value) -> Result<Value, CognitoError> {
        self.call("RespondToAuthChallenge", response(asked, responses)).await
    }

    pub(crate) async fn prove_password(&self, user_name: &str, password: &str) -> Result<Value, CognitoError> {
        let (srp, asked) = self.initiate(user_name).await?;
        let claim = srp.answer(&asked["ChallengeParameters"], password, self.now()).unwrap();
        self.respond(&asked, claim).await
    }

    pub(crate) async fn answer(&self, asked: &Value, answer: &str) -> Result<Value, CognitoError> {
        let user_name = &asked["ChallengeParameters"]["USERNAME"];
        self.respond(asked, json!({ "USERNAME": user_name, "ANSWER": answer })).await
    }

    /// The whole sign-in: its `AuthenticationResult`.
    pub(crate) async fn sign_in(&self, user_name: &str) -> Value {
        let asked = self.prove_password(user_name, PASSWORD).await.unwrap();
        self.answer(&asked, "42").await.unwrap()["AuthenticationResult"].clone()
    }
}

/// Cognito's list of `{"Name", "Value"}`.
pub(crate) fn attributes<const N: usize>(pairs: [(&str, &str); N]) -> Value {
    pairs.iter().map(|(name, value)| json!({ "Name": name, "Value": value })).collect()
}

/// The value of a user's attribute, in any list of them.
pub(crate) fn attribute<'a>(list: &'a Value, name: &str) -> Option<&'a str> {
    let found = list.as_array().unwrap().iter().find(|attribute| attribute["Name"] == name);
    found.map(|attribute| attribute["Value"].as_str().unwrap())
}

/// The body of `RespondToAuthChallenge`.
pub(crate) fn response(asked: &Value, responses: Value) -> Value {
    json!({
        "ClientId": CLIENT_ID,
        "ChallengeName": asked["ChallengeName"],
        "Session": asked["Session"],
        "ChallengeResponses": responses,
    })
}

#[track_caller]
pub(crate) fn assert_error(result: Result<Value, CognitoError>, kind: &str, message: &str) {
    let error = result.expect_err("the pool should refuse");
    assert_eq!((error.kind, error.message.as_str()), (kind, message));
}

#[track_caller]
pub(crate) fn assert_incorrect(result: Result<Value, CognitoError>) {
    assert_error(result, "NotAuthorizedException", "Incorrect username or password.");
}
