//! The three Lambda triggers of `CUSTOM_AUTH` and the one that runs before tokens are issued: the interface to whatever runs
//! them. [`delivery`] calls them as Cognito does; [`in_process`] and [`lambda`] run them, and [`by_arn`] chooses between the two.

pub mod by_arn;
pub(crate) mod delivery;
pub mod in_process;
pub mod lambda;

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use serde_json::Value;

use crate::state::message::Message;

/// One of the four triggers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    /// Decides the next step.
    DefineAuthChallenge,
    /// Creates a custom challenge.
    CreateAuthChallenge,
    /// Verifies the answer to a custom challenge.
    VerifyAuthChallengeResponse,
    /// Allows or denies tokens, and can change their claims.
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

/// Runs the four functions.
pub trait Triggers: Send + Sync {
    /// Calls one of them: takes the event, and returns the whole event with its `response` filled in.
    fn call(&self, trigger: Trigger, event: Value) -> TriggerFuture<'_>;

    /// The same, of the function with this ARN, as the pool's `LambdaConfig` names it.
    fn call_function(&self, _arn: String, trigger: Trigger, event: Value) -> TriggerFuture<'_> {
        self.call(trigger, event)
    }
}

/// The ARN that stands for one of the functions of this project, run in this process.
pub fn own_function(trigger: Trigger) -> String {
    function_arn(&format!("second-factor-{trigger}"))
}

/// The ARN of the function `name`.
pub(crate) fn function_arn(name: &str) -> String {
    format!("arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}")
}

/// The account that everything here is in.
pub(crate) const ACCOUNT: &str = "123456789012";

/// The future answer of a trigger.
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

/// Observes a pool. It receives secrets.
pub trait Observer: Send + Sync {
    /// A trigger was called; each delivery is one call.
    fn trigger_called(&self, _trigger: Trigger, _event: &Value, _answer: &Result<Value, TriggerFailure>) {}

    /// The pool sent something to a user.
    fn message_sent(&self, _message: &Message) {}
}

/// The observer of a pool that is not observed.
pub(crate) struct NoObserver;

impl Observer for NoObserver {}
