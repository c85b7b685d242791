//! Create Auth Challenge: poses the challenge that [`shared::sign_in`] names. Reads the record, never writes it.

use std::collections::HashMap;

use aws_lambda_events::event::cognito::{
    CognitoEventUserPoolsChallengeResult, CognitoEventUserPoolsCreateAuthChallenge,
    CognitoEventUserPoolsCreateAuthChallengeResponse,
};
use serde_json::Value;
use shared::challenge::{AuthenticatorId, Challenge, Kind, NewAuthenticator, NewCodes, Nonce, Posed, Prompt, Shown};
use shared::clock::UnixTime;
use shared::recovery_codes::{CODE_BYTES, CODES, CodeSet, RecoveryCode};
use shared::second_factor::Record;
use shared::settings::{CreateSettings, Enrollment};
use shared::sign_in::{Entry, Pose, Standing, Wish, challenge_to_pose};
use shared::store::{RecordStore, SealedFor, Sealer, UserKey};
use shared::totp::{SECRET_BYTES, SharedSecret};
use shared::trigger::{Fault, FillRandom, draw, read, user_key, with_response};

/// What Create needs beside its event.
pub struct Create<S, K> {
    /// What the operator decided.
    pub settings: CreateSettings,
    /// The records.
    pub store: S,
    /// Seals new secrets.
    pub sealer: K,
    /// Nonces, secrets and codes are drawn from it.
    pub random: FillRandom,
}

/// A challenge, what the client sees of it, and what the session keeps of it.
struct Wording {
    challenge: Challenge,
    metadata: String,
    public_parameters: HashMap<String, String>,
}

impl<S: RecordStore, K: Sealer> Create<S, K> {
    /// Answers one event.
    ///
    /// # Errors
    /// Not an event of this trigger, a session that asks for no challenge, or a fault of the store or the sealing.
    pub async fn handle(&self, event: Value, now: UnixTime) -> Result<Value, Fault> {
        let parsed = read::<CognitoEventUserPoolsCreateAuthChallenge>(&event, "CreateAuthChallenge_Authentication")?;
        let (header, request) = (parsed.cognito_event_user_pools_header, parsed.request);
        let standing = Standing::of(request.session.iter().map(entry), &self.settings.sign_in);
        let wording = if request.user_not_found {
            let challenge = Challenge::Totp(Prompt::FOR_NOBODY);
            Wording {
                metadata: challenge.metadata(),
                challenge,
                public_parameters: Shown::TOTP_FOR_NOBODY.public_parameters(standing.attempts_left()),
            }
        } else {
            let user =
                user_key(header.user_pool_id.as_deref(), request.user_attributes.get("sub").map(String::as_str))?;
            let wish = Wish::read(request.client_metadata.get(Wish::KEY).map(String::as_str));
            let account = request.user_attributes.get("email").or(header.user_name.as_ref()).unwrap_or(&user.sub);
            let last = request.session.last().and_then(Option::as_ref).is_some_and(|last| last.challenge_result);
            let metadata =
                request.session.iter().rev().map_while(|entry| entry.as_ref()?.challenge_metadata.as_deref());
            let answered = Challenge::last_answered(metadata).map(|challenge| (challenge, last));
            self.word(&standing, wish, &user, account, answered, now).await?
        };
        let kind = wording.challenge.kind();
        let posed = Posed { nonce: Nonce(draw(self.random)?), challenge: wording.challenge };
        tracing::info!(decision = kind.word(), reason = ?standing.progress(), "posed");
        let mut response = CognitoEventUserPoolsCreateAuthChallengeResponse::default();
        response.public_challenge_parameters = wording.public_parameters;
        response.private_challenge_parameters = posed.private_parameters();
        response.challenge_metadata = Some(wording.metadata);
        with_response(event, &response)
    }

    /// `answered` is the challenge of ours that was answered last, and whether it was answered rightly.
    async fn word(
        &self,
        standing: &Standing,
        wish: Wish,
        user: &UserKey,
        account: &str,
        answered: Option<(Challenge, bool)>,
        now: UnixTime,
    ) -> Result<Wording, Fault> {
        let record = self.store.load(user).await?.record;
        let enrollment = self.settings.sign_in.enrollment();
        let pose = challenge_to_pose(standing, record.holdings(), enrollment, wish).ok_or(Fault::NothingToPose)?;
        if standing.is_past_second_factor() {
            // What was proven may have been reset or replaced since, and the record may be somebody else's work by now.
            let (challenge, right) = answered.as_ref().ok_or(Fault::NotOurChallenge)?;
            if challenge.generation_after(*right) != record.generation() {
                return Err(Fault::ChallengeOutdated);
            }
        }
        let generation = record.generation();
        let attempts_left = standing.attempts_left();
        let (challenge, shown) = match pose {
            Pose::New(Kind::Totp { codes_owed }) => (
                Challenge::Totp(Prompt { codes_owed, generation }),
                self.show_totp(&record, now).public_parameters(attempts_left),
            ),
            Pose::New(Kind::TotpSetup) => {
                let secret = SharedSecret::new(draw::<SECRET_BYTES>(self.random)?.to_vec());
                let id = AuthenticatorId(draw(self.random)?);
                let sealed = self.sealer.seal(&secret, SealedFor { user, authenticator: id }).await?;
                let shown = Shown::TotpSetup { secret: &secret, issuer: &self.settings.issuer, account };
                let new = NewAuthenticator { entitlement: standing.entitlement(), generation, id, sealed };
                (Challenge::TotpSetup(new), shown.public_parameters(attempts_left))
            }
            Pose::New(Kind::RecoveryCodes) => {
                let mut codes = Vec::with_capacity(CODES);
                for _ in 0..CODES {
                    codes.push(RecoveryCode::new(draw::<CODE_BYTES>(self.random)?));
                }
                let new = NewCodes { generation, codes: CodeSet::new(&codes, draw(self.random)?) };
                (Challenge::RecoveryCodes(new), Shown::RecoveryCodes(&codes).public_parameters(attempts_left))
            }
            Pose::SameAgain => {
                let (same, _) = answered.ok_or(Fault::NotOurChallenge)?;
                let public_parameters = Shown::Again(same.kind()).public_parameters(attempts_left);
                return Ok(Wording { metadata: same.metadata_again(), challenge: same, public_parameters });
            }
        };
        Ok(Wording { metadata: challenge.metadata(), challenge, public_parameters: shown })
    }

    fn show_totp<'a>(&self, record: &'a Record, now: UnixTime) -> Shown<'a> {
        let named = match self.settings.sign_in.enrollment() {
            Enrollment::AtSignIn => record.authenticator(),
            // Who has no authenticator is asked for a passcode, too: a name would tell them apart.
            Enrollment::ByOperator | Enrollment::AfterCognitoMfa => None,
        };
        Shown::totp(record.admission(now), named)
    }
}

fn entry(entry: &Option<CognitoEventUserPoolsChallengeResult>) -> Entry {
    entry.as_ref().map_or(Entry::NONE, |entry| {
        Entry::read(entry.challenge_name.as_deref(), entry.challenge_result, entry.challenge_metadata.as_deref())
    })
}
