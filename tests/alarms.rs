//! An alarm rings for faults and not for what a user can cause: each reason that a function logs is one or the other, and
//! docs/runbook.md says which. tests/template has what the alarms make of it.

use std::collections::BTreeMap;

use serde_json::Value;
use shared::cognito::TokenSource;
use shared::error::{HandlerError, InvokeError, SealError, StoreError};
use shared::guard_settings::NoGrantMessage;
use shared::invocation::answer;
use shared::next_refusal::Refusal;
use shared::random::RandomError;
use shared::settings::SettingError;
use shared::token_grant::TokenDenied;
use tests::log::logged;

#[tokio::test]
async fn the_runbook_has_every_reason_and_whether_it_is_a_refusal_or_a_fault() {
    let mut logged = BTreeMap::new();
    for error in std::iter::successors(next(None), |error| next(Some(error))) {
        let reason = error.to_string().replace("Unknown", "…");
        let line = line_of(error).await;
        assert_eq!(line["level"], "ERROR", "so that every LOG_LEVEL has it");
        logged.insert(reason, line["message"].as_str().unwrap().to_owned());
    }
    let runbook = include_str!("../docs/runbook.md");
    let (_, table) = runbook.split_once("| reason | message | means |\n|---|---|---|\n").unwrap();
    let rows = table.lines().map_while(|line| line.strip_prefix("| `")?.split_once("` | `"));
    let rows = rows.map(|(reason, row)| (reason.to_owned(), row.split_once('`').unwrap().0.to_owned()));
    assert_eq!(rows.collect::<BTreeMap<_, _>>(), logged);
}

/// Every error in turn, from `None` to `None`: a new one does not compile until it has its place.
fn next(error: Option<&HandlerError>) -> Option<HandlerError> {
    Some(match error {
        None => HandlerError::NotThisTriggersEvent("…"),
        Some(HandlerError::NotThisTriggersEvent(_)) => HandlerError::NoSub,
        Some(HandlerError::NoSub) => HandlerError::NoChallengeExpected,
        Some(HandlerError::NoChallengeExpected) => HandlerError::NotOurChallenge,
        Some(HandlerError::NotOurChallenge) => HandlerError::ChallengeOutdated,
        Some(HandlerError::ChallengeOutdated) => HandlerError::InvalidParameters,
        Some(HandlerError::InvalidParameters) => HandlerError::TokenDenied(TokenDenied::Source(TokenSource::Unknown)),
        Some(HandlerError::TokenDenied(TokenDenied::Source(_))) => HandlerError::TokenDenied(TokenDenied::NoGrant),
        Some(HandlerError::TokenDenied(TokenDenied::NoGrant)) => HandlerError::NoGrant(NoGrantMessage::default()),
        Some(HandlerError::NoGrant(_)) => HandlerError::SecondFactorRequired,
        Some(HandlerError::SecondFactorRequired) => HandlerError::TokenDenied(TokenDenied::NoClient),
        Some(HandlerError::TokenDenied(TokenDenied::NoClient)) => {
            HandlerError::NextFunctionRefused { refusal: Refusal::read(b"{}"), shown: None }
        }
        Some(HandlerError::NextFunctionRefused { .. }) => HandlerError::Invoke(InvokeError("plainly fake".into())),
        Some(HandlerError::Invoke(_)) => HandlerError::NotThisTriggersAnswer("…"),
        Some(HandlerError::NotThisTriggersAnswer(_)) => HandlerError::TooManyConflicts,
        Some(HandlerError::TooManyConflicts) => HandlerError::TimedOut,
        Some(HandlerError::TimedOut) => HandlerError::Store(StoreError("plainly fake".into())),
        Some(HandlerError::Store(_)) => HandlerError::Seal(SealError("plainly fake".into())),
        Some(HandlerError::Seal(_)) => HandlerError::Random(RandomError),
        Some(HandlerError::Random(_)) => {
            HandlerError::Response(serde_json::from_str::<Value>("").expect_err("no JSON"))
        }
        Some(HandlerError::Response(_)) => {
            HandlerError::Setting(SettingError { variable: "ENROLLMENT", problem: "must be set".to_owned() })
        }
        Some(HandlerError::Setting(_)) => HandlerError::Panicked,
        Some(HandlerError::Panicked) => return None,
    })
}

/// What an invocation logs that ends in `error`.
async fn line_of(error: HandlerError) -> Value {
    let (answered, mut lines) = logged(answer("request-id", Value::Null, async |_| Err(error))).await;
    answered.unwrap_err();
    assert_eq!(lines.len(), 1);
    lines.remove(0)
}
