//! The `response` of Pre Token Generation: the token guard's own, and that of the next function with the guard's claims in it.
//!
//! Invariant: in a merged response, every claim whose name begins with `second_factor` is ours. The rest is the other
//! function's: its claims, scopes and groups stay what they are. A response that is not shaped as Cognito takes it is an error,
//! never merged in part.
//! Source: <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html>
//!
//! The response is written without aws_lambda_events, whose type would write empty groups into it, and that would take the user
//! out of all groups. Our claims are text, as V1 events take nothing else.

use serde_json::{Map, Value, json};

use crate::token_grant::Claims;

/// The claim that names the second factor: `totp` or `recovery_code`. The name of each of our claims begins with it.
pub const SECOND_FACTOR: &str = "second_factor";
/// The claim that says when it was proven, in seconds since 1970, as text: the oldest event version takes nothing else.
pub const SECOND_FACTOR_AT: &str = "second_factor_at";
/// The claim that says from which `auth_time` on a session has proven a second factor, in seconds since 1970, as text.
pub const SECOND_FACTOR_SINCE: &str = "second_factor_since";
/// The claim of the ID token that says how many wrong passcodes there were since tokens were issued before, as text.
pub const SECOND_FACTOR_WRONG_PASSCODES: &str = "second_factor_wrong_passcodes";
/// The claim of the ID token that says whether the user has an authenticator: `true` or `false`, as text.
pub const SECOND_FACTOR_ENROLLED: &str = "second_factor_enrolled";

const DETAILS_OF_V1: &str = "claimsOverrideDetails";
const DETAILS: &str = "claimsAndScopeOverrideDetails";
const ID_TOKEN: &str = "idTokenGeneration";
const ACCESS_TOKEN: &str = "accessTokenGeneration";
const TO_ADD: &str = "claimsToAddOrOverride";
const TO_SUPPRESS: &str = "claimsToSuppress";
const GROUPS: &str = "groupOverrideDetails";

/// `version` of the event, which the shape of the answer follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventVersion {
    /// V1: claims of the ID token.
    IdToken,
    /// V2 and V3: claims of both tokens.
    BothTokens,
}

impl EventVersion {
    /// Reads the event's `version`.
    #[must_use]
    pub fn parse(version: Option<&Value>) -> Option<Self> {
        match version? {
            Value::String(version) if version == "1" => Some(Self::IdToken),
            Value::String(version) if version == "2" || version == "3" => Some(Self::BothTokens),
            Value::Number(version) => match version.as_u64()? {
                1 => Some(Self::IdToken),
                2 | 3 => Some(Self::BothTokens),
                _ => None,
            },
            Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

/// The guard's own response, with the request's `groups`: empty ones would take the user out of all of them.
#[must_use]
pub fn own(version: EventVersion, claims: Claims, groups: Option<&Value>) -> Value {
    let (of_id_token, of_access_token) = (of_id_token(claims), of_access_token(claims));
    let mut details = match version {
        EventVersion::IdToken => json!({ TO_ADD: of_id_token }),
        EventVersion::BothTokens => {
            json!({ ID_TOKEN: { TO_ADD: of_id_token }, ACCESS_TOKEN: { TO_ADD: of_access_token } })
        }
    };
    if let (Some(details), Some(groups @ Value::Object(_))) = (details.as_object_mut(), groups) {
        details.insert(GROUPS.to_owned(), groups.clone());
    }
    match version {
        EventVersion::IdToken => json!({ DETAILS_OF_V1: details }),
        EventVersion::BothTokens => json!({ DETAILS: details }),
    }
}

fn of_access_token(Claims { proof, since, .. }: Claims) -> Map<String, Value> {
    text([
        (SECOND_FACTOR, proof.map(|proof| proof.factor.as_str().to_owned())),
        (SECOND_FACTOR_AT, proof.map(|proof| proof.at.0.to_string())),
        (SECOND_FACTOR_SINCE, since.map(|since| since.0.to_string())),
    ])
}

fn of_id_token(claims: Claims) -> Map<String, Value> {
    let mut of_id_token = of_access_token(claims);
    let Claims { wrong_passcodes, enrolled, .. } = claims;
    of_id_token.extend(text([
        (SECOND_FACTOR_WRONG_PASSCODES, wrong_passcodes.map(|count| count.to_string())),
        (SECOND_FACTOR_ENROLLED, enrolled.map(|enrolled| enrolled.to_string())),
    ]));
    of_id_token
}

fn text<const N: usize>(claims: [(&str, Option<String>); N]) -> Map<String, Value> {
    claims.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::String(value?)))).collect()
}

/// A part of a response that has another type than Cognito takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrongType(pub &'static str);

/// The response of the next function, with our claims in place of whatever it says under their names. Null stands for a
/// function that changes nothing.
///
/// # Errors
/// It is not shaped as Cognito takes it.
pub fn merged(theirs: Value, ours: Option<(EventVersion, Claims)>) -> Result<Value, WrongType> {
    let mut response = match theirs {
        Value::Null => Map::new(),
        Value::Object(response) => response,
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => return Err(WrongType("response")),
    };
    // In either shape, whatever the event's version: it is not documented which of them Cognito reads.
    if let Some(of_id_token) = object(&mut response, DETAILS_OF_V1)? {
        remove_ours(of_id_token)?;
    }
    if let Some(details) = object(&mut response, DETAILS)? {
        for token in [ID_TOKEN, ACCESS_TOKEN] {
            if let Some(of_token) = object(details, token)? {
                remove_ours(of_token)?;
            }
        }
    }
    match ours {
        None => {}
        Some((EventVersion::IdToken, claims)) => {
            add(&mut response, &[DETAILS_OF_V1], of_id_token(claims))?;
        }
        Some((EventVersion::BothTokens, claims)) => {
            add(&mut response, &[DETAILS, ID_TOKEN], of_id_token(claims))?;
            add(&mut response, &[DETAILS, ACCESS_TOKEN], of_access_token(claims))?;
        }
    }
    Ok(Value::Object(response))
}

/// Where there is nothing to add, nothing is changed.
fn add(response: &mut Map<String, Value>, place: &[&'static str], claims: Map<String, Value>) -> Result<(), WrongType> {
    if claims.is_empty() {
        return Ok(());
    }
    let mut token = response;
    for name in place {
        token = object_or_new(token, name)?;
    }
    object_or_new(token, TO_ADD)?.extend(claims);
    Ok(())
}

/// Byte by byte, as names of claims are compared: `Second_Factor` is another claim, and not ours.
fn is_ours(claim: &str) -> bool {
    claim.starts_with(SECOND_FACTOR)
}

fn remove_ours(of_token: &mut Map<String, Value>) -> Result<(), WrongType> {
    if let Some(added) = object(of_token, TO_ADD)? {
        added.retain(|claim, _| !is_ours(claim));
    }
    match of_token.get_mut(TO_SUPPRESS) {
        None | Some(Value::Null) => Ok(()),
        Some(Value::Array(suppressed)) if suppressed.iter().all(Value::is_string) => {
            suppressed.retain(|claim| !claim.as_str().is_some_and(is_ours));
            Ok(())
        }
        Some(_) => Err(WrongType(TO_SUPPRESS)),
    }
}

/// Null is absent.
fn object<'a>(
    parent: &'a mut Map<String, Value>,
    name: &'static str,
) -> Result<Option<&'a mut Map<String, Value>>, WrongType> {
    match parent.get_mut(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_object_mut().map(Some).ok_or(WrongType(name)),
    }
}

fn object_or_new<'a>(
    parent: &'a mut Map<String, Value>,
    name: &'static str,
) -> Result<&'a mut Map<String, Value>, WrongType> {
    let value = parent.entry(name).or_insert(Value::Null);
    if value.is_null() {
        *value = json!({});
    }
    value.as_object_mut().ok_or(WrongType(name))
}
