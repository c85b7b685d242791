//! Pre Token Generation, the token guard: lets no token out that Verify has not paid for, and says in it which second
//! factor was proven.
//!
//! The event is read without aws_lambda_events, whose type for it fails on a source that it does not know and would write
//! empty groups into the answer.

use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::settings::TokenGuard;
use shared::store::{RecordStore, pay_for_tokens};
use shared::token_guard::{Claims, ClientId, TokenSource};
use shared::trigger::{Fault, user_key, with_response};

/// The claim that names the second factor: `totp` or `recovery_code`.
pub const SECOND_FACTOR: &str = "second_factor";
/// The claim that says when it was proven, in seconds since 1970, as text: the oldest event version takes nothing else.
pub const SECOND_FACTOR_AT: &str = "second_factor_at";

/// The claim of the ID token that says how many wrong passcodes there were since tokens left before, as text.
pub const SECOND_FACTOR_WRONG_PASSCODES: &str = "second_factor_wrong_passcodes";

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
        let claims = pay_for_tokens(&self.store, &user, client.as_ref(), source, self.setting, now).await?;
        let second_factor = claims.map(|claims| claims.proven.factor.word());
        tracing::info!(decision = "tokens", reason = ?source, second_factor);
        let response = response(version, claims, event.pointer("/request/groupConfiguration"));
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

fn response(version: EventVersion, claims: Option<Claims>, groups: Option<&Value>) -> Value {
    let of_access_token = claims.map_or_else(
        || json!({}),
        |Claims { proven, .. }| {
            json!({ SECOND_FACTOR: proven.factor.word(), SECOND_FACTOR_AT: proven.at.0.to_string() })
        },
    );
    let mut of_id_token = of_access_token.clone();
    if let (Some(Claims { wrong_passcodes, .. }), Some(of_id_token)) = (claims, of_id_token.as_object_mut()) {
        of_id_token.insert(SECOND_FACTOR_WRONG_PASSCODES.to_owned(), json!(wrong_passcodes.to_string()));
    }
    let mut details = match version {
        EventVersion::IdToken => json!({ "claimsToAddOrOverride": of_id_token }),
        EventVersion::BothTokens => json!({
            "idTokenGeneration": { "claimsToAddOrOverride": of_id_token },
            "accessTokenGeneration": { "claimsToAddOrOverride": of_access_token },
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
