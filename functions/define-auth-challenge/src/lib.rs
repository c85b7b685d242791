//! Define Auth Challenge: translates Cognito's event into [`shared::sign_in`]'s table and back. No I/O.

use aws_lambda_events::event::cognito::{
    CognitoEventUserPoolsDefineAuthChallenge, CognitoEventUserPoolsDefineAuthChallengeResponse,
};
use serde_json::Value;
use shared::settings::SignInSettings;
use shared::sign_in::{Circumstances, Entry, NextStep, Standing, Wish, next_step};
use shared::trigger::{Fault, read, with_response};

/// Answers one event.
///
/// # Errors
/// Not an event of this trigger.
pub fn handle(event: Value, settings: &SignInSettings) -> Result<Value, Fault> {
    let request =
        read::<CognitoEventUserPoolsDefineAuthChallenge>(&event, "DefineAuthChallenge_Authentication")?.request;
    let entries = request.session.iter().map(|entry| {
        entry.as_ref().map_or(Entry::NONE, |entry| {
            Entry::read(entry.challenge_name.as_deref(), entry.challenge_result, entry.challenge_metadata.as_deref())
        })
    });
    let standing = Standing::of(entries, settings);
    let circumstances = Circumstances {
        user_not_found: request.user_not_found,
        must_change_password: request
            .user_attributes
            .get("cognito:user_status")
            .is_some_and(|status| status == "FORCE_CHANGE_PASSWORD"),
        wish: Wish::read(request.client_metadata.get(Wish::KEY).map(String::as_str)),
    };
    let next = next_step(&standing, circumstances);
    tracing::info!(decision = ?next, reason = ?standing.progress(), "defined");
    with_response(event, &response(next))
}

/// Every field is written, and never both flags true: what Cognito makes of anything else is not documented.
fn response(next: NextStep) -> CognitoEventUserPoolsDefineAuthChallengeResponse {
    let mut response = CognitoEventUserPoolsDefineAuthChallengeResponse::default();
    match next {
        NextStep::AskPassword => response.challenge_name = Some("PASSWORD_VERIFIER".to_owned()),
        NextStep::AskNewPassword => response.challenge_name = Some("NEW_PASSWORD_REQUIRED".to_owned()),
        NextStep::AskSecondFactor => response.challenge_name = Some("CUSTOM_CHALLENGE".to_owned()),
        NextStep::IssueTokens => response.issue_tokens = true,
        NextStep::Fail(_) => response.fail_authentication = true,
    }
    response
}
