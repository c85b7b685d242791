//! What the lines of a file say together: what one line alone does not show.

use std::collections::{BTreeMap, HashMap};

use sha2::{Digest as _, Sha256};
use shared::settings::PasscodeDigits;

use super::file::{Entry, Line};
use super::problem::Problem;

/// Issuers that are listed; the rest is counted.
const ISSUERS: usize = 5;

/// Lines with a problem, and those without one.
#[derive(Debug, Default)]
pub struct Sorted {
    /// Number and entry.
    pub entries: Vec<(u64, Entry)>,
    /// Number and problem, in order.
    pub problems: Vec<(u64, Problem)>,
}

/// Finds what is wrong between lines: the same user twice, the same secret for two users, and digits that the pool does not have.
#[must_use]
pub fn sort(lines: Vec<Line>, digits: PasscodeDigits) -> Sorted {
    let mut sorted = Sorted::default();
    let (mut users, mut secrets) = (HashMap::new(), HashMap::new());
    for Line { number, entry } in lines {
        let entry = entry.and_then(|entry| {
            let secret: [u8; 32] = Sha256::digest(entry.secret.expose()).into();
            let (user_of, secret_of) = (users.get(&entry.user).copied(), secrets.get(&secret).copied());
            users.entry(entry.user.clone()).or_insert(number);
            secrets.entry(secret).or_insert(number);
            match (user_of, secret_of) {
                (Some(line), _) => Err(Problem::SameUserAs(line)),
                (None, Some(line)) => Err(Problem::SameSecretAs(line)),
                (None, None) if !digits.contains(entry.parameters.digits) => {
                    Err(Problem::NotThePoolsDigits(entry.parameters.digits, digits))
                }
                (None, None) => Ok(entry),
            }
        });
        match entry {
            Ok(entry) => sorted.entries.push((number, entry)),
            Err(problem) => sorted.problems.push((number, problem)),
        }
    }
    sorted
}

/// The file's name in records: the first bytes of its SHA-256.
#[must_use]
pub fn name_of(file: &[u8]) -> String {
    let hash: [u8; 32] = Sha256::digest(file).into();
    hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The issuers, most frequent first, as a sentence; `None` where no line has one.
#[must_use]
pub fn issuers(entries: &[(u64, Entry)]) -> Option<String> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for issuer in entries.iter().filter_map(|(_, entry)| entry.issuer.as_deref()) {
        let count = counts.entry(issuer).or_default();
        *count = count.saturating_add(1);
    }
    let mut counts: Vec<(&str, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut named: Vec<String> =
        counts.iter().take(ISSUERS).map(|(issuer, count)| format!("{} ({count})", shortened(issuer))).collect();
    let others = counts.len().saturating_sub(ISSUERS);
    if others > 0 {
        named.push(format!("{others} others"));
    }
    (!named.is_empty()).then(|| named.join(", "))
}

fn shortened(issuer: &str) -> String {
    issuer.chars().take(40).collect()
}
