//! Cognito's JSON as one borrowed view, for all four functions.
//!
//! Reading is tolerant where Cognito varies (null is absent, `version` may be a number, maps may hold what nobody needs) and
//! strict where a decision rests on it. `tests/triggers.rs` compares it with the types of `aws_lambda_events`.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::cognito::{ClientId, UserKey};
use crate::error::HandlerError;

/// One event of a trigger.
#[derive(Clone, Copy)]
pub struct CognitoEvent<'a> {
    event: &'a Value,
    request: &'a Map<String, Value>,
}

/// One entry of `request.session`. An entry that is no object has no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionEntry<'a> {
    /// `challengeName`
    pub name: Option<&'a str>,
    /// `challengeResult`
    pub correct: bool,
    /// `challengeMetadata`
    pub metadata: Option<&'a str>,
}

impl<'a> CognitoEvent<'a> {
    /// Takes an event of the trigger whose `triggerSource` is `trigger_source`.
    ///
    /// # Errors
    /// Another trigger's event, or one without a request.
    pub fn new(event: &'a Value, trigger_source: &str) -> Result<Self, HandlerError> {
        if event.get("triggerSource").and_then(Value::as_str) != Some(trigger_source) {
            return Err(HandlerError::NotThisTriggersEvent("triggerSource"));
        }
        Self::of_any_trigger(event)
    }

    /// Takes an event of any trigger.
    ///
    /// # Errors
    /// It has no request.
    pub fn of_any_trigger(event: &'a Value) -> Result<Self, HandlerError> {
        let request = event.get("request").and_then(Value::as_object);
        let request = request.ok_or(HandlerError::NotThisTriggersEvent("request"))?;
        Ok(Self { event, request })
    }

    /// `version`, which Cognito writes as text and some tools as a number.
    #[must_use]
    pub fn version(&self) -> Option<&'a Value> {
        self.event.get("version")
    }

    /// `triggerSource`
    #[must_use]
    pub fn trigger_source(&self) -> Option<&'a str> {
        self.event.get("triggerSource").and_then(Value::as_str)
    }

    /// `userName`
    #[must_use]
    pub fn user_name(&self) -> Option<&'a str> {
        self.event.get("userName").and_then(Value::as_str)
    }

    /// `callerContext.clientId`
    #[must_use]
    pub fn client_id(&self) -> Option<ClientId> {
        ClientId::new(self.event.get("callerContext")?.get("clientId")?.as_str()?)
    }

    /// One of `request.userAttributes`.
    #[must_use]
    pub fn user_attribute(&self, name: &str) -> Option<&'a str> {
        self.string_in("userAttributes", name)
    }

    /// One of `request.clientMetadata`. The client writes it: it chooses among what is allowed, and proves nothing.
    #[must_use]
    pub fn client_metadata(&self, key: &str) -> Option<&'a str> {
        self.string_in("clientMetadata", key)
    }

    /// One of `request.privateChallengeParameters`.
    #[must_use]
    pub fn private_parameter(&self, name: &str) -> Option<&'a str> {
        self.string_in("privateChallengeParameters", name)
    }

    /// `request.groupConfiguration`
    #[must_use]
    pub fn group_configuration(&self) -> Option<&'a Value> {
        self.request.get("groupConfiguration")
    }

    /// `request.userNotFound`: Cognito hides that there is no such user.
    ///
    /// # Errors
    /// It is neither a flag nor absent.
    pub fn user_not_found(&self) -> Result<bool, HandlerError> {
        flag(self.request.get("userNotFound")).ok_or(HandlerError::NotThisTriggersEvent("userNotFound"))
    }

    /// `request.challengeAnswer`
    ///
    /// # Errors
    /// It is no text.
    pub fn challenge_answer(&self) -> Result<&'a str, HandlerError> {
        let answer = self.request.get("challengeAnswer").and_then(Value::as_str);
        answer.ok_or(HandlerError::NotThisTriggersEvent("challengeAnswer"))
    }

    /// Whether the event is about a user. Where it is not, `userAttributes` is missing, null or without `sub`.
    #[must_use]
    pub fn names_a_user(&self) -> bool {
        self.request
            .get("userAttributes")
            .and_then(|attributes| attributes.get("sub"))
            .is_some_and(|sub| !sub.is_null())
    }

    /// Whose record the event is about.
    ///
    /// # Errors
    /// A known user without `sub`, or no user pool.
    pub fn user_key(&self) -> Result<UserKey, HandlerError> {
        let sub = self.user_attribute("sub").filter(|sub| !sub.is_empty()).ok_or(HandlerError::NoSub)?;
        let user_pool_id = self.event.get("userPoolId").and_then(Value::as_str).filter(|id| !id.is_empty());
        let user_pool_id = user_pool_id.ok_or(HandlerError::NotThisTriggersEvent("userPoolId"))?;
        Ok(UserKey { user_pool_id: user_pool_id.to_owned(), sub: sub.to_owned() })
    }

    /// `request.session`, in order. Null and absent are the empty session.
    ///
    /// # Errors
    /// It is no list, or a `challengeResult` is neither a flag nor absent.
    pub fn session(&self) -> Result<Vec<SessionEntry<'a>>, HandlerError> {
        let entries = match self.request.get("session") {
            None | Some(Value::Null) => return Ok(Vec::new()),
            Some(session) => session.as_array().ok_or(HandlerError::NotThisTriggersEvent("session"))?,
        };
        let entry = |entry: &'a Value| {
            let text = |name| entry.get(name).and_then(Value::as_str);
            let correct = flag(entry.get("challengeResult"));
            Ok(SessionEntry {
                name: text("challengeName"),
                correct: correct.ok_or(HandlerError::NotThisTriggersEvent("challengeResult"))?,
                metadata: text("challengeMetadata"),
            })
        };
        entries.iter().map(entry).collect()
    }

    fn string_in(&self, map: &str, key: &str) -> Option<&'a str> {
        self.request.get(map)?.get(key)?.as_str()
    }
}

/// Null and absent are false.
fn flag(value: Option<&Value>) -> Option<bool> {
    match value {
        None | Some(Value::Null) => Some(false),
        Some(value) => value.as_bool(),
    }
}

/// The event as received, with its `response` replaced.
///
/// # Errors
/// None in practice: a response is plain strings and flags, and the event was read as an object before.
pub fn with_response(mut event: Value, response: &impl Serialize) -> Result<Value, HandlerError> {
    let response = serde_json::to_value(response)?;
    let fields = event.as_object_mut().ok_or(HandlerError::NotThisTriggersEvent("its shape"))?;
    fields.insert("response".to_owned(), response);
    Ok(event)
}
