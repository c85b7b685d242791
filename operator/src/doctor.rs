//! The doctor: what is open in a deployed pool.
//!
//! [`read`] reads, [`checks`] judges what was read, [`report`] prints. The judgement has no I/O.
//!
//! Invariant: what could not be read is a finding of its own, never a silence.

pub mod checks;
pub mod deployment;
mod invoke_policy;
pub mod read;
pub mod report;

pub use checks::{Finding, Severity, Subject, findings, nothing_was_read};
pub use deployment::Deployment;
