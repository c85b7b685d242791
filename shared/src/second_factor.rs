//! One user's second factor: the record, and the one pure judgement of an answer against it.
//!
//! [`examine`] does what can be done without the authenticator's secret; where it needs it, it hands out an
//! [`AwaitingSecret`], and only [`AwaitingSecret::judge`] compares a passcode. So no passcode is compared during a wait,
//! after its challenge was judged, or against a record that has moved on.
//!
//! Invariant: a passcode is right once; a recovery code leaves the record with its use; one challenge is judged once;
//! a set-up challenge changes only the generation it was worded for, and only while `ENROLLMENT` admits what entitled it.

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::challenge::{
    AuthenticatorId, Challenge, Generation, NewAuthenticator, NewCodes, Nonce, Posed, Prompt, SealedSecret,
};
use crate::characters::is_seen;
use crate::clock::UnixTime;
use crate::lockout::{Admission, Lockout};
use crate::recovery_codes::{CODES_OWED_BELOW, CodeSet, RecoveryCode};
use crate::settings::Enrollment;
use crate::sign_in::Holdings;
use crate::token_guard::{Claims, ClientId, Factor, Paid, Proven, Worth};
use crate::totp::{self, Match, Parameters, Passcode, SharedSecret, TimeStep};

/// The format that is written, and the only one that is read.
const FORMAT: u32 = 1;
/// Judged answers that a record remembers: more than one user has under way at once.
const JUDGED_REMEMBERED: usize = 8;

/// One user's second factor. A user without a record has [`Record::default`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    generation: Generation,
    #[serde(skip_serializing_if = "Option::is_none")]
    authenticator: Option<Authenticator>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery: Option<CodeSet>,
    /// The authenticator is newer than the recovery codes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    codes_owed: bool,
    lockout: Lockout,
    judged: Vec<Judged>,
    /// Wrong passcodes since tokens left, of which the owner has not been told.
    #[serde(default, skip_serializing_if = "is_zero")]
    wrong_passcodes: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    proven: Option<Proven>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paid: Option<Paid>,
}

fn is_zero(count: &u16) -> bool {
    *count == 0
}

/// An authenticator that has proven itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authenticator {
    id: AuthenticatorId,
    sealed: SealedSecret,
    parameters: Parameters,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<FriendlyName>,
    enrolled_at: UnixTime,
    /// The step of the last passcode that was right; it and all before it are dead.
    last_step: TimeStep,
}

impl Authenticator {
    /// One that a user has elsewhere. Whatever it shows now was perhaps just used there: this passcode and the next are dead.
    #[must_use]
    pub fn imported(
        id: AuthenticatorId,
        sealed: SealedSecret,
        parameters: Parameters,
        name: Option<FriendlyName>,
        now: UnixTime,
    ) -> Self {
        let last_step = parameters.period.step_at(now).next();
        Self { id, sealed, parameters, name, enrolled_at: now, last_step }
    }

    /// The user's own name for it.
    #[must_use]
    pub fn name(&self) -> Option<&FriendlyName> {
        self.name.as_ref()
    }
}

/// An answer that was judged, so that its challenge is not judged again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Judged {
    nonce: Nonce,
    outcome: Outcome,
}

/// What was said of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    /// `answerCorrect: true`
    Right,
    /// `answerCorrect: false`
    Wrong,
}

/// Why an answer was right or wrong; for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// A passcode, right and unused.
    RightPasscode,
    /// A passcode that was right, had it or a later one not been used.
    UsedPasscode,
    /// A wrong passcode.
    WrongPasscode,
    /// A passcode during a wait, or while passcodes are stopped: not judged, not counted.
    PasscodesWait,
    /// An unused recovery code, used up now.
    RecoveryCodeUsed,
    /// Neither a passcode nor a recovery code that is left.
    WrongRecoveryCode,
    /// The first passcode of a new authenticator: it is the user's now.
    AuthenticatorEnrolled,
    /// Not the first passcode of the new authenticator.
    WrongFirstPasscode,
    /// One of the new recovery codes: they are the user's now.
    RecoveryCodesKept,
    /// None of the new recovery codes.
    NotOneOfTheNewCodes,
    /// The same challenge was judged before.
    AlreadyJudged,
    /// There is no such user, and Cognito hides it.
    UserNotFound,
}

/// What a user typed, and what came with it. Never printed; wiped when dropped.
pub struct Answer {
    typed: Zeroizing<String>,
    client: Option<ClientId>,
    name: Option<FriendlyName>,
}

impl Answer {
    /// Takes `challengeAnswer`.
    #[must_use]
    pub fn new(typed: String) -> Self {
        Self { typed: Zeroizing::new(typed), client: None, name: None }
    }

    /// The same, sent by `client`: the one that the token guard lets have the tokens.
    #[must_use]
    pub fn sent_by(self, client: Option<ClientId>) -> Self {
        Self { client, ..self }
    }

    /// The same, with the user's own name for a new authenticator.
    #[must_use]
    pub fn naming(self, name: Option<FriendlyName>) -> Self {
        Self { name, ..self }
    }

    fn mark(&self, now: UnixTime) -> Option<Paid> {
        self.client.clone().map(|client| Paid::by(client, now))
    }
}

/// The user's own name for an authenticator (`friendlyDeviceName`): printable, and short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FriendlyName(String);

impl FriendlyName {
    /// The key in `clientMetadata`.
    pub const KEY: &str = "friendlyDeviceName";
    /// Characters at most; the rest is cut.
    pub const CHARACTERS: usize = 32;

    /// Keeps what can be shown anywhere: see [`is_seen`].
    #[must_use]
    pub fn read(typed: &str) -> Option<Self> {
        let seen: String = typed.chars().filter(|c| is_seen(*c)).collect();
        let shown: String = seen.trim().chars().take(Self::CHARACTERS).collect();
        // The cut may have left a space at the end.
        let shown = shown.trim_end();
        (!shown.is_empty()).then(|| Self(shown.to_owned()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Record {
    /// What the user holds.
    #[must_use]
    pub fn holdings(&self) -> Holdings {
        match (&self.authenticator, &self.recovery) {
            (None, _) => Holdings::Nothing,
            (Some(_), Some(codes)) if codes.left() >= CODES_OWED_BELOW && !self.codes_owed => Holdings::Authenticator,
            (Some(_), Some(_) | None) => Holdings::AuthenticatorCodesOwed,
        }
    }

    /// The user's authenticator.
    #[must_use]
    pub fn authenticator(&self) -> Option<&Authenticator> {
        self.authenticator.as_ref()
    }

    /// Whether passcodes are judged at `now`.
    #[must_use]
    pub fn admission(&self, now: UnixTime) -> Admission {
        self.lockout.admission(now)
    }

    /// What a set-up challenge must be worded for.
    #[must_use]
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Wrong passcodes that still count at `now`.
    #[must_use]
    pub fn failures(&self, now: UnixTime) -> u8 {
        self.lockout.failures(now)
    }

    /// Whether somebody who knows the password guesses passcodes.
    #[must_use]
    pub fn is_guessed(&self, now: UnixTime) -> bool {
        self.lockout.is_guessed(now)
    }

    /// What an operator's reset leaves: nothing, in a generation of its own, so that a set-up challenge held back changes
    /// nothing, and no answer on record passes again. `generation` is drawn at random.
    #[must_use]
    pub fn reset(generation: Generation) -> Self {
        Self { generation, ..Self::default() }
    }

    /// What an import leaves, whatever was there before: the authenticator, and codes that are still to be taken.
    /// `generation` is drawn at random: a set-up challenge from before the import does not match it.
    #[must_use]
    pub fn imported(generation: Generation, authenticator: Authenticator) -> Self {
        Self { authenticator: Some(authenticator), codes_owed: true, ..Self::reset(generation) }
    }

    /// The record as it is stored.
    ///
    /// # Errors
    /// None in practice: every part of a record has a JSON form.
    pub fn to_json(&self) -> Result<String, serde_json::Error> {
        #[derive(Serialize)]
        struct Stored<'a> {
            format: u32,
            record: &'a Record,
        }
        serde_json::to_string(&Stored { format: FORMAT, record: self })
    }

    /// Reads a stored record.
    ///
    /// # Errors
    /// A format that this version does not know, or no record at all: the sign-in fails and nobody's count moves.
    pub fn from_json(text: &str) -> Result<Self, UnreadableRecord> {
        #[derive(Deserialize)]
        struct Stored<'a> {
            format: u32,
            #[serde(borrow)]
            record: &'a serde_json::value::RawValue,
        }
        let stored: Stored<'_> = serde_json::from_str(text).map_err(|_| UnreadableRecord::NoRecord)?;
        if stored.format != FORMAT {
            return Err(UnreadableRecord::UnknownFormat(stored.format));
        }
        // serde's words would quote the record.
        let record: Self = serde_json::from_str(stored.record.get()).map_err(|_| UnreadableRecord::NoRecord)?;
        // A set-up challenge of a user without a record would fit it.
        if record.generation == Generation::NONE && (record.authenticator.is_some() || record.recovery.is_some()) {
            return Err(UnreadableRecord::NoGeneration);
        }
        Ok(record)
    }

    /// What the token guard makes of the mark for `client`.
    #[must_use]
    pub fn paid(&self, client: &ClientId, now: UnixTime) -> Tokens {
        let worth = self.paid.as_ref().map_or(Worth::Nothing, |paid| paid.worth(client, self.wrong_passcodes, now));
        match worth {
            Worth::OneSignIn(used) => {
                let claims = self.proven.map(|proven| Claims { proven, wrong_passcodes: self.wrong_passcodes });
                Tokens::Once(Self { paid: Some(used), wrong_passcodes: 0, ..self.clone() }, claims)
            }
            Worth::TheSameAgain { wrong_passcodes } => {
                Tokens::Again(self.proven.map(|proven| Claims { proven, wrong_passcodes }))
            }
            Worth::Nothing => Tokens::NotPaid,
        }
    }

    fn having_proven(self, factor: Factor, at: UnixTime, mark: Option<Paid>) -> Self {
        Self { proven: Some(Proven { factor, at }), paid: mark.or(self.paid), ..self }
    }

    fn already_judged(&self, nonce: Nonce) -> Option<Outcome> {
        self.judged.iter().find(|judged| judged.nonce == nonce).map(|judged| judged.outcome)
    }

    fn having_judged(mut self, nonce: Nonce, outcome: Outcome, reason: Reason) -> Verdict {
        let surplus = self.judged.len().saturating_add(1).saturating_sub(JUDGED_REMEMBERED);
        self.judged.drain(..surplus);
        self.judged.push(Judged { nonce, outcome });
        Verdict::ToRecord { outcome, reason, record: self }
    }
}

/// Whether a record has paid for the tokens of a sign-in.
#[expect(clippy::large_enum_variant, reason = "one a trigger, matched where it is made")]
#[derive(Debug, PartialEq, Eq)]
pub enum Tokens {
    /// It has, once this record has replaced it; and what the tokens say.
    Once(Record, Option<Claims>),
    /// It has, for the call that Cognito repeats.
    Again(Option<Claims>),
    /// It has not.
    NotPaid,
}

/// A stored record that cannot be read.
#[derive(Debug)]
pub enum UnreadableRecord {
    /// A format that this version does not know.
    UnknownFormat(u32),
    /// An authenticator or codes without a generation: written by hand.
    NoGeneration,
    /// Not a record.
    NoRecord,
}

impl std::fmt::Display for UnreadableRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownFormat(format) => write!(f, "the record has format {format}, this version reads {FORMAT}"),
            Self::NoGeneration => f.write_str("the record has an authenticator or codes and no generation"),
            Self::NoRecord => f.write_str("the stored item is not a record"),
        }
    }
}

impl std::error::Error for UnreadableRecord {}

/// What becomes of an answer.
#[expect(clippy::large_enum_variant, reason = "one a trigger, matched where it is made")]
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// This very challenge was judged before, and the outcome is on record.
    AlreadyJudged(Outcome),
    /// Wrong, and the record stays as it is.
    Refused(Reason),
    /// Judged; the outcome counts once this record has replaced the one it was judged against.
    ToRecord {
        /// What was said.
        outcome: Outcome,
        /// Why.
        reason: Reason,
        /// What the store must hold before the outcome leaves.
        record: Record,
    },
    /// The record or the settings have changed since this set-up challenge was worded.
    Outdated,
    /// The authenticator on record is none that RFC 6238 allows.
    Impossible,
}

/// What [`examine`] found.
pub enum Examination<'a> {
    /// No secret is needed.
    Settled(Verdict),
    /// A passcode is to be compared.
    Passcode(AwaitingSecret<'a>),
}

/// A passcode that may be compared, once the secret is open.
pub struct AwaitingSecret<'a> {
    record: &'a Record,
    nonce: Nonce,
    passcode: Passcode,
    now: UnixTime,
    against: Against<'a>,
    /// What a right passcode leaves for the token guard.
    mark: Option<Paid>,
}

#[derive(Clone, Copy)]
enum Against<'a> {
    Held(&'a Authenticator),
    New(&'a NewAuthenticator, Option<&'a FriendlyName>),
}

/// Looks at an answer as far as that goes without the secret.
///
/// `enrollment` is what an operator says now of new authenticators.
#[must_use]
pub fn examine<'a>(
    record: &'a Record,
    posed: &'a Posed,
    answer: &'a Answer,
    enrollment: Enrollment,
    now: UnixTime,
) -> Examination<'a> {
    let Posed { nonce, challenge } = posed;
    if let Some(outcome) = record.already_judged(*nonce) {
        return Examination::Settled(Verdict::AlreadyJudged(outcome));
    }
    Examination::Settled(match challenge {
        Challenge::Totp(Prompt { codes_owed, .. }) => {
            // Where codes are owed, the tokens are paid for with them.
            let mark = if *codes_owed { None } else { answer.mark(now) };
            return examine_totp(record, *nonce, answer, mark, now);
        }
        Challenge::TotpSetup(new) if new.generation != record.generation => Verdict::Outdated,
        Challenge::TotpSetup(new) if !enrollment.admits(new.entitlement) => Verdict::Outdated,
        Challenge::TotpSetup(new) => match Passcode::read(&answer.typed) {
            Some(passcode) => {
                let against = Against::New(new, answer.name.as_ref());
                let awaiting = AwaitingSecret { record, nonce: *nonce, passcode, now, against, mark: None };
                return Examination::Passcode(awaiting);
            }
            None => Verdict::Refused(Reason::WrongFirstPasscode),
        },
        Challenge::RecoveryCodes(new) if new.generation != record.generation => Verdict::Outdated,
        Challenge::RecoveryCodes(new @ NewCodes { codes, .. }) => {
            match RecoveryCode::read(&answer.typed) {
                // The code that was typed back stays usable.
                Some(code) if codes.contains(&code) => {
                    let (generation, paid) = (new.next_generation(), answer.mark(now).or(record.paid.clone()));
                    Record { recovery: Some(codes.clone()), codes_owed: false, generation, paid, ..record.clone() }
                        .having_judged(*nonce, Outcome::Right, Reason::RecoveryCodesKept)
                }
                Some(_) | None => Verdict::Refused(Reason::NotOneOfTheNewCodes),
            }
        }
    })
}

fn examine_totp<'a>(
    record: &'a Record,
    nonce: Nonce,
    answer: &Answer,
    mark: Option<Paid>,
    now: UnixTime,
) -> Examination<'a> {
    let Some(passcode) = Passcode::read(&answer.typed) else {
        return Examination::Settled(judge_recovery_code(record, nonce, answer, mark, now));
    };
    match (record.admission(now), &record.authenticator) {
        (Admission::Wait { .. } | Admission::Stopped { .. }, _) => {
            Examination::Settled(Verdict::Refused(Reason::PasscodesWait))
        }
        (Admission::Open, Some(held)) => {
            Examination::Passcode(AwaitingSecret { record, nonce, passcode, now, against: Against::Held(held), mark })
        }
        // Counted like anyone else's, so that the waits do not tell who has an authenticator.
        (Admission::Open, None) => Examination::Settled(wrong_passcode(record, nonce, now, Reason::WrongPasscode)),
    }
}

/// Outside waits, count and stop: a limit on these would let a password-knower lock the owner out.
fn judge_recovery_code(record: &Record, nonce: Nonce, answer: &Answer, mark: Option<Paid>, now: UnixTime) -> Verdict {
    let code = RecoveryCode::read(&answer.typed);
    match code.and_then(|code| record.recovery.as_ref()?.without(&code)) {
        Some(left) => {
            Record { recovery: Some(left), lockout: record.lockout.after_recovery_code(now), ..record.clone() }
                .having_proven(Factor::RecoveryCode, now, mark)
                .having_judged(nonce, Outcome::Right, Reason::RecoveryCodeUsed)
        }
        None => Verdict::Refused(Reason::WrongRecoveryCode),
    }
}

fn wrong_passcode(record: &Record, nonce: Nonce, now: UnixTime, reason: Reason) -> Verdict {
    let wrong_passcodes = record.wrong_passcodes.saturating_add(1);
    Record { lockout: record.lockout.after_wrong_passcode(now), wrong_passcodes, ..record.clone() }.having_judged(
        nonce,
        Outcome::Wrong,
        reason,
    )
}

impl AwaitingSecret<'_> {
    /// The secret to open, and the authenticator that it is sealed for.
    #[must_use]
    pub fn sealed(&self) -> (AuthenticatorId, &SealedSecret) {
        match self.against {
            Against::Held(held) => (held.id, &held.sealed),
            Against::New(new, _) => (new.id, &new.sealed),
        }
    }

    /// Compares the passcode.
    #[must_use]
    pub fn judge(self, secret: &SharedSecret) -> Verdict {
        match self.against {
            Against::Held(held) => self.judge_held(held, secret),
            Against::New(new, name) => self.judge_new(new, name, secret),
        }
    }

    fn judge_held(self, held: &Authenticator, secret: &SharedSecret) -> Verdict {
        let matched = totp::match_passcode(secret, held.parameters, &self.passcode, self.now, Some(held.last_step));
        match matched {
            None => Verdict::Impossible,
            Some(Match::Fresh(last_step)) => {
                Record { authenticator: Some(Authenticator { last_step, ..held.clone() }), ..self.record.clone() }
                    .having_proven(Factor::Totp, self.now, self.mark)
                    .having_judged(self.nonce, Outcome::Right, Reason::RightPasscode)
            }
            Some(Match::Used) => wrong_passcode(self.record, self.nonce, self.now, Reason::UsedPasscode),
            Some(Match::Wrong) => wrong_passcode(self.record, self.nonce, self.now, Reason::WrongPasscode),
        }
    }

    fn judge_new(self, new: &NewAuthenticator, name: Option<&FriendlyName>, secret: &SharedSecret) -> Verdict {
        let parameters = Parameters::default();
        match totp::match_passcode(secret, parameters, &self.passcode, self.now, None) {
            None => Verdict::Impossible,
            Some(Match::Fresh(last_step)) => {
                let authenticator = Authenticator {
                    id: new.id,
                    sealed: new.sealed.clone(),
                    parameters,
                    name: name.cloned(),
                    enrolled_at: self.now,
                    last_step,
                };
                let generation = new.next_generation();
                Record { authenticator: Some(authenticator), codes_owed: true, generation, ..self.record.clone() }
                    .having_proven(Factor::Totp, self.now, self.mark)
                    .having_judged(self.nonce, Outcome::Right, Reason::AuthenticatorEnrolled)
            }
            Some(Match::Used | Match::Wrong) => Verdict::Refused(Reason::WrongFirstPasscode),
        }
    }
}
