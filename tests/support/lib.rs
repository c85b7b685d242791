//! What the tests share: one [`person::Person`] over a [`driver::Driver`], events, and stand-ins for AWS.
//!
//! A function here panics where something happens that its test does not expect.

pub mod account;
pub mod challenges;
pub mod clock;
pub mod driver;
pub mod events;
pub mod functions;
pub mod golden;
pub mod lambda;
pub mod later;
pub mod log;
pub mod ministack;
pub mod person;
pub mod pool;
pub mod proxy;
pub mod random;
pub mod sample_users;
pub mod secrets;
pub mod served;
pub mod stores;
pub mod user_scenario;
