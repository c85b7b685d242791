//! What the functions read on startup: their own readers, over the variables that they are deployed with.
//!
//! Invariant: no rule about a variable is written here again. What a function refuses, the doctor reports in the function's words.

use shared::clock::UnixTime;
use shared::federated::FederatedProviders;
use shared::guard_settings::{GuardedSince, LongestSession, NextFunctionSettings, NoGrantMessage, ReportOnly};
use shared::settings::{CreateSettings, Enrollment, Policy, SettingError, SignInSettings, TokenGuard};

use crate::doctor::deployment::{Function, PoolTrigger, Variables};

type Understood<T> = Result<T, SettingError>;

pub(super) fn lookup(variables: &Variables) -> impl Fn(&str) -> Option<String> {
    |variable| variables.get(variable).map(str::to_owned)
}

pub(super) fn sign_in_settings(variables: &Variables) -> Understood<SignInSettings> {
    SignInSettings::read(&lookup(variables))
}

pub(super) fn create_settings(variables: &Variables) -> Understood<CreateSettings> {
    CreateSettings::read(&lookup(variables))
}

pub(super) fn enrollment(variables: &Variables) -> Understood<Enrollment> {
    Enrollment::read(&lookup(variables))
}

pub(super) fn token_guard(variables: &Variables) -> Understood<TokenGuard> {
    TokenGuard::read(&lookup(variables))
}

/// What the token guard reads and no other check looks at.
pub(super) fn of_guard_alone(variables: &Variables) -> Understood<()> {
    let lookup = lookup(variables);
    FederatedProviders::read(&lookup)?;
    NoGrantMessage::read(&lookup)?;
    Ok(())
}

/// The policy alone.
pub(super) fn policy(variables: &Variables) -> Understood<Policy> {
    Policy::read(&lookup(variables))
}

/// The policy, and whether it goes with what else the function at `trigger` reads; of Define and Create, other checks say that.
pub(super) fn policy_at(trigger: PoolTrigger, variables: &Variables) -> Understood<Policy> {
    let lookup = lookup(variables);
    match trigger {
        PoolTrigger::Define | PoolTrigger::Create => policy(variables),
        PoolTrigger::Verify => enrollment(variables).map_or_else(|_| policy(variables), |read| read.policy(&lookup)),
        PoolTrigger::Guard => token_guard(variables).map_or_else(|_| policy(variables), |read| read.policy(&lookup)),
    }
}

pub(super) fn report_only(variables: &Variables) -> Understood<ReportOnly> {
    ReportOnly::read(&lookup(variables))
}

/// `None`: what it goes with is not understood.
pub(super) fn guarded_since(variables: &Variables, now: UnixTime) -> Option<Understood<GuardedSince>> {
    let (guard, report_only) = (token_guard(variables).ok()?, report_only(variables).ok()?);
    Some(GuardedSince::read(&lookup(variables), guard, report_only, now))
}

/// Likewise.
pub(super) fn longest_session(variables: &Variables, now: UnixTime) -> Option<Understood<Option<LongestSession>>> {
    let (guard, policy) = (token_guard(variables).ok()?, policy(variables).ok()?);
    let (report_only, since) = (report_only(variables).ok()?, guarded_since(variables, now)?.ok()?);
    Some(LongestSession::read(&lookup(variables), guard, policy, report_only, since))
}

/// Lambda tells a function its region and its name, which its ARN has, too.
pub(super) fn next_function(function: &Function, variables: &Variables) -> Understood<Option<NextFunctionSettings>> {
    let of_arn = |part| function.arn.split(':').nth(part).map(str::to_owned);
    NextFunctionSettings::read(&|variable| match variable {
        "AWS_REGION" => of_arn(3),
        "AWS_LAMBDA_FUNCTION_NAME" => of_arn(6),
        _ => variables.get(variable).map(str::to_owned),
    })
}
