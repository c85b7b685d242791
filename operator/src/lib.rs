//! The operator's command `second-factor`.
//!
//! [`doctor`] reads a deployed pool and says what is open. [`cli`] is the command line around it.

pub mod cli;
pub mod doctor;
