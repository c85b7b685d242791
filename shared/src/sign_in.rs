//! The sign-in: what each entry of Cognito's session proves, and what comes next.
//!
//! Define folds the session through `transition` and answers with [`next_step`]; Create folds the same session and issues what
//! [`next_challenge`] names. The three tables are the specification; nothing else decides.
//!
//! Invariant: `IssueTokens` implies SRP_A ✓, then PASSWORD_VERIFIER ✓, then a second factor ✓ (ours, or a Cognito factor that
//! the settings accept), in that order, with at most two wrong answers before it; under the policy `OPTIONAL`, and only there, an
//! offer that was skipped ✓ stands in the place of the second factor. A new password is asked for straight after
//! the password, or not in this sign-in. `tests/define_table.rs` goes through every session.
//!
//! ```
//! use shared::settings::{AcceptedCognitoMfa, Enrollment, SignInSettings};
//! use shared::sign_in::{AfterSecondFactor, ChallengeResult, DefineContext, NextStep, SessionState, next_step};
//!
//! let settings = SignInSettings::new(AcceptedCognitoMfa::NONE, Enrollment::AtSignIn)?;
//! let context = DefineContext {
//!     user_not_found: false,
//!     must_change_password: false,
//!     after_second_factor: AfterSecondFactor::NotGiven,
//! };
//! let password = [("SRP_A", true, None), ("PASSWORD_VERIFIER", true, None)];
//! let session = |results: &[(&str, bool, Option<&str>)]| {
//!     let results = results.iter().map(|(name, correct, metadata)| {
//!         ChallengeResult::classify(Some(name), *correct, *metadata, &settings)
//!     });
//!     SessionState::of(results)
//! };
//! assert_eq!(next_step(&session(&password), context), NextStep::CustomChallenge);
//! let second_factor = ("CUSTOM_CHALLENGE", true, Some("SECOND_FACTOR - AAAAAAAAAAA"));
//! let whole = session(&[password[0], password[1], second_factor]);
//! assert_eq!(next_step(&whole, context), NextStep::IssueTokens);
//! # Ok::<(), shared::settings::SettingError>(())
//! ```
//!
//! Source: <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-define-auth-challenge.html>

use crate::challenge::{Due, Kind};
use crate::cognito::ChallengeName;
use crate::record::EnrollmentStatus;
use crate::settings::{Admission, Entitlement, Policy, SignInSettings};

use Progress::*;

/// How many wrong answers end a sign-in, counted since the last answer that moved it on.
pub const LAST_WRONG_ANSWER: u8 = 3;

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Progress {
    /// Nothing has happened; also where a client stands that skipped SRP_A.
    Start,
    /// SRP_A was exchanged, which proves nothing yet.
    PasswordAsked,
    /// Cognito has just checked the password. Only here a new password may be asked for: later it could be chosen by somebody
    /// who proved an older one and held a challenge until a temporary password was set.
    PasswordProven,
    /// Something followed the password that proves no second factor.
    SecondFactorDue,
    /// A Cognito factor that the settings accept was answered wrongly.
    CognitoFactorWrong,
    /// A Cognito factor that the settings accept was answered correctly.
    CognitoFactorProven,
    /// A passcode or a recovery code was correct.
    SecondFactorProven,
    /// The same, and there are no tokens before the user has taken a new set of recovery codes.
    SecondFactorProvenCodesDue,
    /// The same, and there are no tokens before the user has set up a new authenticator: an operator has given out a code.
    SecondFactorProvenSetUpDue,
    /// The proven user is replacing the authenticator or the recovery codes and has mistyped an answer.
    Changing,
    /// The proven user has taken new recovery codes, and has the same authenticator as before.
    RecoveryCodesRenewed,
    /// The user has a new authenticator and must take its recovery codes before the tokens.
    RecoveryCodesDue,
    /// A new authenticator, and its recovery codes.
    Done,
    /// The user does without a second factor, of whom none is required.
    OfferSkipped,
    /// The user sets up an authenticator, of whom none is required.
    OfferTaken,
    /// The proven user is turning the second factor off and has mistyped an answer.
    Removing,
    /// The proven user has turned the second factor off.
    AuthenticatorRemoved,
    /// The session left the table, for good.
    Rejected(Rejection),
}

/// Why a sign-in fails; for the log, never for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rejection {
    /// The client skipped SRP_A.
    PasswordNotAsked,
    /// An entry that is no row of the table.
    NotInTheTable,
    /// An accepted Cognito factor was answered wrongly.
    CognitoFactorWrong,
    /// Three wrong answers.
    TooManyWrongAnswers,
    /// The password that was proven has been replaced by a temporary one, which the next sign-in asks to change.
    PasswordReplaced,
    /// Cognito knows no such user.
    UserNotFound,
    /// `afterSecondFactor` has an unknown value: with tokens, a user might believe that the phone was replaced.
    UnknownAfterSecondFactor,
    /// `afterSecondFactor` asks for what only a user can have who has proven a second factor of ours.
    NoSecondFactor,
}

/// One entry of the session: what was answered, and whether the answer was correct.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChallengeResult {
    answered: AnsweredChallenge,
    correct: bool,
}

/// What an entry answered, as far as the tables distinguish it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum AnsweredChallenge {
    /// `SRP_A`
    SrpA,
    /// `PASSWORD_VERIFIER`
    Password,
    /// `NEW_PASSWORD_REQUIRED`
    NewPassword,
    /// `SELECT_MFA_TYPE`, `MFA_SETUP`, or a Cognito factor that the settings do not accept: proves nothing here.
    CognitoOther,
    /// A Cognito factor that the settings accept.
    CognitoFactor,
    /// `CUSTOM_CHALLENGE` with our metadata.
    Ours(Kind),
    /// Any other name, no name, or a custom challenge that is not ours.
    Unknown,
}

impl ChallengeResult {
    /// Classifies `challengeName`, `challengeResult` and `challengeMetadata` of an entry. Device challenges, `ADMIN_NO_SRP_AUTH`
    /// and whatever may be added prove nothing here and have no row.
    #[must_use]
    pub fn classify(name: Option<&str>, correct: bool, metadata: Option<&str>, settings: &SignInSettings) -> Self {
        let answered = match name.and_then(ChallengeName::parse) {
            Some(ChallengeName::SrpA) => AnsweredChallenge::SrpA,
            Some(ChallengeName::PasswordVerifier) => AnsweredChallenge::Password,
            Some(ChallengeName::NewPasswordRequired) => AnsweredChallenge::NewPassword,
            Some(ChallengeName::SelectMfaType | ChallengeName::MfaSetup) => AnsweredChallenge::CognitoOther,
            Some(ChallengeName::Mfa(mfa)) if settings.accepted_cognito_mfa().contains(mfa) => {
                AnsweredChallenge::CognitoFactor
            }
            Some(ChallengeName::Mfa(_)) => AnsweredChallenge::CognitoOther,
            Some(ChallengeName::CustomChallenge) => match (metadata.and_then(Kind::from_metadata), settings.policy()) {
                (Some(Kind::Offer | Kind::RemoveAuthenticator), Policy::Required) | (None, _) => {
                    AnsweredChallenge::Unknown
                }
                (Some(kind), _) => AnsweredChallenge::Ours(kind),
            },
            None => AnsweredChallenge::Unknown,
        };
        Self { answered, correct }
    }
}

/// What one entry does to the progress.
enum Transition {
    /// Moves it on; the count of wrong answers starts again.
    To(Progress),
    /// One wrong answer more.
    Wrong(Progress),
    /// Moves it on, but proves nothing; the count stays.
    Unproven(Progress),
    /// No row.
    Reject,
}

/// The first table. What is not a row is a rejection.
#[rustfmt::skip]
fn transition(progress: Progress, result: ChallengeResult) -> Transition {
    use AnsweredChallenge::{CognitoFactor, CognitoOther, NewPassword, Ours, Password, SrpA};
    use Kind::{Offer, RecoveryCodes, RemoveAuthenticator, SecondFactor, TotpSetup};
    use Transition::{Reject, To, Unproven, Wrong};
    const CORRECT: bool = true;
    const WRONG: bool = false;
    match (progress, result.answered, result.correct) {
        (Start,                                                             SrpA,                                           CORRECT) => To(PasswordAsked),
        (PasswordAsked,                                                     Password,                                       CORRECT) => To(PasswordProven),
        // ── Cognito's own challenges, before ours. Only Cognito writes these entries.
        (PasswordProven,                                                    NewPassword,                                    CORRECT) => To(SecondFactorDue),
        (PasswordProven | SecondFactorDue,                                  CognitoOther,                                   CORRECT) => Unproven(SecondFactorDue),
        (PasswordProven | SecondFactorDue | CognitoFactorWrong,             CognitoFactor,                                  CORRECT) => To(CognitoFactorProven),
        (PasswordProven | SecondFactorDue | CognitoFactorWrong,             CognitoFactor,                                  WRONG)   => Wrong(CognitoFactorWrong),
        // ── Ours.
        (PasswordProven | SecondFactorDue | CognitoFactorProven,            Ours(SecondFactor { due: Due::Nothing }),       CORRECT) => To(SecondFactorProven),
        (PasswordProven | SecondFactorDue | CognitoFactorProven,            Ours(SecondFactor { due: Due::RecoveryCodes }), CORRECT) => To(SecondFactorProvenCodesDue),
        (PasswordProven | SecondFactorDue | CognitoFactorProven,            Ours(SecondFactor { due: Due::Authenticator }), CORRECT) => To(SecondFactorProvenSetUpDue),
        (PasswordProven | SecondFactorDue,                                  Ours(SecondFactor { .. } | TotpSetup),          WRONG)   => Wrong(SecondFactorDue),
        (CognitoFactorProven,                                               Ours(SecondFactor { .. } | TotpSetup),          WRONG)   => Wrong(CognitoFactorProven),
        // ── An offer, which is no row once another challenge of ours was issued: see `then`.
        (PasswordProven | SecondFactorDue,                                  Ours(Offer),                                    CORRECT) => To(OfferSkipped),
        (PasswordProven | SecondFactorDue,                                  Ours(Offer),                                    WRONG)   => Unproven(OfferTaken),
        (OfferTaken,                                                        Ours(TotpSetup),                                CORRECT) => To(RecoveryCodesDue),
        (OfferTaken,                                                        Ours(TotpSetup),                                WRONG)   => Wrong(OfferTaken),
        // ── A new authenticator: the first one, or another one for a user who has proven a second factor in this sign-in.
        (PasswordProven | SecondFactorDue | CognitoFactorProven | SecondFactorProven | SecondFactorProvenCodesDue
            | SecondFactorProvenSetUpDue | Changing | RecoveryCodesRenewed, Ours(TotpSetup),                                CORRECT) => To(RecoveryCodesDue),
        // ── Changes by a user who has proven a second factor in this sign-in.
        (SecondFactorProven | SecondFactorProvenCodesDue | Changing,        Ours(RecoveryCodes),                            CORRECT) => To(RecoveryCodesRenewed),
        (SecondFactorProven | Changing,                                     Ours(TotpSetup | RecoveryCodes),                WRONG)   => Wrong(Changing),
        (RecoveryCodesRenewed,                                              Ours(TotpSetup),                                WRONG)   => Wrong(Changing),
        (SecondFactorProvenCodesDue,                                        Ours(TotpSetup | RecoveryCodes),                WRONG)   => Wrong(SecondFactorProvenCodesDue),
        (SecondFactorProvenSetUpDue,                                        Ours(TotpSetup),                                WRONG)   => Wrong(SecondFactorProvenSetUpDue),
        (SecondFactorProven | RecoveryCodesRenewed | Removing,              Ours(RemoveAuthenticator),                      CORRECT) => To(AuthenticatorRemoved),
        (SecondFactorProven | RecoveryCodesRenewed | Removing,              Ours(RemoveAuthenticator),                      WRONG)   => Wrong(Removing),
        (RecoveryCodesDue,                                                  Ours(RecoveryCodes),                            CORRECT) => To(Done),
        (RecoveryCodesDue,                                                  Ours(RecoveryCodes),                            WRONG)   => Wrong(RecoveryCodesDue),
        // ── No row.
        (Start | PasswordAsked | PasswordProven | SecondFactorDue | CognitoFactorWrong | CognitoFactorProven
            | SecondFactorProven | SecondFactorProvenCodesDue | SecondFactorProvenSetUpDue | Changing | RecoveryCodesRenewed
            | RecoveryCodesDue | Done | OfferSkipped | OfferTaken | Removing | AuthenticatorRemoved | Rejected(_), _, _) => Reject,
    }
}

/// What Define knows apart from the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DefineContext {
    /// `userNotFound`: Cognito hides that there is no such user.
    pub user_not_found: bool,
    /// `cognito:user_status` is `FORCE_CHANGE_PASSWORD`.
    pub must_change_password: bool,
    /// What the client asks for (`clientMetadata`).
    pub after_second_factor: AfterSecondFactor,
}

/// `afterSecondFactor` in `clientMetadata`: a choice between things that the user may do anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AfterSecondFactor {
    /// The key is absent.
    NotGiven,
    /// `NOTHING`: the client wants its tokens.
    Nothing,
    /// `REPLACE_AUTHENTICATOR`
    ReplaceAuthenticator,
    /// `NEW_RECOVERY_CODES`
    NewRecoveryCodes,
    /// `REMOVE_AUTHENTICATOR`, under the policy `OPTIONAL`.
    RemoveAuthenticator,
    /// Any other value.
    Unknown,
}

impl AfterSecondFactor {
    /// The key in `clientMetadata`.
    pub const KEY: &str = "afterSecondFactor";

    /// Parses the value of [`Self::KEY`].
    #[must_use]
    pub fn parse(value: Option<&str>, policy: Policy) -> Self {
        match (value, policy) {
            (None, _) => Self::NotGiven,
            (Some("NOTHING"), _) => Self::Nothing,
            (Some("REPLACE_AUTHENTICATOR"), _) => Self::ReplaceAuthenticator,
            (Some("NEW_RECOVERY_CODES"), _) => Self::NewRecoveryCodes,
            (Some("REMOVE_AUTHENTICATOR"), Policy::Optional) => Self::RemoveAuthenticator,
            (Some(_), _) => Self::Unknown,
        }
    }
}

/// Define's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NextStep {
    /// `challengeName` = `PASSWORD_VERIFIER`
    PasswordVerifier,
    /// `challengeName` = `NEW_PASSWORD_REQUIRED`
    NewPasswordRequired,
    /// `challengeName` = `CUSTOM_CHALLENGE`
    CustomChallenge,
    /// `issueTokens`
    IssueTokens,
    /// `failAuthentication`
    FailAuthentication(Rejection),
}

/// The second table: what Define answers.
#[must_use]
pub fn next_step(state: &SessionState, context: DefineContext) -> NextStep {
    use AfterSecondFactor::{NewRecoveryCodes, NotGiven, Nothing, RemoveAuthenticator, ReplaceAuthenticator, Unknown};
    use NextStep::{CustomChallenge, FailAuthentication, IssueTokens, NewPasswordRequired, PasswordVerifier};
    if context.must_change_password && !state.new_password_seen && state.is_past_password() {
        return match state.progress == PasswordProven {
            true => NewPasswordRequired,
            false => FailAuthentication(Rejection::PasswordReplaced),
        };
    }
    let step = match (state.progress, context.after_second_factor) {
        (Start, _) => FailAuthentication(Rejection::PasswordNotAsked),
        (PasswordAsked, _) => PasswordVerifier,
        (Rejected(rejection), _) => FailAuthentication(rejection),
        (CognitoFactorWrong, _) => FailAuthentication(Rejection::CognitoFactorWrong),
        (
            PasswordProven
            | SecondFactorDue
            | SecondFactorProvenCodesDue
            | SecondFactorProvenSetUpDue
            | OfferTaken
            | RecoveryCodesDue,
            _,
        ) => CustomChallenge,
        // ── Tokens, unless the client asks for what has not been done yet.
        (CognitoFactorProven | SecondFactorProven | RecoveryCodesRenewed, NotGiven | Nothing) => IssueTokens,
        (CognitoFactorProven | SecondFactorProven | RecoveryCodesRenewed, ReplaceAuthenticator) => CustomChallenge,
        (CognitoFactorProven | SecondFactorProven, NewRecoveryCodes) => CustomChallenge,
        (SecondFactorProven | RecoveryCodesRenewed, RemoveAuthenticator) => CustomChallenge,
        (CognitoFactorProven, RemoveAuthenticator) => FailAuthentication(Rejection::NoSecondFactor),
        (RecoveryCodesRenewed, NewRecoveryCodes) => IssueTokens,
        (CognitoFactorProven | SecondFactorProven | RecoveryCodesRenewed, Unknown) => {
            FailAuthentication(Rejection::UnknownAfterSecondFactor)
        }
        (Changing | Removing, Nothing) => IssueTokens,
        (Changing | Removing, NotGiven | ReplaceAuthenticator | NewRecoveryCodes | RemoveAuthenticator | Unknown) => {
            CustomChallenge
        }
        (Done, _) => IssueTokens,
        (AuthenticatorRemoved, NotGiven | Nothing | RemoveAuthenticator) => IssueTokens,
        (AuthenticatorRemoved, ReplaceAuthenticator | NewRecoveryCodes | Unknown) => {
            FailAuthentication(Rejection::NoSecondFactor)
        }
        // ── Without a second factor.
        (OfferSkipped, NotGiven | Nothing) => IssueTokens,
        (OfferSkipped, ReplaceAuthenticator | NewRecoveryCodes | RemoveAuthenticator | Unknown) => {
            FailAuthentication(Rejection::NoSecondFactor)
        }
    };
    if step == IssueTokens && context.user_not_found {
        return FailAuthentication(Rejection::UserNotFound);
    }
    step
}

/// Which challenge Create issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ToIssue {
    /// A new challenge of this kind.
    New(Kind),
    /// The set-up challenge that was just answered wrongly: the same secret or the same codes.
    Repeat,
}

/// The third table: what Create issues. `None` where Define asks for no custom challenge.
#[must_use]
pub fn next_challenge(
    state: &SessionState,
    status: EnrollmentStatus,
    admission: Admission,
    after_second_factor: AfterSecondFactor,
) -> Option<ToIssue> {
    use AfterSecondFactor::{NewRecoveryCodes, NotGiven, Nothing, RemoveAuthenticator, ReplaceAuthenticator, Unknown};
    use EnrollmentStatus::{Enrolled, EnrolledCodesDue, Forgotten, NotEnrolled, OperatorCode};
    use Kind::{Offer, RecoveryCodes, SecondFactor, TotpSetup};
    if state.is_past_second_factor() && matches!(status, NotEnrolled | Forgotten) {
        // What was proven has been taken away since: by an operator.
        return None;
    }
    match (state.failed_set_up, state.progress, after_second_factor) {
        (None, _, _) | (Some(_), Rejected(_), _) => {}
        // The replacement was given up; the codes are still due.
        (Some(TotpSetup), SecondFactorProvenCodesDue, Nothing) => {}
        (Some(_), _, _) => return Some(ToIssue::Repeat),
    }
    // A sign-in enrolls with its first custom challenge or not at all: otherwise a prompt that an old password led to could be
    // held over a reset. A user who may not enroll gets the same prompt as everyone else. Without an authenticator it
    // cannot be passed.
    let may_enroll = !state.challenged && admission.enrollment.admits(state.entitlement());
    let kind = match (state.progress, status, after_second_factor) {
        (PasswordProven | SecondFactorDue | CognitoFactorProven, Enrolled | Forgotten, _) => {
            SecondFactor { due: Due::Nothing }
        }
        (PasswordProven | SecondFactorDue | CognitoFactorProven, EnrolledCodesDue, _) => {
            SecondFactor { due: Due::RecoveryCodes }
        }
        (PasswordProven | SecondFactorDue | CognitoFactorProven, OperatorCode, _) => {
            SecondFactor { due: Due::Authenticator }
        }
        (PasswordProven | SecondFactorDue | CognitoFactorProven, NotEnrolled, _) => {
            match (may_enroll, admission.required) {
                (true, true) => TotpSetup,
                (true, false) => Offer,
                (false, _) => SecondFactor { due: Due::Nothing },
            }
        }
        (OfferTaken, NotEnrolled, _) if may_enroll => TotpSetup,
        // Cognito might not pass clientMetadata to Create: assume a replacement, the most frequent request.
        (SecondFactorProven, _, ReplaceAuthenticator | NotGiven | Nothing | Unknown) => TotpSetup,
        (SecondFactorProven, _, NewRecoveryCodes) => RecoveryCodes,
        (SecondFactorProven | RecoveryCodesRenewed, _, RemoveAuthenticator) | (Removing, _, _) => {
            Kind::RemoveAuthenticator
        }
        (SecondFactorProvenCodesDue, _, ReplaceAuthenticator) => TotpSetup,
        (SecondFactorProvenCodesDue, _, NewRecoveryCodes | RemoveAuthenticator | NotGiven | Nothing | Unknown) => {
            RecoveryCodes
        }
        (SecondFactorProvenSetUpDue, _, _) => TotpSetup,
        // Codes were just taken: only a replacement is left to ask for.
        (RecoveryCodesRenewed, _, _) => TotpSetup,
        (RecoveryCodesDue, _, _) => RecoveryCodes,
        // Only a set-up challenge answered wrongly leads to Changing, and it was handled above.
        (
            Start | PasswordAsked | CognitoFactorWrong | Changing | Done | OfferSkipped | OfferTaken
            | AuthenticatorRemoved | Rejected(_),
            _,
            _,
        ) => return None,
    };
    Some(ToIssue::New(kind))
}

/// The state of a session: the fold of its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SessionState {
    progress: Progress,
    wrong_answers: u8,
    new_password_seen: bool,
    /// A custom challenge other than an offer was issued.
    challenged: bool,
    /// The set-up challenge that the last entry answered wrongly.
    failed_set_up: Option<Kind>,
}

impl SessionState {
    /// The empty session.
    pub const START: Self =
        Self { progress: Start, wrong_answers: 0, new_password_seen: false, challenged: false, failed_set_up: None };

    /// Folds a whole session.
    #[must_use]
    pub fn of(session: impl IntoIterator<Item = ChallengeResult>) -> Self {
        session.into_iter().fold(Self::START, Self::then)
    }

    /// Folds one more entry.
    #[must_use]
    pub fn then(self, result: ChallengeResult) -> Self {
        // An offer comes first or not at all: otherwise one that was held could be skipped in the place of a wrong answer.
        let is_held = self.challenged && result.answered == AnsweredChallenge::Ours(Kind::Offer);
        let transition = if is_held { Transition::Reject } else { transition(self.progress, result) };
        let (progress, wrong_answers) = match transition {
            Transition::To(progress) => (progress, 0),
            Transition::Unproven(progress) => (progress, self.wrong_answers),
            Transition::Wrong(progress) => match self.wrong_answers.saturating_add(1) {
                LAST_WRONG_ANSWER.. => (Rejected(Rejection::TooManyWrongAnswers), self.wrong_answers),
                wrong_answers => (progress, wrong_answers),
            },
            // For good, and for its first reason.
            Transition::Reject if matches!(self.progress, Rejected(_)) => (self.progress, self.wrong_answers),
            Transition::Reject => (Rejected(Rejection::NotInTheTable), self.wrong_answers),
        };
        let failed_set_up = match (result.answered, result.correct) {
            (AnsweredChallenge::Ours(kind @ (Kind::TotpSetup | Kind::RecoveryCodes)), false) => Some(kind),
            (
                AnsweredChallenge::SrpA
                | AnsweredChallenge::Password
                | AnsweredChallenge::NewPassword
                | AnsweredChallenge::CognitoOther
                | AnsweredChallenge::CognitoFactor
                | AnsweredChallenge::Ours(_)
                | AnsweredChallenge::Unknown,
                _,
            ) => None,
        };
        Self {
            progress,
            wrong_answers,
            new_password_seen: self.new_password_seen || result.answered == AnsweredChallenge::NewPassword,
            challenged: self.challenged
                || matches!(result.answered, AnsweredChallenge::Ours(kind) if kind != Kind::Offer),
            failed_set_up,
        }
    }

    /// Whether Cognito has checked the password, and the sign-in can still succeed.
    fn is_past_password(&self) -> bool {
        match self.progress {
            Start | PasswordAsked | CognitoFactorWrong | Rejected(_) => false,
            PasswordProven
            | SecondFactorDue
            | CognitoFactorProven
            | SecondFactorProven
            | SecondFactorProvenCodesDue
            | SecondFactorProvenSetUpDue
            | Changing
            | RecoveryCodesRenewed
            | RecoveryCodesDue
            | Done
            | OfferSkipped
            | OfferTaken
            | Removing
            | AuthenticatorRemoved => true,
        }
    }

    /// Whether a second factor of ours was proven: from here on, Create requires the record that it was proven against.
    #[must_use]
    pub fn is_past_second_factor(&self) -> bool {
        self.entitlement() == Entitlement::SecondFactor
    }

    /// What entitles the user to a new authenticator.
    #[must_use]
    pub fn entitlement(&self) -> Entitlement {
        match self.progress {
            Start | PasswordAsked | PasswordProven | SecondFactorDue | CognitoFactorWrong | OfferSkipped
            | OfferTaken | Rejected(_) => Entitlement::Password,
            CognitoFactorProven => Entitlement::CognitoFactor,
            SecondFactorProven
            | SecondFactorProvenCodesDue
            | SecondFactorProvenSetUpDue
            | Changing
            | RecoveryCodesRenewed
            | RecoveryCodesDue
            | Done
            | Removing
            | AuthenticatorRemoved => Entitlement::SecondFactor,
        }
    }

    /// How far the session has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// Wrong answers that are left before the sign-in fails.
    #[must_use]
    pub fn attempts_left(&self) -> u8 {
        LAST_WRONG_ANSWER.saturating_sub(self.wrong_answers)
    }
}
