//! `attach`: sets the triggers of a pool that exists, phase by phase.
//!
//! [`mod@plan`] decides, [`update`] says what is sent, [`change`] sends and compares, [`state`] keeps what was there.
//!
//! Invariant: nothing is changed that was not shown, and not before the state file holds what was there.

pub mod change;
pub mod flows;
pub mod plan;
pub mod stack;
pub mod state;
pub mod update;

use std::path::PathBuf;

use serde_json::{Value, json};
use shared::clock::UnixTime;

use crate::aws::{CallError, Services, UserPoolId};
use crate::terminal::{Stopped, Terminal};
use change::nothing_changed;
use flows::EXPLICIT_AUTH_FLOWS;
use plan::{Obstacle, Phase, Plan, Seen, names, plan};
use state::{State, StateFile};
use update::{Described, LAMBDA_CONFIG};

/// What the command line asks for.
pub struct Asked {
    /// How far.
    pub phase: Phase,
    /// Which pool.
    pub user_pool_id: UserPoolId,
    /// The stack of the functions.
    pub stack: String,
    /// App clients by id.
    pub clients: Vec<String>,
    /// What is accepted.
    pub accepted: Vec<Obstacle>,
    /// Whether triggers of the pool may be replaced.
    pub replace_triggers: bool,
    /// The state file, if not the pool's in the current folder.
    pub state: Option<PathBuf>,
    /// Show, and change nothing.
    pub dry_run: bool,
    /// Do not ask.
    pub yes: bool,
}

/// Does it.
///
/// # Errors
/// See [`Stopped`].
pub async fn attach(
    services: &Services,
    asked: &Asked,
    now: UnixTime,
    terminal: &mut Terminal<'_>,
) -> Result<(), Stopped> {
    let file = StateFile::new(asked.state.as_deref(), &asked.user_pool_id);
    let state = file.load()?;
    let seen = see(services, asked, state).await.map_err(|error| nothing_changed(&error))?;
    let refused = |sentence: String| Stopped::NothingChanged(format!("Nothing was changed. {sentence}"));
    let plan = plan(&seen, &asked.user_pool_id, asked.phase, asked.replace_triggers, now).map_err(refused)?;
    show(&seen, &plan, asked, terminal)?;
    let in_the_way: Vec<&str> = plan
        .obstacles
        .iter()
        .map(|(obstacle, _)| *obstacle)
        .filter(|obstacle| !asked.accepted.contains(obstacle))
        .map(Obstacle::name)
        .collect();
    if !in_the_way.is_empty() {
        let accept: String = in_the_way.iter().map(|name| format!(" --accept {name}")).collect();
        return Err(refused(format!(
            "{} in the way; to go on all the same:{accept}",
            counted(in_the_way.len(), "thing is", "things are")
        )));
    }
    if plan.lambda_config.is_none() && plan.clients.is_empty() {
        return terminal.say("Nothing to change: it is so already.");
    }
    if asked.dry_run {
        return terminal.say("Nothing was changed: --dry-run.");
    }
    if !asked.yes {
        terminal.confirm("Type yes to go on.", "yes")?;
    }
    apply(services, asked, seen, &plan, &file, terminal).await
}

async fn see(services: &Services, asked: &Asked, state: Option<State>) -> Result<Seen, CallError> {
    let id = &asked.user_pool_id;
    let pool = services.see_pool(id).await?;
    let stack = services.stack(&asked.stack).await?;
    let mut owner = services.owner(&id.to_string()).await?;
    for client_id in &asked.clients {
        owner = owner.or(services.owner(client_id).await?);
    }
    let uncompared = state.as_ref().and_then(|state| state.uncompared(&pool.described));
    let of_pool = json!({ "UserPoolId": id.to_string() });
    let replicas = services.where_there_is_one("ListUserPoolReplicas", &of_pool).await?;
    let has_replicas = replicas.is_some_and(|replicas| {
        replicas
            .as_object()
            .is_some_and(|members| members.values().any(|list| list.as_array().is_some_and(|list| list.len() > 1)))
    });
    let (mut clients, mut identity_providers) = (Vec::new(), Vec::new());
    match asked.phase {
        Phase::Clients | Phase::Flows => {
            for client_id in &asked.clients {
                clients.push(services.describe_client(id, client_id).await?);
            }
        }
        Phase::Challenges | Phase::Watch | Phase::Guard => {
            for listed in pages(services, id, "ListUserPoolClients", "UserPoolClients").await? {
                let client_id = listed.get("ClientId").and_then(Value::as_str).unwrap_or_default();
                clients.push(services.describe_client(id, client_id).await?);
            }
            let listed = pages(services, id, "ListIdentityProviders", "Providers").await?;
            let name = |provider: &Value| Some(provider.get("ProviderName")?.as_str()?.to_owned());
            identity_providers.extend(listed.iter().filter_map(name));
        }
    }
    Ok(Seen { pool, clients, identity_providers, has_replicas, owner, stack, state, uncompared })
}

async fn pages(
    services: &Services,
    pool: &UserPoolId,
    call: &'static str,
    list: &str,
) -> Result<Vec<Value>, CallError> {
    let mut listed = Vec::new();
    let mut request = json!({ "UserPoolId": pool.to_string(), "MaxResults": 60 });
    loop {
        let mut page = services.cognito(call, &request).await?;
        if let Some(Value::Array(items)) = page.get_mut(list).map(Value::take) {
            listed.extend(items);
        }
        match (page.get("NextToken").filter(|token| token.is_string()), request.as_object_mut()) {
            (Some(token), Some(request)) => drop(request.insert("NextToken".to_owned(), token.clone())),
            _ => return Ok(listed),
        }
    }
}

fn show(seen: &Seen, plan: &Plan, asked: &Asked, terminal: &mut Terminal<'_>) -> Result<(), Stopped> {
    let pool = &seen.pool.described;
    let name = pool.get("Name").and_then(Value::as_str).unwrap_or_default();
    terminal.say(&format!("User pool {name} ({})", asked.user_pool_id))?;
    if let Some(wanted) = &plan.lambda_config {
        for (trigger, is, will_be) in trigger_changes(pool, wanted) {
            change(terminal, &format!("{LAMBDA_CONFIG}.{trigger}"), is.as_ref(), will_be.as_ref())?;
        }
    }
    for (client, flows) in &plan.clients {
        change(
            terminal,
            &format!("{}, {EXPLICIT_AUTH_FLOWS}", names(&[client])),
            client.get(EXPLICIT_AUTH_FLOWS),
            flows.as_ref(),
        )?;
    }
    for note in &plan.notes {
        terminal.say(&format!("Note: {note}"))?;
    }
    for (obstacle, sentence) in &plan.obstacles {
        let word = if asked.accepted.contains(obstacle) { "Accepted" } else { "In the way" };
        terminal.say(&format!("{word} ({}): {sentence}.", obstacle.name()))?;
    }
    Ok(())
}

/// Prints what is and what will be.
pub(crate) fn change(
    terminal: &mut Terminal<'_>,
    what: &str,
    is: Option<&Value>,
    will_be: Option<&Value>,
) -> Result<(), Stopped> {
    terminal.say(&format!("  {what}"))?;
    terminal.say(&format!("    is       {}", in_words(is)))?;
    terminal.say(&format!("    will be  {}", in_words(will_be)))
}

fn in_words(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "not set".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "),
        Some(other) => other.to_string(),
    }
}

/// The members of `LambdaConfig` that change: what each is, and what it will be.
pub(crate) fn trigger_changes(pool: &Described, wanted: &Described) -> Vec<(String, Option<Value>, Option<Value>)> {
    let current = pool.get(LAMBDA_CONFIG).and_then(Value::as_object).cloned().unwrap_or_default();
    let names = current.keys().chain(wanted.keys().filter(|name| !current.contains_key(*name)));
    names
        .map(|name| (name.clone(), current.get(name).cloned(), wanted.get(name).cloned()))
        .filter(|(_, is, will_be)| is != will_be)
        .collect()
}

async fn apply(
    services: &Services,
    asked: &Asked,
    seen: Seen,
    plan: &Plan,
    file: &StateFile,
    terminal: &mut Terminal<'_>,
) -> Result<(), Stopped> {
    let id = &asked.user_pool_id;
    let mut state = seen.state.unwrap_or_else(|| State::new(id, &seen.pool.described));
    if let Some(wanted) = &plan.lambda_config {
        for (trigger, is, will_be) in trigger_changes(&seen.pool.described, wanted) {
            state.note_trigger(&trigger, is.as_ref(), will_be.as_ref());
        }
        state.begin(&seen.pool.described);
        file.save(&state)?;
        services.change_triggers(id, &seen.pool, wanted).await?;
        state.compared();
        file.save(&state)?;
        terminal.say("The triggers are set.")?;
    }
    for (client, flows) in &plan.clients {
        let client_id = client.get("ClientId").and_then(Value::as_str).unwrap_or_default();
        state.note_flows(client_id, client.get(EXPLICIT_AUTH_FLOWS), flows.as_ref());
        file.save(&state)?;
        services.change_flows(id, client, flows.as_ref()).await?;
        terminal.say(&format!("The flows of {} are set.", names(&[client])))?;
    }
    terminal.say(&format!("Keep {}: detach needs it.", file.name()))
}

pub(crate) fn counted(number: usize, one: &str, more: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { more })
}
