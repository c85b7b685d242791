//! What a phase changes and what stands in its way: pure, from what was read.

use serde_json::{Map, Value, json};
use shared::clock::UnixTime;

use super::change::SeenPool;
use super::flows::{
    EXPLICIT_AUTH_FLOWS, allows_custom_auth, flows, other_flows, rotates, with_custom_auth, without_others,
};
use super::stack::Stack;
use super::state::State;
use super::update::{Described, LAMBDA_CONFIG, set};
use crate::aws::UserPoolId;
use crate::time::when;

/// From now until the guard has denied for long enough that no tokens from before are still to be issued.
const GUARDED_AFTER_SECONDS: u64 = 120;

/// A step of attaching. Each leaves the pool in a state in which it can stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Phase {
    /// Sets the three challenge triggers. Nobody signs in otherwise than before.
    Challenges,
    /// Adds ALLOW_CUSTOM_AUTH to the app clients that are named, and removes nothing.
    Clients,
    /// Attaches the token guard, which lets every token pass until REPORT_ONLY_UNTIL and logs which it would deny.
    Watch,
    /// Takes the other flows from the app clients that are named: while a client allows one, whoever knows a password can take the
    /// grant of the owner's sign-in there.
    Flows,
    /// Attaches the token guard, which denies.
    Guard,
}

impl Phase {
    fn attaches_guard(self) -> bool {
        match self {
            Self::Watch | Self::Guard => true,
            Self::Challenges | Self::Clients | Self::Flows => false,
        }
    }

    /// Whether it changes app clients, which then have to be named.
    #[must_use]
    pub fn changes_clients(self) -> bool {
        match self {
            Self::Clients | Self::Flows => true,
            Self::Challenges | Self::Watch | Self::Guard => false,
        }
    }
}

/// What may stand in the way, until it is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Obstacle {
    /// A CloudFormation stack owns the pool, and its next update puts the triggers back.
    Owned,
    /// Users with MFA of Cognito's own.
    CognitoMfa,
    /// Users of identity providers.
    FederatedUsers,
    /// App clients with managed login.
    ManagedLogin,
    /// App clients whose users sign in by other flows.
    OtherFlows,
    /// App clients whose refresh tokens rotate.
    Rotation,
    /// A Pre Token Generation trigger of the team's own that is no longer called.
    OwnClaims,
    /// An update that was stopped before it was compared, and after which more is different than was meant to.
    Differences,
}

impl Obstacle {
    /// As `--accept` takes it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Owned => "owned",
            Self::CognitoMfa => "cognito-mfa",
            Self::FederatedUsers => "federated-users",
            Self::ManagedLogin => "managed-login",
            Self::OtherFlows => "other-flows",
            Self::Rotation => "rotation",
            Self::OwnClaims => "own-claims",
            Self::Differences => "differences",
        }
    }
}

/// Everything that was read.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The pool.
    pub pool: SeenPool,
    /// The app clients that matter to the phase: those that are named, or all.
    pub clients: Vec<Described>,
    /// The names of the pool's identity providers.
    pub identity_providers: Vec<String>,
    /// Whether the pool has replicas in other regions.
    pub has_replicas: bool,
    /// The stack that owns the pool.
    pub owner: Option<String>,
    /// The stack of the functions.
    pub stack: Stack,
    /// What attach did before.
    pub state: Option<State>,
    /// What is different after an update that was stopped before it was compared.
    pub uncompared: Option<String>,
}

/// What a phase does.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The new `LambdaConfig`.
    pub lambda_config: Option<Described>,
    /// App clients, as they were seen, and their new flows.
    pub clients: Vec<(Described, Option<Value>)>,
    /// What to know.
    pub notes: Vec<String>,
    /// What stands in the way.
    pub obstacles: Vec<(Obstacle, String)>,
}

/// The three challenge triggers: the member of `LambdaConfig`, and the output that names the function.
const CHALLENGES: [(&str, &str); 3] = [
    ("DefineAuthChallenge", "DefineAuthChallengeArn"),
    ("CreateAuthChallenge", "CreateAuthChallengeArn"),
    ("VerifyAuthChallengeResponse", "VerifyAuthChallengeArn"),
];
const PRE_TOKEN_GENERATION: &str = "PreTokenGeneration";
const PRE_TOKEN_GENERATION_CONFIG: &str = "PreTokenGenerationConfig";
const GUARD: &str = "PreTokenGenerationArn";
const NEXT: &str = "NextPreTokenGenerationArn";
const REPORT_ONLY_UNTIL: &str = "ReportOnlyUntil";
const FEDERATED_PROVIDERS: &str = "FederatedProviders";

/// Decides what `phase` does.
///
/// # Errors
/// A sentence: the stack is not one for this pool, a phase before is missing, or triggers of the pool would be lost.
pub fn plan(seen: &Seen, id: &UserPoolId, phase: Phase, replace: bool, now: UnixTime) -> Result<Plan, String> {
    let stack = &seen.stack;
    let of_stack = |name: &str| {
        let missing =
            || format!("The stack {} has no output {name}. Is it one of this version's template.yaml?", stack.name);
        stack.output(name).ok_or_else(missing)
    };
    if of_stack("UserPoolId")? != id.to_string() {
        return Err(format!(
            "The functions of the stack {} may be called by the pool {} only. Deploy it with ExistingUserPoolId={id}.",
            stack.name,
            of_stack("UserPoolId")?
        ));
    }
    let current = seen.pool.described.get(LAMBDA_CONFIG).and_then(Value::as_object).cloned().unwrap_or_default();
    let mut wanted = current.clone();
    let mut plan = Plan::default();
    let challenges_are_ours = || -> Result<bool, String> {
        for (trigger, output) in CHALLENGES {
            if named(&current, trigger) != Some(of_stack(output)?) {
                return Ok(false);
            }
        }
        Ok(true)
    };
    let guard = of_stack(GUARD)?;
    match phase {
        Phase::Challenges => {
            for (trigger, output) in CHALLENGES {
                let ours = of_stack(output)?;
                if let Some(other) = named(&current, trigger).filter(|arn| *arn != ours && !replace) {
                    return Err(format!(
                        "The pool has a {trigger} trigger of its own, {other}. --replace-triggers replaces it, and the \
                         sign-ins that it serves end."
                    ));
                }
                set(&mut wanted, trigger, Some(&json!(ours)));
            }
        }
        _ if !challenges_are_ours()? => return Err(first("challenges")),
        Phase::Watch | Phase::Guard => {
            plan.notes.push(when_it_denies(phase, stack, now)?);
            own_trigger_is_handed_on(seen, &current, guard, &mut plan)?;
            let version = event_version(&seen.pool.described, &current, of_stack("TokenGuardEvents")?);
            set(&mut wanted, PRE_TOKEN_GENERATION, Some(&json!(guard)));
            let config = json!({ "LambdaArn": guard, "LambdaVersion": version });
            set(&mut wanted, PRE_TOKEN_GENERATION_CONFIG, Some(&config));
            denied_users(seen, of_stack("TokenGuard")? == "GRANT", &mut plan);
        }
        Phase::Clients => clients_allow_custom_auth(seen, &mut plan),
        Phase::Flows if named(&current, PRE_TOKEN_GENERATION) != Some(guard) => {
            return Err(first("watch"));
        }
        Phase::Flows => clients_lose_other_flows(seen, &mut plan)?,
    }
    if let Some(differences) = &seen.uncompared {
        plan.obstacles.push((
            Obstacle::Differences,
            format!(
                "an earlier update was stopped before it was compared, and {differences} is different now; the state file has \
                 the pool as it was before it"
            ),
        ));
    }
    if let Some(owner) = &seen.owner {
        let lines = template_lines(phase, stack, &wanted);
        plan.obstacles.push((
            Obstacle::Owned,
            format!("the stack {owner} owns this, and its next update would undo this. Write into its template instead: {lines}"),
        ));
    }
    general_notes(seen, phase, &mut plan);
    plan.lambda_config = (wanted != current).then_some(wanted);
    Ok(plan)
}

fn first(phase: &str) -> String {
    format!("This phase needs an earlier one: run `attach {phase}` first.")
}

fn named<'a>(lambda_config: &'a Described, trigger: &str) -> Option<&'a str> {
    lambda_config.get(trigger).and_then(Value::as_str).filter(|arn| !arn.is_empty())
}

/// The function of the pool's Pre Token Generation trigger, in either form.
fn pre_token_generation(lambda_config: &Described) -> Option<&str> {
    let of_config = || lambda_config.get(PRE_TOKEN_GENERATION_CONFIG)?.get("LambdaArn")?.as_str();
    named(lambda_config, PRE_TOKEN_GENERATION).or_else(of_config)
}

fn when_it_denies(phase: Phase, stack: &Stack, now: UnixTime) -> Result<String, String> {
    // In the form of `ReportOnlyUntil`.
    let (until, guarded_since) = (stack.output(REPORT_ONLY_UNTIL), when(now.plus(GUARDED_AFTER_SECONDS)));
    let now = when(now);
    match (phase, until) {
        (Phase::Watch, Some(until)) if until > now.as_str() => Ok(format!(
            "Until {until} every token passes, and the token guard logs which it would deny. From then on it denies them by itself."
        )),
        (Phase::Watch, _) => Err(format!(
            "The token guard of the stack {} would deny at once. Deploy it with ReportOnlyUntil=2026-12-31T00:00:00Z, for \
             instance, or run `attach guard`.",
            stack.name
        )),
        (_, Some(until)) if until > now.as_str() => Err(format!(
            "The token guard of the stack {} lets every token pass until {until}. Deploy it with ReportOnlyUntil empty, or run \
             `attach watch`.",
            stack.name
        )),
        _ => Ok(format!(
            "The token guard denies tokens from now on. Unless it did so before, deploy the stack {} with GuardedSince={guarded_since}, \
             once that time has passed.",
            stack.name
        )),
    }
}

/// A pool has one Pre Token Generation trigger: the one that it has must be called by ours, or it is lost.
fn own_trigger_is_handed_on(seen: &Seen, current: &Described, guard: &str, plan: &mut Plan) -> Result<(), String> {
    let next = seen.stack.output(NEXT);
    if next == Some(guard) {
        return Err("NextPreTokenGenerationArn names the token guard itself.".to_owned());
    }
    let earlier = seen.state.as_ref().and_then(|state| state.lambda_config.get(PRE_TOKEN_GENERATION)?.before.as_str());
    let own = match pre_token_generation(current) {
        Some(arn) if arn == guard => earlier,
        arn => arn,
    };
    match (own, next) {
        (Some(own), Some(next)) if own == next => {
            plan.notes.push(format!("The token guard hands on to {own}, whose claims stay."));
            Ok(())
        }
        (Some(own), _) => {
            plan.obstacles.push((
                Obstacle::OwnClaims,
                format!(
                    "the pool's Pre Token Generation trigger is {own}, the token guard does not hand on to it, and its claims \
                     would be lost. Deploy the stack with NextPreTokenGenerationArn={own}"
                ),
            ));
            Ok(())
        }
        (None, Some(next)) => {
            plan.notes.push(format!("The token guard hands on to {next}, which the pool does not call now."));
            Ok(())
        }
        (None, None) => Ok(()),
    }
}

/// The pool's own: a function for V1_0 events loses its claims with others.
fn event_version(pool: &Described, current: &Described, of_stack: &str) -> String {
    let of_config = || current.get(PRE_TOKEN_GENERATION_CONFIG)?.get("LambdaVersion")?.as_str();
    match of_config() {
        Some(version) => version.to_owned(),
        None if named(current, PRE_TOKEN_GENERATION).is_some() => "V1_0".to_owned(),
        // That plan sends no others.
        None if pool.get("UserPoolTier").is_some_and(|plan| plan == "LITE") => "V1_0".to_owned(),
        None => of_stack.to_owned(),
    }
}

/// Whose tokens the guard denies.
fn denied_users(seen: &Seen, by_grant: bool, plan: &mut Plan) {
    let mut stands = |obstacle: Obstacle, clients: Vec<&Described>, why: &str| {
        if !clients.is_empty() {
            plan.obstacles.push((obstacle, format!("{}: {why}", names(&clients))));
        }
    };
    let trusted = seen.stack.output(FEDERATED_PROVIDERS).unwrap_or_default();
    let is_trusted = |name: &str| trusted.split_whitespace().any(|trusted| trusted == name);
    // Without COGNITO, the pool's own users cannot come by managed login.
    let comes_from_trusted = |client: &Described| {
        let providers = foreign_providers(client);
        !providers.is_empty() && providers.into_iter().all(is_trusted) && !supports_own_users(client)
    };
    let which = |is: &dyn Fn(&Described) -> bool| seen.clients.iter().filter(|client| is(client)).collect::<Vec<_>>();
    stands(
        Obstacle::ManagedLogin,
        which(&|client| has_managed_login(client) && !comes_from_trusted(client)),
        "users sign in by managed login, which calls no challenge triggers, and the token guard denies their tokens",
    );
    stands(
        Obstacle::FederatedUsers,
        which(&|client| !seen.identity_providers.is_empty() && !foreign_providers(client).into_iter().all(is_trusted)),
        "users come from an identity provider that FederatedProviders does not name, and the token guard denies their tokens",
    );
    stands(
        Obstacle::Rotation,
        which(&rotates),
        "refresh tokens rotate, and AWS's documents disagree on the trigger source of such a refresh: under one of the two the \
         token guard denies every refresh",
    );
    if by_grant {
        stands(
            Obstacle::OtherFlows,
            which(&|client| !other_flows(client).is_empty() && !is_for_machines(client)),
            "other flows than ALLOW_CUSTOM_AUTH are allowed, whoever signs in by one of them gets no tokens, and at a client that \
             allows both, whoever knows a password can take the grant of the owner's sign-in: run `attach flows` first",
        );
        let mfa = seen.pool.apart.mfa_configuration();
        if mfa != "OFF" {
            plan.obstacles.push((
                Obstacle::CognitoMfa,
                format!(
                    "MfaConfiguration is {mfa}: tokens after a factor of Cognito leave no grant, and the token guard may deny \
                     them (docs/cognito-mfa.md)"
                ),
            ));
        }
    }
}

fn clients_allow_custom_auth(seen: &Seen, plan: &mut Plan) {
    for client in &seen.clients {
        if allows_custom_auth(client) {
            plan.notes.push(format!("{} allows ALLOW_CUSTOM_AUTH already.", names(&[client])));
        } else {
            plan.clients.push((client.clone(), with_custom_auth(client)));
        }
    }
}

fn clients_lose_other_flows(seen: &Seen, plan: &mut Plan) -> Result<(), String> {
    for client in &seen.clients {
        if !allows_custom_auth(client) {
            return Err(format!("{} does not allow ALLOW_CUSTOM_AUTH: run `attach clients` first.", names(&[client])));
        }
        if other_flows(client).is_empty() {
            plan.notes.push(format!("{} allows no other flow already.", names(&[client])));
            continue;
        }
        if rotates(client) {
            plan.obstacles.push((
                Obstacle::Rotation,
                format!(
                    "{}: refresh tokens rotate, so ALLOW_CUSTOM_AUTH alone stays, and it is not known which trigger source its \
                     refreshes have",
                    names(&[client])
                ),
            ));
        }
        plan.clients.push((client.clone(), without_others(client)));
    }
    Ok(())
}

fn general_notes(seen: &Seen, phase: Phase, plan: &mut Plan) {
    let mut note = |is: bool, sentence: &str| {
        if is {
            plan.notes.push(sentence.to_owned());
        }
    };
    let pool = &seen.pool.described;
    let triggers = pool.get(LAMBDA_CONFIG).and_then(Value::as_object);
    let any = |flow: fn(&str) -> bool| seen.clients.iter().any(|client| flows(client).into_iter().any(flow));
    note(
        phase >= Phase::Watch && triggers.and_then(|triggers| named(triggers, "UserMigration")).is_some(),
        "The UserMigration trigger needs the password in clear, so it works with USER_PASSWORD_AUTH only: no user who is not in the \
         pool yet gets in by ALLOW_CUSTOM_AUTH.",
    );
    note(
        any(|flow| flow == "ALLOW_USER_AUTH"),
        "ALLOW_USER_AUTH lets users sign in by one factor that they choose; the token guard denies these tokens.",
    );
    note(
        any(|flow| flow.starts_with("ALLOW_TOKEN_EXCHANGE")),
        "Token exchange issues tokens of a trigger source that the token guard does not know, and denies.",
    );
    note(
        pool.get("DcrConfiguration")
            .is_some_and(|dcr| dcr.get("EnableStatus").is_none_or(|status| status == "Enabled")),
        "Applications can register app clients in this pool by themselves (DcrConfiguration); the token guard covers these, too.",
    );
    note(
        seen.has_replicas,
        "The pool has replicas in other regions. Triggers are set in each region, and the records are in this one alone.",
    );
    note(
        pool.get("DeviceConfiguration").is_some_and(Value::is_object),
        "The pool remembers devices (DeviceConfiguration): tokens after a device's challenge are denied.",
    );
    note(
        phase > Phase::Challenges && seen.state.is_none(),
        "There is no state file here, so detach will not know what the pool had before the earlier phases.",
    );
    note(
        phase == Phase::Challenges && seen.clients.iter().any(allows_custom_auth),
        "Some app clients allow ALLOW_CUSTOM_AUTH already, so users can enroll there from now on. With EnrollmentMode=AT_SIGN_IN so can \
         whoever knows their password: deploy BY_OPERATOR until the users are told, or make haste.",
    );
    note(phase.attaches_guard(), "A sign-in that is under way may have to start again.");
}

/// What the template of the owner has to say.
fn template_lines(phase: Phase, stack: &Stack, wanted: &Described) -> String {
    if phase.changes_clients() {
        let flows = if phase == Phase::Clients {
            "[…, ALLOW_CUSTOM_AUTH]"
        } else {
            "[ALLOW_CUSTOM_AUTH, ALLOW_REFRESH_TOKEN_AUTH]"
        };
        return format!("{EXPLICIT_AUTH_FLOWS}: {flows}");
    }
    let mut lines: Map<String, Value> = Map::new();
    let members = CHALLENGES.into_iter().map(|(trigger, _)| trigger).chain([PRE_TOKEN_GENERATION_CONFIG]);
    for trigger in members {
        set(&mut lines, trigger, wanted.get(trigger));
    }
    format!("{LAMBDA_CONFIG}: {} (the functions of the stack {})", Value::Object(lines), stack.name)
}

fn has_managed_login(client: &Described) -> bool {
    let on = client.get("AllowedOAuthFlowsUserPoolClient").is_some_and(|on| on == true);
    let flows = client.get("AllowedOAuthFlows").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    on && (flows.is_empty() || flows.iter().any(|flow| flow != "client_credentials"))
}

fn is_for_machines(client: &Described) -> bool {
    let flows = client.get("AllowedOAuthFlows").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    !flows.is_empty() && flows.iter().all(|flow| flow == "client_credentials") && other_flows(client).is_empty()
}

fn foreign_providers(client: &Described) -> Vec<&str> {
    let listed = client.get("SupportedIdentityProviders").and_then(Value::as_array);
    listed.into_iter().flatten().filter_map(Value::as_str).filter(|name| *name != "COGNITO").collect()
}

fn supports_own_users(client: &Described) -> bool {
    let listed = client.get("SupportedIdentityProviders").and_then(Value::as_array);
    listed.into_iter().flatten().any(|name| name == "COGNITO")
}

/// How many app clients of one sentence are named.
const NAMED: usize = 5;

/// `app client web (1example)`, or several.
#[must_use]
pub fn names(clients: &[&Described]) -> String {
    let text = |client: &Described, name: &str| client.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let one = |client: &&Described| format!("{} ({})", text(client, "ClientName"), text(client, "ClientId"));
    let named: Vec<String> = clients.iter().take(NAMED).map(one).collect();
    let more = match clients.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("app client {}{more}", named.join(", "))
}
