//! Who must have a second factor: the policy, what is required beyond it, and what `OPTIONAL` rests on.

use shared::clock::UnixTime;
use shared::guard_settings::LongestSession;
use shared::requirements::Requirements;
use shared::settings::Policy;

use super::known::{Guard, Known};
use super::startup::{longest_session, lookup, policy, policy_at};
use super::verdict::Verdict::{self, Broken, Fine, Moot, Open, Unreadable, Weak};
use super::verdict::{Row, others_than, stops};
use crate::doctor::deployment::{Client, Deployment, PoolTrigger, Triggers};

pub(super) const POLICY: &[Row<Triggers>] = &[
    ("settings-policy", settings_policy),
    ("settings-required", settings_required),
    ("settings-optional", settings_optional),
    ("settings-longest-session", settings_longest_session),
];
pub(super) const CLIENT_UNDER_POLICY: &[Row<Client>] =
    &[("client-optional", client_optional), ("client-longest-session", client_longest_session)];
pub(super) const SET_UP: &[Row<Option<String>>] = &[("table-set-up", table_set_up)];

const ALIKE: &str = "Set the variable alike at every function that docs/configuration.md names.";
const FUNCTIONS_WITH_A_TABLE: [PoolTrigger; 3] = [PoolTrigger::Create, PoolTrigger::Verify, PoolTrigger::Guard];
const DAY_SECONDS: u64 = 86_400;

/// Whether some function takes it that users may do without.
pub(super) fn is_optional(triggers: &Triggers) -> bool {
    let of = |trigger| triggers.variables(trigger).and_then(|variables| policy(variables).ok());
    PoolTrigger::ALL.into_iter().any(|trigger| of(trigger) == Some(Policy::Optional))
}

/// `LONGEST_SESSION_DAYS` of the token guard, if it starts with it.
pub(super) fn longest_session_days(triggers: &Triggers, now: UnixTime) -> Option<u64> {
    longest_session(triggers.variables(PoolTrigger::Guard)?, now)?.ok()?.map(LongestSession::days)
}

/// The names that `variable` has at the token guard, separated by white space.
fn names<'t>(triggers: &'t Triggers, variable: &str) -> Vec<&'t str> {
    let value = triggers.variables(PoolTrigger::Guard).and_then(|variables| variables.get(variable));
    value.unwrap_or_default().split_whitespace().collect()
}

fn settings_policy(triggers: &Triggers, _: &Known<'_>) -> Verdict {
    let mut policies = Vec::new();
    for trigger in PoolTrigger::ALL {
        match triggers.variables(trigger).map(|variables| policy_at(trigger, variables)) {
            Some(Ok(policy)) => policies.push((trigger.name(), policy)),
            Some(Err(error)) => return stops(trigger, &error, ALIKE),
            None => {}
        }
    }
    let Some(&(_, first)) = policies.first() else { return Moot };
    if policies.iter().all(|(_, policy)| *policy == first) {
        return Fine(format!("are {} in {}", first.as_str(), Policy::VARIABLE));
    }
    let told: Vec<String> = policies.iter().map(|(name, policy)| format!("{} at {name}", policy.as_str())).collect();
    Broken(format!("differ in {}: {}", Policy::VARIABLE, told.join(", ")), ALIKE)
}

fn settings_required(triggers: &Triggers, _: &Known<'_>) -> Verdict {
    let mut told = Vec::new();
    for trigger in FUNCTIONS_WITH_A_TABLE {
        let Some(variables) = triggers.variables(trigger) else { continue };
        let Ok(policy) = policy(variables) else { return Moot };
        if let Err(error) = Requirements::read_with_groups(&lookup(variables), policy) {
            return stops(trigger, &error, ALIKE);
        }
        let value = |variable| variables.get(variable).unwrap_or_default().trim();
        let mut clients: Vec<&str> = value(Requirements::CLIENTS).split_whitespace().collect();
        clients.sort_unstable();
        told.push((trigger.name(), clients, value(Requirements::FROM)));
    }
    let Some((_, clients, from)) = told.first() else { return Moot };
    for (name, other_clients, other_from) in &told {
        let variable = match (other_clients == clients, other_from == from) {
            (true, true) => continue,
            (false, _) => Requirements::CLIENTS,
            (true, false) => Requirements::FROM,
        };
        return Broken(format!("differ in {variable} between CreateAuthChallenge and {name}"), ALIKE);
    }
    match (clients.is_empty(), from.is_empty()) {
        (true, true) => Moot,
        (_, _) => Fine("require the same at Create, Verify and the token guard".to_owned()),
    }
}

/// Without the token guard nobody judges a user's groups, and nothing notes who passes.
fn settings_optional(_: &Triggers, known: &Known<'_>) -> Verdict {
    const REMEDY: &str =
        "Attach the token guard, with TOKEN_GUARD GRANT and REPORT_ONLY_UNTIL in the past, before the policy.";
    if !known.is_optional {
        return Moot;
    }
    let so = match known.guard {
        Guard::Grant => {
            return Fine(
                "let users do without a second factor (OPTIONAL), and the token guard denies others".to_owned(),
            );
        }
        Guard::TriggerSource => "TOKEN_GUARD=TRIGGER_SOURCE looks at no record",
        Guard::Reporting => "the token guard only reports so far",
        Guard::Absent => "no token guard denies those of whom one is required",
        Guard::Unread => "whether a token guard denies anybody could not be read",
    };
    Open(format!("let users do without a second factor (OPTIONAL), and {so}"), REMEDY)
}

fn settings_longest_session(triggers: &Triggers, known: &Known<'_>) -> Verdict {
    const REMEDY: &str = "Set it to the longest RefreshTokenValidity of the pool's app clients, in days, and GUARDED_SINCE or \
                          REPORT_ONLY_UNTIL with it.";
    match triggers.variables(PoolTrigger::Guard).and_then(|variables| longest_session(variables, known.read_at)) {
        Some(Err(error)) => stops(PoolTrigger::Guard, &error, REMEDY),
        Some(Ok(Some(longest))) => Fine(format!("take sessions to last {} days at most", longest.days())),
        Some(Ok(None)) | None => Moot,
    }
}

/// A user who has an authenticator proves it in one flow, and another flow of the client takes the grant (D61).
fn client_optional(client: &Client, known: &Known<'_>) -> Verdict {
    let foreign = others_than(&["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"], &client.flows);
    let foreign = if client.flows.is_empty() { "ALLOW_USER_SRP_AUTH by default".to_owned() } else { foreign };
    if !known.is_optional || foreign.is_empty() || !(client.allows_custom_auth() || client.flows.is_empty()) {
        return Moot;
    }
    Open(
        format!(
            "allows {foreign} next to ALLOW_CUSTOM_AUTH: a sign-in with the password alone can take the grant of the owner's"
        ),
        "Give builds that sign in by CUSTOM_AUTH their own app client, with ALLOW_CUSTOM_AUTH and ALLOW_REFRESH_TOKEN_AUTH only.",
    )
}

fn client_longest_session(client: &Client, known: &Known<'_>) -> Verdict {
    let Some(days) = known.longest_session_days else { return Moot };
    let (seconds, words) = client.refreshes_for();
    match seconds {
        Some(seconds) if u64::try_from(seconds).is_ok_and(|seconds| seconds <= days.saturating_mul(DAY_SECONDS)) => {
            Moot
        }
        Some(_) | None => Open(
            format!("refreshes for {words}, longer than the {days} days of LONGEST_SESSION_DAYS"),
            "Set LONGEST_SESSION_DAYS to the longest RefreshTokenValidity, or shorten this one.",
        ),
    }
}

/// `said` is the table that the item names.
fn table_set_up(said: &Option<String>, known: &Known<'_>) -> Verdict {
    match said {
        Some(name) if known.table_name == Some(name) => Fine("says that it has the pool's records".to_owned()),
        Some(name) => Broken(
            format!("says that it is the table {name}, so it is a copy, and users without a record cannot sign in"),
            "Read the runbook on restoring the table, then run second-factor init --restored.",
        ),
        None => Broken(
            "does not say whose records it has, so users without a record cannot sign in".to_owned(),
            "Run second-factor init.",
        ),
    }
}

/// Of each app client that is named.
pub(super) fn required_clients(deployment: &Deployment, triggers: &Triggers) -> Vec<Verdict> {
    let Ok(clients) = &deployment.clients else { return Vec::new() };
    let of_one = |id: &str| match clients.iter().any(|client| client.id == id) {
        true => Weak(
            format!("require a second factor at the app client {id}, which binds only APIs that check the client's id"),
            "Let each API that needs it compare client_id (in ID tokens: aud).",
        ),
        false => Open(
            format!("require a second factor at the app client {id}, which the pool does not have"),
            "Correct REQUIRED_CLIENTS: ids of app clients, separated by spaces.",
        ),
    };
    names(triggers, Requirements::CLIENTS).into_iter().map(of_one).collect()
}

/// Of each group that is named.
pub(super) fn required_groups(deployment: &Deployment) -> Vec<Verdict> {
    let of_one = |(name, there): &(String, crate::doctor::deployment::Read<bool>)| match there {
        Ok(true) => Fine(format!("require a second factor of the members of {name}")),
        Ok(false) => Open(
            format!("require a second factor of the members of {name}, a group that the pool does not have: of nobody"),
            "Correct REQUIRED_GROUPS: names of groups, separated by spaces.",
        ),
        Err(error) => {
            Unreadable(format!("name the group {name}, which could not be read: {}", error.why()), error.cause.remedy())
        }
    };
    deployment.groups.iter().map(of_one).collect()
}
