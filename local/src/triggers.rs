//! The three Lambda triggers of `CUSTOM_AUTH` and the one that every token passes, as Cognito calls them: what they are
//! sent, how often, and what becomes of their answers.
//!
//! A delivery that took too long is not called off: like an invocation of Lambda's it goes on while the next one starts.
//!
//! Where Cognito is silent, this pool is strict, so that no function rests on leniency: both flags of Define have to be
//! there, at most one of them true, and nothing beside a true one.
//!
//! Source: the Cognito developer guide, "Custom authentication challenge Lambda triggers" and "Pre token generation Lambda
//! trigger", and events and errors that users published.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::error::CognitoError;
use crate::pool::Message;
use crate::request::{Strings, strings};
use crate::settings::PreTokenGenerationVersion;

/// One of the four functions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// Decides the next step.
    DefineAuthChallenge,
    /// Words a custom challenge.
    CreateAuthChallenge,
    /// Judges an answer.
    VerifyAuthChallengeResponse,
    /// Lets tokens leave, and says what more is in them.
    PreTokenGeneration,
}

impl Trigger {
    /// All four.
    pub const ALL: [Self; 4] = [
        Self::DefineAuthChallenge,
        Self::CreateAuthChallenge,
        Self::VerifyAuthChallengeResponse,
        Self::PreTokenGeneration,
    ];
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DefineAuthChallenge => "DefineAuthChallenge",
            Self::CreateAuthChallenge => "CreateAuthChallenge",
            Self::VerifyAuthChallengeResponse => "VerifyAuthChallengeResponse",
            Self::PreTokenGeneration => "PreTokenGeneration",
        })
    }
}

/// Whoever runs the four functions.
pub trait Triggers: Send + Sync {
    /// Calls one of them: the event goes in, the whole event with its `response` filled in comes out.
    fn call(&self, trigger: Trigger, event: Value) -> TriggerFuture<'_>;
}

/// The answer of a trigger, later.
pub type TriggerFuture<'a> = Pin<Box<dyn Future<Output = Result<Value, TriggerFailure>> + Send + 'a>>;

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TriggerFailure {
    /// The function ended with an error; the text reaches the client.
    Function(String),
    /// The function could not be called.
    NotCalled(String),
    /// The function did not answer in time.
    TimedOut,
}

/// Watches a pool at work. It sees secrets.
pub trait Observer: Send + Sync {
    /// A trigger was called; each delivery is one call.
    fn trigger_called(&self, _trigger: Trigger, _event: &Value, _answer: &Result<Value, TriggerFailure>) {}

    /// The pool sent something to a user.
    fn message_sent(&self, _message: &Message) {}
}

/// The observer of a pool that nobody watches.
pub(crate) struct NobodyWatches;

impl Observer for NobodyWatches {}

/// One entry of the `session` that Define and Create see.
#[derive(Clone)]
pub(crate) struct ChallengeResult {
    pub(crate) challenge_name: &'static str,
    pub(crate) challenge_result: bool,
    pub(crate) challenge_metadata: Option<String>,
}

impl ChallengeResult {
    /// One of Cognito's own challenges: these have no metadata.
    pub(crate) fn own(challenge_name: &'static str, challenge_result: bool) -> Self {
        Self { challenge_name, challenge_result, challenge_metadata: None }
    }

    fn to_json(&self) -> Value {
        json!({
            "challengeName": self.challenge_name,
            "challengeResult": self.challenge_result,
            "challengeMetadata": self.challenge_metadata,
        })
    }
}

/// What Define decided.
pub(crate) enum NextStep {
    Challenge(String),
    IssueTokens,
    FailAuthentication,
}

/// What Create worded.
pub(crate) struct CustomChallenge {
    pub(crate) public_parameters: Strings,
    pub(crate) private_parameters: Strings,
    pub(crate) metadata: Option<String>,
}

/// Why tokens are about to be issued: the part of `triggerSource` after the underscore.
#[derive(Clone, Copy, Debug)]
pub(crate) enum TokenSource {
    Authentication,
    NewPasswordChallenge,
    RefreshTokens,
}

/// What `PreTokenGeneration` changes in the two tokens.
#[derive(Default)]
pub(crate) struct TokenChanges {
    pub(crate) id: ClaimChanges,
    pub(crate) access: ClaimChanges,
}

/// What it changes in one of them. Scopes and groups stay as they are: this pool has none of its own to change.
#[derive(Default)]
pub(crate) struct ClaimChanges {
    pub(crate) add: Map<String, Value>,
    pub(crate) suppress: Vec<String>,
}

/// What the events of one call of the API have in common.
pub(crate) struct EventFrame {
    pub(crate) region: String,
    pub(crate) user_pool_id: String,
    pub(crate) user_name: String,
    pub(crate) client_id: String,
    pub(crate) user_attributes: Strings,
    /// `None` where existence is not hidden.
    pub(crate) user_not_found: Option<bool>,
    /// `None` where the caller passed none.
    pub(crate) client_metadata: Option<Strings>,
}

/// What tells one event from another of the same call of the API.
struct Invocation {
    trigger: Trigger,
    trigger_source: String,
    version: &'static str,
    request: Value,
    /// `response` as it goes in.
    nulls: Value,
}

impl Invocation {
    fn of_a_challenge(trigger: Trigger, request: Value, nulls: Value) -> Self {
        Self { trigger, trigger_source: format!("{trigger}_Authentication"), version: "1", request, nulls }
    }
}

impl EventFrame {
    fn event(&self, invocation: &Invocation) -> Value {
        let mut event = json!({
            "version": invocation.version,
            "triggerSource": invocation.trigger_source,
            "region": self.region,
            "userPoolId": self.user_pool_id,
            "userName": self.user_name,
            "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": self.client_id },
            "request": { "userAttributes": self.user_attributes },
            "response": invocation.nulls,
        });
        if let Some(members) = event.get_mut("request").and_then(Value::as_object_mut) {
            members.extend(invocation.request.as_object().cloned().unwrap_or_default());
            members.extend(self.user_not_found.map(|flag| ("userNotFound".to_owned(), json!(flag))));
            let metadata = self.client_metadata.as_ref();
            members.extend(metadata.map(|metadata| ("clientMetadata".to_owned(), json!(metadata))));
        }
        event
    }
}

/// Calls triggers and reads what they answer.
pub(crate) struct Delivery {
    pub(crate) triggers: Arc<dyn Triggers>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) time_out: Duration,
    pub(crate) times: u32,
}

impl Delivery {
    pub(crate) async fn define(
        &self,
        frame: &EventFrame,
        session: &[ChallengeResult],
    ) -> Result<NextStep, CognitoError> {
        let request = json!({ "session": session_json(session) });
        let nulls = json!({ "challengeName": null, "issueTokens": null, "failAuthentication": null });
        let invocation = Invocation::of_a_challenge(Trigger::DefineAuthChallenge, request, nulls);
        let response = self.deliver(frame, invocation).await?;
        let flag = |name| response.get(name).and_then(Value::as_bool).ok_or_else(unrecognizable_output);
        match (flag("issueTokens")?, flag("failAuthentication")?, optional_text(&response, "challengeName")?) {
            (true, false, None) => Ok(NextStep::IssueTokens),
            (false, true, None) => Ok(NextStep::FailAuthentication),
            (false, false, Some(name)) => Ok(NextStep::Challenge(name)),
            (true, true, _) | (true, false, Some(_)) | (false, true, Some(_)) | (false, false, None) => {
                Err(unrecognizable_output())
            }
        }
    }

    pub(crate) async fn create(
        &self,
        frame: &EventFrame,
        session: &[ChallengeResult],
    ) -> Result<CustomChallenge, CognitoError> {
        let request = json!({ "session": session_json(session), "challengeName": "CUSTOM_CHALLENGE" });
        let nulls = json!({
            "publicChallengeParameters": null, "privateChallengeParameters": null, "challengeMetadata": null,
        });
        let invocation = Invocation::of_a_challenge(Trigger::CreateAuthChallenge, request, nulls);
        let response = self.deliver(frame, invocation).await?;
        let parameters = |name| {
            let value = response.get(name).filter(|value| !value.is_null());
            value.map_or(Some(Strings::new()), strings).ok_or_else(unrecognizable_output)
        };
        let public_parameters = parameters("publicChallengeParameters")?;
        let private_parameters = parameters("privateChallengeParameters")?;
        let metadata = optional_text(&response, "challengeMetadata")?;
        if private_parameters.is_empty() {
            return Err(CognitoError::incorrect_username_or_password());
        }
        Ok(CustomChallenge { public_parameters, private_parameters, metadata })
    }

    /// Whether the answer is correct.
    pub(crate) async fn verify(
        &self,
        frame: &EventFrame,
        private_parameters: &Strings,
        answer: &str,
    ) -> Result<bool, CognitoError> {
        let request = json!({ "privateChallengeParameters": private_parameters, "challengeAnswer": answer });
        let nulls = json!({ "answerCorrect": null });
        let invocation = Invocation::of_a_challenge(Trigger::VerifyAuthChallengeResponse, request, nulls);
        let response = self.deliver(frame, invocation).await?;
        response.get("answerCorrect").and_then(Value::as_bool).ok_or_else(unrecognizable_output)
    }

    /// What goes into the tokens that are about to be issued.
    pub(crate) async fn generate_tokens(
        &self,
        frame: &EventFrame,
        source: TokenSource,
        version: PreTokenGenerationVersion,
    ) -> Result<TokenChanges, CognitoError> {
        let mut request = json!({
            "groupConfiguration": { "groupsToOverride": [], "iamRolesToOverride": [], "preferredRole": null },
        });
        if let (true, Some(request)) = (version.reaches_access_tokens(), request.as_object_mut()) {
            request.insert("scopes".to_owned(), json!([SCOPE]));
        }
        let details = version.details();
        let invocation = Invocation {
            trigger: Trigger::PreTokenGeneration,
            trigger_source: format!("TokenGeneration_{source:?}"),
            version: version.number(),
            request,
            nulls: json!({ details: null }),
        };
        let response = self.deliver(frame, invocation).await?;
        let details = response.get(details).unwrap_or(&Value::Null);
        if version.reaches_access_tokens() {
            let token = |name| claim_changes(details.get(name).unwrap_or(&Value::Null));
            Ok(TokenChanges { id: token("idTokenGeneration")?, access: token("accessTokenGeneration")? })
        } else {
            let id = claim_changes(details)?;
            if !id.add.values().all(Value::is_string) {
                return Err(unrecognizable_output());
            }
            Ok(TokenChanges { id, access: ClaimChanges::default() })
        }
    }

    /// Calls a trigger until it answers, and gives the `response` of its answer.
    async fn deliver(&self, frame: &EventFrame, invocation: Invocation) -> Result<Value, CognitoError> {
        let event = frame.event(&invocation);
        let trigger = invocation.trigger;
        for _ in 0..self.times {
            let answer = self.call_once(trigger, event.clone()).await;
            self.observer.trigger_called(trigger, &event, &answer);
            match answer {
                Ok(answer) => {
                    let response = answer.get("response").filter(|response| response.is_object());
                    return response.cloned().ok_or_else(unrecognizable_output);
                }
                Err(TriggerFailure::Function(text)) => {
                    let message = format!("{trigger} failed with error {text}.");
                    return Err(CognitoError::new("UserLambdaValidationException", message));
                }
                Err(TriggerFailure::NotCalled(text)) => return Err(invocation_failed(trigger, &text)),
                Err(TriggerFailure::TimedOut) => {}
            }
        }
        Err(invocation_failed(trigger, "Socket timeout while invoking Lambda function"))
    }

    async fn call_once(&self, trigger: Trigger, event: Value) -> Result<Value, TriggerFailure> {
        let triggers = Arc::clone(&self.triggers);
        let call = tokio::spawn(async move { triggers.call(trigger, event).await });
        match tokio::time::timeout(self.time_out, call).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_panicked)) => Err(TriggerFailure::Function("Error: Runtime exited with error".to_owned())),
            Err(_elapsed) => Err(TriggerFailure::TimedOut),
        }
    }
}

/// The one scope of tokens that the API issues.
pub(crate) const SCOPE: &str = "aws.cognito.signin.user.admin";

/// Null and absent change nothing.
fn claim_changes(details: &Value) -> Result<ClaimChanges, CognitoError> {
    let member = |name| details.get(name).filter(|value| !value.is_null());
    let add = match member("claimsToAddOrOverride") {
        None => Map::new(),
        Some(claims) => claims.as_object().cloned().ok_or_else(unrecognizable_output)?,
    };
    let suppress = match member("claimsToSuppress") {
        None => Vec::new(),
        Some(names) => serde_json::from_value(names.clone()).map_err(|_| unrecognizable_output())?,
    };
    Ok(ClaimChanges { add, suppress })
}

pub(crate) fn unrecognizable_output() -> CognitoError {
    CognitoError::new("InvalidLambdaResponseException", "Unrecognizable lambda output")
}

fn invocation_failed(trigger: Trigger, reason: &str) -> CognitoError {
    let message = format!("{trigger} invocation failed due to error {reason}.");
    CognitoError::new("UnexpectedLambdaException", message)
}

fn session_json(session: &[ChallengeResult]) -> Value {
    session.iter().map(ChallengeResult::to_json).collect()
}

/// Null is absent; anything but a string is a wrong shape.
fn optional_text(response: &Value, name: &str) -> Result<Option<String>, CognitoError> {
    let value = response.get(name).filter(|value| !value.is_null());
    value.map(|value| value.as_str().map(str::to_owned).ok_or_else(unrecognizable_output)).transpose()
}
