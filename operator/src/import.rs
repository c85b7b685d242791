//! `import`: gives users the authenticators that they have elsewhere.

pub mod fields;
pub mod file;
pub mod key_uri;
pub mod plan;
pub mod problem;
mod users;
pub mod write;
