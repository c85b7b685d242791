//! The bootstrap of Define Auth Challenge.

#![expect(clippy::disallowed_methods, reason = "main.rs reads the clock and the environment")]

use define_auth_challenge::handle;
use shared::runtime;
use shared::settings::SignInSettings;

#[tokio::main(flavor = "current_thread")]
async fn main() -> runtime::Ended {
    let environment = |variable: &str| std::env::var(variable).ok();
    runtime::start_logging(&environment)?;
    let settings = runtime::setting(SignInSettings::read(&environment))?;
    runtime::serve(async |event| handle(event, &settings)).await
}
