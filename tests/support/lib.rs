//! What the tests share.

pub mod client;
pub mod functions;
pub mod golden;
pub mod lambda;
pub mod life;
pub mod ministack;
pub mod stores;
