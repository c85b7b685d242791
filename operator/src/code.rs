//! `operator-code`, `enroll` and the code of `reset`: a code for one sign-in that must then set up an authenticator.
//!
//! Invariant: the code is printed after its hash was saved, once, and is kept nowhere.

use serde_json::json;
use shared::clock::UnixTime;
use shared::ids::Generation;
use shared::operator_code::OperatorCode;
use shared::record::Record;
use shared::recovery_codes::{CODE_BYTES, RecoveryCode};

use crate::desk::{Desk, Planned};
use crate::terminal::Stopped;
use crate::time::when;
use crate::user::EXTERNAL_PROVIDER;

/// A code that was drawn, and what is kept of it.
pub(crate) struct NewCode {
    pub(crate) code: RecoveryCode,
    pub(crate) kept: OperatorCode,
    pub(crate) generation: Generation,
    pub(crate) until: UnixTime,
}

impl NewCode {
    pub(crate) fn draw(desk: &Desk<'_, '_>, hours: u64) -> Result<Self, Stopped> {
        let code = RecoveryCode::new(desk.draw::<CODE_BYTES>()?);
        let until = desk.now.plus(hours.saturating_mul(3600));
        let kept = OperatorCode::new(&code, desk.draw()?, until);
        Ok(Self { code, kept, generation: Generation(desk.draw()?), until })
    }

    /// What the user does with it.
    pub(crate) fn in_words(&self) -> [String; 2] {
        [
            format!("Code: {}", self.code.show().as_str()),
            format!(
                "It is good for one sign-in until {}: the user types it where a recovery code is typed, sets up an \
                 authenticator and takes new recovery codes. It is not shown again.",
                when(self.until)
            ),
        ]
    }
}

/// Which of the two commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum For {
    /// A user who has an authenticator.
    LostPhone,
    /// A user who has none.
    Enrollment,
}

/// Gives a code.
///
/// # Errors
/// See [`Stopped`].
pub(crate) async fn give_code(mut desk: Desk<'_, '_>, typed: &str, why: For, hours: u64) -> Result<(), Stopped> {
    let now = desk.now;
    let user = desk.user(typed).await?;
    let new = NewCode::draw(&desk, hours)?;
    let plan = |record: &Record| {
        let stop = |why| Err(Stopped::unchanged(why));
        // Such a user proves no factor here: with an authenticator on record, a claim could say otherwise.
        if user.status == EXTERNAL_PROVIDER {
            return stop("the user signs in with an identity provider, and never with a code here.");
        }
        match (why, record.authenticator().is_some(), record.forgotten_at()) {
            (For::LostPhone, false, _) => return stop("the user has no authenticator; use `enroll`."),
            (For::Enrollment, true, _) => {
                return stop("the user has an authenticator; use `operator-code`, or `reset`.");
            }
            (For::LostPhone, true, _) | (For::Enrollment, false, _) => {}
        }
        let mut sentences =
            vec!["The next sign-in will need the password and the code, and will set up an authenticator.".to_owned()];
        if let Some(until) = record.operator_code_until(now) {
            sentences.push(format!("The code from before, good until {}, will not work any more.", when(until)));
        }
        if why == For::LostPhone {
            sentences.push(
                "Until then the present authenticator and recovery codes work, and lead to the set-up too. If somebody else \
                 may have them, use `reset` instead."
                    .to_owned(),
            );
        }
        if record.forgotten_at().is_some() {
            sentences.push("The user was forgotten; from now on a code is accepted.".to_owned());
        }
        if !user.enabled {
            sentences.push("The user is disabled in Cognito, so no sign-in works before that is changed.".to_owned());
        }
        Ok(Planned { record: record.with_operator_code(new.kept.clone(), new.generation), sentences })
    };
    let key = desk.key(&user.sub);
    let Some(agreed) = desk.agree(key, &[user.in_words()], plan).await? else { return Ok(()) };
    desk.save(&agreed, plan).await?;
    for line in new.in_words() {
        desk.say(&line)?;
    }
    let code = new.code.show();
    desk.print_json(&json!({ "sub": user.sub, "code": code.as_str(), "until": when(new.until) }))
}

/// Takes a code back.
///
/// # Errors
/// See [`Stopped`].
pub(crate) async fn withdraw_code(mut desk: Desk<'_, '_>, typed: &str) -> Result<(), Stopped> {
    let now = desk.now;
    let user = desk.user(typed).await?;
    let generation = Generation(desk.draw()?);
    let plan = |record: &Record| {
        if record.operator_code_until(now).is_none() {
            return Err(Stopped::unchanged("no code is outstanding."));
        }
        let mut sentences =
            vec!["The code will not work any more, and neither will a set-up that it led to.".to_owned()];
        if record.authenticator().is_none() {
            sentences.push("The user still has no authenticator, and sets one up with another code only.".to_owned());
        }
        Ok(Planned { record: record.with_code_withdrawn(generation), sentences })
    };
    let key = desk.key(&user.sub);
    let Some(agreed) = desk.agree(key, &[user.in_words()], plan).await? else { return Ok(()) };
    desk.save(&agreed, plan).await?;
    desk.say("Withdrawn.")?;
    desk.print_json(&json!({ "sub": user.sub, "withdrawn": true }))
}
