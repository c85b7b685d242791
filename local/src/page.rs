//! Lists that come in pages.

use serde_json::{Value, json};

use crate::error::CognitoError;
use crate::request::Request;

/// One page of `items`: from where `token` says, as many as `limit` allows, and where the next one starts.
pub(crate) fn page(
    request: &Request,
    limit: &str,
    token: &str,
    member: &str,
    most: u64,
    items: Vec<Value>,
) -> Result<Value, CognitoError> {
    let limit_given = request.number(limit)?;
    let count = limit_given.unwrap_or(most);
    if count > most {
        return Err(CognitoError::invalid_parameter(format!(
            "1 validation error detected: Value '{count}' at '{limit}' failed to satisfy constraint: \
             Member must have value less than or equal to {most}"
        )));
    }
    let start = match request.optional(token)? {
        None => 0,
        Some(token) => token.parse().map_err(|_| CognitoError::invalid_parameter("Invalid pagination token"))?,
    };
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let end = usize::saturating_add(start, count);
    let has_more = end < items.len();
    let items: Vec<Value> = items.into_iter().skip(start).take(count).collect();
    let mut response = json!({ member: items });
    if let (true, Some(members)) = (has_more, response.as_object_mut()) {
        members.insert(token.to_owned(), json!(end.to_string()));
    }
    Ok(response)
}
