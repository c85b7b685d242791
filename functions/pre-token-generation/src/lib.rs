//! Pre Token Generation, the token guard: lets no token out that Verify has not paid for, and says in it which second
//! factor was proven.
//!
//! The event is read without aws_lambda_events, whose type for it fails on a source that it does not know and would write
//! empty groups into the answer.

use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::settings::TokenGuard;
use shared::store::{RecordStore, pay_for_tokens};
use shared::token_guard::{ClientId, Proven, TokenSource};
use shared::trigger::{Fault, user_key, with_response};

/// The claim that names the second factor: `totp` or `recovery_code`.
pub const SECOND_FACTOR: &str = "second_factor";
/// The claim that says when it was proven, in seconds since 1970, as text: the oldest event version takes nothing else.
pub const SECOND_FACTOR_AT: &str = "second_factor_at";

/// What the guard needs beside its event.
pub struct Guard<S> {
    /// What the operator decided.
    pub setting: TokenGuard,
    /// The records.
    pub store: S,
}

impl<S: RecordStore> Guard<S> {
    /// Answers one event.
    ///
    /// # Errors
    /// Not an event of this trigger; no tokens; a fault of the store.
    pub async fn handle(&self, event: Value, now: UnixTime) -> Result<Value, Fault> {
        let text = |place: &str| event.pointer(place).and_then(Value::as_str);
        let version = EventVersion::read(event.get("version")).ok_or(Fault::NotThisTriggersEvent("version"))?;
        let source = text("/triggerSource").and_then(TokenSource::read);
        let source = source.ok_or(Fault::NotThisTriggersEvent("triggerSource"))?;
        let user = user_key(text("/userPoolId"), text("/request/userAttributes/sub"))?;
        let client = ClientId::read(text("/callerContext/clientId"));
        let proven = pay_for_tokens(&self.store, &user, client.as_ref(), source, self.setting, now).await?;
        tracing::info!(decision = "tokens", reason = ?source, second_factor = proven.map(|proven| proven.factor.word()));
        let response = response(version, proven, event.pointer("/request/groupConfiguration"));
        with_response(event, &response)
    }
}

/// `version` of the event, which the shape of the answer follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum EventVersion {
    /// V1: claims of the ID token.
    IdToken,
    /// V2 and V3: claims of both tokens.
    BothTokens,
}

impl EventVersion {
    fn read(version: Option<&Value>) -> Option<Self> {
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

fn response(version: EventVersion, proven: Option<Proven>, groups: Option<&Value>) -> Value {
    let claims = proven.map_or_else(
        || json!({}),
        |Proven { factor, at }| json!({ SECOND_FACTOR: factor.word(), SECOND_FACTOR_AT: at.0.to_string() }),
    );
    let mut details = match version {
        EventVersion::IdToken => json!({ "claimsToAddOrOverride": claims }),
        EventVersion::BothTokens => json!({
            "idTokenGeneration": { "claimsToAddOrOverride": claims },
            "accessTokenGeneration": { "claimsToAddOrOverride": claims },
        }),
    };
    // Empty groups would take the user out of all of them; the request's own leave them as they are.
    if let (Some(details), Some(groups @ Value::Object(_))) = (details.as_object_mut(), groups) {
        details.insert("groupOverrideDetails".to_owned(), groups.clone());
    }
    match version {
        EventVersion::IdToken => json!({ "claimsOverrideDetails": details }),
        EventVersion::BothTokens => json!({ "claimsAndScopeOverrideDetails": details }),
    }
}
