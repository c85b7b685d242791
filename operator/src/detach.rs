//! `detach`: puts back what attach found.
//!
//! Invariant: it changes only what still is as attach left it, and goes back in steps in which users can sign in: other flows are
//! given back first, then the triggers, and only then is ALLOW_CUSTOM_AUTH taken away. A client that was deleted stops nothing.

use std::path::PathBuf;

use serde_json::Value;

use crate::attach::change::{SeenPool, nothing_changed};
use crate::attach::flows::{EXPLICIT_AUTH_FLOWS, with_custom_auth};
use crate::attach::plan::{Phase, names};
use crate::attach::state::{State, StateFile, same};
use crate::attach::update::{Described, LAMBDA_CONFIG, set};
use crate::attach::{change, trigger_changes};
use crate::aws::{Cause, Services, UserPoolId};
use crate::terminal::{Stopped, Terminal};

/// What the command line asks for.
pub struct Asked {
    /// Which pool.
    pub user_pool_id: UserPoolId,
    /// The state file, if not the pool's in the current folder.
    pub state: Option<PathBuf>,
    /// The last phase that stays; `None`: nothing stays.
    pub to: Option<Phase>,
    /// Show, and change nothing.
    pub dry_run: bool,
    /// The pool's id, typed on the command line.
    pub confirmed: Option<String>,
}

/// Does it.
///
/// # Errors
/// See [`Stopped`].
pub async fn detach(services: &Services, asked: &Asked, terminal: &mut Terminal<'_>) -> Result<(), Stopped> {
    let (id, file) = (&asked.user_pool_id, StateFile::new(asked.state.as_deref(), &asked.user_pool_id));
    let Some(state) = file.load()? else {
        return Err(Stopped::NothingChanged(format!("Nothing was changed: there is no state file {}.", file.name())));
    };
    let pool = services.see_pool(id).await.map_err(|error| nothing_changed(&error))?;
    let mut clients = Vec::new();
    for client_id in state.clients.keys() {
        match services.describe_client(id, client_id).await {
            Ok(client) => clients.push(client),
            Err(error) if error.cause == Cause::NotFound => {
                terminal.say(&format!("Note: the app client {client_id} has been deleted."))?;
            }
            Err(error) => return Err(nothing_changed(&error)),
        }
    }
    let plan = plan(&state, &pool, &clients, asked.to).map_err(|left| {
        Stopped::NothingChanged(format!(
            "Nothing was changed: {} is no longer what attach left. Set it to what {} says by hand, and run it again.",
            left.join(", "),
            file.name()
        ))
    })?;
    show(&pool, &plan, terminal)?;
    if plan.is_empty() {
        return terminal.say("Nothing to change: it is so already.");
    }
    if asked.to.is_none() && !plan.custom_auth.is_empty() {
        terminal.say("Apps that sign in by CUSTOM_AUTH only stop working at these app clients.")?;
    }
    if plan.loses_guard {
        let users = pool.described.get("EstimatedNumberOfUsers").and_then(Value::as_u64).unwrap_or_default();
        terminal.say(&format!(
            "About {users} users of this pool lose the protection of the second factor: the password alone will do."
        ))?;
    }
    if asked.dry_run {
        return terminal.say("Nothing was changed: --dry-run.");
    }
    match &asked.confirmed {
        Some(typed) if *typed == id.to_string() => {}
        Some(_) => {
            let refused = "Nothing was changed: --confirm and --user-pool-id name two pools.";
            return Err(Stopped::NothingChanged(refused.to_owned()));
        }
        None => terminal.confirm("Type the pool's id to go on.", &id.to_string())?,
    }
    for (client, flows) in &plan.other_flows {
        services.change_flows(id, client, flows.as_ref()).await?;
        terminal.say(&format!("The other flows of {} are back.", names(&[client])))?;
    }
    if let Some(lambda_config) = &plan.lambda_config {
        services.change_triggers(id, &pool, lambda_config).await?;
        terminal.say("The triggers are as they were.")?;
    }
    for (client, flows) in &plan.custom_auth {
        // As the first step left it.
        let client_id = client.get("ClientId").and_then(Value::as_str).unwrap_or_default();
        let now = services.describe_client(id, client_id).await;
        let now = now.map_err(|error| Stopped::Failed(format!("The triggers are as they were: {}.", error.why())))?;
        services.change_flows(id, &now, flows.as_ref()).await?;
        terminal.say(&format!("The flows of {} are as they were.", names(&[client])))?;
    }
    Ok(())
}

/// The steps, in their order.
#[derive(Debug, Default)]
struct Plan {
    other_flows: Vec<(Described, Option<Value>)>,
    lambda_config: Option<Described>,
    custom_auth: Vec<(Described, Option<Value>)>,
    loses_guard: bool,
}

impl Plan {
    fn is_empty(&self) -> bool {
        self.other_flows.is_empty() && self.lambda_config.is_none() && self.custom_auth.is_empty()
    }
}

/// What the phase before each of these put there.
const GUARD: [&str; 2] = ["PreTokenGeneration", "PreTokenGenerationConfig"];

/// Decides; or names what attach did not leave so.
fn plan(state: &State, pool: &SeenPool, clients: &[Described], to: Option<Phase>) -> Result<Plan, Vec<String>> {
    let mut plan = Plan::default();
    let mut left = Vec::new();
    let current = pool.described.get(LAMBDA_CONFIG).and_then(Value::as_object).cloned().unwrap_or_default();
    let mut wanted = current.clone();
    for (trigger, change) in &state.lambda_config {
        let is_guard = GUARD.contains(&trigger.as_str());
        let stays = if is_guard { to >= Some(Phase::Watch) } else { to >= Some(Phase::Challenges) };
        let is = current.get(trigger).cloned().unwrap_or_default();
        if stays || same(&is, &change.before) {
            continue;
        }
        if !change.left(&is) {
            left.push(format!("{LAMBDA_CONFIG}.{trigger}"));
        }
        plan.loses_guard |= is_guard;
        set(&mut wanted, trigger, Some(&change.before));
    }
    plan.lambda_config = (wanted != current).then_some(wanted);
    for client in clients {
        let client_id = client.get("ClientId").and_then(Value::as_str).unwrap_or_default();
        let Some(change) = state.clients.get(client_id) else { continue };
        let is = client.get(EXPLICIT_AUTH_FLOWS).cloned().unwrap_or_default();
        let before = &change.before;
        let mut with_before = client.clone();
        set(&mut with_before, EXPLICIT_AUTH_FLOWS, Some(before));
        let both = with_custom_auth(&with_before).unwrap_or_default();
        if same(&is, before) || to >= Some(Phase::Flows) {
            continue;
        }
        if !change.left(&is) && !same(&is, &both) {
            left.push(format!("{EXPLICIT_AUTH_FLOWS} of {}", names(&[client])));
        }
        if !same(&is, &both) {
            plan.other_flows.push((client.clone(), Some(both.clone())));
        }
        if !same(before, &both) && to < Some(Phase::Clients) {
            plan.custom_auth.push((client.clone(), Some(before.clone())));
        }
    }
    if left.is_empty() { Ok(plan) } else { Err(left) }
}

fn show(pool: &SeenPool, plan: &Plan, terminal: &mut Terminal<'_>) -> Result<(), Stopped> {
    for (client, flows) in &plan.other_flows {
        let what = format!("{}, {EXPLICIT_AUTH_FLOWS}", names(&[client]));
        change(terminal, &what, client.get(EXPLICIT_AUTH_FLOWS), flows.as_ref())?;
    }
    if let Some(wanted) = &plan.lambda_config {
        for (trigger, is, will_be) in trigger_changes(&pool.described, wanted) {
            change(terminal, &format!("{LAMBDA_CONFIG}.{trigger}"), is.as_ref(), will_be.as_ref())?;
        }
    }
    for (client, flows) in &plan.custom_auth {
        let what = format!("{}, {EXPLICIT_AUTH_FLOWS}, last", names(&[client]));
        change(terminal, &what, client.get(EXPLICIT_AUTH_FLOWS), flows.as_ref())?;
    }
    Ok(())
}
