//! The operator's command `second-factor`.
//!
//! [`doctor`] reads a deployed pool and says what is open, [`mod@attach`] and [`mod@detach`] change a pool that exists, and [`sign_out`] ends
//! its users' sessions. [`cli`] is the command line around them.

pub mod attach;
pub mod aws;
pub mod cli;
mod cognito;
pub mod detach;
pub mod doctor;
pub mod import;
pub mod sign_out;
pub mod terminal;
