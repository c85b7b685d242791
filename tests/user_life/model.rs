//! A user's second factor and sign-ins, written from the design alone and as plainly as possible: passcodes and recovery codes
//! are compared as text, the count falls day by day in a loop, and nothing is sealed, hashed or stored.

use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::totp::SharedSecret;
use tests::person::passcode;

const STEP: u64 = 30;
const DAY: u64 = 24 * 3600;
/// How long an operator's code can be used at most.
const LONGEST: u64 = 3 * DAY;

/// What the system holds of one user, what an operator has set, and the time.
pub(crate) struct Model {
    pub(crate) now: u64,
    /// `cognito:user_status` is FORCE_CHANGE_PASSWORD: an operator has set a temporary password.
    pub(crate) must_change_password: bool,
    /// `ENROLLMENT` is AT_SIGN_IN, and not BY_OPERATOR.
    pub(crate) enrolls_at_sign_in: bool,
    pub(crate) authenticator: Option<Authenticator>,
    /// Recovery codes that are left, as they were shown.
    pub(crate) codes: Vec<String>,
    /// A new authenticator came without the codes that follow it.
    codes_due: bool,
    /// The code that an operator gave last, until an authenticator was set up.
    operator_code: Option<OperatorCode>,
    /// The user was deleted.
    forgotten: bool,
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
    /// It had one of our challenges.
    challenged: bool,
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

/// What Create must issue.
pub(crate) enum ToIssue {
    Prompt {
        due: Due,
    },
    NewAuthenticator,
    NewCodes,
    Again(Challenge),
    /// What was proven is no longer there.
    Nothing,
}

impl Model {
    pub(crate) fn new(now: u64) -> Self {
        let (authenticator, codes, recorded) = (None, Vec::new(), Vec::new());
        let failures = Failures::default();
        Self {
            now,
            must_change_password: false,
            enrolls_at_sign_in: true,
            authenticator,
            codes,
            codes_due: false,
            operator_code: None,
            forgotten: false,
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
            enrolls_at_sign_in: self.enrolls_at_sign_in,
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
            Challenge::SecondFactor { due, generation } => self.verify_second_factor(*due, *generation, typed),
            Challenge::TotpSetup { generation, .. } | Challenge::RecoveryCodes { generation, .. }
                if *generation != self.generation =>
            {
                Expected::HandlerError("outdated")
            }
            Challenge::TotpSetup { by_password: true, .. } if !self.enrolls_at_sign_in => {
                Expected::HandlerError("nobody enrolls by the password any more")
            }
            Challenge::TotpSetup { secret, by_password, .. } => match self.matching_steps(secret, typed).last() {
                Some(step) => {
                    self.operator_code = None;
                    self.generation += 1;
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
        if sign_in.has_proven_factor() && sign_in.generation != self.generation {
            return ToIssue::Nothing;
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
                if self.enrolls_at_sign_in && !sign_in.challenged && !self.forgotten {
                    ToIssue::NewAuthenticator
                } else {
                    ToIssue::Prompt { due: Due::Nothing }
                }
            }
            Progress::PasswordProven | Progress::SecondFactorDue => {
                let due = if self.codes_due || self.codes.len() < 3 { Due::Codes } else { Due::Nothing };
                ToIssue::Prompt { due }
            }
            Progress::SetUpOwed => ToIssue::NewAuthenticator,
            Progress::SecondFactorProven if after_second_factor == Some("NEW_RECOVERY_CODES") => ToIssue::NewCodes,
            Progress::CodesOwed if after_second_factor == Some("REPLACE_AUTHENTICATOR") => ToIssue::NewAuthenticator,
            Progress::SecondFactorProven | Progress::CodesRenewed => ToIssue::NewAuthenticator,
            Progress::CodesOwed | Progress::CodesFollow => ToIssue::NewCodes,
            Progress::Changing | Progress::Done | Progress::Rejected => unreachable!("nothing is to be issued"),
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

    /// `publicChallengeParameters`, but for a secret or codes that are drawn.
    pub(crate) fn shown(&mut self, challenge: &Challenge, sign_in: &SignIn) -> Value {
        let attempts_left = (3 - sign_in.wrong_answers).to_string();
        match challenge {
            Challenge::SecondFactor { .. } => {
                let (wait, stopped) = self.wait();
                let accepts = if stopped { "RECOVERY_CODE" } else { "PASSCODE RECOVERY_CODE" };
                let retry = wait.to_string();
                json!({ "challenge": "SECOND_FACTOR", "attemptsLeft": attempts_left, "accepts": accepts, "retryAfterSeconds": retry,
                    "passcodeDigits": "6" })
            }
            Challenge::TotpSetup { .. } => {
                json!({ "challenge": "TOTP_SETUP", "attemptsLeft": attempts_left, "passcodeDigits": "6" })
            }
            Challenge::RecoveryCodes { .. } => json!({ "challenge": "RECOVERY_CODES", "attemptsLeft": attempts_left }),
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
        Self { progress, new_password: false, challenged: false, generation: 0, wrong_answers: 0, again: None }
    }

    /// The session grows by NEW_PASSWORD_REQUIRED.
    pub(crate) fn changed_password(&mut self) {
        self.progress = Progress::SecondFactorDue;
        self.new_password = true;
    }

    pub(crate) fn has_proven_factor(&self) -> bool {
        match self.progress {
            Progress::PasswordProven | Progress::SecondFactorDue | Progress::Rejected => false,
            Progress::SecondFactorProven
            | Progress::CodesOwed
            | Progress::SetUpOwed
            | Progress::Changing
            | Progress::CodesRenewed
            | Progress::CodesFollow
            | Progress::Done => true,
        }
    }

    /// The session grows by an answer, which left the record at `generation`.
    pub(crate) fn answered(&mut self, challenge: &Challenge, right: bool, generation: u64) {
        self.again = None;
        self.challenged = true;
        if right {
            self.generation = match challenge {
                Challenge::SecondFactor { generation, .. } => *generation,
                Challenge::TotpSetup { .. } | Challenge::RecoveryCodes { .. } => generation,
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
        };
    }

    pub(crate) fn decision(
        &self,
        after_second_factor: Option<&str>,
        must_change_password: bool,
    ) -> (Decision, &'static str) {
        let new_password_due = must_change_password && !self.new_password;
        match (&self.progress, after_second_factor) {
            (Progress::Rejected, _) => (Decision::Failure, "third wrong answer"),
            (Progress::PasswordProven, _) if new_password_due => (Decision::NewPassword, "a new password is asked for"),
            (_, _) if new_password_due => (Decision::Failure, "the password was replaced under way"),
            (Progress::PasswordProven | Progress::SecondFactorDue, _) => (Decision::Challenge, "goes on"),
            (Progress::CodesOwed | Progress::SetUpOwed | Progress::CodesFollow, _) => (Decision::Challenge, "goes on"),
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
