//! What is wrong with a deployment: one row a check, and one function a row.
//!
//! Invariant: a check judges only what was read; what was not is said by [`Severity::Unreadable`]. Where it cannot tell
//! whether something is open, it says open.
//! Source: <https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-authentication-flow-methods.html>

use std::borrow::Borrow;

use shared::settings::{AcceptedCognitoMfa, Enrollment, SettingError, SignInSettings, TokenGuard};

use super::deployment::{
    Client, Configuration, Deployment, Function, Given, KEY_ID, Pool, PoolTrigger, Read, TABLE_NAME, TableDescription,
    Triggers, Unreadable, Validity, Variables,
};
use super::invoke_policy::{Grant, account_of, callers};

/// How bad it is, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A way around the second factor, or a way to lose it.
    Open,
    /// Sign-ins fail.
    Broken,
    /// Could not be looked at.
    Unreadable,
    /// Worth a look.
    Weak,
    /// As it should be.
    Fine,
}

impl Severity {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Broken => "BROKEN",
            Self::Unreadable => "UNREADABLE",
            Self::Weak => "WEAK",
            Self::Fine => "FINE",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The check; it stays the same from version to version.
    pub id: &'static str,
    /// What it is about.
    pub subject: String,
    /// What is so.
    pub sentence: String,
    /// What to do, unless it is fine.
    pub remedy: Option<&'static str>,
}

/// A check's name, and the check.
type Row<T> = (&'static str, fn(&T, &Known<'_>) -> Verdict);

const POOL: &[Row<Pool>] = &[
    ("pool-deletion-protection", pool_deletion_protection),
    ("pool-devices", pool_devices),
    ("pool-first-factors", pool_first_factors),
    ("pool-domain", pool_domain),
];
const MFA: &[Row<str>] = &[("pool-mfa", pool_mfa)];
const IDENTITY_PROVIDERS: &[Row<[String]>] = &[("pool-identity-providers", pool_identity_providers)];
const CLIENT: &[Row<Client>] = &[
    ("client-flows", client_flows),
    ("client-oauth", client_oauth),
    ("client-identity-providers", client_identity_providers),
    ("client-user-existence", client_user_existence),
    ("client-session", client_session),
    ("client-refresh-token", client_refresh_token),
    ("client-tokens", client_tokens),
    ("client-token-revocation", client_token_revocation),
];
const ATTACHED: &[Row<Function>] = &[("trigger-attached", trigger_attached)];
const CONFIGURATION: &[Row<Configuration>] = &[("trigger-timeout", trigger_timeout), ("trigger-state", trigger_state)];
const POLICY: &[Row<Option<String>>] =
    &[("trigger-permission", trigger_permission), ("trigger-other-callers", trigger_other_callers)];
const SETTINGS: &[Row<Triggers>] = &[
    ("settings-define", settings_define),
    ("settings-create", settings_create),
    ("settings-verify", settings_verify),
    ("settings-agree", settings_agree),
    ("settings-guard", settings_guard),
    ("settings-table", settings_table),
    ("settings-key", settings_key),
];
const TABLE: &[Row<TableDescription>] =
    &[("table-status", table_status), ("table-deletion-protection", table_deletion_protection)];
const BACKUPS: &[Row<str>] = &[("table-point-in-time-recovery", table_point_in_time_recovery)];
const KEY: &[Row<str>] = &[("key-state", key_state)];
const ROTATION: &[Row<bool>] = &[("key-rotation", key_rotation)];

/// What a check says. The second text is what to do.
enum Verdict {
    Open(String, &'static str),
    Broken(String, &'static str),
    Unreadable(String, &'static str),
    Weak(String, &'static str),
    Fine(String),
    /// Nothing: another check says what there is to say.
    Moot,
}
use Verdict::{Broken, Fine, Moot, Open, Weak};

/// What other checks need to know of the whole.
struct Known<'a> {
    pool_arn: &'a str,
    guard: Guard,
    /// `None`: not read, or not understood.
    cognito_mfa_is_accepted: Option<bool>,
    given: &'a Given,
}

/// Which tokens are refused although no trigger of the sign-in was asked.
#[derive(Clone, Copy)]
enum Guard {
    /// All that the second factor was not proven for.
    Grant,
    /// Those of managed login, devices and temporary passwords; not those of a flow of the API.
    TriggerSource,
    /// None: nothing is attached, or it is not the token guard.
    Absent,
    /// What is attached could not be read.
    Unread,
}

/// Everything that was looked at, the worst first.
#[must_use]
pub fn findings(deployment: &Deployment) -> Vec<Finding> {
    let no_triggers = Triggers::default();
    let triggers = deployment.pool.as_ref().map_or(&no_triggers, |pool| &pool.triggers);
    let known = Known {
        pool_arn: deployment.pool.as_ref().map_or("", |pool| &pool.arn),
        guard: deployment.pool.as_ref().map_or(Guard::Unread, |pool| guard(&pool.triggers)),
        cognito_mfa_is_accepted: cognito_mfa_is_accepted(triggers),
        given: &deployment.given,
    };
    let mut found = Found { known, findings: Vec::new() };

    found.read(POOL, "pool", &deployment.pool);
    found.read(MFA, "pool", &deployment.mfa_configuration);
    found.read(IDENTITY_PROVIDERS, "pool", &deployment.identity_providers);
    if let Some(clients) = found.readable("app clients", &deployment.clients) {
        for listed in clients {
            found.read(CLIENT, &format!("client {} ({})", listed.name, listed.id), &listed.client);
        }
    }
    if deployment.pool.is_ok() {
        found.triggers(triggers);
        found.judge(SETTINGS, "settings", triggers);
    }
    match &deployment.table {
        Some(table) => {
            let subject = format!("table {}", table.name);
            found.read(TABLE, &subject, &table.description);
            found.read(BACKUPS, &subject, &table.point_in_time_recovery);
        }
        None => found.unnamed("table", "Name it with --table."),
    }
    match &deployment.key {
        Some(key) => {
            let subject = format!("key {}", key.id);
            found.read(KEY, &subject, &key.state);
            found.read(ROTATION, &subject, &key.rotation);
        }
        None => found.unnamed("key", "Name it with --key."),
    }
    found.findings.sort_by_key(|finding| finding.severity);
    found.findings
}

struct Found<'a> {
    known: Known<'a>,
    findings: Vec<Finding>,
}

impl Found<'_> {
    fn triggers(&mut self, triggers: &Triggers) {
        for trigger in PoolTrigger::ALL {
            let Some(function) = triggers.at(trigger) else {
                self.add("trigger-attached", trigger.name(), trigger_missing(trigger));
                continue;
            };
            self.judge(ATTACHED, trigger.name(), function);
            self.read(CONFIGURATION, trigger.name(), &function.configuration);
            if let Ok(configuration) = &function.configuration {
                self.readable(trigger.name(), &configuration.variables);
            }
            self.read(POLICY, trigger.name(), &function.policy);
        }
        for (name, arn) in &triggers.others {
            self.add("trigger-other", name, Fine(format!("calls {arn}")));
        }
    }

    fn judge<T: ?Sized>(&mut self, rows: &[Row<T>], subject: &str, of: &T) {
        for (id, check) in rows {
            self.add(id, subject, check(of, &self.known));
        }
    }

    fn read<T: ?Sized, U: Borrow<T>>(&mut self, rows: &[Row<T>], subject: &str, read: &Read<U>) {
        if let Some(of) = self.readable(subject, read) {
            self.judge(rows, subject, of.borrow());
        }
    }

    fn readable<'r, T>(&mut self, subject: &str, read: &'r Read<T>) -> Option<&'r T> {
        match read {
            Ok(read) => Some(read),
            Err(Unreadable { call, reason }) => {
                let sentence = format!("could not be read: {call}: {reason}");
                self.add(
                    "unreadable",
                    subject,
                    Verdict::Unreadable(sentence, "Make the call possible and look again: it may be open."),
                );
                None
            }
        }
    }

    fn unnamed(&mut self, subject: &str, remedy: &'static str) {
        let sentence = "could not be read: no function that could be read names it".to_owned();
        self.add("unreadable", subject, Verdict::Unreadable(sentence, remedy));
    }

    fn add(&mut self, id: &'static str, subject: &str, verdict: Verdict) {
        let (severity, sentence, remedy) = match verdict {
            Open(sentence, remedy) => (Severity::Open, sentence, Some(remedy)),
            Broken(sentence, remedy) => (Severity::Broken, sentence, Some(remedy)),
            Verdict::Unreadable(sentence, remedy) => (Severity::Unreadable, sentence, Some(remedy)),
            Weak(sentence, remedy) => (Severity::Weak, sentence, Some(remedy)),
            Fine(sentence) => (Severity::Fine, sentence, None),
            Moot => return,
        };
        self.findings.push(Finding { severity, id, subject: subject.to_owned(), sentence, remedy });
    }
}

fn guard(triggers: &Triggers) -> Guard {
    match (&triggers.guard, triggers.variables(PoolTrigger::Guard).map(token_guard)) {
        (None, _) | (Some(_), Some(Err(_))) => Guard::Absent,
        (Some(_), None) => Guard::Unread,
        (Some(_), Some(Ok(TokenGuard::Grant))) => Guard::Grant,
        (Some(_), Some(Ok(TokenGuard::TriggerSource))) => Guard::TriggerSource,
    }
}

fn cognito_mfa_is_accepted(triggers: &Triggers) -> Option<bool> {
    let value = triggers.variables(PoolTrigger::Define)?.get(AcceptedCognitoMfa::VARIABLE)?;
    AcceptedCognitoMfa::parse(value).ok().map(|accepted| accepted != AcceptedCognitoMfa::NONE)
}

/// A flow of the API that asks no trigger of the sign-in.
fn open_to_the_api(what: &str, remedy: &'static str, known: &Known<'_>) -> Verdict {
    match known.guard {
        Guard::Grant => Weak(format!("{what}; the token guard refuses them"), remedy),
        Guard::TriggerSource => Open(format!("{what}, and TOKEN_GUARD=TRIGGER_SOURCE lets them pass"), remedy),
        Guard::Absent => Open(format!("{what}, and no token guard refuses them"), remedy),
        Guard::Unread => Open(format!("{what}, and whether a token guard refuses them could not be read"), remedy),
    }
}

/// Managed login, federation, a remembered device: what the guard refuses by its source.
fn open_by_source(what: &str, remedy: &'static str, known: &Known<'_>) -> Verdict {
    match known.guard {
        Guard::Grant | Guard::TriggerSource => Weak(format!("{what}; the token guard refuses them"), remedy),
        Guard::Absent => Open(format!("{what}, and no token guard refuses them"), remedy),
        Guard::Unread => Open(format!("{what}, and whether a token guard refuses them could not be read"), remedy),
    }
}

// The pool.

fn pool_deletion_protection(pool: &Pool, _: &Known<'_>) -> Verdict {
    match pool.deletion_protection.as_str() {
        "ACTIVE" => Fine("is protected from deletion".to_owned()),
        _ => Weak("can be deleted by one call".to_owned(), "Set DeletionProtection to ACTIVE."),
    }
}

fn pool_devices(pool: &Pool, known: &Known<'_>) -> Verdict {
    if !pool.remembers_devices {
        return Fine("remembers no devices".to_owned());
    }
    let what = "remembers devices, which get tokens by a way of their own";
    open_by_source(what, "Take DeviceConfiguration away.", known)
}

fn pool_first_factors(pool: &Pool, _: &Known<'_>) -> Verdict {
    let others = others_than(&["PASSWORD"], &pool.first_factors);
    if others.is_empty() {
        return Fine("offers no sign-in without a password".to_owned());
    }
    let sentence = format!("offers sign-in by {others} alone to app clients that allow USER_AUTH");
    Weak(sentence, "Set AllowedFirstAuthFactors to PASSWORD.")
}

fn pool_domain(pool: &Pool, _: &Known<'_>) -> Verdict {
    if pool.domains.is_empty() {
        return Fine("has no domain for managed login".to_owned());
    }
    let sentence = format!("has managed login at {}, for any app client that allows OAuth", pool.domains.join(", "));
    Weak(sentence, "Delete the domain.")
}

fn pool_mfa(configuration: &str, known: &Known<'_>) -> Verdict {
    match (configuration, known.cognito_mfa_is_accepted) {
        ("OFF", Some(false) | None) => Fine("has Cognito's own MFA off".to_owned()),
        ("OFF", Some(true)) => Weak(
            "has Cognito's own MFA off, while ACCEPTED_COGNITO_MFA accepts it".to_owned(),
            "Set MfaConfiguration to OPTIONAL, or ACCEPTED_COGNITO_MFA to NONE.",
        ),
        (_, Some(true)) => Weak(
            format!(
                "has Cognito's own MFA {configuration}, and whoever can give a user that factor passes without ours"
            ),
            "Set MfaConfiguration to OFF and ACCEPTED_COGNITO_MFA to NONE once the users have moved over.",
        ),
        (_, Some(false) | None) => Weak(
            format!(
                "has Cognito's own MFA {configuration}, which is asked for in addition to ours and may end a sign-in before it"
            ),
            "Set MfaConfiguration to OFF.",
        ),
    }
}

fn pool_identity_providers(names: &[String], _: &Known<'_>) -> Verdict {
    if names.is_empty() {
        return Fine("has no identity providers".to_owned());
    }
    let sentence = format!("has the identity providers {}, for any app client that supports them", names.join(", "));
    Weak(sentence, "Delete the identity providers.")
}

// An app client.

fn client_flows(client: &Client, known: &Known<'_>) -> Verdict {
    const REMEDY: &str = "Set ExplicitAuthFlows to ALLOW_CUSTOM_AUTH and ALLOW_REFRESH_TOKEN_AUTH.";
    let foreign = others_than(&["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"], &client.flows);
    if client.flows.is_empty() {
        let what = "has no ExplicitAuthFlows, so ALLOW_USER_SRP_AUTH too issues tokens without asking the triggers";
        open_to_the_api(what, REMEDY, known)
    } else if foreign.is_empty() {
        Fine(format!("allows {}", client.flows.join(", ")))
    } else {
        open_to_the_api(&format!("allows {foreign}: tokens without asking the triggers"), REMEDY, known)
    }
}

fn client_oauth(client: &Client, known: &Known<'_>) -> Verdict {
    const REMEDY: &str = "Set AllowedOAuthFlowsUserPoolClient to false, and leave AllowedOAuthFlows out.";
    let flows = client.oauth_flows.join(", ");
    match (client.oauth_on, flows.as_str()) {
        (false, "") => Fine("allows no OAuth flow".to_owned()),
        (_, "client_credentials") => Weak("issues tokens for no user, by client_credentials".to_owned(), REMEDY),
        (true, "") => open_by_source("allows OAuth: managed login issues tokens by itself", REMEDY, known),
        (_, flows) => {
            open_by_source(&format!("allows OAuth ({flows}): managed login issues tokens by itself"), REMEDY, known)
        }
    }
}

fn client_identity_providers(client: &Client, known: &Known<'_>) -> Verdict {
    let others = others_than(&["COGNITO"], &client.identity_providers);
    if others.is_empty() {
        return Fine("supports no foreign identity provider".to_owned());
    }
    let what = format!("supports {others}: federated users get tokens without asking the triggers");
    open_by_source(&what, "Set SupportedIdentityProviders to COGNITO.", known)
}

fn client_user_existence(client: &Client, _: &Known<'_>) -> Verdict {
    match client.user_existence_errors.as_deref() {
        Some("ENABLED") => Fine("does not tell who exists".to_owned()),
        Some(_) | None => Weak("tells who exists".to_owned(), "Set PreventUserExistenceErrors to ENABLED."),
    }
}

fn client_session(client: &Client, _: &Known<'_>) -> Verdict {
    match client.session_minutes.unwrap_or(3) {
        minutes @ ..15 => Weak(
            format!("gives a sign-in {minutes} minutes, few to install an authenticator in"),
            "Set AuthSessionValidity to 15.",
        ),
        minutes => Fine(format!("gives a sign-in {minutes} minutes")),
    }
}

fn client_refresh_token(client: &Client, _: &Known<'_>) -> Verdict {
    let lifetime = Lifetime::of(&client.refresh_token, 30, "days");
    match lifetime.seconds {
        Some(..=86_400) => Fine(format!("refreshes for {}", lifetime.words)),
        Some(_) | None => Weak(
            format!("refreshes for {}, without asking for the second factor again", lifetime.words),
            "Set RefreshTokenValidity to 24 hours or less.",
        ),
    }
}

fn client_tokens(client: &Client, _: &Known<'_>) -> Verdict {
    let access = Lifetime::of(&client.access_token, 1, "hours");
    let id = Lifetime::of(&client.id_token, 1, "hours");
    let sentence = format!("issues access tokens for {} and ID tokens for {}", access.words, id.words);
    match (access.seconds, id.seconds) {
        (Some(..=3600), Some(..=3600)) => Fine(sentence),
        (_, _) => Weak(
            format!("{sentence}, which outlive a sign-out"),
            "Set AccessTokenValidity and IdTokenValidity to 60 minutes or less.",
        ),
    }
}

fn client_token_revocation(client: &Client, _: &Known<'_>) -> Verdict {
    match client.token_revocation {
        Some(true) => Fine("can revoke tokens".to_owned()),
        Some(false) | None => Weak("cannot revoke tokens".to_owned(), "Set EnableTokenRevocation to true."),
    }
}

/// A lifetime as Cognito counts it; no seconds when its unit is not known.
struct Lifetime {
    seconds: Option<i64>,
    words: String,
}

impl Lifetime {
    fn of(validity: &Validity, default: i32, default_unit: &str) -> Self {
        let (value, unit) = match (validity.value.unwrap_or(0), validity.unit.as_deref()) {
            (0, _) => (default, default_unit),
            (value, unit) => (value, unit.unwrap_or(default_unit)),
        };
        let unit_seconds = match unit {
            "days" => Some(86_400),
            "hours" => Some(3600),
            "minutes" => Some(60),
            "seconds" => Some(1),
            _ => None,
        };
        let seconds = unit_seconds.and_then(|seconds| i64::from(value).checked_mul(seconds));
        Self { seconds, words: format!("{value} {unit}") }
    }
}

// A trigger, and its function.

fn trigger_missing(trigger: PoolTrigger) -> Verdict {
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
        seconds @ ..5 => Weak(format!("is cut off after {seconds} seconds, before its own calls give up"), REMEDY),
        seconds => Weak(format!("runs for {seconds} seconds, though Cognito stops waiting after 5"), REMEDY),
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
        return Broken("may be called by nobody, so every sign-in fails".to_owned(), REMEDY);
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
    const REMEDY: &str = "Take every permission away but Cognito's.";
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
    Fine("may be called by nobody but Cognito".to_owned())
}

// The settings of the functions.

fn settings_define(triggers: &Triggers, _: &Known<'_>) -> Verdict {
    understood(triggers, PoolTrigger::Define)
}

fn settings_create(triggers: &Triggers, _: &Known<'_>) -> Verdict {
    understood(triggers, PoolTrigger::Create)
}

fn settings_verify(triggers: &Triggers, _: &Known<'_>) -> Verdict {
    let name = PoolTrigger::Verify.name();
    match triggers.variables(PoolTrigger::Verify).map(enrollment) {
        Some(Ok(_)) => Fine(format!("are understood by {name}")),
        Some(Err(error)) => {
            Broken(format!("stop {name} on startup: {error}"), "Set the variable as docs/configuration.md says.")
        }
        None => Moot,
    }
}

/// The function reads them the same way.
fn understood(triggers: &Triggers, trigger: PoolTrigger) -> Verdict {
    match triggers.variables(trigger).map(sign_in_settings) {
        Some(Ok(_)) => Fine(format!("are understood by {}", trigger.name())),
        Some(Err(error)) => Broken(
            format!("stop {} on startup: {error}", trigger.name()),
            "Set the variable as docs/configuration.md says.",
        ),
        None => Moot,
    }
}

fn settings_agree(triggers: &Triggers, _: &Known<'_>) -> Verdict {
    let of = |trigger| triggers.variables(trigger).and_then(|variables| sign_in_settings(variables).ok());
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
    match (token_guard(variables), known.cognito_mfa_is_accepted) {
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
        (Err(error), _) => {
            Broken(format!("stop the token guard on startup: {error}"), "Set it to GRANT or TRIGGER_SOURCE.")
        }
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

fn sign_in_settings(variables: &Variables) -> Result<SignInSettings, SettingError> {
    SignInSettings::read(&|variable| variables.get(variable).map(str::to_owned))
}

fn enrollment(variables: &Variables) -> Result<Enrollment, SettingError> {
    Enrollment::read(&|variable| variables.get(variable).map(str::to_owned))
}

fn token_guard(variables: &Variables) -> Result<TokenGuard, SettingError> {
    TokenGuard::read(&|variable| variables.get(variable).map(str::to_owned))
}

// The table.

fn table_status(table: &TableDescription, _: &Known<'_>) -> Verdict {
    match table.status.as_str() {
        status @ ("ACTIVE" | "UPDATING") => Fine(format!("is {status}")),
        status => Broken(format!("is {status}, so every sign-in fails"), "Read the runbook on restoring the table."),
    }
}

fn table_deletion_protection(table: &TableDescription, _: &Known<'_>) -> Verdict {
    if table.deletion_protection {
        return Fine("is protected from deletion".to_owned());
    }
    Open(
        "can be deleted by one call, and without it the password alone enrolls".to_owned(),
        "Set DeletionProtectionEnabled to true.",
    )
}

fn table_point_in_time_recovery(status: &str, _: &Known<'_>) -> Verdict {
    match status {
        "ENABLED" => Fine("can be restored to any second".to_owned()),
        _ => Open(
            "cannot be restored once lost, and without it the password alone enrolls".to_owned(),
            "Turn point-in-time recovery on.",
        ),
    }
}

// The key.

fn key_state(state: &str, _: &Known<'_>) -> Verdict {
    match state {
        "Enabled" => Fine("is enabled".to_owned()),
        "PendingDeletion" => Broken(
            "waits for its deletion, and with it every authenticator's secret is lost".to_owned(),
            "Cancel the deletion and enable the key.",
        ),
        state => Broken(format!("is {state}, so passcodes end in errors"), "Enable the key."),
    }
}

fn key_rotation(rotates: &bool, _: &Known<'_>) -> Verdict {
    if *rotates {
        return Fine("rotates".to_owned());
    }
    Weak("does not rotate".to_owned(), "Enable key rotation.")
}

/// Those of `names` that are not `allowed`, for a sentence.
fn others_than(allowed: &[&str], names: &[String]) -> String {
    let others: Vec<&str> = names.iter().map(String::as_str).filter(|name| !allowed.contains(name)).collect();
    others.join(", ")
}
