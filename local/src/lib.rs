//! A strict emulator of a Cognito user pool, on 127.0.0.1.
//!
//! [`Pool`] is the pool without HTTP: tests and the guided sign-in call it in their own process. [`serve`] adds Cognito's JSON
//! protocol for every other client. The triggers are anything that implements [`Triggers`].
//!
//! The modules form layers, and a module imports only from the ones above it in this list:
//!
//! | layer | modules |
//! |---|---|
//! | leaves | `random`, `error`, `request`, `model`, `request_limit`, `settings`, `stored`, `srp`, `signing_key`, `web_pages` |
//! | data | `state`: `message`, `mfa`, `user`, `session`, `grant` |
//! | triggers | `triggers`: the interface, `delivery`, [`in_process`], [`lambda`], [`by_arn`] |
//! | the pool | `pool` |
//! | what operations share | `issue_tokens`, `sign_in` |
//! | operations | `operations`: a file for each group, and the table from operation name to function |
//! | the service | `data_file`, `service`: all pools; `aws`: DynamoDB, KMS, Lambda, CloudFormation, CloudTrail and STS, over the records of our functions |
//! | the page | `web_app`: the files of `clients/web` |
//! | outside | `http`, `guided`, [`cli`] |

mod aws;
pub mod cli;
mod data_file;
mod delivery;
mod error;
mod guided;
mod http;
mod issue_tokens;
mod model;
mod operations;
mod page;
mod pool;
mod random;
mod request;
mod request_limit;
mod service;
mod settings;
mod sign_in;
mod signing_key;
mod srp;
mod state;
mod stored;
mod triggers;
mod web_app;
mod web_pages;

pub use error::CognitoError;
pub use http::serve;
pub use model::OPERATIONS;
pub use pool::Pool;
pub use service::Service;
pub use settings::{
    AfterCognitoChallenge, AuthSessionValidity, ClientSettings, Clock, ExplicitAuthFlow, MfaConfiguration,
    PoolSettings, PreTokenGenerationVersion, PreventUserExistenceErrors,
};
pub use srp::{SrpClient, SrpError};
pub use state::message::{Message, MessageReason};
pub use triggers::{
    Observer, Trigger, TriggerFailure, TriggerFuture, Triggers, by_arn, in_process, lambda, own_function,
};
pub use web_pages::{Origin, WebPages};
