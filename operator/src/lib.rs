//! The operator's command `second-factor`.
//!
//! [`doctor`] reads a deployed pool and says what is open, [`mod@attach`] and [`mod@detach`] change a pool that exists, and `sign_out_all` ends
//! its users' sessions. [`desk`] is what the commands for users who need help share. [`cli`] is the command line around them.

pub mod attach;
pub mod aws;
pub mod cli;
mod code;
mod cognito;
pub mod desk;
pub mod detach;
pub mod doctor;
mod forget;
pub mod import;
mod init;
mod listing;
mod places;
mod prune;
mod record_in_words;
mod reset;
mod scan;
mod sign_out;
mod sign_out_all;
mod status;
pub mod terminal;
mod time;
mod unlock;
mod user;
