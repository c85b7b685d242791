//! A trigger, and its function.

use super::known::Known;
use super::verdict::Verdict::{self, Broken, Fine, Moot, Open, Weak};
use super::verdict::{Row, counted};
use crate::doctor::deployment::{Configuration, Function, Pool, PoolTrigger};
use crate::doctor::invoke_policy::{Grant, account_of, callers};

pub(super) const ATTACHED: &[Row<Function>] = &[("trigger-attached", trigger_attached)];
pub(super) const CONFIGURATION: &[Row<Configuration>] =
    &[("trigger-timeout", trigger_timeout), ("trigger-state", trigger_state)];
pub(super) const POLICY: &[Row<Option<String>>] =
    &[("trigger-permission", trigger_permission), ("trigger-other-callers", trigger_other_callers)];

pub(super) const EVENTS: &[Row<Pool>] = &[("trigger-events", trigger_events)];

pub(super) fn trigger_missing(trigger: PoolTrigger) -> Verdict {
    match trigger {
        PoolTrigger::Define | PoolTrigger::Create | PoolTrigger::Verify => {
            Broken("calls nothing, so nobody signs in".to_owned(), "Attach its function in LambdaConfig.")
        }
        PoolTrigger::Guard => Open(
            "calls nothing, so tokens are issued for temporary passwords and in every other way around the sign-in"
                .to_owned(),
            "Attach the token guard in LambdaConfig.",
        ),
    }
}

fn trigger_attached(function: &Function, known: &Known<'_>) -> Verdict {
    let (account, ours) = (account_of(&function.arn), account_of(known.pool_arn));
    if account == ours {
        return Fine(format!("calls {}", function.arn));
    }
    let sentence = format!("calls {}: account {account} decides who gets tokens", function.arn);
    Open(sentence, "Attach a function of the pool's own account.")
}

fn trigger_timeout(configuration: &Configuration, _: &Known<'_>) -> Verdict {
    const REMEDY: &str = "Set its timeout to 5 seconds.";
    match configuration.timeout_seconds.unwrap_or(3) {
        5 => Fine("is cut off when Cognito stops waiting, after 5 seconds".to_owned()),
        seconds @ ..5 => {
            Weak(format!("is cut off after {}, before its own calls give up", counted(seconds, "second")), REMEDY)
        }
        seconds => {
            Weak(format!("runs for {}, though Cognito stops waiting after 5", counted(seconds, "second")), REMEDY)
        }
    }
}

fn trigger_state(configuration: &Configuration, _: &Known<'_>) -> Verdict {
    match configuration.state.as_deref() {
        Some("Active") | None => Fine("is active".to_owned()),
        Some("Failed") => Broken("is in the state Failed".to_owned(), "Deploy it again."),
        Some(state) => Weak(format!("is in the state {state}"), "Look again in a minute."),
    }
}

fn trigger_permission(policy: &Option<String>, known: &Known<'_>) -> Verdict {
    const REMEDY: &str = "Permit cognito-idp.amazonaws.com to invoke it, with the pool's ARN as SourceArn.";
    let Some(policy) = policy else {
        return Broken("has no policy, so Cognito may not call it, and every sign-in fails".to_owned(), REMEDY);
    };
    match callers(policy, known.pool_arn).map(|callers| callers.cognito) {
        Some(Grant::ThisPool) => Fine("may be called by Cognito for this pool".to_owned()),
        Some(Grant::OtherPools) => Weak("may be called by Cognito for other pools too".to_owned(), REMEDY),
        Some(Grant::Nothing) => {
            Broken("may not be called by Cognito for this pool, so every sign-in fails".to_owned(), REMEDY)
        }
        None => Verdict::Unreadable("could not be read: its policy has another shape".to_owned(), REMEDY),
    }
}

fn trigger_other_callers(policy: &Option<String>, known: &Known<'_>) -> Verdict {
    const REMEDY: &str = "Remove every permission from its policy but Cognito's.";
    let Some(callers) = policy.as_deref().and_then(|policy| callers(policy, known.pool_arn)) else { return Moot };
    if !callers.others.is_empty() {
        let others = callers.others.join(", ");
        return Open(
            format!(
                "may be called by {others}, with any event, for instance one that enrolls an authenticator for somebody else"
            ),
            REMEDY,
        );
    }
    if callers.unjudged {
        return Weak("has a statement in its policy that is not judged here".to_owned(), REMEDY);
    }
    Fine(
        "lets nobody but Cognito call it by its policy; roles of the account that may call it were not read".to_owned(),
    )
}

/// Of the token guard: the pool has the version, whatever a template asks for.
fn trigger_events(pool: &Pool, _: &Known<'_>) -> Verdict {
    const BOTH: &str = "its claims reach the ID token and the access token";
    if pool.triggers.guard.is_none() {
        return Moot;
    }
    match (pool.triggers.guard_events.as_str(), pool.plan.as_str()) {
        ("V1_0", "LITE") => {
            Fine("gets V1_0 events, all that the plan LITE has: its claims reach the ID token only".to_owned())
        }
        ("V1_0", _) => Weak(
            "gets V1_0 events: its claims reach the ID token only, not the access token".to_owned(),
            "Where an API reads the claims from access tokens, set PreTokenGenerationConfig.LambdaVersion to V2_0 in the \
             pool itself: a template may not change it.",
        ),
        ("V2_0", _) => Fine(format!("gets V2_0 events: {BOTH}")),
        ("V3_0", _) => Fine(format!("gets V3_0 events, those of machines too: {BOTH}")),
        (version, _) => Broken(
            format!("gets {version} events, which the token guard does not know, so nobody gets tokens"),
            "Set PreTokenGenerationConfig.LambdaVersion to V2_0.",
        ),
    }
}
