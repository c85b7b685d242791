//! Verify Auth Challenge Response: judges an answer and records the outcome before it leaves.

use aws_lambda_events::event::cognito::{
    CognitoEventUserPoolsVerifyAuthChallenge, CognitoEventUserPoolsVerifyAuthChallengeResponse,
};
use serde_json::Value;
use shared::challenge::Posed;
use shared::clock::UnixTime;
use shared::second_factor::{Answer, FriendlyName, Reason};
use shared::settings::Enrollment;
use shared::store::{RecordStore, Sealer, Settled, settle};
use shared::token_guard::ClientId;
use shared::trigger::{Fault, read, user_key, with_response};

/// What Verify needs beside its event.
pub struct Verify<S, K> {
    /// Who may set an authenticator up.
    pub enrollment: Enrollment,
    /// The records.
    pub store: S,
    /// Opens secrets.
    pub sealer: K,
}

impl<S: RecordStore, K: Sealer> Verify<S, K> {
    /// Answers one event.
    ///
    /// # Errors
    /// Not an event of this trigger, a challenge that Create did not pose or that the record has left behind, or a fault
    /// of the store or the sealing.
    pub async fn handle(&self, event: Value, now: UnixTime) -> Result<Value, Fault> {
        let parsed =
            read::<CognitoEventUserPoolsVerifyAuthChallenge>(&event, "VerifyAuthChallengeResponse_Authentication")?;
        let (header, request) = (parsed.cognito_event_user_pools_header, parsed.request);
        let Some(Value::String(answer)) = request.challenge_answer else {
            return Err(Fault::NotThisTriggersEvent("challengeAnswer"));
        };
        let posed = Posed::from_private_parameters(&request.private_challenge_parameters);
        let posed = posed.ok_or(Fault::NotOurChallenge)?;
        let settled = if request.user_not_found {
            Settled::Refused(Reason::UserNotFound)
        } else {
            let user =
                user_key(header.user_pool_id.as_deref(), request.user_attributes.get("sub").map(String::as_str))?;
            let name = request.client_metadata.get(FriendlyName::KEY).and_then(|typed| FriendlyName::read(typed));
            let client = ClientId::read(header.caller_context.client_id.as_deref());
            let answer = Answer::new(answer).sent_by(client).naming(name);
            settle(&self.store, &self.sealer, &user, &posed, &answer, self.enrollment, now).await?
        };
        let challenge = posed.challenge.kind().word();
        tracing::info!(decision = settled.answer_correct(), challenge, reason = ?settled.reason(), "judged");
        if settled.guessed() {
            // template.yaml's alarm looks for these words, and hears them at each level.
            tracing::error!(challenge, "passcodes are being guessed");
        }
        let mut response = CognitoEventUserPoolsVerifyAuthChallengeResponse::default();
        response.answer_correct = settled.answer_correct();
        with_response(event, &response)
    }
}
