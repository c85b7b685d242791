//! The decisions behind the triggers, and the edges that they need.
//!
//! Core, without I/O, clock or AWS type: [`sign_in`] (start here), [`second_factor`], [`challenge`], [`totp`],
//! [`recovery_codes`], [`lockout`], [`token_guard`], [`settings`], [`clock`].
//! Edges: [`trigger`] (JSON in, JSON out, the one error), [`store`] (records and sealing), `runtime` (AWS Lambda's).

pub mod budget;
pub mod challenge;
mod characters;
pub mod clock;
pub mod encoding;
pub mod lockout;
pub mod recovery_codes;
#[cfg(feature = "runtime")]
pub mod runtime;
pub mod second_factor;
pub mod settings;
pub mod sign_in;
pub mod store;
pub mod token_guard;
pub mod totp;
pub mod trigger;
