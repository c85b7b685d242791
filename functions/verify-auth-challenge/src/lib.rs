//! Verify Auth Challenge Response: verifies an answer and records the outcome before it leaves.

use aws_lambda_events::event::cognito::CognitoEventUserPoolsVerifyAuthChallengeResponse as Response;
use serde_json::Value;
use shared::authenticator::FriendlyName;
use shared::challenge::IssuedChallenge;
use shared::clock::UnixTime;
use shared::cognito::VERIFY_AUTH_CHALLENGE;
use shared::error::HandlerError;
use shared::event::{CognitoEvent, with_response};
use shared::requirements::Requirements;
use shared::settings::{Admission, Enrollment, Policy};
use shared::sign_in_nonce::SignInNonce;
use shared::store::{RecordStore, Sealer};
use shared::verification::{Answer, Reason};
use shared::verify_answer::{VerifiedAnswer, verify_answer};

/// What Verify needs apart from its event.
pub struct Verify<S, K> {
    /// The operator's present setting for new authenticators.
    pub enrollment: Enrollment,
    /// Whether users may do without a second factor.
    pub policy: Policy,
    /// Of whom one is required all the same.
    pub requirements: Requirements,
    /// The records.
    pub store: S,
    /// Opens secrets.
    pub sealer: K,
}

impl<S: RecordStore, K: Sealer> Verify<S, K> {
    /// Answers one event.
    ///
    /// # Errors
    /// Not an event of this trigger, a challenge that Create did not issue or that is outdated, or an error of the store or the
    /// sealing.
    pub async fn handle(&self, event: Value, now: UnixTime) -> Result<Value, HandlerError> {
        let view = CognitoEvent::new(&event, VERIFY_AUTH_CHALLENGE)?;
        let answer = view.challenge_answer()?.to_owned();
        let issued = IssuedChallenge::from_private_parameters(|name| view.private_parameter(name));
        let issued = issued.ok_or(HandlerError::NotOurChallenge)?;
        let verified = if view.user_not_found()? {
            VerifiedAnswer::Rejected(Reason::UserNotFound)
        } else {
            let name = view.client_metadata(FriendlyName::KEY).and_then(FriendlyName::parse);
            let nonce = SignInNonce::parse(view.client_metadata(SignInNonce::KEY));
            let client = view.client_id();
            let required = self.requirements.bind(self.policy, client.as_ref(), now);
            let admission = Admission { enrollment: self.enrollment, policy: self.policy, required };
            let answer = Answer::new(answer).sent_by(client).bound_to(nonce).naming(name);
            let user = view.user_key()?;
            verify_answer(&self.store, &self.sealer, &user, &issued, &answer, admission, now).await?
        };
        let challenge = issued.challenge.kind().as_str();
        tracing::info!(decision = verified.is_correct(), challenge, reason = ?verified.reason(), "verified");
        if verified.is_alerting() {
            // An alarm in template.yaml filters for this message; it is logged at every level.
            tracing::error!(challenge, "passcodes are being guessed");
        }
        let mut response = Response::default();
        response.answer_correct = verified.is_correct();
        with_response(event, &response)
    }
}
