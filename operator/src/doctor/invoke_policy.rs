//! A function's resource policy: who may call it.
//!
//! Invariant: a statement that is not understood grants Cognito nothing, and is said to be unjudged.
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/access-control-resource-based.html>

use std::iter;

use serde_json::{Map, Value};

const COGNITO: &str = "cognito-idp.amazonaws.com";
/// The second also calls the function, with an HTTP event.
const CALLS: [&str; 2] = ["lambda:invokefunction", "lambda:invokefunctionurl"];

/// Who may call a function.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Callers {
    /// Cognito, and for which pools.
    pub(super) cognito: Grant,
    /// Everybody else, as the policy names them.
    pub(super) others: Vec<String>,
    /// It has a statement that is not judged here: a denial, a condition of another kind.
    pub(super) unjudged: bool,
}

/// What Cognito may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Grant {
    /// It may not call the function for this pool.
    Nothing,
    /// For this pool, and no other.
    ThisPool,
    /// For others too.
    OtherPools,
}

/// Reads a policy; `None` when it is not JSON of a policy's shape.
pub(super) fn callers(policy: &str, pool_arn: &str) -> Option<Callers> {
    let policy: Value = serde_json::from_str(policy).ok()?;
    let mut callers = Callers { cognito: Grant::Nothing, others: Vec::new(), unjudged: false };
    for statement in one_or_more(policy.get("Statement")?) {
        let statement = statement.as_object()?;
        if statement.get("Effect")?.as_str()? != "Allow" {
            callers.unjudged = true;
            continue;
        }
        let (Some(actions), Some(principal)) = (statement.get("Action"), statement.get("Principal")) else {
            callers.unjudged = true;
            continue;
        };
        if !texts(actions).any(|action| CALLS.iter().any(|call| matches(&action.to_ascii_lowercase(), call))) {
            continue;
        }
        for name in principals(principal) {
            if name != COGNITO {
                callers.others.push(name.to_owned());
                continue;
            }
            match granted(statement.get("Condition").and_then(Value::as_object), pool_arn) {
                Some(grant) => callers.cognito = callers.cognito.max(grant),
                None => callers.unjudged = true,
            }
        }
    }
    Some(callers)
}

/// What a statement for Cognito grants under its conditions; `None` when one of them is of another kind.
fn granted(conditions: Option<&Map<String, Value>>, pool_arn: &str) -> Option<Grant> {
    let account = account_of(pool_arn);
    let mut grant = Grant::OtherPools;
    for (operator, keys) in conditions.into_iter().flatten() {
        for (key, values) in keys.as_object()? {
            let values: Vec<&str> = texts(values).collect();
            let holds = match (key.to_ascii_lowercase().as_str(), operator.as_str()) {
                ("aws:sourcearn", "ArnLike" | "ArnEquals" | "StringLike") => {
                    values.iter().any(|pattern| matches(pattern, pool_arn))
                }
                ("aws:sourcearn", "StringEquals") => values.contains(&pool_arn),
                ("aws:sourceaccount", "StringEquals") => values.contains(&account),
                _ => return None,
            };
            if !holds {
                return Some(Grant::Nothing);
            }
            if values == [pool_arn] {
                grant = Grant::ThisPool;
            }
        }
    }
    Some(grant)
}

/// The account in an ARN.
pub(super) fn account_of(arn: &str) -> &str {
    arn.split(':').nth(4).unwrap_or_default()
}

/// `"*"`, or names by kind.
fn principals(principal: &Value) -> Vec<&str> {
    match principal.as_object() {
        Some(by_kind) => by_kind.values().flat_map(texts).collect(),
        None => texts(principal).collect(),
    }
}

fn one_or_more(value: &Value) -> &[Value] {
    value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice)
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    one_or_more(value).iter().filter_map(Value::as_str)
}

/// Whether `text` is of the `pattern`, in which `*` is any characters and `?` any one.
fn matches(pattern: &str, text: &str) -> bool {
    // After each character of the pattern: which beginnings of the text it matches.
    let mut matched: Vec<bool> = iter::once(true).chain(text.chars().map(|_| false)).collect();
    for wanted in pattern.chars() {
        matched = if wanted == '*' {
            matched.iter().scan(false, |any, &here| Some(std::mem::replace(any, *any || here) || here)).collect()
        } else {
            let longer =
                matched.iter().zip(text.chars()).map(|(&here, next)| here && (wanted == '?' || wanted == next));
            iter::once(false).chain(longer).collect()
        };
    }
    matched.last() == Some(&true)
}
