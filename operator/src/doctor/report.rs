//! What the doctor prints, and how it ends.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::checks::{Finding, Severity, Subject};
use crate::aws::UserPoolId;

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

/// A line each, but one for all app clients of which the same is so; then how many there are.
#[must_use]
pub fn text(findings: &[Finding], coloured: bool) -> String {
    let lines = lines(findings);
    let width = |of: fn(&Line<'_>) -> String| lines.iter().map(|line| of(line).chars().count()).max().unwrap_or(0);
    let words = width(|line| line.finding.severity.as_str().to_owned());
    let ids = width(|line| line.finding.id.to_owned());
    let subjects = width(|line| line.subject()).min(ALIGNED);
    let mut text = String::new();
    for line in &lines {
        let Finding { severity, id, .. } = line.finding;
        let word = format!("{:words$}", severity.as_str());
        let word = if coloured { format!("\x1b[{}m{word}\x1b[0m", colour(*severity)) } else { word };
        // Writing to a String does not fail.
        let _ = writeln!(text, "{word}  {id:ids$}  {:subjects$}  {}", line.subject(), line.says());
    }
    let counted = Severity::ALL.map(|severity| format!("{} {}", count(findings, severity), key(severity)));
    let _ = writeln!(text, "{}.", counted.join(", "));
    text
}

/// One object for programs.
#[must_use]
pub fn json(user_pool_id: &UserPoolId, findings: &[Finding]) -> String {
    let counts: Map<String, Value> =
        Severity::ALL.into_iter().map(|severity| (key(severity), count(findings, severity).into())).collect();
    let findings: Vec<Value> = findings
        .iter()
        .map(|Finding { severity, id, subject, sentence, remedy }| {
            let client_id = match subject {
                Subject::Client { id, .. } => Some(id),
                Subject::Part(_) => None,
            };
            json!({
                "severity": severity.as_str(),
                "id": id,
                "subject": subject.to_string(),
                "clientId": client_id,
                "sentence": sentence,
                "remedy": remedy,
            })
        })
        .collect();
    format!("{:#}\n", json!({ "userPoolId": user_pool_id.to_string(), "findings": findings, "counts": counts }))
}

fn count(findings: &[Finding], severity: Severity) -> usize {
    findings.iter().filter(|finding| finding.severity == severity).count()
}

fn key(severity: Severity) -> String {
    severity.as_str().to_ascii_lowercase()
}

/// A finding, or one that app clients share.
struct Line<'a> {
    finding: &'a Finding,
    /// `name (id)` of each app client.
    clients: Vec<String>,
}

/// How far what comes after a subject is pushed to the right: a key's ARN is longer.
const ALIGNED: usize = 40;
/// How many app clients of one finding are named.
const NAMED: usize = 5;

fn lines(findings: &[Finding]) -> Vec<Line<'_>> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    for finding in findings {
        let Subject::Client { name, id } = &finding.subject else {
            lines.push(Line { finding, clients: Vec::new() });
            continue;
        };
        let client = format!("{name} ({id})");
        match lines.iter_mut().find(|line| line.is_shared_by(finding)) {
            Some(line) => line.clients.push(client),
            None => lines.push(Line { finding, clients: vec![client] }),
        }
    }
    lines
}

impl Line<'_> {
    fn is_shared_by(&self, other: &Finding) -> bool {
        let Finding { severity, id, subject: _, sentence, remedy } = self.finding;
        !self.clients.is_empty()
            && (severity, id, sentence, remedy) == (&other.severity, &other.id, &other.sentence, &other.remedy)
    }

    fn subject(&self) -> String {
        match self.clients.len() {
            0 | 1 => on_a_line(&self.finding.subject.to_string()),
            number => format!("each of {number} clients"),
        }
    }

    fn says(&self) -> String {
        let Finding { sentence, remedy, .. } = self.finding;
        let mut said = format!("{sentence}.");
        if let Some(remedy) = remedy {
            let _ = write!(said, " {remedy}");
            if self.clients.len() > 1 {
                let named: Vec<&str> = self.clients.iter().take(NAMED).map(String::as_str).collect();
                let _ = write!(said, " Clients: {}", named.join(", "));
                said.push_str(&match self.clients.len().saturating_sub(NAMED) {
                    0 => ".".to_owned(),
                    more => format!(", and {more} more (--json names them)."),
                });
            }
        }
        on_a_line(&said)
    }
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
