//! The state file: what attach found and what it left, so that detach can put it back.
//!
//! Invariant: it is written before each change, whole or not at all; a value that attach found is kept until detach has used it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::update::{Described, LAMBDA_CONFIG, differences};
use crate::aws::UserPoolId;
use crate::terminal::Stopped;

const FORMAT: u8 = 1;

/// One member: what attach found, and everything that it has left there or was about to; null where there is none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// What was found.
    pub before: Value,
    /// What was left by one phase after another. A phase that was stopped may not have come to it.
    pub left: Vec<Value>,
}

impl Change {
    /// Whether this is what attach left.
    #[must_use]
    pub fn left(&self, is: &Value) -> bool {
        self.left.iter().any(|left| same(left, is))
    }

    /// Of what `is` and `will_be`, after what was done before.
    fn continued(earlier: Option<&Self>, is: Value, will_be: Value) -> Self {
        let mut change = match earlier {
            Some(earlier) if earlier.left(&is) || same(&earlier.before, &is) => earlier.clone(),
            Some(_) | None => Self { before: is, left: Vec::new() },
        };
        if !change.left(&will_be) {
            change.left.push(will_be);
        }
        change
    }
}

/// Whether two values are the same; the order of a list of flows is Cognito's.
#[must_use]
pub fn same(one: &Value, other: &Value) -> bool {
    let words = |value: &Value| {
        let mut words: Vec<String> = serde_json::from_value(value.clone()).ok()?;
        words.sort_unstable();
        Some(words)
    };
    one == other || words(one).is_some_and(|one| Some(one) == words(other))
}

/// What is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct State {
    format: u8,
    user_pool_id: String,
    /// The members of `LambdaConfig`.
    pub lambda_config: BTreeMap<String, Change>,
    /// `ExplicitAuthFlows`, by the client's id.
    pub clients: BTreeMap<String, Change>,
    /// The pool as it was before the first change, for whoever has to put it back by hand.
    user_pool: Value,
    /// The pool before an update that has not been compared yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    uncompared: Option<Described>,
}

/// The file.
pub struct StateFile {
    path: PathBuf,
    user_pool_id: String,
}

impl StateFile {
    /// The one that is named, or the pool's in the current folder.
    #[must_use]
    pub fn new(path: Option<&Path>, user_pool_id: &UserPoolId) -> Self {
        let path = path.map_or_else(|| PathBuf::from(format!("second-factor-{user_pool_id}.json")), Path::to_owned);
        Self { path, user_pool_id: user_pool_id.to_string() }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Reads it; `None` where there is none.
    ///
    /// # Errors
    /// It cannot be read, or it is not one of this pool.
    pub fn load(&self) -> Result<Option<State>, Stopped> {
        let refused = |why: &str| Stopped::NothingChanged(format!("The state file {} {why}.", self.name()));
        let text = match fs::read(&self.path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(refused(&format!("cannot be read: {error}"))),
        };
        let state: State = serde_json::from_slice(&text).map_err(|_| refused("is not one that attach wrote"))?;
        if state.format != FORMAT {
            return Err(refused("has a format that this version does not know"));
        }
        if state.user_pool_id != self.user_pool_id {
            return Err(refused(&format!("is about the pool {}", state.user_pool_id)));
        }
        Ok(Some(state))
    }

    /// Replaces it.
    ///
    /// # Errors
    /// It cannot be written; then nothing may be changed.
    pub fn save(&self, state: &State) -> Result<(), Stopped> {
        let written = || -> std::io::Result<()> {
            let beside = self.path.with_extension("json.new");
            let mut options = fs::OpenOptions::new();
            #[cfg(unix)]
            std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
            let mut file = options.write(true).create(true).truncate(true).open(&beside)?;
            file.write_all(format!("{:#}\n", serde_json::json!(state)).as_bytes())?;
            file.sync_all()?;
            fs::rename(&beside, &self.path)
        };
        written().map_err(|error| {
            let name = self.name();
            Stopped::Failed(format!("The state file {name} cannot be written, so nothing more is changed: {error}."))
        })
    }
}

impl State {
    /// Of a pool that attach has not changed yet.
    #[must_use]
    pub fn new(user_pool_id: &UserPoolId, user_pool: &Described) -> Self {
        Self {
            format: FORMAT,
            user_pool_id: user_pool_id.to_string(),
            lambda_config: BTreeMap::new(),
            clients: BTreeMap::new(),
            user_pool: Value::Object(user_pool.clone()),
            uncompared: None,
        }
    }

    /// Notes that an update of the pool begins.
    pub fn begin(&mut self, user_pool: &Described) {
        // After a stop, what was there before the first of them.
        self.uncompared.get_or_insert_with(|| user_pool.clone());
    }

    /// Notes that the pool was compared after its update.
    pub fn compared(&mut self) {
        self.uncompared = None;
    }

    /// What is different after an update that was stopped before it was compared.
    #[must_use]
    pub fn uncompared(&self, now: &Described) -> Option<String> {
        let paths = differences(self.uncompared.as_ref()?, now, LAMBDA_CONFIG);
        (!paths.is_empty()).then(|| paths.join(", "))
    }

    /// Notes what a member of `LambdaConfig` is and will be.
    pub fn note_trigger(&mut self, name: &str, is: Option<&Value>, will_be: Option<&Value>) {
        let [is, will_be] = [is, will_be].map(|value| value.cloned().unwrap_or_default());
        let change = Change::continued(self.lambda_config.get(name), is, will_be);
        self.lambda_config.insert(name.to_owned(), change);
    }

    /// Notes what the flows of a client are and will be.
    pub fn note_flows(&mut self, client_id: &str, is: Option<&Value>, will_be: Option<&Value>) {
        let [is, will_be] = [is, will_be].map(|value| value.cloned().unwrap_or_default());
        let change = Change::continued(self.clients.get(client_id), is, will_be);
        self.clients.insert(client_id.to_owned(), change);
    }
}
