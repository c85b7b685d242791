//! What an import prints, for a person or for a program.

use serde_json::{Map, Value, json};
use shared::clock::UnixTime;
use shared::error::{SealError, StoreError};

use super::problem::Problem;
use super::write::{Assigned, Effect, Import, WriteError};
use crate::aws::failed_call;
use crate::desk::Desk;
use crate::terminal::Stopped;

/// Problems that a person reads at once; a program gets all.
const PROBLEMS_SHOWN: usize = 50;

/// A line, and what becomes of it.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) assigned: Assigned,
    /// The user is named by an email address, which is verified.
    pub(super) by_email: bool,
    pub(super) effect: Effect,
}

/// All lines.
pub(super) struct Checked {
    pub(super) planned: Vec<Planned>,
    /// By line.
    pub(super) problems: Vec<(u64, Problem)>,
}

impl Checked {
    pub(super) fn count(&self, effect: Effect) -> usize {
        count(&self.planned, effect)
    }
}

fn count(planned: &[Planned], effect: Effect) -> usize {
    planned.iter().filter(|planned| planned.effect == effect).count()
}

pub(super) struct Report<'d, 't> {
    desk: Desk<'d, 't>,
    file: String,
}

impl<'d, 't> Report<'d, 't> {
    pub(super) fn new(desk: Desk<'d, 't>, file: &str) -> Self {
        Self { desk, file: file.to_owned() }
    }

    /// To a person.
    pub(super) fn say(&mut self, line: &str) -> Result<(), Stopped> {
        self.desk.say(line)
    }

    /// To whoever ships audit lines.
    pub(super) fn audit<S, K>(
        &mut self,
        import: &Import<'_, S, K>,
        assigned: &Assigned,
        at: UnixTime,
    ) -> Result<(), Stopped> {
        let more = Map::from_iter([("file".to_owned(), json!(import.file)), ("line".to_owned(), json!(assigned.line))]);
        self.desk.audit(import.by, &assigned.user.sub, at, more)
    }

    pub(super) fn begin(&mut self, lines: usize, users: u64) -> Result<(), Stopped> {
        self.say(&format!("{lines} lines; the pool has about {users} users."))
    }

    /// The command ends with what this returns.
    pub(super) fn refused(&mut self, checked: &Checked) -> Result<Stopped, Stopped> {
        let problems = &checked.problems;
        for (line, problem) in problems.iter().take(PROBLEMS_SHOWN) {
            self.say(&format!("line {line}: {problem}"))?;
        }
        let more = problems.len().saturating_sub(PROBLEMS_SHOWN);
        if more > 0 {
            self.say(&format!("and {more} more"))?;
        }
        self.json(&[], problems)?;
        let lines = if problems.len() == 1 {
            "1 line has a problem".to_owned()
        } else {
            format!("{} lines have a problem", problems.len())
        };
        Ok(Stopped::unchanged(format_args!("{lines}.")))
    }

    pub(super) fn plan(&mut self, checked: &Checked, issuers: Option<String>) -> Result<(), Stopped> {
        for (effect, what) in [
            (Effect::Imported, "get the authenticator of the file"),
            (Effect::ImportedBefore, "got it before, from this file"),
            (Effect::HasAnother, "have another authenticator and keep it, without --replace"),
            (Effect::HasCode, "wait for an operator's code and are left alone"),
            (Effect::Forgotten, "were forgotten and are left alone"),
        ] {
            let users = checked.count(effect);
            if users > 0 || effect == Effect::Imported {
                self.say(&format!("{users} users {what}."))?;
            }
        }
        let by_email = checked.planned.iter().filter(|planned| planned.by_email).count();
        if by_email > 0 {
            self.say(&format!("{by_email} of them are named by a verified email address."))?;
        }
        if let Some(issuers) = issuers {
            self.say(&format!("Their authenticators show these issuers: {issuers}."))?;
        }
        Ok(())
    }

    pub(super) fn confirm(&mut self) -> Result<(), Stopped> {
        self.desk.confirm()
    }

    pub(super) fn end(&mut self, planned: &[Planned], dry_run: bool) -> Result<(), Stopped> {
        self.say(&match (dry_run, count(planned, Effect::Imported)) {
            (true, _) => "Nothing was written: --dry-run.".to_owned(),
            (false, 0) => "There was nothing to write.".to_owned(),
            (false, written) => format!("{written} authenticators were imported."),
        })?;
        self.json(planned, &[])
    }

    /// To a program: what became of each line, or would.
    pub(super) fn json(&mut self, planned: &[Planned], problems: &[(u64, Problem)]) -> Result<(), Stopped> {
        let line = |Planned { assigned, effect, .. }: &Planned| json!({ "line": assigned.line, "sub": assigned.user.sub, "effect": effect.code() });
        let problem = |(line, problem): &(u64, Problem)| json!({ "line": line, "problem": problem.code(), "sentence": problem.to_string() });
        let object = json!({
            "file": self.file,
            "lines": planned.iter().map(line).collect::<Vec<Value>>(),
            "problems": problems.iter().map(problem).collect::<Vec<Value>>(),
        });
        self.desk.print_json(&object)
    }
}

/// Why a record was not written, and what to do about it.
pub(super) fn why(error: WriteError) -> String {
    let error = match error {
        WriteError::Store(StoreError(cause)) | WriteError::Seal(SealError(cause)) => match failed_call(cause) {
            Ok(error) => error,
            Err(cause) => return format!("{cause}."),
        },
        WriteError::Random(error) => return format!("{error}."),
        WriteError::TooManyConflicts => return "others kept changing the user's record.".to_owned(),
    };
    format!("{}. {}", error.why(), error.cause.remedy())
}
