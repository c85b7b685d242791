//! What the doctor prints, and how it ends.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::checks::{Finding, Severity};
use super::deployment::UserPoolId;

/// How the command ends; its exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// 0
    NothingOpen = 0,
    /// 1: something is open, or broken.
    Open = 1,
    /// 2: neither, but something could not be looked at.
    NotAllSeen = 2,
}

impl Outcome {
    /// Of all findings; what is certainly open goes before what was not seen.
    #[must_use]
    pub fn of(findings: &[Finding]) -> Self {
        let outcome = |finding: &Finding| match finding.severity {
            Severity::Open | Severity::Broken => Self::Open,
            Severity::Unreadable => Self::NotAllSeen,
            Severity::Weak | Severity::Fine => Self::NothingOpen,
        };
        let of_all: Vec<Self> = findings.iter().map(outcome).collect();
        [Self::Open, Self::NotAllSeen].into_iter().find(|bad| of_all.contains(bad)).unwrap_or(Self::NothingOpen)
    }
}

/// A line each.
#[must_use]
pub fn text(findings: &[Finding], coloured: bool) -> String {
    let width = |of: fn(&Finding) -> &str| findings.iter().map(|one| on_a_line(of(one)).chars().count()).max();
    let words = width(|one| one.severity.as_str()).unwrap_or(0);
    let ids = width(|one| one.id).unwrap_or(0);
    let subjects = width(|one| &one.subject).unwrap_or(0);
    let mut lines = String::new();
    for Finding { severity, id, subject, sentence, remedy } in findings {
        let word = format!("{:words$}", severity.as_str());
        let word = if coloured { format!("\x1b[{}m{word}\x1b[0m", colour(*severity)) } else { word };
        let said = match remedy {
            Some(remedy) => format!("{sentence}. {remedy}"),
            None => format!("{sentence}."),
        };
        // Writing to a String does not fail.
        let _ = writeln!(lines, "{word}  {id:ids$}  {:subjects$}  {}", on_a_line(subject), on_a_line(&said));
    }
    lines
}

/// One object for programs.
#[must_use]
pub fn json(user_pool_id: &UserPoolId, findings: &[Finding]) -> String {
    let findings: Vec<Value> = findings
        .iter()
        .map(|Finding { severity, id, subject, sentence, remedy }| {
            json!({ "severity": severity.as_str(), "id": id, "subject": subject, "sentence": sentence, "remedy": remedy })
        })
        .collect();
    format!("{:#}\n", json!({ "userPoolId": user_pool_id.to_string(), "findings": findings }))
}

/// SGR, ECMA-48 section 8.3.117: bold red, red, magenta, yellow, green.
fn colour(severity: Severity) -> &'static str {
    match severity {
        Severity::Open => "1;31",
        Severity::Broken => "31",
        Severity::Unreadable => "35",
        Severity::Weak => "33",
        Severity::Fine => "32",
    }
}

/// A name may hold what would begin a line or command a terminal.
fn on_a_line(text: &str) -> String {
    let plain = |c: char| if c.is_control() { c.escape_default().collect() } else { c.to_string() };
    text.chars().map(plain).collect()
}
