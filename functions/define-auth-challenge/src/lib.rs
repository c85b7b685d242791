//! Define Auth Challenge: translates Cognito's event into [`shared::sign_in`]'s tables and back. No I/O.

use aws_lambda_events::event::cognito::CognitoEventUserPoolsDefineAuthChallengeResponse as Response;
use serde_json::Value;
use shared::cognito::{ChallengeName, DEFINE_AUTH_CHALLENGE, FORCE_CHANGE_PASSWORD, USER_STATUS};
use shared::error::HandlerError;
use shared::event::{CognitoEvent, with_response};
use shared::settings::SignInSettings;
use shared::sign_in::{AfterSecondFactor, ChallengeResult, DefineContext, NextStep, SessionState, next_step};

/// Answers one event.
///
/// # Errors
/// Not an event of this trigger.
pub fn handle(event: Value, settings: &SignInSettings) -> Result<Value, HandlerError> {
    let view = CognitoEvent::new(&event, DEFINE_AUTH_CHALLENGE)?;
    let session = view.session()?;
    let results =
        session.iter().map(|entry| ChallengeResult::classify(entry.name, entry.correct, entry.metadata, settings));
    let state = SessionState::of(results);
    let context = DefineContext {
        user_not_found: view.user_not_found()?,
        must_change_password: view.user_attribute(USER_STATUS) == Some(FORCE_CHANGE_PASSWORD),
        after_second_factor: AfterSecondFactor::parse(view.client_metadata(AfterSecondFactor::KEY), settings.policy()),
    };
    let next = next_step(&state, context);
    tracing::info!(decision = ?next, reason = ?state.progress(), "defined");
    with_response(event, &response(next))
}

/// Every field is written, and never both flags true: what Cognito makes of anything else is not documented.
fn response(next: NextStep) -> Response {
    let mut response = Response::default();
    let challenge = |name: ChallengeName| Some(name.as_str().to_owned());
    match next {
        NextStep::PasswordVerifier => response.challenge_name = challenge(ChallengeName::PasswordVerifier),
        NextStep::NewPasswordRequired => response.challenge_name = challenge(ChallengeName::NewPasswordRequired),
        NextStep::CustomChallenge => response.challenge_name = challenge(ChallengeName::CustomChallenge),
        NextStep::IssueTokens => response.issue_tokens = true,
        NextStep::FailAuthentication(_) => response.fail_authentication = true,
    }
    response
}
