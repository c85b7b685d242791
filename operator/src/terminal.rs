//! The person at the terminal: what is printed, and what they answer.

use std::io::{BufRead, Write};

/// Why a command ends early.
#[derive(Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Something stands in the way, or the person said no. Nothing was changed.
    NothingChanged(String),
    /// A call failed, or what it did is not what was wanted. The sentence says how far it went.
    Failed(String),
}

impl Stopped {
    /// Before anything was done.
    pub(crate) fn unchanged(why: impl std::fmt::Display) -> Self {
        Self::NothingChanged(format!("{NOTHING_CHANGED}{why}"))
    }
}

/// Before each sentence that says why a command did nothing.
pub(crate) const NOTHING_CHANGED: &str = "Nothing was changed: ";

/// Where a command prints, and where it reads what is typed.
pub struct Terminal<'a> {
    /// What is printed.
    pub output: &'a mut dyn Write,
    /// What is typed.
    pub input: &'a mut dyn BufRead,
    /// Audit lines, one JSON object each.
    pub log: &'a mut dyn Write,
}

impl Terminal<'_> {
    /// Prints a line, as one line: a name may hold what would begin another or command a terminal.
    ///
    /// # Errors
    /// Nothing can be printed.
    pub fn say(&mut self, line: &str) -> Result<(), Stopped> {
        writeln!(self.output, "{}", on_a_line(line))
            .and_then(|()| self.output.flush())
            .map_err(|error| Stopped::Failed(format!("Nothing can be printed: {error}.")))
    }

    /// Writes an audit line.
    ///
    /// # Errors
    /// It cannot be written; what it is about was done.
    pub fn audit(&mut self, line: &str) -> Result<(), Stopped> {
        writeln!(self.log, "{line}")
            .and_then(|()| self.log.flush())
            .map_err(|error| Stopped::Failed(format!("It was done, but the audit line cannot be written: {error}.")))
    }

    /// Asks until a line is typed, and compares it with the one that means yes.
    ///
    /// # Errors
    /// It is another, or nothing is typed.
    pub fn confirm(&mut self, question: &str, yes: &str) -> Result<(), Stopped> {
        self.say(question)?;
        let mut typed = String::new();
        let read = self.input.read_line(&mut typed);
        if read.is_ok() && typed.trim() == yes {
            return Ok(());
        }
        Err(Stopped::unchanged(format_args!("{yes:?} was not typed.")))
    }
}

/// Without control characters.
#[must_use]
pub fn on_a_line(text: &str) -> String {
    let plain = |c: char| if c.is_control() { c.escape_default().collect() } else { c.to_string() };
    text.chars().map(plain).collect()
}
