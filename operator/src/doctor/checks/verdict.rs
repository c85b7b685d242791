//! What a check finds, and how bad it is.

use std::fmt::{Display, Formatter};

use shared::settings::SettingError;

use super::known::{Guard, Known};
use crate::doctor::deployment::PoolTrigger;
use Verdict::{Broken, Open, Weak};

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
    /// All of them, the worst first.
    pub const ALL: [Self; 5] = [Self::Open, Self::Broken, Self::Unreadable, Self::Weak, Self::Fine];

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
    pub subject: Subject,
    /// What is so.
    pub sentence: String,
    /// What to do, unless it is fine.
    pub remedy: Option<&'static str>,
}

/// What a finding is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// An app client.
    Client {
        /// `ClientName`
        name: String,
        /// `ClientId`
        id: String,
    },
    /// Anything else.
    Part(String),
}

impl From<&str> for Subject {
    fn from(part: &str) -> Self {
        Self::Part(part.to_owned())
    }
}

impl Display for Subject {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Client { name, id } => write!(f, "client {name} ({id})"),
            Self::Part(part) => f.write_str(part),
        }
    }
}

/// A check's name, and the check.
pub(super) type Row<T> = (&'static str, fn(&T, &Known<'_>) -> Verdict);

/// What a check says. The second text is what to do.
pub(super) enum Verdict {
    Open(String, &'static str),
    Broken(String, &'static str),
    Unreadable(String, &'static str),
    Weak(String, &'static str),
    Fine(String),
    /// Nothing: another check says what there is to say.
    Moot,
}

/// What the function at `trigger` reads does not let it start.
pub(super) fn stops(trigger: PoolTrigger, error: &SettingError, remedy: &'static str) -> Verdict {
    Broken(format!("stop {} on startup: {error}", trigger.name()), remedy)
}

/// Those of `names` that are not `allowed`, for a sentence.
pub(super) fn others_than(allowed: &[&str], names: &[String]) -> String {
    let others: Vec<&str> = names.iter().map(String::as_str).filter(|name| !allowed.contains(name)).collect();
    others.join(", ")
}

/// `1 hour`, `2 hours`
pub(super) fn counted(number: i32, unit: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

/// A flow of the API that asks no trigger of the sign-in.
pub(super) fn open_to_the_api(what: &str, remedy: &'static str, known: &Known<'_>) -> Verdict {
    match known.guard {
        Guard::Grant => Weak(format!("{what}; the token guard denies them"), remedy),
        Guard::TriggerSource => Open(format!("{what}, and TOKEN_GUARD=TRIGGER_SOURCE lets them pass"), remedy),
        Guard::Reporting => Open(format!("{what}, and the token guard only reports them so far"), remedy),
        Guard::Absent => Open(format!("{what}, and no token guard denies them"), remedy),
        Guard::Unread => Open(format!("{what}, and whether a token guard denies them could not be read"), remedy),
    }
}

/// Managed login, federation, a remembered device: what the guard denies by its source.
pub(super) fn open_by_source(what: &str, remedy: &'static str, known: &Known<'_>) -> Verdict {
    match known.guard {
        Guard::Grant | Guard::TriggerSource => Weak(format!("{what}; the token guard denies them"), remedy),
        Guard::Reporting => Open(format!("{what}, and the token guard only reports them so far"), remedy),
        Guard::Absent => Open(format!("{what}, and no token guard denies them"), remedy),
        Guard::Unread => Open(format!("{what}, and whether a token guard denies them could not be read"), remedy),
    }
}

/// Of users who come from these identity providers.
pub(super) fn federated_users(what: &str, names: &[&str], known: &Known<'_>) -> Verdict {
    if !(known.guard.denies_managed_login() && names.iter().all(|name| known.federated.contains(name))) {
        return users_by_managed_login(what, known);
    }
    Weak(
        format!("{what}, whose users pass by FEDERATED_PROVIDERS: their second factor is the provider's"),
        "Make sure that each of these providers asks for a second factor; a user who is linked to another one too is denied.",
    )
}

/// The same, where users come that way.
pub(super) fn users_by_managed_login(what: &str, known: &Known<'_>) -> Verdict {
    const MOVE: &str = "No setting lets the pool's own users pass: move them to CUSTOM_AUTH, or to a pool without the token \
                        guard. Federated users pass if FederatedProviders names each of their providers. If nobody comes \
                        that way, close it.";
    const BEFORE: &str = "If nobody comes that way, close it; otherwise move these users to CUSTOM_AUTH before the token \
                          guard denies, or name their providers in FederatedProviders.";
    match known.guard {
        Guard::Grant | Guard::TriggerSource => {
            Broken(format!("{what}: the token guard denies the tokens of users who come that way"), MOVE)
        }
        Guard::Reporting => Open(format!("{what}, and the token guard only reports their tokens so far"), BEFORE),
        Guard::Absent => {
            Open(format!("{what}: tokens without asking the triggers, and no token guard denies them"), BEFORE)
        }
        Guard::Unread => Open(
            format!(
                "{what}: tokens without asking the triggers, and whether a token guard denies them could not be read"
            ),
            BEFORE,
        ),
    }
}
