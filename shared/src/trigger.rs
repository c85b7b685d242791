//! A trigger's edge: Cognito's JSON in, the same event with its `response` filled in out, and the one error.
//!
//! Reading is tolerant where Cognito varies (null is absent, `version` may be a number, maps may hold what we do not
//! need) and strict where a decision rests on it. Whatever goes wrong leaves as [`TriggerError`], one fixed sentence,
//! because Cognito shows a function's error text to the client.

use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tracing::Instrument;

use crate::settings::SettingError;
use crate::store::{SealFault, StoreFault, UserKey};
use crate::token_guard::NoTokens;

/// Draws random bytes: `main.rs` has the operating system's, tests may have their own.
pub type FillRandom = fn(&mut [u8]) -> Result<(), RandomFault>;

/// The source of randomness failed.
#[derive(Debug)]
pub struct RandomFault;

impl std::fmt::Display for RandomFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the source of randomness failed")
    }
}

impl std::error::Error for RandomFault {}

/// Draws `N` random bytes.
///
/// # Errors
/// The source failed.
pub fn draw<const N: usize>(random: FillRandom) -> Result<[u8; N], RandomFault> {
    let mut bytes = [0; N];
    random(&mut bytes)?;
    Ok(bytes)
}

/// Everything that ends a trigger without an answer; for the log, never for the client.
#[derive(Debug)]
pub enum Fault {
    /// Not an event of this trigger, or a part of it that a decision rests on is not as Cognito sends it.
    NotThisTriggersEvent(&'static str),
    /// A known user without `sub`.
    NoSub,
    /// Create was called where Define asks for no challenge of ours.
    NothingToPose,
    /// `privateChallengeParameters` or `challengeMetadata` that Create did not write.
    NotOurChallenge,
    /// The record or the settings have changed since a challenge of this sign-in was posed.
    ChallengeOutdated,
    /// The authenticator on record is none that RFC 6238 allows.
    ImpossibleAuthenticator,
    /// The token guard lets no tokens pass.
    NoTokens(NoTokens),
    /// Others kept saving the same record.
    TooManyConflicts,
    /// The calls of this trigger took longer than Cognito would wait.
    OutOfTime,
    /// The store.
    Store(StoreFault),
    /// The sealing.
    Seal(SealFault),
    /// Randomness.
    Random(RandomFault),
    /// The answer could not be written.
    Response(serde_json::Error),
    /// A setting.
    Setting(SettingError),
    /// A defect of ours.
    Panicked,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotThisTriggersEvent(part) => write!(f, "not an event of this trigger: {part}"),
            Self::NoSub => f.write_str("the user has no sub"),
            Self::NothingToPose => f.write_str("the session asks for no challenge of ours"),
            Self::NotOurChallenge => f.write_str("the challenge is none that Create posed"),
            Self::ChallengeOutdated => {
                f.write_str("the record or ENROLLMENT has changed since a challenge of this sign-in was posed")
            }
            Self::ImpossibleAuthenticator => f.write_str("the authenticator on record is none that RFC 6238 allows"),
            Self::NoTokens(reason) => write!(f, "no tokens: {reason:?}"),
            Self::TooManyConflicts => f.write_str("others kept saving the same record"),
            Self::OutOfTime => f.write_str("the trigger's calls ran out of time"),
            Self::Store(_) => f.write_str("the store"),
            Self::Seal(_) => f.write_str("the sealing"),
            Self::Random(_) => f.write_str("randomness"),
            Self::Response(_) => f.write_str("the answer could not be written"),
            Self::Setting(_) => f.write_str("a setting"),
            Self::Panicked => f.write_str("the trigger panicked"),
        }
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(StoreFault(cause)) | Self::Seal(SealFault(cause)) => Some(&**cause),
            Self::Random(fault) => Some(fault),
            Self::Response(fault) => Some(fault),
            Self::Setting(fault) => Some(fault),
            Self::NotThisTriggersEvent(_)
            | Self::NoSub
            | Self::NothingToPose
            | Self::NotOurChallenge
            | Self::ChallengeOutdated
            | Self::ImpossibleAuthenticator
            | Self::NoTokens(_)
            | Self::TooManyConflicts
            | Self::OutOfTime
            | Self::Panicked => None,
        }
    }
}

impl From<StoreFault> for Fault {
    fn from(fault: StoreFault) -> Self {
        Self::Store(fault)
    }
}

impl From<SealFault> for Fault {
    fn from(fault: SealFault) -> Self {
        Self::Seal(fault)
    }
}

impl From<RandomFault> for Fault {
    fn from(fault: RandomFault) -> Self {
        Self::Random(fault)
    }
}

impl From<serde_json::Error> for Fault {
    fn from(fault: serde_json::Error) -> Self {
        Self::Response(fault)
    }
}

/// The one error that leaves a trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TriggerError;

impl TriggerError {
    /// What the client reads, after Cognito's own words.
    pub const SENTENCE: &str = "The sign-in could not be completed. Please start again.";
}

impl std::fmt::Display for TriggerError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(Self::SENTENCE)
    }
}

impl std::error::Error for TriggerError {}

/// Runs `handler` on one event, logs what became of it with the request id and `sub`, and lets no reason out.
///
/// # Errors
/// [`TriggerError`], whatever the fault.
pub async fn answer<F>(request_id: &str, event: Value, handler: impl FnOnce(Value) -> F) -> Result<Value, TriggerError>
where
    F: Future<Output = Result<Value, Fault>>,
{
    let sub = event.get("request").and_then(|request| request.get("userAttributes")?.get("sub")?.as_str());
    let sub = sub.unwrap_or_default();
    // Of the highest level, so that a fault is logged with it at each.
    let span = tracing::error_span!("trigger", request_id, sub);
    let answered = AssertUnwindSafe(async { handler(event).await }).catch_unwind().instrument(span.clone()).await;
    match answered.unwrap_or(Err(Fault::Panicked)) {
        Ok(event) => Ok(event),
        Err(fault) => {
            let _entered = span.enter();
            tracing::error!(reason = chain(&fault), "fault");
            Err(TriggerError)
        }
    }
}

/// An error and what caused it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    std::iter::successors(error.source(), |cause| cause.source())
        .fold(error.to_string(), |chain, cause| format!("{chain}: {cause}"))
}

/// Reads an event of the trigger named `trigger_source` as aws_lambda_events' type for it.
///
/// # Errors
/// Another trigger's event, or one that is not as Cognito sends it; never in serde's words.
pub fn read<E: DeserializeOwned>(event: &Value, trigger_source: &str) -> Result<E, Fault> {
    let source = event.get("triggerSource").and_then(Value::as_str);
    if source != Some(trigger_source) {
        return Err(Fault::NotThisTriggersEvent("triggerSource"));
    }
    let request = event.get("request").and_then(Value::as_object);
    let request = request.ok_or(Fault::NotThisTriggersEvent("request"))?;
    let caller = event.get("callerContext");
    let of_caller = |name| text(caller.and_then(|caller| caller.get(name)));
    let plain = json!({
        "version": "1",
        "triggerSource": trigger_source,
        "region": text(event.get("region")),
        "userPoolId": text(event.get("userPoolId")),
        "userName": text(event.get("userName")),
        "callerContext": {
            "awsSdkVersion": of_caller("awsSdkVersion"),
            "clientId": of_caller("clientId"),
        },
        "request": {
            "userAttributes": strings(request.get("userAttributes")),
            "clientMetadata": strings(request.get("clientMetadata")),
            "privateChallengeParameters": strings(request.get("privateChallengeParameters")),
            "challengeName": text(request.get("challengeName")),
            "challengeAnswer": request.get("challengeAnswer"),
            "session": session(request.get("session"))?,
            "userNotFound": flag(request.get("userNotFound")).ok_or(Fault::NotThisTriggersEvent("userNotFound"))?,
        },
        "response": {},
    });
    serde_json::from_value(plain).map_err(|_| Fault::NotThisTriggersEvent("its shape"))
}

fn text(value: Option<&Value>) -> Option<&str> {
    value.and_then(Value::as_str)
}

/// A map's strings; what is not a string is nothing that Cognito sent.
fn strings(value: Option<&Value>) -> Map<String, Value> {
    let entries = value.and_then(Value::as_object).into_iter().flatten();
    entries.filter(|(_, value)| value.is_string()).map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Null and absent are false.
fn flag(value: Option<&Value>) -> Option<bool> {
    match value {
        None | Some(Value::Null) => Some(false),
        Some(value) => value.as_bool(),
    }
}

/// Null and absent are the empty session. An entry that is no object stays in its place as null, which is no row.
fn session(value: Option<&Value>) -> Result<Vec<Value>, Fault> {
    let entries = match value {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(value) => value.as_array().ok_or(Fault::NotThisTriggersEvent("session"))?,
    };
    let entry = |entry: &Value| {
        let result = flag(entry.get("challengeResult")).ok_or(Fault::NotThisTriggersEvent("challengeResult"))?;
        Ok(entry.as_object().map_or(Value::Null, |entry| {
            json!({
                "challengeName": text(entry.get("challengeName")),
                "challengeResult": result,
                "challengeMetadata": text(entry.get("challengeMetadata")),
            })
        }))
    };
    entries.iter().map(entry).collect()
}

/// The original event with `response` in the place of its own.
///
/// # Errors
/// None in practice: a response is plain strings and flags, and `read` has seen an object.
pub fn with_response(mut event: Value, response: &impl Serialize) -> Result<Value, Fault> {
    let response = serde_json::to_value(response)?;
    let event_object = event.as_object_mut().ok_or(Fault::NotThisTriggersEvent("its shape"))?;
    event_object.insert("response".to_owned(), response);
    Ok(event)
}

/// Whose record an event is about.
///
/// # Errors
/// A known user without `sub`, or no user pool.
pub fn user_key(user_pool_id: Option<&str>, sub: Option<&str>) -> Result<UserKey, Fault> {
    let sub = sub.filter(|sub| !sub.is_empty()).ok_or(Fault::NoSub)?;
    let user_pool_id = user_pool_id.filter(|id| !id.is_empty()).ok_or(Fault::NotThisTriggersEvent("userPoolId"))?;
    Ok(UserKey { user_pool_id: user_pool_id.to_owned(), sub: sub.to_owned() })
}
