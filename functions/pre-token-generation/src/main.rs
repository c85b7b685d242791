//! The bootstrap of Pre Token Generation.

// The SDK's futures nest deeper than the default.
#![recursion_limit = "256"]
#![expect(clippy::disallowed_methods, reason = "main.rs reads the clock and the environment")]

use std::time::SystemTime;

use pre_token_generation::Guard;
use shared::federated::FederatedProviders;
use shared::guard_settings::{GuardedSince, LongestSession, NextFunctionSettings, NoGrantMessage, ReportOnly};
use shared::requirements::Requirements;
use shared::runtime;
use shared::settings::{TokenGuard, table_name};
use shared::store::aws;

#[tokio::main(flavor = "current_thread")]
async fn main() -> runtime::Ended {
    let environment = |variable: &str| std::env::var(variable).ok();
    runtime::start_logging(&environment)?;
    let setting = runtime::setting(TokenGuard::read(&environment))?;
    let policy = runtime::setting(setting.policy(&environment))?;
    let requirements = runtime::setting(Requirements::read_with_groups(&environment, policy))?;
    let table_name = runtime::setting(table_name(&environment))?;
    let federated = runtime::setting(FederatedProviders::read(&environment))?;
    let report_only = runtime::setting(ReportOnly::read(&environment))?;
    let now = SystemTime::now().into();
    let guarded_since = runtime::setting(GuardedSince::read(&environment, setting, report_only, now))?;
    let longest = LongestSession::read(&environment, setting, policy, report_only, guarded_since);
    let longest_session = runtime::setting(longest)?;
    let no_grant_message = runtime::setting(NoGrantMessage::read(&environment))?;
    let next = runtime::setting(NextFunctionSettings::read(&environment))?;
    let (store, next) = runtime::setting(aws::connect_guard(&environment, table_name, next).await)?;
    let guard = Guard { policy, requirements, longest_session, federated, ..Guard::new(setting, store) };
    let guard = Guard { report_only, guarded_since, no_grant_message, ..guard };
    let guard = guard.handing_on(next);
    runtime::serve(async |event| guard.handle(event, SystemTime::now().into()).await).await
}
