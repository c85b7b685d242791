//! Create Auth Challenge: issues the challenge that [`shared::sign_in`] names. Reads the record, never writes it.

use std::collections::HashMap;

use aws_lambda_events::event::cognito::CognitoEventUserPoolsCreateAuthChallengeResponse as Response;
use serde_json::Value;
use shared::authenticator::{Authenticator, FriendlyName};
use shared::challenge::{
    Challenge, IssuedChallenge, Kind, NewAuthenticator, NewCodes, Offer, Prompt, PublicParameters, Removal,
};
use shared::clock::UnixTime;
use shared::cognito::{CREATE_AUTH_CHALLENGE, UserKey};
use shared::error::HandlerError;
use shared::event::{CognitoEvent, with_response};
use shared::ids::{AuthenticatorId, Generation, Nonce};
use shared::passcode_limit::RateLimit;
use shared::random::{FillRandom, draw};
use shared::record::Record;
use shared::recovery_codes::{CODE_BYTES, CODES, CodeSet, RecoveryCode};
use shared::requirements::Requirements;
use shared::settings::{Admission, CreateSettings, Enrollment};
use shared::sign_in::{AfterSecondFactor, ChallengeResult, Progress, SessionState, ToIssue, next_challenge};
use shared::store::{EncryptionContext, RecordStore, Sealer, load_under};
use shared::totp::{SECRET_BYTES, SharedSecret};

/// What Create needs apart from its event.
pub struct Create<S, K> {
    /// What the operator decided.
    pub settings: CreateSettings,
    /// Of whom a second factor is required.
    pub requirements: Requirements,
    /// The records.
    pub store: S,
    /// Seals new secrets.
    pub sealer: K,
    /// Where nonces, secrets and codes come from.
    pub random: FillRandom,
}

/// A challenge, what the client sees of it, and what the session keeps of it.
struct NewChallenge {
    challenge: Challenge,
    metadata: String,
    public_parameters: HashMap<String, String>,
}

impl<S: RecordStore, K: Sealer> Create<S, K> {
    /// Answers one event.
    ///
    /// # Errors
    /// Not an event of this trigger, a session that asks for no challenge, or a fault of the store or the sealing.
    pub async fn handle(&self, event: Value, now: UnixTime) -> Result<Value, HandlerError> {
        let view = CognitoEvent::new(&event, CREATE_AUTH_CHALLENGE)?;
        let session = view.session()?;
        let state =
            SessionState::of(session.iter().map(|entry| {
                ChallengeResult::classify(entry.name, entry.correct, entry.metadata, &self.settings.sign_in)
            }));
        let new = if view.user_not_found()? {
            let challenge = Challenge::SecondFactor(Prompt::FOR_NOBODY);
            NewChallenge {
                metadata: challenge.metadata(),
                challenge,
                public_parameters: PublicParameters::FOR_NOBODY
                    .to_map(state.attempts_left(), self.settings.passcode_digits),
            }
        } else {
            let user = view.user_key()?;
            let after_second_factor =
                AfterSecondFactor::parse(view.client_metadata(AfterSecondFactor::KEY), self.settings.sign_in.policy());
            let account = view.user_attribute("email").or(view.user_name()).unwrap_or(&user.sub);
            let metadata = session.iter().rev().map_while(|entry| entry.metadata);
            let correct = session.last().is_some_and(|last| last.correct);
            let answered = Challenge::last_answered(metadata).map(|challenge| (challenge, correct));
            let client = view.client_id();
            let required = self.requirements.bind(self.settings.sign_in.policy(), client.as_ref(), now);
            self.new_challenge(&state, after_second_factor, &user, account, answered, required, now).await?
        };
        let kind = new.challenge.kind();
        let issued = IssuedChallenge { nonce: Nonce(draw(self.random)?), challenge: new.challenge };
        tracing::info!(decision = kind.as_str(), reason = ?state.progress(), "issued");
        let mut response = Response::default();
        response.public_challenge_parameters = new.public_parameters;
        response.private_challenge_parameters = issued.private_parameters();
        response.challenge_metadata = Some(new.metadata);
        with_response(event, &response)
    }

    /// `answered` is the challenge of ours that was answered last, and whether it was answered rightly. `required` is whether the
    /// settings require a second factor.
    #[expect(clippy::too_many_arguments, reason = "all that the event and the session say")]
    async fn new_challenge(
        &self,
        state: &SessionState,
        after_second_factor: AfterSecondFactor,
        user: &UserKey,
        account: &str,
        answered: Option<(Challenge, bool)>,
        required: bool,
        now: UnixTime,
    ) -> Result<NewChallenge, HandlerError> {
        let sign_in = self.settings.sign_in;
        // By these settings Define would have ended it: for some seconds of a deployment they differ.
        if let Progress::Rejected(_) = state.progress() {
            return Err(HandlerError::ChallengeOutdated);
        }
        let record = load_under(sign_in.policy(), &self.store, user).await?.record;
        if state.is_past_second_factor() || state.progress() == Progress::OfferTaken {
            // What was proven may have been reset or replaced since, and the record may be somebody else's work by now.
            let (challenge, right) = answered.as_ref().ok_or(HandlerError::NotOurChallenge)?;
            if challenge.generation_after(*right) != record.generation() {
                return Err(HandlerError::ChallengeOutdated);
            }
        }
        let admission = Admission {
            enrollment: sign_in.enrollment(),
            policy: sign_in.policy(),
            required: required || record.requires_second_factor(),
        };
        let next = next_challenge(state, record.enrollment_status(now), admission, after_second_factor);
        let next = next.ok_or(HandlerError::NoChallengeExpected)?;
        let generation = record.generation();
        let (attempts_left, digits) = (state.attempts_left(), self.settings.passcode_digits);
        let (challenge, shown) = match next {
            ToIssue::New(Kind::SecondFactor { due }) => {
                let (rate_limit, name) = self.asked(&record, now);
                let shown = PublicParameters::SecondFactor { rate_limit, name };
                (Challenge::SecondFactor(Prompt { due, generation }), shown.to_map(attempts_left, digits))
            }
            ToIssue::New(Kind::TotpSetup) => {
                let secret = SharedSecret::new(draw::<SECRET_BYTES>(self.random)?.to_vec());
                let id = AuthenticatorId(draw(self.random)?);
                let sealed = self.sealer.seal(&secret, EncryptionContext { user, authenticator: id }).await?;
                let shown = PublicParameters::TotpSetup { secret: &secret, issuer: &self.settings.issuer, account };
                let new = NewAuthenticator { entitlement: state.entitlement(), generation, id, sealed };
                (Challenge::TotpSetup(new), shown.to_map(attempts_left, digits))
            }
            ToIssue::New(Kind::RecoveryCodes) => {
                let mut codes = Vec::with_capacity(CODES);
                for _ in 0..CODES {
                    codes.push(RecoveryCode::new(draw::<CODE_BYTES>(self.random)?));
                }
                let new = NewCodes { generation, codes: CodeSet::new(&codes, draw(self.random)?) };
                let shown =
                    PublicParameters::RecoveryCodes { codes: &codes, earlier_left: record.recovery_codes_left() };
                (Challenge::RecoveryCodes(new), shown.to_map(attempts_left, digits))
            }
            ToIssue::New(Kind::Offer) => {
                (Challenge::Offer(Offer { generation }), PublicParameters::Offer.to_map(attempts_left, digits))
            }
            ToIssue::New(Kind::RemoveAuthenticator) => {
                if required || !record.may_be_turned_off(now) {
                    return Err(HandlerError::SecondFactorRequired);
                }
                let (rate_limit, name) = self.asked(&record, now);
                let removal = Removal { generation, next: Generation(draw(self.random)?) };
                let shown = PublicParameters::RemoveAuthenticator { rate_limit, name };
                (Challenge::RemoveAuthenticator(removal), shown.to_map(attempts_left, digits))
            }
            ToIssue::Repeat => {
                let (same, _) = answered.ok_or(HandlerError::NotOurChallenge)?;
                let public_parameters = PublicParameters::Again(same.kind()).to_map(attempts_left, digits);
                return Ok(NewChallenge { metadata: same.metadata_again(), challenge: same, public_parameters });
            }
        };
        Ok(NewChallenge { metadata: challenge.metadata(), challenge, public_parameters: shown })
    }

    fn asked<'a>(&self, record: &'a Record, now: UnixTime) -> (RateLimit, Option<&'a FriendlyName>) {
        let named = match self.settings.sign_in.enrollment() {
            Enrollment::AtSignIn => record.authenticator(),
            // Users without an authenticator get the same prompt: a name would tell them apart.
            Enrollment::ByOperator | Enrollment::AfterCognitoMfa => None,
        };
        (record.rate_limit(now), named.and_then(Authenticator::name))
    }
}
