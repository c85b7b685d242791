//! Pre Token Generation, the token guard: passes tokens only against a grant that Verify recorded, and says in them which second
//! factor was proven. It hands what it passes on to the team's own function, if there is one.

use serde_json::Value;
use shared::clock::UnixTime;
use shared::cognito::{TokenSource, USER_STATUS};
use shared::error::HandlerError;
use shared::event::{CognitoEvent, with_response};
use shared::federated::{FederatedProviders, IDENTITIES};
use shared::guard_settings::{GuardedSince, NoGrantMessage, ReportOnly};
use shared::hand_on::hand_on;
use shared::next_function::{Next, NextFunction, NoFunction};
use shared::redeem_grant::{TokenRequest, redeem_grant};
use shared::refresh_claims::refresh_claims;
use shared::report_only::report_only;
use shared::settings::TokenGuard;
use shared::sign_in_nonce::SignInNonce;
use shared::store::RecordStore;
use shared::timeouts;
use shared::token_grant::{Claims, Rule, TokenDenied, rule};
use shared::token_response::{EventVersion, own};

/// What the guard needs apart from its event.
pub struct Guard<S, N = NoFunction> {
    /// What the operator decided.
    pub setting: TokenGuard,
    /// The identity providers whose users pass without our second factor.
    pub federated: FederatedProviders,
    /// Until when it refuses nothing.
    pub report_only: ReportOnly,
    /// Since when it has refused.
    pub guarded_since: GuardedSince,
    /// What a client without a grant reads.
    pub no_grant_message: NoGrantMessage,
    /// The records.
    pub store: S,
    /// The team's own function.
    pub next: Option<Next<N>>,
}

impl<S> Guard<S> {
    /// A guard that refuses and is the only function.
    pub fn new(setting: TokenGuard, store: S) -> Self {
        Self {
            setting,
            federated: FederatedProviders::default(),
            report_only: ReportOnly::NEVER,
            guarded_since: GuardedSince::NONE,
            no_grant_message: NoGrantMessage::default(),
            store,
            next: None,
        }
    }

    /// The same, which hands on what it passes, if there is a next function.
    pub fn handing_on<N>(self, next: Option<Next<N>>) -> Guard<S, N> {
        let Self { setting, federated, report_only, guarded_since, no_grant_message, store, next: _ } = self;
        Guard { setting, federated, report_only, guarded_since, no_grant_message, store, next }
    }
}

/// Tokens that pass.
struct Passed {
    source: TokenSource,
    /// `None` for those of a machine client, whose event stays as it is.
    user: Option<(EventVersion, Claims)>,
}

impl Passed {
    /// While everything passes, other tokens of the same user and client can use the grant up: what they say would be false.
    fn without_claims(self) -> Self {
        Self { user: self.user.map(|(version, _)| (version, Claims::default())), ..self }
    }
}

impl<S: RecordStore, N: NextFunction> Guard<S, N> {
    /// Answers one event.
    ///
    /// # Errors
    /// Not an event of this trigger; no tokens; a fault of the store: none of these while it only reports. The next function
    /// refuses, or does not answer.
    pub async fn handle(&self, event: Value, now: UnixTime) -> Result<Value, HandlerError> {
        let decide = self.decide(&event, now);
        let passed = if self.report_only.is_on(now) {
            let reported = report_only(&event, decide, tokio::time::sleep(timeouts::REPORTED_DECISION)).await;
            reported.map(Passed::without_claims)
        } else {
            Some(decide.await.map_err(|error| self.with_message(error))?)
        };
        let user = passed.as_ref().and_then(|passed| passed.user);
        let response = match &self.next {
            // The grant is redeemed by now: whatever the next function does, it passes one sign-in.
            Some(next) => Some(hand_on(next, &event, user).await?),
            None => match user {
                Some((version, claims)) => {
                    let groups = CognitoEvent::of_any_trigger(&event)?.group_configuration();
                    Some(own(version, claims, groups))
                }
                None => None,
            },
        };
        if let Some(Passed { source, user }) = passed {
            let second_factor = user.and_then(|(_, claims)| Some(claims.proof?.factor.as_str()));
            tracing::info!(decision = "tokens", reason = ?source, second_factor, "passed");
        }
        match response {
            Some(response) => with_response(event, &response),
            None => Ok(event),
        }
    }

    /// Where a grant was looked for, Cognito had checked the password: the source is that of a sign-in or of a new password.
    fn with_message(&self, error: HandlerError) -> HandlerError {
        if let HandlerError::TokenDenied(TokenDenied::NoGrant) = error {
            return HandlerError::NoGrant(self.no_grant_message.clone());
        }
        error
    }

    async fn decide(&self, event: &Value, now: UnixTime) -> Result<Passed, HandlerError> {
        let view = CognitoEvent::of_any_trigger(event)?;
        let version = EventVersion::parse(view.version()).ok_or(HandlerError::NotThisTriggersEvent("version"))?;
        let source = view.trigger_source().and_then(TokenSource::parse);
        let source = source.ok_or(HandlerError::NotThisTriggersEvent("triggerSource"))?;
        if rule(source, self.setting) == Rule::PassWithoutUser && !view.names_a_user() {
            return Ok(Passed { source, user: None });
        }
        if source == TokenSource::HostedAuth
            && self.federated.vouch_for(view.user_attribute(USER_STATUS), view.user_attribute(IDENTITIES))
        {
            return Ok(Passed { source, user: Some((version, Claims::default())) });
        }
        let (user, client) = (view.user_key()?, view.client_id());
        // No factor was proven here for a federated session, whatever is on record.
        let is_federated = FederatedProviders::is_federated(view.user_attribute(USER_STATUS));
        let guarded_since = self.guarded_since.of(self.setting, self.report_only, now).filter(|_| !is_federated);
        // What is no nonce matches none.
        let nonce = SignInNonce::parse(view.client_metadata(SignInNonce::KEY)).ok().flatten();
        let claims = match guarded_since {
            // A refresh: what it continues is not known, and the user is.
            Some(guarded_since) if rule(source, self.setting) == Rule::Pass => {
                let limit = tokio::time::sleep(timeouts::REFRESH_CLAIMS);
                refresh_claims(&self.store, &user, guarded_since, limit).await
            }
            Some(_) | None => {
                let request = TokenRequest { user: &user, client: client.as_ref(), nonce: nonce.as_ref(), source };
                redeem_grant(&self.store, request, self.setting, guarded_since, now).await?
            }
        };
        Ok(Passed { source, user: Some((version, claims)) })
    }
}
