//! What drives a sign-in past the password: [`SignIn`] sends the triggers' events, `PoolSignIn` is a client of the local pool.

use std::fmt::Debug;

use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::error::ClientError;

use crate::events::{ChallengeTrigger, User, entry};

/// One sign-in, from where the password was right.
pub trait Driver {
    /// What is received where there is no answer.
    type Error: Debug;

    /// The time.
    fn now(&self) -> UnixTime;

    /// The public parameters of the next challenge.
    fn challenge(&mut self) -> impl Future<Output = Result<Value, Self::Error>>;

    /// Whether `typed` was right.
    fn answer(&mut self, typed: &str) -> impl Future<Output = Result<bool, Self::Error>>;

    /// Whether the sign-in has ended in tokens.
    fn has_tokens(&mut self) -> impl Future<Output = Result<bool, Self::Error>>;
}

/// Answers the triggers' events: the functions in this process, their bootstraps, or a closure around either.
pub trait EventHandler {
    /// The time, as the functions read it.
    fn now(&self) -> UnixTime;

    /// The event with its response, or the client's error.
    fn answer(&self, trigger: ChallengeTrigger, event: Value) -> impl Future<Output = Result<Value, ClientError>>;
}

/// One sign-in as Cognito drives it.
pub struct SignIn<'a, H> {
    handler: &'a H,
    user: &'a User,
    /// What Define and Create receive of it.
    pub session: Vec<Value>,
    /// What the client sends with each answer.
    pub client_metadata: Option<Value>,
    /// The whole response of the last Create.
    pub issued: Value,
}

impl<'a, H: EventHandler> SignIn<'a, H> {
    /// Cognito has checked the password.
    #[must_use]
    pub fn after_password(handler: &'a H, user: &'a User) -> Self {
        let session = vec![entry("SRP_A", true, None), entry("PASSWORD_VERIFIER", true, None)];
        Self { handler, user, session, client_metadata: None, issued: Value::Null }
    }

    fn event(&self, trigger: ChallengeTrigger, own: Value) -> Value {
        let mut event = self.user.event(trigger, own);
        if let Some(client_metadata) = &self.client_metadata {
            event["request"]["clientMetadata"] = client_metadata.clone();
        }
        event
    }

    /// Define's `response`.
    pub async fn define(&self) -> Result<Value, ClientError> {
        let event = self.event(ChallengeTrigger::Define, json!({ "session": self.session }));
        Ok(self.handler.answer(ChallengeTrigger::Define, event).await?["response"].take())
    }

    /// Verify's event for `typed`.
    #[must_use]
    pub fn answer_event(&self, typed: &str) -> Value {
        let private_parameters = &self.issued["privateChallengeParameters"];
        let own = json!({ "privateChallengeParameters": private_parameters, "challengeAnswer": typed });
        self.event(ChallengeTrigger::Verify, own)
    }
}

impl<H: EventHandler> Driver for SignIn<'_, H> {
    type Error = ClientError;

    fn now(&self) -> UnixTime {
        self.handler.now()
    }

    async fn challenge(&mut self) -> Result<Value, ClientError> {
        let next = self.define().await?;
        assert!(next["challengeName"] == "CUSTOM_CHALLENGE", "not our challenge: {next}");
        let own = json!({ "session": self.session, "challengeName": "CUSTOM_CHALLENGE" });
        let event = self.event(ChallengeTrigger::Create, own);
        self.issued = self.handler.answer(ChallengeTrigger::Create, event).await?["response"].take();
        Ok(self.issued["publicChallengeParameters"].clone())
    }

    async fn answer(&mut self, typed: &str) -> Result<bool, ClientError> {
        let answered = self.handler.answer(ChallengeTrigger::Verify, self.answer_event(typed)).await?;
        let right = answered["response"]["answerCorrect"].as_bool().expect("answerCorrect");
        self.session.push(entry("CUSTOM_CHALLENGE", right, self.issued["challengeMetadata"].as_str()));
        Ok(right)
    }

    async fn has_tokens(&mut self) -> Result<bool, ClientError> {
        Ok(self.define().await?["issueTokens"] == true)
    }
}
