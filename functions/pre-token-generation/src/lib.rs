//! Pre Token Generation, the token guard: passes tokens only against a grant that Verify recorded, and says in them which second
//! factor was proven.
//!
//! The response is written without aws_lambda_events, whose type would write empty groups into it, and that would take the user
//! out of all groups. Claims are text, as V1 events take nothing else.

use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::cognito::TokenSource;
use shared::error::HandlerError;
use shared::event::{CognitoEvent, with_response};
use shared::redeem_grant::redeem_grant;
use shared::settings::TokenGuard;
use shared::store::RecordStore;
use shared::token_grant::{Claims, Rule, rule};

/// The claim that names the second factor: `totp` or `recovery_code`.
pub const SECOND_FACTOR: &str = "second_factor";
/// The claim that says when it was proven, in seconds since 1970, as text: the oldest event version takes nothing else.
pub const SECOND_FACTOR_AT: &str = "second_factor_at";

/// The claim of the ID token that says how many wrong passcodes there were since tokens were issued before, as text.
pub const SECOND_FACTOR_WRONG_PASSCODES: &str = "second_factor_wrong_passcodes";

/// What the guard needs apart from its event.
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
    pub async fn handle(&self, event: Value, now: UnixTime) -> Result<Value, HandlerError> {
        let view = CognitoEvent::of_any_trigger(&event)?;
        let version = EventVersion::parse(view.version()).ok_or(HandlerError::NotThisTriggersEvent("version"))?;
        let source = view.trigger_source().and_then(TokenSource::parse);
        let source = source.ok_or(HandlerError::NotThisTriggersEvent("triggerSource"))?;
        if rule(source, self.setting) == Rule::PassWithoutUser && !view.names_a_user() {
            tracing::info!(decision = "tokens", reason = ?source, "passed");
            return Ok(event);
        }
        let (user, client) = (view.user_key()?, view.client_id());
        let claims = redeem_grant(&self.store, &user, client.as_ref(), source, self.setting, now).await?;
        let second_factor = claims.map(|claims| claims.proof.factor.as_str());
        tracing::info!(decision = "tokens", reason = ?source, second_factor, "passed");
        let response = response(version, claims, view.group_configuration());
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
    fn parse(version: Option<&Value>) -> Option<Self> {
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
        |Claims { proof, .. }| {
            json!({ SECOND_FACTOR: proof.factor.as_str(), SECOND_FACTOR_AT: proof.at.0.to_string() })
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
