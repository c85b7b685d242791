//! A user's second factor and sign-ins, written from the design alone and as plainly as possible: passcodes and recovery codes
//! are compared as text, the count falls day by day in a loop, and nothing is sealed, hashed or stored.

use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::totp::SharedSecret;
use tests::person::passcode;

const STEP: u64 = 30;
const DAY: u64 = 24 * 3600;
/// `LONGEST_SESSION_DAYS`
pub(crate) const LONGEST_SESSION_DAYS: u64 = 30;
/// Seconds after which tokens that the guard has passed are issued, by whichever clock.
pub(crate) const ISSUED_WITHIN: u64 = 80;
/// How long an operator's code can be used at most.
const LONGEST: u64 = 3 * DAY;

/// What the system holds of one user, what an operator has set, and the time.
pub(crate) struct Model {
    pub(crate) now: u64,
    /// `cognito:user_status` is FORCE_CHANGE_PASSWORD: an operator has set a temporary password.
    pub(crate) must_change_password: bool,
    pub(crate) settings: Settings,
    pub(crate) authenticator: Option<Authenticator>,
    /// Recovery codes that are left, as they were shown.
    pub(crate) codes: Vec<String>,
    /// A new authenticator came without the codes that follow it.
    codes_due: bool,
    /// The code that an operator gave last, until an authenticator was set up.
    operator_code: Option<OperatorCode>,
    /// The user was deleted.
    forgotten: bool,
    /// The user turned the second factor off, and nothing came after it.
    turned_off: bool,
    /// The token guard has seen that one is required of the user.
    pub(crate) noted_as_required: bool,
    /// The user is in a required group, which the token guard alone sees.
    pub(crate) is_member: bool,
    /// What passes the next tokens.
    grant: Option<Grant>,
    /// The factor that was proven last.
    proven: Option<&'static str>,
    /// When tokens passed last by the password alone, since the user was signed out.
    pub(crate) unproven_at: Option<u64>,
    signed_out_at: Option<u64>,
    /// How often the record was written.
    pub(crate) writes: u64,
    failures: Failures,
    /// Failures that recovery codes have lifted, and when each will be a day old: a further one may be lifted then.
    forgiven: Vec<u64>,
    /// Counts what makes set-up challenges void.
    generation: u64,
    /// The last eight recorded answers: the challenge's nonce, and whether the answer was right.
    recorded: Vec<(String, bool)>,
}

/// What an operator has set for everybody.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    /// `ENROLLMENT` is AT_SIGN_IN, and not BY_OPERATOR.
    pub(crate) enrolls_at_sign_in: bool,
    /// `SECOND_FACTOR_POLICY` is OPTIONAL, and not REQUIRED.
    pub(crate) optional: bool,
    /// The app client is one of `REQUIRED_CLIENTS`.
    pub(crate) required_client: bool,
    /// `REQUIRED_FROM`
    pub(crate) required_from: Option<u64>,
    /// `GUARDED_SINCE`
    pub(crate) guarded_since: u64,
}

pub(crate) struct Authenticator {
    pub(crate) secret: Vec<u8>,
    /// This time step and all before it are dead.
    pub(crate) dead: u64,
}

/// What an operator gave to a user, for one sign-in that sets up an authenticator.
struct OperatorCode {
    /// As it was shown; `None` once it was used or withdrawn.
    code: Option<String>,
    until: u64,
}

/// The right of one sign-in to its tokens, which claim this factor.
struct Grant {
    factor: &'static str,
    until: u64,
    used_at: Option<u64>,
}

/// Wrong passcodes at the TOTP prompt.
#[derive(Default)]
struct Failures {
    count: u32,
    falls_at: u64,
    wait_until: u64,
}

/// A challenge as Create issued it.
#[derive(Clone)]
pub(crate) struct IssuedChallenge {
    pub(crate) nonce: String,
    pub(crate) challenge: Challenge,
}

#[derive(Clone)]
pub(crate) enum Challenge {
    SecondFactor { due: Due, generation: u64 },
    TotpSetup { secret: Vec<u8>, generation: u64, by_password: bool },
    RecoveryCodes { codes: Vec<String>, generation: u64 },
    Offer { generation: u64 },
    Removal { generation: u64 },
}

/// What follows any right answer to a prompt, before the tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Due {
    Nothing,
    Codes,
    /// A new authenticator and its codes: the prompt is marked.
    Authenticator,
}

/// One sign-in past the password.
pub(crate) struct SignIn {
    progress: Progress,
    /// A temporary password was changed in it.
    pub(crate) new_password: bool,
    /// It had one of our challenges, and not only an offer.
    challenged: bool,
    /// It had what is nothing under REQUIRED: an offer, or a removal.
    had_offer_or_removal: bool,
    /// The generation that what it has proven belongs to.
    generation: u64,
    wrong_answers: u32,
    /// The set-up challenge that was just answered wrongly.
    again: Option<Challenge>,
}

enum Progress {
    /// Just now.
    PasswordProven,
    /// And something came after it.
    SecondFactorDue,
    SecondFactorProven,
    /// The same, and new codes come before the tokens.
    CodesOwed,
    /// The same, and a new authenticator comes before the tokens.
    SetUpOwed,
    Changing,
    /// New codes, and no new authenticator.
    CodesRenewed,
    /// A new authenticator, whose codes are still to be taken.
    CodesFollow,
    Done,
    OfferSkipped,
    /// The user sets up an authenticator, and need not.
    OfferTaken,
    Removing,
    Removed,
    Rejected,
}

/// What Verify must answer, and why.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Expected {
    Right(&'static str),
    Wrong(&'static str),
    HandlerError(&'static str),
}

/// What Define must decide.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Decision {
    NewPassword,
    Challenge,
    Tokens,
    Failure,
}

/// What the token guard must do, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tokens {
    /// They claim this factor.
    Claim(&'static str, &'static str),
    /// They claim none.
    ClaimNothing(&'static str),
    Refused(&'static str),
}

/// What Create must issue.
pub(crate) enum ToIssue {
    Prompt {
        due: Due,
    },
    NewAuthenticator,
    NewCodes,
    Offer,
    Removal,
    Again(Challenge),
    /// An error, and why.
    Nothing(&'static str),
}

impl Model {
    pub(crate) fn new(now: u64) -> Self {
        let (authenticator, codes, recorded) = (None, Vec::new(), Vec::new());
        let failures = Failures::default();
        Self {
            now,
            must_change_password: false,
            settings: Settings {
                enrolls_at_sign_in: true,
                optional: false,
                required_client: false,
                required_from: None,
                guarded_since: now,
            },
            authenticator,
            codes,
            codes_due: false,
            operator_code: None,
            forgotten: false,
            turned_off: false,
            noted_as_required: false,
            is_member: false,
            grant: None,
            proven: None,
            unproven_at: None,
            signed_out_at: None,
            writes: 0,
            failures,
            forgiven: Vec::new(),
            generation: 0,
            recorded,
        }
    }

    /// What an operator does to a user whose authenticator or codes are in other hands.
    pub(crate) fn reset(&mut self) {
        *self = Self {
            must_change_password: self.must_change_password,
            settings: self.settings,
            is_member: self.is_member,
            // No change of a record ends a session.
            unproven_at: self.unproven_at,
            signed_out_at: self.signed_out_at,
            writes: self.writes + 1,
            generation: self.generation + 1,
            ..Self::new(self.now)
        };
    }

    /// An operator gives the user an authenticator that was used elsewhere until now.
    pub(crate) fn import(&mut self, secret: Vec<u8>) {
        self.reset();
        self.authenticator = Some(Authenticator { secret, dead: self.step() + 1 });
        self.codes_due = true;
    }

    /// An operator gives the user a code for so many seconds. Whatever set-up was under way is void.
    pub(crate) fn give_code(&mut self, code: String, seconds: u64) {
        assert!(seconds <= LONGEST);
        self.operator_code = Some(OperatorCode { code: Some(code), until: self.now + seconds });
        self.forgotten = false;
        self.turned_off = false;
        self.writes += 1;
        self.generation += 1;
    }

    pub(crate) fn withdraw_code(&mut self) {
        match (&mut self.operator_code, &self.authenticator) {
            (Some(given), None) => given.code = None,
            (given, _) => *given = None,
        }
        self.writes += 1;
        self.generation += 1;
    }

    pub(crate) fn reset_with_code(&mut self, code: String, seconds: u64) {
        self.reset();
        self.operator_code = Some(OperatorCode { code: Some(code), until: self.now + seconds });
    }

    pub(crate) fn forget(&mut self) {
        self.reset();
        self.forgotten = true;
    }

    /// Cognito ends every session of the user that it has issued tokens for.
    pub(crate) fn sign_out(&mut self) {
        self.signed_out_at = Some(self.now);
        self.unproven_at = self.unproven_at.filter(|passed| self.now < passed + ISSUED_WITHIN);
        self.writes += 1;
    }

    /// The tokens of a sign-in that Define let pass, or of another app that asks for the password alone.
    pub(crate) fn sign_in_tokens(&mut self) -> Tokens {
        let (now, optional) = (self.now, self.settings.optional);
        let required = self.is_member || self.settings_require_one();
        match &mut self.grant {
            Some(Grant { factor, until, used_at: used_at @ None }) if now < *until => {
                *used_at = Some(now);
                self.writes += 1;
                let why = match (optional && self.is_member != self.noted_as_required, self.is_member) {
                    (false, _) => "tokens for a grant",
                    (true, true) => "a requirement noted with a grant",
                    (true, false) => "a requirement ended with a grant",
                };
                if optional {
                    self.noted_as_required = self.is_member;
                }
                return Tokens::Claim(factor, why);
            }
            // Cognito asks again where it got no answer.
            Some(Grant { factor, used_at: Some(used_at), .. }) if now - *used_at < 20 => {
                return Tokens::Claim(factor, "tokens for a grant that was just used");
            }
            Some(_) | None => {}
        }
        if !optional || !self.may_do_without() {
            return Tokens::Refused("no grant");
        }
        if required && !self.is_member {
            return Tokens::Refused("a requirement that is not noted");
        }
        if required {
            let is_new = !self.noted_as_required;
            self.noted_as_required = true;
            self.writes += u64::from(is_new);
            return Tokens::Refused(if is_new { "a requirement noted" } else { "a requirement noted before" });
        }
        let is_noted = self.unproven_at == Some(now) && !self.noted_as_required;
        self.writes += u64::from(!is_noted);
        self.unproven_at = Some(now);
        if std::mem::take(&mut self.noted_as_required) {
            return Tokens::ClaimNothing("a requirement ended");
        }
        Tokens::ClaimNothing("tokens for the password alone")
    }

    /// Nobody knows which session a refresh continues: any that was begun at the time could still last.
    pub(crate) fn refreshed_tokens(&self) -> Tokens {
        if !self.is_member && !self.settings_require_one() {
            if self.settings.optional && self.authenticator.is_none() && !self.may_do_without() {
                return Tokens::Refused("a refresh from before an operator took it all away");
            }
            return Tokens::ClaimNothing("a refresh where none is required");
        }
        if self.authenticator.is_none() {
            return Tokens::Refused("a refresh without an authenticator");
        }
        let unguarded = self.settings.guarded_since + ISSUED_WITHIN;
        let unguarded = Some(unguarded).filter(|issued| self.signed_out_at.is_none_or(|ended| ended <= *issued));
        let unproven = [unguarded, self.unproven_at.map(|passed| passed + ISSUED_WITHIN)];
        let may_last = |issued: u64| self.now < issued + LONGEST_SESSION_DAYS * DAY;
        match unproven.map(|issued| issued.is_some_and(may_last)) {
            [_, true] => Tokens::Refused("a refresh of what may have proven nothing"),
            [true, false] => Tokens::Refused("a refresh from before the guard"),
            [false, false] if self.signed_out_at.is_some() => Tokens::ClaimNothing("a refresh after a sign-out"),
            [false, false] => Tokens::ClaimNothing("a refresh where one is required"),
        }
    }

    /// A grant for what was proven last.
    fn grant(&mut self) {
        let factor = self.proven.expect("a proof, in the generation of what it led to");
        self.grant = Some(Grant { factor, until: self.now + 900, used_at: None });
    }

    /// Whether there was anything to lift.
    pub(crate) fn unlock(&mut self) -> bool {
        self.failures.fall(self.now);
        let before = self.failures.count;
        self.lift_failures();
        let lifted = self.failures.count < before;
        self.writes += u64::from(lifted);
        lifted
    }

    /// The operator's code, while it can be used.
    pub(crate) fn usable_code(&self) -> Option<&String> {
        self.operator_code.as_ref().filter(|given| self.now < given.until)?.code.as_ref()
    }

    /// Whether a sign-in sets up an authenticator after any right answer to its prompt.
    fn marks_prompts(&self) -> bool {
        if self.authenticator.is_none() { self.operator_code.is_some() } else { self.usable_code().is_some() }
    }

    /// Whether the settings require a second factor of everybody at this app client.
    pub(crate) fn settings_require_one(&self) -> bool {
        let Settings { optional, required_client, required_from, .. } = self.settings;
        !optional || required_client || required_from.is_some_and(|from| self.now >= from)
    }

    /// Whether the record is that of a user without a second factor, who had none or turned it off. An operator leaves no such
    /// record: whatever an operator did, the generation is not the first one.
    fn may_do_without(&self) -> bool {
        let untouched = self.generation == 0 || self.turned_off;
        self.authenticator.is_none() && self.operator_code.is_none() && !self.forgotten && untouched
    }

    /// Whether a second factor is required of the user, as far as Create and Verify can know.
    fn requires_one(&self) -> bool {
        self.settings_require_one() || !self.may_do_without() || self.noted_as_required
    }

    /// Whether the user, who has an authenticator, may remove it.
    fn may_remove(&self) -> bool {
        !self.settings_require_one() && !self.noted_as_required && self.usable_code().is_none()
    }

    pub(crate) fn step(&self) -> u64 {
        self.now / STEP
    }

    /// Seconds until passcodes are recorded, and whether they have stopped.
    pub(crate) fn wait(&mut self) -> (u64, bool) {
        self.failures.fall(self.now);
        let wait = self.failures.wait_until.saturating_sub(self.now);
        if self.failures.count >= 20 { (wait.max(self.failures.falls_at - self.now), true) } else { (wait, false) }
    }

    pub(crate) fn verify(&mut self, issued: &IssuedChallenge, typed: &str) -> Expected {
        if let Some((_, right)) = self.recorded.iter().find(|(nonce, _)| *nonce == issued.nonce) {
            return if *right { Expected::Right("delivered again") } else { Expected::Wrong("delivered again") };
        }
        let expected = match &issued.challenge {
            Challenge::SecondFactor { due, generation } => {
                let expected = self.verify_second_factor(*due, *generation, typed);
                if let Expected::Right(proof) = expected {
                    self.proven = Some(if proof == "passcode" { "totp" } else { "recovery_code" });
                    if *due == Due::Nothing {
                        self.grant();
                    }
                }
                expected
            }
            Challenge::Offer { generation } if *generation != self.generation => {
                return Expected::HandlerError("offer outdated");
            }
            Challenge::Offer { .. } if typed != "SKIP" => return Expected::Wrong("offer taken"),
            Challenge::Offer { .. } if self.requires_one() => return Expected::Wrong("skipped, and one is required"),
            // Nothing is written.
            Challenge::Offer { .. } => return Expected::Right("offer skipped"),
            Challenge::Removal { generation } if *generation != self.generation => {
                Expected::HandlerError("removal outdated")
            }
            Challenge::Removal { .. } if !self.may_remove() => Expected::HandlerError("removal refused by Verify"),
            Challenge::Removal { .. } => self.verify_removal(typed),
            Challenge::TotpSetup { generation, .. } | Challenge::RecoveryCodes { generation, .. }
                if *generation != self.generation =>
            {
                Expected::HandlerError("outdated")
            }
            Challenge::TotpSetup { by_password: true, .. } if !self.settings.enrolls_at_sign_in => {
                Expected::HandlerError("nobody enrolls by the password any more")
            }
            Challenge::TotpSetup { secret, by_password, .. } => match self.matching_steps(secret, typed).last() {
                Some(step) => {
                    self.operator_code = None;
                    self.turned_off = false;
                    self.generation += 1;
                    self.proven = Some("totp");
                    self.codes_due = true;
                    let new = Authenticator { secret: secret.clone(), dead: *step };
                    match self.authenticator.replace(new) {
                        None if *by_password => Expected::Right("enrolled"),
                        None => Expected::Right("enrolled after an operator's code"),
                        Some(_) => Expected::Right("authenticator replaced"),
                    }
                }
                None => return Expected::Wrong("wrong first passcode"),
            },
            Challenge::RecoveryCodes { codes, .. } => match position(codes, typed) {
                Some(_) => {
                    self.generation += 1;
                    self.codes.clone_from(codes);
                    self.codes_due = false;
                    self.grant();
                    Expected::Right("codes kept")
                }
                None => return Expected::Wrong("none of the new codes"),
            },
        };
        match expected {
            Expected::Right(_) => self.record(issued, true),
            Expected::Wrong("wrong passcode" | "used passcode" | "passcode without an authenticator") => {
                self.record(issued, false);
            }
            Expected::Wrong(_) | Expected::HandlerError(_) => {}
        }
        expected
    }

    fn verify_second_factor(&mut self, due: Due, generation: u64, typed: &str) -> Expected {
        let (wait, stopped) = self.wait();
        if !is_shaped_like_a_passcode(typed) {
            let Some(position) = position(&self.codes, typed) else {
                return self.verify_operator_code(due, generation, typed);
            };
            self.codes.remove(position);
            let lifts_all = self.lift_failures();
            return Expected::Right(match (wait, stopped) {
                (0, _) => "recovery code",
                (_, false) => "recovery code during a wait",
                (_, true) if lifts_all => "recovery code during the stop",
                (_, true) => "recovery code that does not end the stop",
            });
        }
        if wait > 0 {
            return Expected::Wrong(if stopped { "passcodes stopped" } else { "passcodes wait" });
        }
        let Some(held) = &self.authenticator else {
            self.failures.add(self.now);
            return Expected::Wrong("passcode without an authenticator");
        };
        let matching = self.matching_steps(&held.secret, typed);
        match matching.iter().find(|step| **step > held.dead) {
            Some(step) => {
                self.authenticator = Some(Authenticator { secret: held.secret.clone(), dead: *step });
                Expected::Right("passcode")
            }
            None => {
                self.failures.add(self.now);
                Expected::Wrong(if matching.is_empty() { "wrong passcode" } else { "used passcode" })
            }
        }
    }

    /// What passes a prompt that is not marked, and the user has nothing any more.
    fn verify_removal(&mut self, typed: &str) -> Expected {
        let expected = self.verify_second_factor(Due::Nothing, self.generation, typed);
        let Expected::Right(proof) = expected else { return expected };
        self.authenticator = None;
        self.codes.clear();
        self.codes_due = false;
        self.operator_code = None;
        self.recorded.clear();
        self.grant = None;
        self.proven = None;
        self.turned_off = true;
        self.generation += 1;
        let by_passcode = proof == "passcode";
        Expected::Right(if by_passcode { "removed by a passcode" } else { "removed by a recovery code" })
    }

    /// The code passes a marked prompt that was issued since it was given, and lifts failures as a recovery code does.
    fn verify_operator_code(&mut self, due: Due, generation: u64, typed: &str) -> Expected {
        let is_given = |code: &Option<String>| code.as_ref().is_some_and(|code| is_same_code(code, typed));
        let (now, present) = (self.now, self.generation);
        match &mut self.operator_code {
            Some(OperatorCode { code, until }) if is_given(code) => {
                if now >= *until {
                    return Expected::Wrong("operator's code too late");
                }
                if due != Due::Authenticator {
                    return Expected::Wrong("operator's code at an unmarked prompt");
                }
                if generation != present {
                    return Expected::Wrong("operator's code at a prompt of another generation");
                }
                *code = None;
                self.lift_failures();
                Expected::Right("operator's code")
            }
            Some(_) | None => Expected::Wrong("wrong recovery code"),
        }
    }

    /// One by one, as long as fewer than forty were lifted of which none is a day old. Whether all are.
    fn lift_failures(&mut self) -> bool {
        while self.forgiven.first().is_some_and(|falls_at| *falls_at <= self.now) {
            self.forgiven.remove(0);
        }
        let lifted = self.failures.count.min(40 - self.forgiven.len() as u32);
        for _ in 0..lifted {
            // They fall one a day, whenever they were lifted.
            let falls_at = self.forgiven.last().copied().unwrap_or(self.now) + DAY;
            self.forgiven.push(falls_at);
        }
        self.failures.count -= lifted;
        if lifted > 0 {
            self.failures.wait_until = 0;
        }
        self.failures.count == 0
    }

    /// The steps, one either side of the present one, at which an authenticator shows what was typed.
    fn matching_steps(&self, secret: &[u8], typed: &str) -> Vec<u64> {
        let typed = typed.replace(' ', "");
        (self.step() - 1..=self.step() + 1).filter(|step| shown_at(secret, *step) == typed).collect()
    }

    fn record(&mut self, issued: &IssuedChallenge, right: bool) {
        self.recorded.push((issued.nonce.clone(), right));
        if self.recorded.len() > 8 {
            self.recorded.remove(0);
        }
        self.writes += 1;
    }

    pub(crate) fn next_challenge(&self, sign_in: &SignIn, after_second_factor: Option<&str>) -> ToIssue {
        let took_offer = matches!(sign_in.progress, Progress::OfferTaken);
        if took_offer && sign_in.generation != self.generation {
            return ToIssue::Nothing("the offer that was taken is void");
        }
        if sign_in.has_proven_factor() && sign_in.generation != self.generation {
            return ToIssue::Nothing("what was proven is no longer there");
        }
        match (&sign_in.again, &sign_in.progress, after_second_factor) {
            (None, _, _) => {}
            // Given up; the codes are still due.
            (Some(Challenge::TotpSetup { .. }), Progress::CodesOwed, Some("NOTHING")) => {}
            (Some(again), _, _) => return ToIssue::Again(again.clone()),
        }
        match sign_in.progress {
            Progress::PasswordProven | Progress::SecondFactorDue if self.marks_prompts() => {
                ToIssue::Prompt { due: Due::Authenticator }
            }
            Progress::PasswordProven | Progress::SecondFactorDue if self.authenticator.is_none() => {
                let may_enroll = self.settings.enrolls_at_sign_in && !sign_in.challenged && !self.forgotten;
                match (may_enroll, self.requires_one()) {
                    (true, true) => ToIssue::NewAuthenticator,
                    (true, false) => ToIssue::Offer,
                    (false, _) => ToIssue::Prompt { due: Due::Nothing },
                }
            }
            Progress::PasswordProven | Progress::SecondFactorDue => {
                let due = if self.codes_due || self.codes.len() < 3 { Due::Codes } else { Due::Nothing };
                ToIssue::Prompt { due }
            }
            Progress::SetUpOwed | Progress::OfferTaken => ToIssue::NewAuthenticator,
            Progress::SecondFactorProven | Progress::CodesRenewed | Progress::Removing
                if matches!(sign_in.progress, Progress::Removing)
                    || after_second_factor == Some("REMOVE_AUTHENTICATOR") =>
            {
                if self.may_remove() {
                    ToIssue::Removal
                } else {
                    ToIssue::Nothing("removal refused by Create")
                }
            }
            Progress::SecondFactorProven if after_second_factor == Some("NEW_RECOVERY_CODES") => ToIssue::NewCodes,
            Progress::CodesOwed if after_second_factor == Some("REPLACE_AUTHENTICATOR") => ToIssue::NewAuthenticator,
            Progress::SecondFactorProven | Progress::CodesRenewed => ToIssue::NewAuthenticator,
            Progress::CodesOwed | Progress::CodesFollow => ToIssue::NewCodes,
            Progress::Removing
            | Progress::Removed
            | Progress::OfferSkipped
            | Progress::Changing
            | Progress::Done
            | Progress::Rejected => {
                unreachable!("nothing is to be issued")
            }
        }
    }

    /// What was drawn for [`ToIssue::NewAuthenticator`].
    pub(crate) fn offer_authenticator(&self, secret: Vec<u8>, sign_in: &SignIn) -> Challenge {
        Challenge::TotpSetup { secret, generation: self.generation, by_password: !sign_in.has_proven_factor() }
    }

    pub(crate) fn prompt(&self, due: Due) -> Challenge {
        Challenge::SecondFactor { due, generation: self.generation }
    }

    /// What was drawn for [`ToIssue::NewCodes`].
    pub(crate) fn offer_codes(&self, codes: Vec<String>) -> Challenge {
        Challenge::RecoveryCodes { codes, generation: self.generation }
    }

    pub(crate) fn offer(&self) -> Challenge {
        Challenge::Offer { generation: self.generation }
    }

    pub(crate) fn removal(&self) -> Challenge {
        Challenge::Removal { generation: self.generation }
    }

    /// `publicChallengeParameters`, but for a secret or codes that are drawn.
    pub(crate) fn shown(&mut self, challenge: &Challenge, sign_in: &SignIn) -> Value {
        let attempts_left = (3 - sign_in.wrong_answers).to_string();
        match challenge {
            Challenge::SecondFactor { .. } | Challenge::Removal { .. } => {
                let removes = matches!(challenge, Challenge::Removal { .. });
                let name = if removes { "REMOVE_AUTHENTICATOR" } else { "SECOND_FACTOR" };
                let (wait, stopped) = self.wait();
                let accepts = if stopped { "RECOVERY_CODE" } else { "PASSCODE RECOVERY_CODE" };
                let retry = wait.to_string();
                json!({ "challenge": name, "attemptsLeft": attempts_left, "accepts": accepts, "retryAfterSeconds": retry,
                    "passcodeDigits": "6" })
            }
            Challenge::TotpSetup { .. } => {
                json!({ "challenge": "TOTP_SETUP", "attemptsLeft": attempts_left, "passcodeDigits": "6" })
            }
            Challenge::RecoveryCodes { .. } => json!({ "challenge": "RECOVERY_CODES", "attemptsLeft": attempts_left }),
            Challenge::Offer { .. } => json!({ "challenge": "SECOND_FACTOR_OFFER", "attemptsLeft": attempts_left }),
        }
    }
}

impl Failures {
    fn fall(&mut self, now: u64) {
        while self.count > 0 && now >= self.falls_at {
            self.count -= 1;
            self.falls_at += DAY;
        }
    }

    fn add(&mut self, now: u64) {
        if self.count == 0 {
            self.falls_at = now + DAY;
        }
        self.count += 1;
        const WAITS: [u64; 8] = [30, 60, 120, 240, 480, 960, 1920, 3600];
        if let Some(further) = self.count.checked_sub(5) {
            self.wait_until = now + WAITS.get(further as usize).unwrap_or(&3600);
        }
    }
}

impl SignIn {
    pub(crate) fn after_password() -> Self {
        let progress = Progress::PasswordProven;
        Self {
            progress,
            new_password: false,
            challenged: false,
            had_offer_or_removal: false,
            generation: 0,
            wrong_answers: 0,
            again: None,
        }
    }

    /// The session grows by NEW_PASSWORD_REQUIRED.
    pub(crate) fn changed_password(&mut self) {
        self.progress = Progress::SecondFactorDue;
        self.new_password = true;
    }

    pub(crate) fn has_proven_factor(&self) -> bool {
        match self.progress {
            Progress::PasswordProven
            | Progress::SecondFactorDue
            | Progress::OfferSkipped
            | Progress::OfferTaken
            | Progress::Rejected => false,
            Progress::SecondFactorProven
            | Progress::CodesOwed
            | Progress::SetUpOwed
            | Progress::Changing
            | Progress::CodesRenewed
            | Progress::CodesFollow
            | Progress::Removing
            | Progress::Removed
            | Progress::Done => true,
        }
    }

    /// The session grows by an answer, which left the record at `generation`.
    pub(crate) fn answered(&mut self, challenge: &Challenge, right: bool, generation: u64) {
        self.again = None;
        self.had_offer_or_removal |= matches!(challenge, Challenge::Offer { .. } | Challenge::Removal { .. });
        if let Challenge::Offer { generation } = challenge {
            // It costs no attempt.
            self.generation = *generation;
            self.progress = if right { Progress::OfferSkipped } else { Progress::OfferTaken };
            return;
        }
        self.challenged = true;
        if right {
            self.generation = match challenge {
                Challenge::SecondFactor { generation, .. } => *generation,
                Challenge::TotpSetup { .. }
                | Challenge::RecoveryCodes { .. }
                | Challenge::Offer { .. }
                | Challenge::Removal { .. } => generation,
            };
        }
        if !right && matches!(self.progress, Progress::PasswordProven) {
            self.progress = Progress::SecondFactorDue;
        }
        if !right {
            self.wrong_answers += 1;
            match (challenge, &self.progress) {
                _ if self.wrong_answers == 3 => self.progress = Progress::Rejected,
                (Challenge::SecondFactor { .. }, _) => {}
                (Challenge::Removal { .. }, _) => self.progress = Progress::Removing,
                (_, Progress::SecondFactorProven | Progress::CodesRenewed) => {
                    self.progress = Progress::Changing;
                    self.again = Some(challenge.clone());
                }
                (_, _) => self.again = Some(challenge.clone()),
            }
            return;
        }
        self.wrong_answers = 0;
        self.progress = match challenge {
            Challenge::SecondFactor { due: Due::Nothing, .. } => Progress::SecondFactorProven,
            Challenge::SecondFactor { due: Due::Codes, .. } => Progress::CodesOwed,
            Challenge::SecondFactor { due: Due::Authenticator, .. } => Progress::SetUpOwed,
            Challenge::TotpSetup { .. } => Progress::CodesFollow,
            Challenge::RecoveryCodes { .. } if matches!(self.progress, Progress::CodesFollow) => Progress::Done,
            Challenge::RecoveryCodes { .. } => Progress::CodesRenewed,
            Challenge::Removal { .. } => Progress::Removed,
            Challenge::Offer { .. } => unreachable!("it was handled above"),
        };
    }

    pub(crate) fn decision(
        &self,
        after_second_factor: Option<&str>,
        must_change_password: bool,
        optional: bool,
    ) -> (Decision, &'static str) {
        let new_password_due = must_change_password && !self.new_password;
        match (&self.progress, after_second_factor) {
            (Progress::Rejected, _) => (Decision::Failure, "third wrong answer"),
            (_, _) if self.had_offer_or_removal && !optional => {
                (Decision::Failure, "an offer or a removal, and the policy is REQUIRED by now")
            }
            (Progress::PasswordProven, _) if new_password_due => (Decision::NewPassword, "a new password is asked for"),
            (_, _) if new_password_due => (Decision::Failure, "the password was replaced under way"),
            (Progress::PasswordProven | Progress::SecondFactorDue, _) => (Decision::Challenge, "goes on"),
            (Progress::CodesOwed | Progress::SetUpOwed | Progress::CodesFollow, _) => (Decision::Challenge, "goes on"),
            (Progress::OfferTaken, _) => (Decision::Challenge, "goes on"),
            (Progress::OfferSkipped, None | Some("NOTHING")) => (Decision::Tokens, "tokens for a skipped offer"),
            (Progress::OfferSkipped, Some(_)) => (Decision::Failure, "a skipped offer and a change"),
            (Progress::SecondFactorProven | Progress::CodesRenewed, Some("REMOVE_AUTHENTICATOR")) if optional => {
                (Decision::Challenge, "goes on")
            }
            (Progress::Removing, Some("NOTHING")) => (Decision::Tokens, "tokens after a removal was given up"),
            (Progress::Removing, _) => (Decision::Challenge, "goes on"),
            (Progress::Removed, None | Some("NOTHING" | "REMOVE_AUTHENTICATOR")) => {
                (Decision::Tokens, "tokens after a removal")
            }
            (Progress::Removed, Some(_)) => (Decision::Failure, "a removal and another change"),
            (Progress::SecondFactorProven, None | Some("NOTHING")) => {
                (Decision::Tokens, "tokens for the second factor")
            }
            (Progress::SecondFactorProven, Some("REPLACE_AUTHENTICATOR" | "NEW_RECOVERY_CODES")) => {
                (Decision::Challenge, "goes on")
            }
            // Nobody gets tokens in the belief that the phone was replaced.
            (Progress::CodesRenewed, Some("REPLACE_AUTHENTICATOR")) => (Decision::Challenge, "goes on"),
            (Progress::CodesRenewed, None | Some("NOTHING" | "NEW_RECOVERY_CODES")) => {
                (Decision::Tokens, "tokens for recovery codes kept")
            }
            (Progress::SecondFactorProven | Progress::CodesRenewed, Some(_)) => {
                (Decision::Failure, "unknown after_second_factor")
            }
            (Progress::Changing, Some("NOTHING")) => (Decision::Tokens, "tokens after a replacement was given up"),
            (Progress::Changing, _) => (Decision::Challenge, "goes on"),
            (Progress::Done, _) => (Decision::Tokens, "tokens for a new authenticator"),
        }
    }
}

impl Model {
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }
}

pub(crate) fn shown_at(secret: &[u8], step: u64) -> String {
    passcode(&SharedSecret::new(secret.to_vec()), UnixTime(step * STEP))
}

fn is_shaped_like_a_passcode(typed: &str) -> bool {
    let typed = plain(typed);
    (typed.len() == 6 || typed.len() == 8) && typed.chars().all(|c| c.is_ascii_digit())
}

/// As far as these sequences type anything: white space, hyphens, full-width digits.
fn plain(typed: &str) -> String {
    let ascii =
        |c: char| "０１２３４５６７８９".chars().zip('0'..='9').find_map(|(wide, ascii)| (wide == c).then_some(ascii));
    typed.replace(|c: char| c.is_whitespace() || c == '-', "").chars().map(|c| ascii(c).unwrap_or(c)).collect()
}

/// Case and look-alikes do not matter either.
fn position(codes: &[String], typed: &str) -> Option<usize> {
    codes.iter().position(|code| is_same_code(code, typed))
}

pub(crate) fn is_same_code(code: &str, typed: &str) -> bool {
    let plain = |code: &str| plain(&code.to_uppercase()).replace('O', "0").replace(['I', 'L'], "1");
    plain(code) == plain(typed)
}
