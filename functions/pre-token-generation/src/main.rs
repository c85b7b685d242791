//! The bootstrap of Pre Token Generation.

// The SDK's futures nest deeper than the default.
#![recursion_limit = "256"]
#![expect(clippy::disallowed_methods, reason = "main.rs reads the clock and the environment")]

use std::time::SystemTime;

use pre_token_generation::Guard;
use shared::runtime;
use shared::settings::{TokenGuard, table_name};
use shared::store::aws;

#[tokio::main(flavor = "current_thread")]
async fn main() -> runtime::Ended {
    let environment = |variable: &str| std::env::var(variable).ok();
    runtime::start_logging(&environment)?;
    let setting = runtime::setting(TokenGuard::read(&environment))?;
    let table_name = runtime::setting(table_name(&environment))?;
    let store = runtime::setting(aws::connect_store(&environment, table_name).await)?;
    let guard = Guard { setting, store };
    runtime::serve(async |event| guard.handle(event, SystemTime::now().into()).await).await
}
