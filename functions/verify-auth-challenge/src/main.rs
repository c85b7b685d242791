//! The bootstrap of Verify Auth Challenge Response.

// The SDK's futures nest deeper than the default.
#![recursion_limit = "256"]
#![expect(clippy::disallowed_methods, reason = "main.rs reads the clock and the environment")]

use std::time::SystemTime;

use shared::requirements::Requirements;
use shared::runtime;
use shared::settings::{Enrollment, StoreSettings};
use shared::store::aws;
use verify_auth_challenge::Verify;

#[tokio::main(flavor = "current_thread")]
async fn main() -> runtime::Ended {
    let environment = |variable: &str| std::env::var(variable).ok();
    runtime::start_logging(&environment)?;
    let enrollment = runtime::setting(Enrollment::read(&environment))?;
    let policy = runtime::setting(enrollment.policy(&environment))?;
    let requirements = runtime::setting(Requirements::read(&environment, policy))?;
    let places = runtime::setting(StoreSettings::read(&environment))?;
    let (store, sealer) = runtime::setting(aws::connect(&environment, places).await)?;
    let verify = Verify { enrollment, policy, requirements, store, sealer };
    runtime::serve(async |event| verify.handle(event, SystemTime::now().into()).await).await
}
