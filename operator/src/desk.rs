//! What the commands for one user's record share: whose it is, where it is, what is shown, asked, saved and noted.
//!
//! Invariant: a record is changed by compare-and-swap, from what the person was shown; wrong passcodes may have been counted
//! meanwhile, and nothing else. Every change leaves an audit line and a note in the record, and what the record says about sessions.

use serde_json::{Map, Value, json};
use shared::clock::UnixTime;
use shared::cognito::UserKey;
use shared::error::StoreError;
use shared::operator_change::Shown;
use shared::operator_note::Change;
use shared::random::{FillRandom, draw};
use shared::record::Record;
use shared::store::dynamodb::DynamoDbStore;
use shared::store::{RecordStore as _, SAVE_ATTEMPTS, Saved, Version};

use crate::aws::{CallError, Cause, Services, UserPoolId, failed_call};
use crate::places::{Places, caller};
use crate::record_in_words::{in_words, to_json};
use crate::terminal::{NOTHING_CHANGED, Stopped, Terminal};
use crate::time::when;
use crate::user::{NotOne, User};

/// What the command line says to each of these commands.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which pool.
    pub user_pool_id: UserPoolId,
    /// The records' table, if not as the functions name it.
    pub table: Option<String>,
    /// Print one JSON object and nothing else.
    pub json: bool,
    /// Show, and change nothing.
    pub dry_run: bool,
    /// Do not ask; the user is named by `sub`.
    pub yes: bool,
}

/// What tells the time.
pub(crate) type Clock<'c> = &'c (dyn Fn() -> UnixTime + Sync);

/// A command at work.
pub(crate) struct Desk<'d, 't> {
    pub(crate) services: &'d Services,
    pub(crate) options: Options,
    /// When it began.
    pub(crate) now: UnixTime,
    clock: Clock<'d>,
    pub(crate) random: FillRandom,
    terminal: &'d mut Terminal<'t>,
    /// The command's name, as the audit line and the record have it.
    command: &'static str,
    /// Before each sentence that says why the command stopped: how far it is.
    pub(crate) so_far: String,
}

/// What a command makes of a record, and the sentences that say so.
pub(crate) struct Planned {
    pub(crate) record: Record,
    pub(crate) sentences: Vec<String>,
}

/// A record that is about to be changed, as the person was shown it.
pub(crate) struct Agreed {
    pub(crate) key: UserKey,
    store: DynamoDbStore,
    by: String,
    shown: Shown,
}

impl<'d, 't> Desk<'d, 't> {
    pub(crate) fn new(
        services: &'d Services,
        options: Options,
        clock: Clock<'d>,
        random: FillRandom,
        terminal: &'d mut Terminal<'t>,
        command: &'static str,
    ) -> Self {
        Self { services, options, now: clock(), clock, random, terminal, command, so_far: NOTHING_CHANGED.to_owned() }
    }

    /// The time now, for what takes longer than a moment.
    pub(crate) fn time(&self) -> UnixTime {
        (self.clock)()
    }

    /// The same for a command that changes nothing anyway.
    pub(crate) fn that_only_reads(self) -> Self {
        Self { so_far: String::new(), ..self }
    }

    /// Before anything was done, and why.
    pub(crate) fn stop(&self, why: &str) -> Stopped {
        Stopped::NothingChanged(self.sentence(why))
    }

    /// The same, for a call.
    pub(crate) fn failed(&self, error: &CallError) -> Stopped {
        Stopped::Failed(self.sentence(&format!("{}. {}", error.why(), error.cause.remedy())))
    }

    fn sentence(&self, why: &str) -> String {
        let mut rest = why.chars();
        match rest.next().filter(|_| self.so_far.is_empty()) {
            Some(first) => first.to_uppercase().chain(rest).collect(),
            None => format!("{}{why}", self.so_far),
        }
    }

    /// Stops a change that nobody could be asked about.
    pub(crate) fn must_be_able_to_ask(&self) -> Result<(), Stopped> {
        match (self.options.json, self.options.yes || self.options.dry_run) {
            (true, false) => Err(self.stop("--json needs --yes or --dry-run.")),
            (true, true) | (false, _) => Ok(()),
        }
    }

    /// To a person.
    pub(crate) fn say(&mut self, line: &str) -> Result<(), Stopped> {
        if self.options.json { Ok(()) } else { self.terminal.say(line) }
    }

    /// To a program.
    pub(crate) fn print_json(&mut self, value: &Value) -> Result<(), Stopped> {
        if self.options.json { self.terminal.say(&value.to_string()) } else { Ok(()) }
    }

    /// Asks, unless told not to.
    pub(crate) fn confirm(&mut self) -> Result<(), Stopped> {
        if self.options.yes { Ok(()) } else { self.terminal.confirm("Type yes to go on.", "yes") }
    }

    pub(crate) fn draw<const N: usize>(&self) -> Result<[u8; N], Stopped> {
        draw(self.random).map_err(|error| self.stop(&format!("{error}.")))
    }

    /// The records' table.
    pub(crate) async fn store(&self) -> Result<(DynamoDbStore, String), Stopped> {
        let table = match &self.options.table {
            Some(table) => table.clone(),
            None => {
                let places = Places::read(self.services, &self.options.user_pool_id.to_string()).await;
                places.map_err(|error| self.failed(&error))?.table_name().to_owned()
            }
        };
        Ok((DynamoDbStore::new(self.services.dynamodb.clone(), table.clone()), table))
    }

    /// The one user that `typed` means.
    pub(crate) async fn user(&self, typed: &str) -> Result<User, Stopped> {
        let stop = |why: String| Err(self.stop(&why));
        match self.services.user(&self.options.user_pool_id, typed).await {
            Ok(user) if self.options.yes && typed != user.sub => {
                stop(format!("with --yes a user is named by sub; this is {}.", user.sub))
            }
            Ok(user) => Ok(user),
            Err(NotOne::Nobody) => stop(format!(
                "the pool has no user with this sub, user name or email address: {typed}. A user of the last seconds may not be \
                 listed yet."
            )),
            Err(NotOne::Unverified(user)) => stop(format!(
                "this address is not verified, so it may be on somebody else's account; name the user by sub. It is on: {}.",
                user.in_words()
            )),
            Err(NotOne::Several(users)) => {
                let users: Vec<String> = users.iter().map(User::in_words).collect();
                stop(format!("{} users have this name or address; name one by sub: {}.", users.len(), users.join("; ")))
            }
            Err(NotOne::Failed(error)) => Err(self.failed(&error)),
        }
    }

    pub(crate) fn key(&self, sub: &str) -> UserKey {
        UserKey { user_pool_id: self.options.user_pool_id.to_string(), sub: sub.to_owned() }
    }

    pub(crate) async fn load(&self, store: &DynamoDbStore, key: &UserKey) -> Result<(Record, Version), Stopped> {
        let loaded = store.load(key).await.map_err(|error| self.failed(&of_store("GetItem", error)))?;
        Ok((loaded.record, loaded.version))
    }

    /// Shows what is and what will be, and asks. `None` where nothing is to be changed: it was only a try.
    pub(crate) async fn agree(
        &mut self,
        key: UserKey,
        what_is: &[String],
        plan: impl Fn(&Record) -> Result<Planned, Stopped>,
    ) -> Result<Option<Agreed>, Stopped> {
        self.must_be_able_to_ask()?;
        let (store, _) = self.store().await?;
        let (record, _) = self.load(&store, &key).await?;
        let planned = plan(&record)?;
        for line in what_is.iter().chain(&in_words(&record, self.now)).chain(&planned.sentences) {
            self.say(line)?;
        }
        if self.options.dry_run {
            self.say("Nothing was changed: --dry-run.")?;
            self.print_json(&json!({
                "sub": key.sub, "dryRun": true, "record": to_json(&record, self.now), "would": planned.sentences,
            }))?;
            return Ok(None);
        }
        let by = caller(self.services).await.map_err(|error| self.failed(&error))?;
        self.confirm()?;
        Ok(Some(Agreed { key, store, by, shown: record.shown() }))
    }

    /// Saves what `plan` makes of the record, if it is still the one that was shown.
    pub(crate) async fn save(
        &mut self,
        agreed: &Agreed,
        plan: impl Fn(&Record) -> Result<Planned, Stopped>,
    ) -> Result<(), Stopped> {
        for _ in 0..SAVE_ATTEMPTS {
            let (record, version) = self.load(&agreed.store, &agreed.key).await?;
            if record.shown() != agreed.shown {
                return Err(self.stop("somebody else has changed the record since it was shown; run it again."));
            }
            let changed = plan(&record)?.record.with_sessions_of(&record);
            let changed = changed.changed(Change::new(&agreed.by, self.command, self.now));
            match agreed.store.save(&agreed.key, &changed, version).await {
                Ok(Saved::Recorded) => return self.note(agreed),
                Ok(Saved::Conflict) => {}
                // It may have taken effect.
                Err(error) => match agreed.store.load(&agreed.key).await {
                    Ok(stored) if stored.record.shown() == changed.shown() && stored.version != version => {
                        return self.note(agreed);
                    }
                    Ok(stored) if stored.version == version => {
                        return Err(self.failed(&of_store("PutItem", error)));
                    }
                    Ok(_) | Err(_) => {
                        let error = of_store("PutItem", error);
                        return Err(Stopped::Failed(format!(
                            "Whether the record was changed is not known; `status` tells: {}. {}",
                            error.why(),
                            error.cause.remedy()
                        )));
                    }
                },
            }
        }
        Err(self.stop("others kept saving the same record; run it again."))
    }

    fn note(&mut self, agreed: &Agreed) -> Result<(), Stopped> {
        self.audit(&agreed.by, &agreed.key.sub, self.now, Map::new())
    }

    /// A line for whoever ships them: who did what to whom, and when. It has no secret.
    pub(crate) fn audit(&mut self, by: &str, sub: &str, at: UnixTime, more: Map<String, Value>) -> Result<(), Stopped> {
        let about = [("sub".to_owned(), json!(sub))].into_iter().chain(more);
        self.audit_about(by, at, about)
    }

    /// The same, of what is not one user's.
    pub(crate) fn audit_about(
        &mut self,
        by: &str,
        at: UnixTime,
        about: impl IntoIterator<Item = (String, Value)>,
    ) -> Result<(), Stopped> {
        let mut line = json!({
            "time": when(at),
            "command": self.command,
            "userPoolId": self.options.user_pool_id.to_string(),
            "by": by,
        });
        if let Some(line) = line.as_object_mut() {
            line.extend(about);
        }
        self.terminal.audit(&line.to_string())
    }
}

impl Agreed {
    /// For one of many, which were shown together.
    pub(crate) fn on(desk: &Desk<'_, '_>, table: &str, sub: &str, by: &str, record: &Record) -> Self {
        let store = DynamoDbStore::new(desk.services.dynamodb.clone(), table.to_owned());
        Self { key: desk.key(sub), store, by: by.to_owned(), shown: record.shown() }
    }

    pub(crate) fn store(&self) -> &DynamoDbStore {
        &self.store
    }

    pub(crate) fn by(&self) -> &str {
        &self.by
    }
}

/// A call that did not change anything.
pub(crate) fn nothing_changed(error: &CallError) -> Stopped {
    Stopped::Failed(format!("{NOTHING_CHANGED}{}. {}", error.why(), error.cause.remedy()))
}

/// The store's error: the call that failed, or what is wrong with what is stored.
fn of_store(call: &'static str, StoreError(cause): StoreError) -> CallError {
    failed_call(cause).unwrap_or_else(|cause| CallError { call, cause: Cause::Other, reason: cause.to_string() })
}
