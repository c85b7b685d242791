//! The settings of the functions.

use shared::guard_settings::ReportOnly;
use shared::settings::{Policy, SettingError, SignInSettings, TokenGuard};

use super::known::Known;
use super::startup::{
    create_settings, enrollment, guarded_since, next_function, of_guard_alone, report_only, sign_in_settings,
    token_guard,
};
use super::verdict::Verdict::{self, Broken, Fine, Moot, Open, Weak};
use super::verdict::{Row, stops};
use crate::doctor::deployment::{KEY_ID, PoolTrigger, TABLE_NAME, Triggers, Variables};
use crate::time::when;

pub(super) const SETTINGS: &[Row<Triggers>] = &[
    ("settings-define", settings_define),
    ("settings-create", settings_create),
    ("settings-verify", settings_verify),
    ("settings-agree", settings_agree),
    ("settings-guard", settings_guard),
    ("settings-report-only", settings_report_only),
    ("settings-guarded-since", settings_guarded_since),
    ("settings-next", settings_next),
    ("settings-table", settings_table),
    ("settings-key", settings_key),
];

const REMEDY: &str = "Set the variable as docs/configuration.md says.";

fn settings_define(triggers: &Triggers, _: &Known<'_>) -> Verdict {
    understood(triggers, PoolTrigger::Define, sign_in_settings)
}

fn settings_create(triggers: &Triggers, _: &Known<'_>) -> Verdict {
    understood(triggers, PoolTrigger::Create, create_settings)
}

fn settings_verify(triggers: &Triggers, _: &Known<'_>) -> Verdict {
    understood(triggers, PoolTrigger::Verify, enrollment)
}

fn understood<T>(
    triggers: &Triggers,
    trigger: PoolTrigger,
    read: impl FnOnce(&Variables) -> Result<T, SettingError>,
) -> Verdict {
    match triggers.variables(trigger).map(read) {
        Some(Ok(_)) => Fine(format!("are understood by {}", trigger.name())),
        Some(Err(error)) => stops(trigger, &error, REMEDY),
        None => Moot,
    }
}

fn settings_agree(triggers: &Triggers, _: &Known<'_>) -> Verdict {
    // Whose policy differs, another check says.
    let apart_from_policy = |settings: SignInSettings| settings.under(Policy::Required).ok();
    let of = |trigger| triggers.variables(trigger).and_then(|variables| sign_in_settings(variables).ok());
    let of = |trigger| of(trigger).and_then(apart_from_policy);
    let of_verify = triggers.variables(PoolTrigger::Verify).and_then(|variables| enrollment(variables).ok());
    match (of(PoolTrigger::Define), of(PoolTrigger::Create), of_verify) {
        (Some(define), Some(create), _) if define != create => Broken(
            "differ between Define and Create in ACCEPTED_COGNITO_MFA or ENROLLMENT".to_owned(),
            "Set both variables alike at both functions.",
        ),
        (_, Some(create), Some(verify)) if create.enrollment() != verify => Broken(
            "differ between Create and Verify in ENROLLMENT, so nobody sets an authenticator up".to_owned(),
            "Set the variable alike at all three functions.",
        ),
        (Some(_), Some(_), _) => Fine("are the same at Define, Create and Verify".to_owned()),
        (_, _, _) => Moot,
    }
}

fn settings_guard(triggers: &Triggers, known: &Known<'_>) -> Verdict {
    let Some(variables) = triggers.variables(PoolTrigger::Guard) else { return Moot };
    let read = token_guard(variables);
    if let (Ok(_), Err(error)) = (&read, of_guard_alone(variables)) {
        return stops(PoolTrigger::Guard, &error, REMEDY);
    }
    match (read, known.cognito_mfa_is_accepted) {
        (Ok(TokenGuard::Grant), Some(false) | None) => Fine("issue tokens against a grant only (GRANT)".to_owned()),
        (Ok(TokenGuard::TriggerSource), Some(true)) => {
            Fine("issue tokens by their trigger source (TRIGGER_SOURCE)".to_owned())
        }
        (Ok(TokenGuard::Grant), Some(true)) => Broken(
            "refuse tokens after Cognito's own MFA (GRANT), which ACCEPTED_COGNITO_MFA accepts".to_owned(),
            "Set TOKEN_GUARD to TRIGGER_SOURCE, or ACCEPTED_COGNITO_MFA to NONE.",
        ),
        (Ok(TokenGuard::TriggerSource), Some(false) | None) => Weak(
            "issue the tokens of any flow of the API (TRIGGER_SOURCE)".to_owned(),
            "Set TOKEN_GUARD to GRANT where ACCEPTED_COGNITO_MFA is NONE.",
        ),
        (Err(_), _) if variables.get(TokenGuard::VARIABLE).is_none() => Open(
            "have no TOKEN_GUARD at PreTokenGeneration, so what it calls is not the token guard".to_owned(),
            "Attach the token guard in LambdaConfig.",
        ),
        (Err(error), _) => stops(PoolTrigger::Guard, &error, "Set it to GRANT or TRIGGER_SOURCE."),
    }
}

fn settings_report_only(triggers: &Triggers, known: &Known<'_>) -> Verdict {
    let Some(variables) = triggers.variables(PoolTrigger::Guard) else { return Moot };
    let until = variables.get(ReportOnly::VARIABLE).unwrap_or_default();
    match report_only(variables) {
        Err(error) => stops(PoolTrigger::Guard, &error, REMEDY),
        Ok(ReportOnly::NEVER) => Moot,
        Ok(read) if read.is_on(known.read_at) => Open(
            format!("let every token pass until {until} (REPORT_ONLY_UNTIL)"),
            "Deploy with ReportOnlyUntil empty, once the log of the token guard names nobody whom it would deny.",
        ),
        Ok(_) => Fine(format!("deny tokens since {until} (REPORT_ONLY_UNTIL)")),
    }
}

/// Whether it is true shows nowhere: AWS does not say when a trigger was attached, and a function and a pool change for other reasons.
fn settings_guarded_since(triggers: &Triggers, known: &Known<'_>) -> Verdict {
    match triggers.variables(PoolTrigger::Guard).and_then(|variables| guarded_since(variables, known.read_at)) {
        None => Moot,
        Some(Err(error)) => stops(PoolTrigger::Guard, &error, REMEDY),
        Some(Ok(since)) => since.time().map_or(Moot, |time| {
            Fine(format!("say that no tokens have passed without a grant since {} (GUARDED_SINCE)", when(time)))
        }),
    }
}

fn settings_next(triggers: &Triggers, _: &Known<'_>) -> Verdict {
    let Some((guard, variables)) = triggers.guard.as_ref().zip(triggers.variables(PoolTrigger::Guard)) else {
        return Moot;
    };
    match next_function(guard, variables) {
        Err(error) => stops(PoolTrigger::Guard, &error, REMEDY),
        Ok(None) => Moot,
        Ok(Some(next)) => Fine(format!("hand tokens that pass on to {}", next.function.as_str())),
    }
}

fn settings_table(triggers: &Triggers, known: &Known<'_>) -> Verdict {
    one_name(
        triggers,
        TABLE_NAME,
        &[PoolTrigger::Create, PoolTrigger::Verify, PoolTrigger::Guard],
        &known.given.table_name,
    )
}

fn settings_key(triggers: &Triggers, known: &Known<'_>) -> Verdict {
    one_name(triggers, KEY_ID, &[PoolTrigger::Create, PoolTrigger::Verify], &known.given.key_id)
}

fn one_name(triggers: &Triggers, variable: &str, at: &[PoolTrigger], given: &Option<String>) -> Verdict {
    const REMEDY: &str = "Set the variable alike at every function that docs/configuration.md names.";
    let told: Vec<(&str, &str)> = at
        .iter()
        .filter_map(|&trigger| Some((trigger.name(), triggers.variables(trigger)?.get(variable).unwrap_or("nothing"))))
        .collect();
    let Some(&(_, first)) = told.first() else { return Moot };
    let names: Vec<String> = told.iter().map(|(place, name)| format!("{name} at {place}")).collect();
    let names = names.join(", ");
    if told.iter().any(|(_, name)| *name == "nothing") {
        Broken(format!("leave {variable} out: {names}"), REMEDY)
    } else if told.iter().any(|(_, name)| is_alias(name) != is_alias(first)) {
        Weak(format!("name {variable} by an alias and otherwise, which is not compared: {names}"), REMEDY)
    } else if told.iter().any(|(_, name)| !is_same_name(name, first)) {
        Broken(format!("name more than one {variable}: {names}"), REMEDY)
    } else if let Some(given) = given.as_deref().filter(|given| !is_same_name(given, first)) {
        Weak(format!("name {first} as {variable}, and {given} was looked at"), "Leave the option out.")
    } else {
        Fine(format!("name one {variable}: {first}"))
    }
}

/// A resource by its name, its id or its ARN.
fn is_same_name(one: &str, other: &str) -> bool {
    let bare = |name: &str| -> String {
        let last = name.rsplit(':').next().unwrap_or_default();
        last.trim_start_matches("key/").trim_start_matches("table/").to_owned()
    };
    match (one.starts_with("arn:"), other.starts_with("arn:")) {
        (true, true) | (false, false) => one == other,
        (true, false) | (false, true) => bare(one) == bare(other),
    }
}

fn is_alias(name: &str) -> bool {
    name.starts_with("alias/") || name.contains(":alias/")
}
