//! The bootstrap of Create Auth Challenge.

// The SDK's futures nest deeper than the default.
#![recursion_limit = "256"]
#![expect(clippy::disallowed_methods, reason = "main.rs reads the clock and the environment")]

use std::time::SystemTime;

use create_auth_challenge::Create;
use shared::random::{FillRandom, RandomError};
use shared::requirements::Requirements;
use shared::runtime;
use shared::settings::{CreateSettings, StoreSettings};
use shared::store::aws;

#[tokio::main(flavor = "current_thread")]
async fn main() -> runtime::Ended {
    let environment = |variable: &str| std::env::var(variable).ok();
    runtime::start_logging(&environment)?;
    let settings = runtime::setting(CreateSettings::read(&environment))?;
    let requirements = runtime::setting(Requirements::read(&environment, settings.sign_in.policy()))?;
    let places = runtime::setting(StoreSettings::read(&environment))?;
    let (store, sealer) = runtime::setting(aws::connect(&environment, places).await)?;
    let random: FillRandom = |bytes| getrandom::fill(bytes).map_err(|_| RandomError);
    let create = Create { settings, requirements, store, sealer, random };
    runtime::serve(async |event| create.handle(event, SystemTime::now().into()).await).await
}
