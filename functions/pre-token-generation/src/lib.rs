//! Pre Token Generation, the token guard: passes tokens only against a grant that Verify recorded, and says in them which second
//! factor was proven. It hands what it passes on to the team's own function, if there is one.

use serde_json::Value;
use shared::clock::UnixTime;
use shared::cognito::{ClientId, TokenSource, USER_STATUS, UserKey};
use shared::error::HandlerError;
use shared::event::{CognitoEvent, with_response};
use shared::federated::{FederatedProviders, IDENTITIES};
use shared::guard_settings::{GuardedSince, LongestSession, NoGrantMessage, ReportOnly};
use shared::hand_on::hand_on;
use shared::next_function::{Next, NextFunction, NoFunction};
use shared::redeem_grant::{
    GuardTerms, PassedBy, TokenRequest, note_requirement, note_unproven, pass_refresh, redeem_grant,
};
use shared::refresh_claims::refresh_claims;
use shared::report_only::report_only;
use shared::requirements::{Required, Requirements};
use shared::settings::{Policy, TokenGuard};
use shared::sign_in_nonce::SignInNonce;
use shared::store::{RecordStore, Versioned, load_under};
use shared::timeouts;
use shared::token_grant::{Claims, Rule, TokenDenied, rule};
use shared::token_response::{EventVersion, own};

/// The claim with a user's groups.
const GROUPS_CLAIM: &str = "cognito:groups";

/// What the guard needs apart from its event.
pub struct Guard<S, N = NoFunction> {
    /// What the operator decided.
    pub setting: TokenGuard,
    /// Whether users may do without a second factor.
    pub policy: Policy,
    /// Of whom one is required all the same.
    pub requirements: Requirements,
    /// How long a session may last that has proven none, where one is required by now.
    pub longest_session: Option<LongestSession>,
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
            policy: Policy::Required,
            requirements: Requirements::default(),
            longest_session: None,
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
        let Self { setting, policy, requirements, longest_session, federated, .. } = self;
        let Self { report_only, guarded_since, no_grant_message, store, .. } = self;
        Guard {
            setting,
            policy,
            requirements,
            longest_session,
            federated,
            report_only,
            guarded_since,
            no_grant_message,
            store,
            next,
        }
    }
}

/// Tokens that pass.
struct Passed {
    source: TokenSource,
    by: By,
    /// `None` for those of a machine client, whose event stays as it is.
    user: Option<(EventVersion, Claims)>,
}

/// By what tokens pass, and what is left to be done about it once the groups are known that the next function may have changed.
#[expect(clippy::large_enum_variant, reason = "one an invocation, matched where it is made")]
enum By {
    /// A second factor.
    Proof {
        user: UserKey,
        /// In a required one, by the event.
        in_group: bool,
        /// By the record.
        noted_required: bool,
    },
    /// A source that needs none of the others: there may be no user, or no grants are looked at.
    Source,
    /// The password alone, to a user of whom the event requires no second factor.
    Password { user: UserKey, client: ClientId, found: Versioned },
    /// An identity provider, at this source.
    Provider(TokenSource),
    /// A refresh token of a session that has proven a second factor.
    ProvenRefresh,
    /// A refresh token, of a user of whom the event requires no second factor.
    Refresh { user: UserKey, client: Option<ClientId> },
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
        let (response, moved) = match &self.next {
            // The grant is redeemed by now: whatever the next function does, it passes one sign-in.
            Some(next) => {
                let response = hand_on(next, &event, user).await?;
                let moved = self.moves(&response);
                (Some(response), moved)
            }
            None => match user {
                Some((version, claims)) => {
                    let groups = CognitoEvent::of_any_trigger(&event)?.group_configuration();
                    (Some(own(version, claims, groups)), false)
                }
                None => (None, false),
            },
        };
        if let Some(Passed { source, by, user }) = passed {
            if !self.report_only.is_on(now) {
                self.settle(by, moved, now).await.map_err(|error| self.with_message(error))?;
            }
            let second_factor = user.and_then(|(_, claims)| Some(claims.proof?.factor.as_str()));
            let client_id = CognitoEvent::of_any_trigger(&event)?.client_id();
            let client_id = client_id.as_ref().map(ClientId::as_str);
            tracing::info!(decision = "tokens", reason = ?source, second_factor, client_id, "passed");
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
            return Ok(Passed { source, by: By::Source, user: None });
        }
        let (client, in_group) = (view.client_id(), self.requirements.bind_groups(view.group_configuration()));
        // No factor was proven here for a federated session, whatever is on record.
        let is_federated = FederatedProviders::is_federated(view.user_attribute(USER_STATUS));
        let may_federate = !in_group && !self.requirements.bind_client(client.as_ref());
        if source == TokenSource::HostedAuth
            && may_federate
            && self.federated.vouch_for(view.user_attribute(USER_STATUS), view.user_attribute(IDENTITIES))
        {
            return Ok(Passed { source, by: By::Provider(source), user: Some((version, Claims::default())) });
        }
        let is_refresh = rule(source, self.setting) == Rule::Pass && source == TokenSource::RefreshTokens;
        if is_federated && is_refresh {
            return match may_federate {
                true => Ok(Passed { source, by: By::Provider(source), user: Some((version, Claims::default())) }),
                false => Err(HandlerError::TokenDenied(TokenDenied::Source(source))),
            };
        }
        let user = view.user_key()?;
        let terms = GuardTerms {
            guard: self.setting,
            // Under `OPTIONAL` the password suffices, and these users have none here.
            policy: if is_federated { Policy::Required } else { self.policy },
            guarded_since: self.guarded_since.of(self.setting, self.report_only, now).filter(|_| !is_federated),
            is_noting: !self.report_only.is_on(now),
            groups_may_change: self.next.is_some(),
        };
        // What is no nonce matches none.
        let nonce = SignInNonce::parse(view.client_metadata(SignInNonce::KEY)).ok().flatten();
        let required = match self.requirements.bind(self.policy, client.as_ref(), now) {
            _ if in_group => Required::ByGroup,
            true => Required::BySettings,
            false => Required::No,
        };
        let (client, nonce) = (client.as_ref(), nonce.as_ref());
        let request = TokenRequest { user: &user, client, nonce, source, required };
        let (by, claims) = match (is_refresh, self.longest_session, terms.guarded_since) {
            (true, Some(longest), _) if required != Required::No => {
                let GuardTerms { policy, guarded_since, .. } = terms;
                let claims = pass_refresh(&self.store, &user, client, longest, policy, guarded_since, now).await?;
                (By::ProvenRefresh, claims)
            }
            // What a refresh continues is not known, and the user is.
            (true, _, Some(guarded_since)) => {
                let limit = tokio::time::sleep(timeouts::REFRESH_CLAIMS);
                let claims = refresh_claims(&self.store, &user, guarded_since, terms.policy, limit).await?;
                (By::Refresh { user, client: client.cloned() }, claims)
            }
            (true, _, None) => (By::Refresh { user, client: client.cloned() }, Claims::default()),
            (false, _, _) => match redeem_grant(&self.store, request, terms, now).await? {
                (PassedBy::Source, claims) => (By::Source, claims),
                (PassedBy::Grant { noted_required }, claims) => (By::Proof { user, in_group, noted_required }, claims),
                (PassedBy::PasswordAlone(found), claims) => {
                    let client = client.cloned().ok_or(HandlerError::TokenDenied(TokenDenied::NoClient))?;
                    (By::Password { user, client, found }, claims)
                }
            },
        };
        Ok(Passed { source, by, user: Some((version, claims)) })
    }

    /// Whether the next function's response puts the user into a required group: as its groups, or as a claim of either token, which
    /// an API cannot tell from them.
    fn moves(&self, response: &Value) -> bool {
        details_of(response).any(|details| {
            let tokens =
                ["idTokenGeneration", "accessTokenGeneration"].into_iter().filter_map(|token| details.get(token));
            let mut claims = tokens.chain([details]).filter_map(|token| token.get("claimsToAddOrOverride"));
            self.requirements.bind_groups(details.get("groupOverrideDetails"))
                || claims.any(|claims| self.requirements.bind_groups_claim(claims.get(GROUPS_CLAIM)))
        })
    }

    /// Judges and notes what the groups can still decide. `moved` is whether the next function has put the user into a required one.
    async fn settle(&self, by: By, moved: bool, now: UnixTime) -> Result<(), HandlerError> {
        match (by, moved, self.longest_session) {
            // Who may turn it off is decided where no groups are seen.
            (By::Proof { user, in_group, noted_required }, _, _)
                if self.policy == Policy::Optional && self.next.is_some() =>
            {
                let by_group = in_group || moved;
                if by_group == noted_required {
                    Ok(())
                } else {
                    note_requirement(&self.store, &user, by_group, now).await
                }
            }
            (By::Password { user, client, found }, false, _) => {
                // The next function took its time: the user may have one by now, or an operator has reset the record.
                let found =
                    if self.next.is_some() { load_under(Policy::Optional, &self.store, &user).await? } else { found };
                note_unproven(&self.store, &user, &client, found, now).await
            }
            (By::Password { user, .. }, true, _) => {
                note_requirement(&self.store, &user, true, now).await?;
                Err(HandlerError::SecondFactorRequired)
            }
            (By::Provider(source), true, _) => Err(HandlerError::TokenDenied(TokenDenied::Source(source))),
            (By::Refresh { user, client }, true, Some(longest)) => {
                let claims = pass_refresh(&self.store, &user, client.as_ref(), longest, self.policy, None, now).await;
                claims.map(drop)
            }
            (By::Proof { .. } | By::Source | By::ProvenRefresh | By::Provider(_) | By::Refresh { .. }, _, _) => Ok(()),
        }
    }
}

/// The details of a response, in the shape of either version.
fn details_of(response: &Value) -> impl Iterator<Item = &Value> {
    let shapes = ["claimsAndScopeOverrideDetails", "claimsOverrideDetails"];
    shapes.into_iter().filter_map(|details| response.get(details))
}
