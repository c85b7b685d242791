//! What the tests share.

pub mod functions;
pub mod golden;
pub mod lambda;
pub mod ministack;
pub mod pool;
pub mod stores;
pub mod user_scenario;
