//! The sign-in: what each entry of Cognito's session proves, and what is asked next.
//!
//! Define folds the session through `after` and answers with [`next_step`]; Create folds the same session and
//! poses what [`challenge_to_pose`] names. The three tables are the specification; nothing else decides.
//!
//! Invariant: `IssueTokens` implies SRP_A ✓, then PASSWORD_VERIFIER ✓, then a second factor ✓ (ours, or one of
//! Cognito's that the settings accept), in that order, with at most two wrong answers before it. A new password is asked for
//! straight after the password, or not in this sign-in. `tests/define_table.rs` goes through every session.
//!
//! Source: <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-define-auth-challenge.html>

use crate::challenge::{Entitlement, Kind};
use crate::settings::{AcceptedCognitoMfa, Enrollment, SignInSettings};

use Answered::{Cognito, Ours, Password};
use Kind::{RecoveryCodes, Totp, TotpSetup};
use Progress::*;

/// Wrong answers that end a sign-in, counted since the last answer that moved it on.
pub const WRONG_ANSWERS_ALLOWED: u8 = 3;

/// How far a session has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Progress {
    /// Nothing has happened; also what a client meets that skipped SRP_A.
    Start,
    /// SRP_A was exchanged, which proves nothing yet.
    PasswordAsked,
    /// Cognito has just checked the password. Only here a new password may be asked for: later it could be chosen by somebody
    /// who proved an older one and held a challenge until a temporary password was set.
    PasswordProven,
    /// Something followed the password that proves no second factor.
    SecondFactorDue,
    /// A factor of Cognito's that the settings accept was answered wrongly.
    CognitoFactorWrong,
    /// A factor of Cognito's that the settings accept was answered rightly.
    CognitoFactorProven,
    /// A passcode or a recovery code of ours was right.
    SecondFactorProven,
    /// The same, and there are no tokens before the user has taken a new set of recovery codes.
    SecondFactorProvenCodesOwed,
    /// The proven user is replacing the authenticator or the recovery codes and has mistyped an answer.
    Changing,
    /// The proven user has taken new recovery codes, and has the same authenticator as before.
    RecoveryCodesRenewed,
    /// The user has a new authenticator and must take its recovery codes before the tokens.
    RecoveryCodesOwed,
    /// A new authenticator, and its recovery codes.
    Done,
    /// The session left the table, for good.
    Refused(Refusal),
}

/// Why a sign-in fails; for the log, never for the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// The client skipped SRP_A.
    PasswordNotAsked,
    /// An entry that is no row of the table.
    NotInTheTable,
    /// An accepted factor of Cognito's was answered wrongly.
    CognitoFactorWrong,
    /// Three wrong answers.
    TooManyWrongAnswers,
    /// The password that was proven has been replaced by a temporary one, which the next sign-in asks to change.
    PasswordReplaced,
    /// Cognito knows no such user.
    UserNotFound,
    /// `afterSecondFactor` is a word we do not know: tokens might leave a user in the belief that the phone was replaced.
    UnknownWish,
}

/// One entry of Cognito's session, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Entry {
    /// What was answered.
    pub answered: Answered,
    /// Whether the answer was right (`challengeResult`).
    pub right: bool,
}

impl Entry {
    /// An entry that is null, or no entry at all.
    pub const NONE: Self = Self { answered: Answered::Unknown, right: false };

    /// Reads `challengeName`, `challengeResult` and `challengeMetadata`.
    #[must_use]
    pub fn read(challenge_name: Option<&str>, challenge_result: bool, challenge_metadata: Option<&str>) -> Self {
        Self { answered: Answered::read(challenge_name, challenge_metadata), right: challenge_result }
    }
}

/// What a session entry answered: `challengeName`, and for our own challenges the first word of `challengeMetadata`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Answered {
    /// `SRP_A`
    SrpA,
    /// `PASSWORD_VERIFIER`
    Password,
    /// `NEW_PASSWORD_REQUIRED`
    NewPassword,
    /// `SELECT_MFA_TYPE`
    SelectMfaType,
    /// `MFA_SETUP`
    MfaSetup,
    /// A second factor that Cognito checks itself.
    Cognito(CognitoMfa),
    /// `CUSTOM_CHALLENGE` with metadata of ours.
    Ours(Kind),
    /// Any other name, no name, or a custom challenge that is not ours.
    Unknown,
}

/// The second factors that Cognito checks itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CognitoMfa {
    /// `SOFTWARE_TOKEN_MFA`
    SoftwareToken,
    /// `SMS_MFA`
    Sms,
    /// `EMAIL_OTP`
    Email,
}

impl Answered {
    /// Reads `challengeName` and `challengeMetadata`. Device challenges, ADMIN_NO_SRP_AUTH and whatever may be added
    /// prove nothing here and have no row.
    fn read(challenge_name: Option<&str>, challenge_metadata: Option<&str>) -> Self {
        match challenge_name {
            Some("SRP_A") => Self::SrpA,
            Some("PASSWORD_VERIFIER") => Self::Password,
            Some("NEW_PASSWORD_REQUIRED") => Self::NewPassword,
            Some("SELECT_MFA_TYPE") => Self::SelectMfaType,
            Some("MFA_SETUP") => Self::MfaSetup,
            Some("SOFTWARE_TOKEN_MFA") => Self::Cognito(CognitoMfa::SoftwareToken),
            Some("SMS_MFA") => Self::Cognito(CognitoMfa::Sms),
            Some("EMAIL_OTP") => Self::Cognito(CognitoMfa::Email),
            Some("CUSTOM_CHALLENGE") => {
                challenge_metadata.and_then(Kind::of_metadata).map_or(Self::Unknown, Self::Ours)
            }
            Some(_) | None => Self::Unknown,
        }
    }
}

/// What one entry does to the progress.
enum Step {
    /// Moves it on; the count of wrong answers starts again.
    To(Progress),
    /// One wrong answer more.
    Wrong(Progress),
    /// Moves it on, but proves nothing; the count stays.
    Unproven(Progress),
    /// No row.
    Refuse,
}

/// The first table. What is not a row is a refusal.
#[rustfmt::skip]
fn after(progress: Progress, entry: Entry, accepted: AcceptedCognitoMfa) -> Step {
    use Step::{Refuse, To, Unproven, Wrong};
    const RIGHT: bool = true;
    const WRONG: bool = false;
    match (progress, entry.answered, entry.right) {
        (Start,                                Answered::SrpA,              RIGHT) => To(PasswordAsked),
        (PasswordAsked,                        Password,                    RIGHT) => To(PasswordProven),
        // ── Cognito's own, before ours. Only Cognito writes these entries; they prove nothing.
        (PasswordProven,                       Answered::NewPassword,       RIGHT) => To(SecondFactorDue),
        (PasswordProven | SecondFactorDue,     Answered::SelectMfaType,     RIGHT) => Unproven(SecondFactorDue),
        (PasswordProven | SecondFactorDue,     Answered::MfaSetup,          RIGHT) => Unproven(SecondFactorDue),
        (PasswordProven | SecondFactorDue,     Cognito(mfa), RIGHT) if !accepted.contains(mfa) => Unproven(SecondFactorDue),
        // ── Cognito's own, as a second factor.
        (PasswordProven | SecondFactorDue | CognitoFactorWrong, Cognito(mfa), RIGHT) if accepted.contains(mfa) => To(CognitoFactorProven),
        (PasswordProven | SecondFactorDue | CognitoFactorWrong, Cognito(mfa), WRONG) if accepted.contains(mfa) => Wrong(CognitoFactorWrong),
        // ── Ours.
        (PasswordProven | SecondFactorDue | CognitoFactorProven, Ours(Totp { codes_owed: false }), RIGHT) => To(SecondFactorProven),
        (PasswordProven | SecondFactorDue | CognitoFactorProven, Ours(Totp { codes_owed: true }),  RIGHT) => To(SecondFactorProvenCodesOwed),
        (PasswordProven | SecondFactorDue | CognitoFactorProven, Ours(TotpSetup),                  RIGHT) => To(RecoveryCodesOwed),
        (PasswordProven | SecondFactorDue,     Ours(Totp { .. } | TotpSetup), WRONG) => Wrong(SecondFactorDue),
        (CognitoFactorProven,                  Ours(Totp { .. } | TotpSetup), WRONG) => Wrong(CognitoFactorProven),
        // ── Changing what is held, by a user who has proven it in this sign-in.
        (SecondFactorProven | Changing | RecoveryCodesRenewed, Ours(TotpSetup), RIGHT) => To(RecoveryCodesOwed),
        (SecondFactorProven | Changing | RecoveryCodesRenewed, Ours(TotpSetup), WRONG) => Wrong(Changing),
        (SecondFactorProven | Changing,        Ours(RecoveryCodes),         RIGHT) => To(RecoveryCodesRenewed),
        (SecondFactorProven | Changing,        Ours(RecoveryCodes),         WRONG) => Wrong(Changing),
        (SecondFactorProvenCodesOwed,          Ours(TotpSetup),             RIGHT) => To(RecoveryCodesOwed),
        (SecondFactorProvenCodesOwed,          Ours(RecoveryCodes),         RIGHT) => To(RecoveryCodesRenewed),
        (SecondFactorProvenCodesOwed,   Ours(TotpSetup | RecoveryCodes),    WRONG) => Wrong(progress),
        (RecoveryCodesOwed,                    Ours(RecoveryCodes),         RIGHT) => To(Done),
        (RecoveryCodesOwed,                    Ours(RecoveryCodes),         WRONG) => Wrong(progress),
        // ── No row.
        (Start | PasswordAsked | PasswordProven | SecondFactorDue | CognitoFactorWrong | CognitoFactorProven
            | SecondFactorProven | SecondFactorProvenCodesOwed | Changing | RecoveryCodesRenewed | RecoveryCodesOwed | Done
            | Refused(_), _, _) => Refuse,
    }
}

/// What Define knows beside the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circumstances {
    /// `userNotFound`: Cognito hides that there is no such user.
    pub user_not_found: bool,
    /// `cognito:user_status` is FORCE_CHANGE_PASSWORD.
    pub must_change_password: bool,
    /// What the client asks for (`clientMetadata`).
    pub wish: Wish,
}

/// `afterSecondFactor` in `clientMetadata`: a choice between things that the user may do anyway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wish {
    /// The client said nothing.
    Unsaid,
    /// `NOTHING`: the client wants its tokens.
    Nothing,
    /// `REPLACE_AUTHENTICATOR`
    ReplaceAuthenticator,
    /// `NEW_RECOVERY_CODES`
    NewRecoveryCodes,
    /// A word that we do not know.
    Unknown,
}

impl Wish {
    /// The key in `clientMetadata`.
    pub const KEY: &str = "afterSecondFactor";

    /// Reads the value of [`Self::KEY`].
    #[must_use]
    pub fn read(after_second_factor: Option<&str>) -> Self {
        match after_second_factor {
            None => Self::Unsaid,
            Some("NOTHING") => Self::Nothing,
            Some("REPLACE_AUTHENTICATOR") => Self::ReplaceAuthenticator,
            Some("NEW_RECOVERY_CODES") => Self::NewRecoveryCodes,
            Some(_) => Self::Unknown,
        }
    }
}

/// Define's answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NextStep {
    /// `challengeName` = `PASSWORD_VERIFIER`
    AskPassword,
    /// `challengeName` = `NEW_PASSWORD_REQUIRED`
    AskNewPassword,
    /// `challengeName` = `CUSTOM_CHALLENGE`
    AskSecondFactor,
    /// `issueTokens`
    IssueTokens,
    /// `failAuthentication`
    Fail(Refusal),
}

/// The second table: what Define answers.
#[must_use]
pub fn next_step(standing: &Standing, circumstances: Circumstances) -> NextStep {
    let new_password_due = circumstances.must_change_password && !standing.new_password_seen;
    let step = match (standing.progress, circumstances.wish) {
        (Start, _) => NextStep::Fail(Refusal::PasswordNotAsked),
        (PasswordAsked, _) => NextStep::AskPassword,
        (Refused(refusal), _) => NextStep::Fail(refusal),
        (CognitoFactorWrong, _) => NextStep::Fail(Refusal::CognitoFactorWrong),
        // ── Past the password.
        (PasswordProven, _) if new_password_due => NextStep::AskNewPassword,
        (
            SecondFactorDue
            | CognitoFactorProven
            | SecondFactorProven
            | SecondFactorProvenCodesOwed
            | Changing
            | RecoveryCodesRenewed
            | RecoveryCodesOwed
            | Done,
            _,
        ) if new_password_due => NextStep::Fail(Refusal::PasswordReplaced),
        (PasswordProven | SecondFactorDue | SecondFactorProvenCodesOwed | RecoveryCodesOwed, _) => {
            NextStep::AskSecondFactor
        }
        // ── Tokens, unless the client asks for what was not done yet.
        (CognitoFactorProven | SecondFactorProven | RecoveryCodesRenewed, Wish::Unsaid | Wish::Nothing) => {
            NextStep::IssueTokens
        }
        (CognitoFactorProven | SecondFactorProven | RecoveryCodesRenewed, Wish::ReplaceAuthenticator) => {
            NextStep::AskSecondFactor
        }
        (CognitoFactorProven | SecondFactorProven, Wish::NewRecoveryCodes) => NextStep::AskSecondFactor,
        (RecoveryCodesRenewed, Wish::NewRecoveryCodes) => NextStep::IssueTokens,
        (CognitoFactorProven | SecondFactorProven | RecoveryCodesRenewed, Wish::Unknown) => {
            NextStep::Fail(Refusal::UnknownWish)
        }
        (Changing, Wish::Nothing) => NextStep::IssueTokens,
        (Changing, Wish::Unsaid | Wish::ReplaceAuthenticator | Wish::NewRecoveryCodes | Wish::Unknown) => {
            NextStep::AskSecondFactor
        }
        (Done, _) => NextStep::IssueTokens,
    };
    match step {
        NextStep::IssueTokens if circumstances.user_not_found => NextStep::Fail(Refusal::UserNotFound),
        NextStep::AskPassword
        | NextStep::AskNewPassword
        | NextStep::AskSecondFactor
        | NextStep::IssueTokens
        | NextStep::Fail(_) => step,
    }
}

/// What the user's record holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holdings {
    /// No authenticator.
    Nothing,
    /// An authenticator and enough recovery codes.
    Authenticator,
    /// An authenticator, and fewer recovery codes than a user should have.
    AuthenticatorCodesOwed,
}

/// Which challenge Create poses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pose {
    /// A new challenge of this kind.
    New(Kind),
    /// The set-up challenge that was just answered wrongly: the same secret or the same codes.
    SameAgain,
}

/// The third table: what Create poses. `None` where Define asks for no challenge of ours.
#[must_use]
pub fn challenge_to_pose(standing: &Standing, holdings: Holdings, enrollment: Enrollment, wish: Wish) -> Option<Pose> {
    use Holdings::{Authenticator, AuthenticatorCodesOwed, Nothing};
    if standing.is_past_second_factor() && holdings == Nothing {
        // What was proven has been taken away since: by a reset.
        return None;
    }
    match (standing.set_up_just_failed, standing.progress, wish) {
        (None, _, _) | (Some(_), Refused(_), _) => {}
        // The replacement was given up; the codes are still owed.
        (Some(TotpSetup), SecondFactorProvenCodesOwed, Wish::Nothing) => {}
        (Some(_), _, _) => return Some(Pose::SameAgain),
    }
    let prompt = |codes_owed| Totp { codes_owed };
    let kind = match (standing.progress, holdings) {
        (PasswordProven | SecondFactorDue | CognitoFactorProven, Authenticator) => prompt(false),
        (PasswordProven | SecondFactorDue | CognitoFactorProven, AuthenticatorCodesOwed) => prompt(true),
        // A sign-in enrols with its first challenge of ours or not at all: a reset does not help who holds a prompt open that
        // an old password led to. Who may not enrol meets a challenge like anyone else's, which nobody passes.
        (PasswordProven | SecondFactorDue | CognitoFactorProven, Nothing) => {
            if !standing.challenged && enrollment.admits(standing.entitlement()) { TotpSetup } else { prompt(false) }
        }
        // clientMetadata may not reach Create: replacing is what is asked for most.
        (SecondFactorProven, _) => match wish {
            Wish::NewRecoveryCodes => RecoveryCodes,
            Wish::ReplaceAuthenticator | Wish::Unsaid | Wish::Nothing | Wish::Unknown => TotpSetup,
        },
        (SecondFactorProvenCodesOwed, _) => match wish {
            Wish::ReplaceAuthenticator => TotpSetup,
            Wish::NewRecoveryCodes | Wish::Unsaid | Wish::Nothing | Wish::Unknown => RecoveryCodes,
        },
        // Codes were just taken: only a replacement is left to ask for.
        (RecoveryCodesRenewed, _) => TotpSetup,
        (RecoveryCodesOwed, _) => RecoveryCodes,
        // Only a set-up challenge answered wrongly leads to Changing, and it was handled above.
        (Start | PasswordAsked | CognitoFactorWrong | Changing | Done | Refused(_), _) => return None,
    };
    Some(Pose::New(kind))
}

/// Where a session stands: the fold of its entries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Standing {
    progress: Progress,
    wrong_answers: u8,
    new_password_seen: bool,
    /// A challenge of ours was posed.
    challenged: bool,
    /// The set-up challenge that the last entry answered wrongly.
    set_up_just_failed: Option<Kind>,
}

impl Standing {
    /// The empty session.
    pub const START: Self = Self {
        progress: Start,
        wrong_answers: 0,
        new_password_seen: false,
        challenged: false,
        set_up_just_failed: None,
    };

    /// Folds a whole session.
    #[must_use]
    pub fn of(session: impl IntoIterator<Item = Entry>, settings: &SignInSettings) -> Self {
        session.into_iter().fold(Self::START, |standing, entry| standing.then(entry, settings))
    }

    /// Folds one entry more.
    #[must_use]
    pub fn then(self, entry: Entry, settings: &SignInSettings) -> Self {
        let (progress, wrong_answers) = match after(self.progress, entry, settings.accepted_cognito_mfa()) {
            Step::To(progress) => (progress, 0),
            Step::Unproven(progress) => (progress, self.wrong_answers),
            Step::Wrong(progress) => match self.wrong_answers.saturating_add(1) {
                WRONG_ANSWERS_ALLOWED.. => (Refused(Refusal::TooManyWrongAnswers), self.wrong_answers),
                wrong_answers => (progress, wrong_answers),
            },
            // For good, and for its first reason.
            Step::Refuse if matches!(self.progress, Refused(_)) => (self.progress, self.wrong_answers),
            Step::Refuse => (Refused(Refusal::NotInTheTable), self.wrong_answers),
        };
        let set_up_just_failed = if let Ours(kind @ (TotpSetup | RecoveryCodes)) = entry.answered
            && !entry.right
        {
            Some(kind)
        } else {
            None
        };
        Self {
            progress,
            wrong_answers,
            new_password_seen: self.new_password_seen || entry.answered == Answered::NewPassword,
            challenged: self.challenged || matches!(entry.answered, Ours(_)),
            set_up_just_failed,
        }
    }

    /// Whether a second factor of ours was proven: what follows is about the record that it was proven against.
    #[must_use]
    pub fn is_past_second_factor(&self) -> bool {
        self.entitlement() == Entitlement::SecondFactor
    }

    /// What a new authenticator may rest on.
    #[must_use]
    pub fn entitlement(&self) -> Entitlement {
        match self.progress {
            Start | PasswordAsked | PasswordProven | SecondFactorDue | CognitoFactorWrong | Refused(_) => {
                Entitlement::Password
            }
            CognitoFactorProven => Entitlement::CognitoFactor,
            SecondFactorProven
            | SecondFactorProvenCodesOwed
            | Changing
            | RecoveryCodesRenewed
            | RecoveryCodesOwed
            | Done => Entitlement::SecondFactor,
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
        WRONG_ANSWERS_ALLOWED.saturating_sub(self.wrong_answers)
    }
}
