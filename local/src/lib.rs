//! A user pool on 127.0.0.1, as strict as Cognito.
//!
//! [`Pool`] is the pool itself, without HTTP: tests and the guided sign-in call it in their own process. [`serve`] puts
//! Cognito's JSON protocol in front of it for every other client. The triggers are whatever implements [`Triggers`].

mod accounts;
pub mod cli;
mod cognito_mfa;
mod error;
mod guided;
mod http;
pub mod in_process;
pub mod lambda;
mod pool;
mod random;
mod request;
mod settings;
mod sign_in;
mod srp;
mod tokens;
mod triggers;

pub use error::CognitoError;
pub use http::serve;
pub use pool::{Message, MessageReason, Pool};
pub use settings::{
    AuthSessionValidity, ClientSettings, Clock, ExplicitAuthFlow, MfaConfiguration, PoolSettings,
    PreTokenGenerationVersion, PreventUserExistenceErrors, Takeover, UnixSeconds,
};
pub use srp::{SrpClient, SrpError};
pub use triggers::{Observer, Trigger, TriggerFailure, TriggerFuture, Triggers};
