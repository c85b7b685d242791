//! Calls triggers as Cognito does: what the event holds, how often a trigger is called, and which responses are valid.
//!
//! A delivery that timed out is not canceled: like a Lambda invocation, it goes on while the next one starts.
//!
//! Where Cognito is silent, this pool is strict, so that no function depends on leniency: both flags of Define have to be
//! present, at most one of them true, and nothing else alongside a true one.
//!
//! Source: the Cognito developer guide, "Custom authentication challenge Lambda triggers" and "Pre token generation Lambda
//! trigger", and events and errors that users published.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};
use shared::cognito::{
    CREATE_AUTH_CHALLENGE, ChallengeName, DEFINE_AUTH_CHALLENGE, TokenSource, VERIFY_AUTH_CHALLENGE,
};

use crate::error::CognitoError;
use crate::request::{Strings, strings};
use crate::settings::PreTokenGenerationVersion;
use crate::state::session::AnsweredChallenge;
use crate::triggers::{Observer, Trigger, TriggerFailure, Triggers};

/// The one scope of tokens that the API issues.
pub(crate) const SCOPE: &str = "aws.cognito.signin.user.admin";

/// What Define decided.
pub(crate) enum DefineDecision {
    Challenge(String),
    IssueTokens,
    FailAuthentication,
}

/// What Create returned.
pub(crate) struct CreatedChallenge {
    pub(crate) public_parameters: Strings,
    pub(crate) private_parameters: Strings,
    pub(crate) metadata: Option<String>,
}

/// What `PreTokenGeneration` changes in the two tokens.
#[derive(Default)]
pub(crate) struct TokenChanges {
    pub(crate) id: ClaimChanges,
    pub(crate) access: ClaimChanges,
}

/// What it changes in one of them. Scopes and groups cannot be changed here.
#[derive(Default)]
pub(crate) struct ClaimChanges {
    pub(crate) add: Map<String, Value>,
    pub(crate) suppress: Vec<String>,
}

/// What the events of one API call have in common.
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
    /// The functions of the pool's `LambdaConfig`, by their ARNs.
    pub(crate) functions: BTreeMap<Trigger, String>,
    /// `groupConfiguration`, for Pre Token Generation.
    pub(crate) groups: Value,
}

/// What distinguishes the events of one API call.
struct Invocation {
    trigger: Trigger,
    trigger_source: &'static str,
    version: &'static str,
    request: Value,
    /// The `response` of the event, as the function receives it.
    empty_response: Value,
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
            "response": invocation.empty_response,
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

/// Calls triggers and parses their responses.
pub(crate) struct Delivery {
    pub(crate) triggers: Arc<dyn Triggers>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) time_out: Duration,
    pub(crate) attempts: u32,
}

impl Delivery {
    pub(crate) async fn define(
        &self,
        frame: &EventFrame,
        session: &[AnsweredChallenge],
    ) -> Result<DefineDecision, CognitoError> {
        let invocation = Invocation {
            trigger: Trigger::DefineAuthChallenge,
            trigger_source: DEFINE_AUTH_CHALLENGE,
            version: "1",
            request: json!({ "session": session_json(session) }),
            empty_response: json!({ "challengeName": null, "issueTokens": null, "failAuthentication": null }),
        };
        let response = self.deliver(frame, invocation).await?;
        let flag =
            |name| response.get(name).and_then(Value::as_bool).ok_or_else(CognitoError::unrecognizable_lambda_output);
        match (flag("issueTokens")?, flag("failAuthentication")?, optional_text(&response, "challengeName")?) {
            (true, false, None) => Ok(DefineDecision::IssueTokens),
            (false, true, None) => Ok(DefineDecision::FailAuthentication),
            (false, false, Some(name)) => Ok(DefineDecision::Challenge(name)),
            (true, true, _) | (true, false, Some(_)) | (false, true, Some(_)) | (false, false, None) => {
                Err(CognitoError::unrecognizable_lambda_output())
            }
        }
    }

    pub(crate) async fn create(
        &self,
        frame: &EventFrame,
        session: &[AnsweredChallenge],
    ) -> Result<CreatedChallenge, CognitoError> {
        let challenge_name = ChallengeName::CustomChallenge.as_str();
        let invocation = Invocation {
            trigger: Trigger::CreateAuthChallenge,
            trigger_source: CREATE_AUTH_CHALLENGE,
            version: "1",
            request: json!({ "session": session_json(session), "challengeName": challenge_name }),
            empty_response: json!({
                "publicChallengeParameters": null, "privateChallengeParameters": null, "challengeMetadata": null,
            }),
        };
        let response = self.deliver(frame, invocation).await?;
        let parameters = |name| {
            let value = response.get(name).filter(|value| !value.is_null());
            value.map_or(Some(Strings::new()), strings).ok_or_else(CognitoError::unrecognizable_lambda_output)
        };
        let public_parameters = parameters("publicChallengeParameters")?;
        let private_parameters = parameters("privateChallengeParameters")?;
        let metadata = optional_text(&response, "challengeMetadata")?;
        if private_parameters.is_empty() {
            return Err(CognitoError::incorrect_username_or_password());
        }
        Ok(CreatedChallenge { public_parameters, private_parameters, metadata })
    }

    /// Whether the answer is correct.
    pub(crate) async fn verify(
        &self,
        frame: &EventFrame,
        private_parameters: &Strings,
        answer: &str,
    ) -> Result<bool, CognitoError> {
        let invocation = Invocation {
            trigger: Trigger::VerifyAuthChallengeResponse,
            trigger_source: VERIFY_AUTH_CHALLENGE,
            version: "1",
            request: json!({ "privateChallengeParameters": private_parameters, "challengeAnswer": answer }),
            empty_response: json!({ "answerCorrect": null }),
        };
        let response = self.deliver(frame, invocation).await?;
        let correct = response.get("answerCorrect").and_then(Value::as_bool);
        correct.ok_or_else(CognitoError::unrecognizable_lambda_output)
    }

    /// The changes to the tokens that are about to be issued.
    pub(crate) async fn generate_tokens(
        &self,
        frame: &EventFrame,
        source: TokenSource,
        version: PreTokenGenerationVersion,
    ) -> Result<TokenChanges, CognitoError> {
        let mut request = json!({ "groupConfiguration": frame.groups });
        if let (true, Some(request)) = (version.reaches_access_tokens(), request.as_object_mut()) {
            request.insert("scopes".to_owned(), json!([SCOPE]));
        }
        let details = version.details();
        let invocation = Invocation {
            trigger: Trigger::PreTokenGeneration,
            trigger_source: source.as_str(),
            version: version.number(),
            request,
            empty_response: json!({ details: null }),
        };
        let response = self.deliver(frame, invocation).await?;
        let details = response.get(details).unwrap_or(&Value::Null);
        if version.reaches_access_tokens() {
            let token = |name| claim_changes(details.get(name).unwrap_or(&Value::Null));
            Ok(TokenChanges { id: token("idTokenGeneration")?, access: token("accessTokenGeneration")? })
        } else {
            let id = claim_changes(details)?;
            if !id.add.values().all(Value::is_string) {
                return Err(CognitoError::unrecognizable_lambda_output());
            }
            Ok(TokenChanges { id, access: ClaimChanges::default() })
        }
    }

    /// Calls a trigger until it answers, and returns the `response` of its answer.
    async fn deliver(&self, frame: &EventFrame, invocation: Invocation) -> Result<Value, CognitoError> {
        let event = frame.event(&invocation);
        let trigger = invocation.trigger;
        let function = frame.functions.get(&trigger).ok_or_else(|| {
            CognitoError::invalid_parameter("Custom auth lambda trigger is not configured for the user pool.")
        })?;
        for _ in 0..self.attempts {
            let answer = self.call_once(function, trigger, event.clone()).await;
            self.observer.trigger_called(trigger, &event, &answer);
            match answer {
                Ok(answer) => {
                    let response = answer.get("response").filter(|response| response.is_object());
                    return response.cloned().ok_or_else(CognitoError::unrecognizable_lambda_output);
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

    async fn call_once(&self, function: &str, trigger: Trigger, event: Value) -> Result<Value, TriggerFailure> {
        let (triggers, function) = (Arc::clone(&self.triggers), function.to_owned());
        let call = tokio::spawn(async move { triggers.call_function(function, trigger, event).await });
        match tokio::time::timeout(self.time_out, call).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(_panicked)) => Err(TriggerFailure::Function("Error: Runtime exited with error".to_owned())),
            Err(_elapsed) => Err(TriggerFailure::TimedOut),
        }
    }
}

/// Null and absent change nothing.
fn claim_changes(details: &Value) -> Result<ClaimChanges, CognitoError> {
    let member = |name| details.get(name).filter(|value| !value.is_null());
    let add = match member("claimsToAddOrOverride") {
        None => Map::new(),
        Some(claims) => claims.as_object().cloned().ok_or_else(CognitoError::unrecognizable_lambda_output)?,
    };
    let suppress = match member("claimsToSuppress") {
        None => Vec::new(),
        Some(names) => {
            serde_json::from_value(names.clone()).map_err(|_| CognitoError::unrecognizable_lambda_output())?
        }
    };
    Ok(ClaimChanges { add, suppress })
}

fn invocation_failed(trigger: Trigger, reason: &str) -> CognitoError {
    let message = format!("{trigger} invocation failed due to error {reason}.");
    CognitoError::new("UnexpectedLambdaException", message)
}

fn session_json(session: &[AnsweredChallenge]) -> Value {
    session.iter().map(AnsweredChallenge::to_json).collect()
}

/// Null is absent; any other value than a string is invalid.
fn optional_text(response: &Value, name: &str) -> Result<Option<String>, CognitoError> {
    let value = response.get(name).filter(|value| !value.is_null());
    let text = value.map(|value| value.as_str().map(str::to_owned));
    text.map(|text| text.ok_or_else(CognitoError::unrecognizable_lambda_output)).transpose()
}
