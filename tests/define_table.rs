//! Define's table, proven by going through it: every session, and the ones that Cognito can show as a table to read.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write;

use serde_json::json;
use shared::authenticator::SealedSecret;
use shared::challenge::{Challenge, Due, IssuedChallenge, Kind, NewAuthenticator, NewCodes, Offer, Prompt, Removal};
use shared::encoding::{decode, encode};
use shared::ids::{AuthenticatorId, Generation, Nonce};
use shared::record::EnrollmentStatus;
use shared::recovery_codes::{CODE_BYTES, CODES, CodeSet, RecoveryCode};
use shared::settings::{AcceptedCognitoMfa, Admission, Enrollment, Entitlement, Policy, SignInSettings};
use shared::sign_in::{
    AfterSecondFactor, ChallengeResult, DefineContext, NextStep, Progress, SessionState, ToIssue, next_challenge,
    next_step,
};
use shared::totp::SECRET_BYTES;
use tests::golden::assert_golden;

/// Longer than any session in which something new happens: SRP_A, PASSWORD_VERIFIER, two wrong and a right passcode, two
/// wrong codes and a right one.
const LONGEST: usize = 8;

const OF_COGNITO: [Option<&str>; 13] = [
    None,
    Some("SRP_A"),
    Some("PASSWORD_VERIFIER"),
    Some("NEW_PASSWORD_REQUIRED"),
    Some("SELECT_MFA_TYPE"),
    Some("MFA_SETUP"),
    Some("SOFTWARE_TOKEN_MFA"),
    Some("SMS_MFA"),
    Some("EMAIL_OTP"),
    Some("DEVICE_SRP_AUTH"),
    Some("DEVICE_PASSWORD_VERIFIER"),
    Some("ADMIN_NO_SRP_AUTH"),
    Some("A_CHALLENGE_OF_TOMORROW"),
];
const OFFER: &str = "SECOND_FACTOR_OFFER generation";
const OF_OURS: [Option<&str>; 9] = [
    None,
    Some("SECOND_FACTOR - generation"),
    Some("SECOND_FACTOR C generation"),
    Some("SECOND_FACTOR A generation"),
    Some("TOTP_SETUP P generation id sealed"),
    Some("RECOVERY_CODES generation hashes"),
    Some(OFFER),
    Some("REMOVE_AUTHENTICATOR generation next"),
    Some("METADATA_OF_TOMORROW"),
];
const REQUESTS: [AfterSecondFactor; 6] = [
    AfterSecondFactor::NotGiven,
    AfterSecondFactor::Nothing,
    AfterSecondFactor::ReplaceAuthenticator,
    AfterSecondFactor::NewRecoveryCodes,
    AfterSecondFactor::RemoveAuthenticator,
    AfterSecondFactor::Unknown,
];
const HOLDINGS: [EnrollmentStatus; 5] = [
    EnrollmentStatus::NotEnrolled,
    EnrollmentStatus::Enrolled,
    EnrollmentStatus::EnrolledCodesDue,
    EnrollmentStatus::OperatorCode,
    EnrollmentStatus::Forgotten,
];
const ENROLLMENTS: [Enrollment; 3] = [Enrollment::AtSignIn, Enrollment::ByOperator, Enrollment::AfterCognitoMfa];

const PASSWORD_PROVEN: [Raw; 2] = [(Some("SRP_A"), None, true), (Some("PASSWORD_VERIFIER"), None, true)];
const NEW_PASSWORD: Raw = (Some("NEW_PASSWORD_REQUIRED"), None, true);

/// An entry as Cognito writes it: `challengeName`, `challengeMetadata`, `challengeResult`.
type Raw = (Option<&'static str>, Option<&'static str>, bool);

fn alphabet() -> Vec<Raw> {
    let of_cognito = OF_COGNITO.map(|name| (name, None));
    let of_ours = OF_OURS.map(|metadata| (Some("CUSTOM_CHALLENGE"), metadata));
    let entries = of_cognito.into_iter().chain(of_ours);
    entries.flat_map(|(name, metadata)| [(name, metadata, true), (name, metadata, false)]).collect()
}

fn classify((name, metadata, correct): Raw, settings: &SignInSettings) -> ChallengeResult {
    ChallengeResult::classify(name, correct, metadata, settings)
}

fn accepting(accepted: &str) -> SignInSettings {
    SignInSettings::new(AcceptedCognitoMfa::parse(accepted).unwrap(), Enrollment::ByOperator).unwrap()
}

/// Where users may do without a second factor.
fn optional() -> SignInSettings {
    let settings = SignInSettings::new(AcceptedCognitoMfa::NONE, Enrollment::AtSignIn).unwrap();
    settings.under(Policy::Optional).unwrap()
}

fn all_circumstances() -> Vec<DefineContext> {
    let flags = [(false, false), (false, true), (true, false), (true, true)];
    let all = flags.into_iter().flat_map(|(user_not_found, must_change_password)| {
        REQUESTS.map(|after_second_factor| DefineContext { user_not_found, must_change_password, after_second_factor })
    });
    all.collect()
}

/// The invariant of the design, read off the raw session and not off the fold: SRP_A ✓, then PASSWORD_VERIFIER ✓, then a
/// second factor ✓, with at most two wrong answers before it. Tokens leave without a second factor only under `OPTIONAL`, after an
/// offer ✓ that was the first challenge of ours.
fn all_is_proven(session: &[Raw], accepted: &str, policy: Policy) -> bool {
    let [(Some("SRP_A"), _, true), (Some("PASSWORD_VERIFIER"), _, true), rest @ ..] = session else {
        return false;
    };
    let second_factor = rest.iter().position(|entry| match entry {
        (Some("CUSTOM_CHALLENGE"), Some(metadata), true) => {
            ["SECOND_FACTOR", "TOTP_SETUP"].contains(&metadata.split(' ').next().unwrap())
        }
        (Some(name @ ("SOFTWARE_TOKEN_MFA" | "SMS_MFA" | "EMAIL_OTP")), _, true) => accepted.contains(name),
        _ => false,
    });
    let first_of_ours = rest.iter().find(|(name, ..)| *name == Some("CUSTOM_CHALLENGE"));
    if policy == Policy::Optional && first_of_ours == Some(&(Some("CUSTOM_CHALLENGE"), Some(OFFER), true)) {
        return true;
    }
    second_factor.is_some_and(|at| {
        rest[..at].iter().filter(|(_, metadata, right)| !right && *metadata != Some(OFFER)).count() <= 2
    })
}

/// Goes through every session of up to [`LONGEST`] entries. A refused session stays refused, whatever follows: that is
/// checked for every refused state and every entry, and then its continuations are counted, not walked.
struct Walk {
    accepted: &'static str,
    settings: SignInSettings,
    alphabet: Vec<Raw>,
    context: Vec<DefineContext>,
    session: Vec<Raw>,
    refused_seen: HashSet<SessionState>,
    /// Sessions of each length, by what Define answers to a client that asks nothing.
    counts: BTreeMap<(usize, String), u64>,
}

impl Walk {
    fn through(accepted: &'static str, settings: SignInSettings) -> Self {
        let mut walk = Self {
            accepted,
            settings,
            alphabet: alphabet(),
            context: all_circumstances(),
            session: Vec::new(),
            refused_seen: HashSet::new(),
            counts: BTreeMap::new(),
        };
        walk.visit(SessionState::START);
        walk
    }

    fn visit(&mut self, state: SessionState) {
        let length = self.session.len();
        let usual = DefineContext {
            user_not_found: false,
            must_change_password: false,
            after_second_factor: AfterSecondFactor::NotGiven,
        };
        let outcome = format!("{:?}", next_step(&state, usual));
        if matches!(state.progress(), Progress::Rejected(_)) {
            self.visit_refused(state);
            for longer in length..=LONGEST {
                let continuations =
                    u64::try_from(self.alphabet.len()).unwrap().pow(u32::try_from(longer - length).unwrap());
                *self.counts.entry((longer, outcome.clone())).or_default() += continuations;
            }
            return;
        }
        *self.counts.entry((length, outcome)).or_default() += 1;
        for context in &self.context {
            let next = next_step(&state, *context);
            if next == NextStep::IssueTokens {
                assert!(
                    all_is_proven(&self.session, self.accepted, self.settings.policy()),
                    "tokens for {:?}",
                    self.session
                );
                assert!(!context.user_not_found, "tokens for nobody: {:?}", self.session);
                assert!(self.did_what_an_operators_code_requires(), "{:?}", self.session);
                let new_password = self.session[2] == NEW_PASSWORD;
                assert!(new_password || !context.must_change_password, "{:?}", self.session);
                assert!(
                    self.did_as_requested(context.after_second_factor),
                    "{:?} for {:?}",
                    context.after_second_factor,
                    self.session
                );
            }
            if next == NextStep::NewPasswordRequired {
                // Later, somebody would choose it who proved an older password and held a challenge since.
                assert_eq!(self.session, PASSWORD_PROVEN);
            }
            if self.session.last() == Some(&NEW_PASSWORD) {
                assert_eq!(self.session[..2], PASSWORD_PROVEN);
                assert_eq!(next, NextStep::CustomChallenge, "a password was changed, and then the sign-in fails");
            }
            if next == NextStep::CustomChallenge {
                self.create_has_a_challenge(&state, context.after_second_factor);
            }
        }
        if length < LONGEST {
            for raw in self.alphabet.clone() {
                self.session.push(raw);
                self.visit(state.then(classify(raw, &self.settings)));
                self.session.pop();
            }
        }
    }

    /// Nobody gets tokens in the belief that the authenticator or the codes were replaced when they were not.
    fn did_as_requested(&self, after_second_factor: AfterSecondFactor) -> bool {
        let right = |word| {
            self.session.iter().any(|(_, metadata, right)| *right && metadata.is_some_and(|m| m.starts_with(word)))
        };
        match after_second_factor {
            AfterSecondFactor::ReplaceAuthenticator => right("TOTP_SETUP") && right("RECOVERY_CODES"),
            AfterSecondFactor::NewRecoveryCodes => right("RECOVERY_CODES"),
            // Only where an authenticator is new anyway.
            AfterSecondFactor::RemoveAuthenticator if right("REMOVE_AUTHENTICATOR") => true,
            AfterSecondFactor::RemoveAuthenticator | AfterSecondFactor::Unknown => {
                right("TOTP_SETUP") && right("RECOVERY_CODES")
            }
            AfterSecondFactor::NotGiven | AfterSecondFactor::Nothing => true,
        }
    }

    /// While an operator's code is outstanding, any correct answer leads to a new authenticator and its codes.
    fn did_what_an_operators_code_requires(&self) -> bool {
        let answered = |word| {
            self.session.iter().position(|(_, metadata, right)| *right && metadata.is_some_and(|m| m.starts_with(word)))
        };
        match answered("SECOND_FACTOR A ") {
            None => true,
            prompt => prompt < answered("TOTP_SETUP") && answered("TOTP_SETUP") < answered("RECOVERY_CODES"),
        }
    }

    fn visit_refused(&mut self, state: SessionState) {
        if !self.refused_seen.insert(state) {
            return;
        }
        for context in &self.context {
            assert!(matches!(next_step(&state, *context), NextStep::FailAuthentication(_)), "{state:?}");
        }
        for raw in &self.alphabet {
            let after = state.then(classify(*raw, &self.settings));
            assert_eq!(after.progress(), state.progress(), "a refusal was lifted by {raw:?}");
        }
    }

    /// Whatever Define asks for, Create can issue, but for a record that was reset after the proof; and an authenticator is replaced only by who has proven it.
    fn create_has_a_challenge(&self, state: &SessionState, after_second_factor: AfterSecondFactor) {
        for enrollment_status in HOLDINGS {
            for (enrollment, required) in ENROLLMENTS.into_iter().flat_map(|one| [(one, true), (one, false)]) {
                let admission = Admission { enrollment, policy: self.settings.policy(), required };
                let issue = next_challenge(state, enrollment_status, admission, after_second_factor);
                let sets_up = issue == Some(ToIssue::New(Kind::TotpSetup));
                let right = |word| {
                    self.session
                        .iter()
                        .any(|(_, metadata, right)| *right && metadata.is_some_and(|m| m.starts_with(word)))
                };
                let taken_away = [EnrollmentStatus::NotEnrolled, EnrollmentStatus::Forgotten];
                if (right("SECOND_FACTOR ") || right("TOTP_SETUP")) && taken_away.contains(&enrollment_status) {
                    assert_eq!(issue, None, "on a record that was reset since: {:?}", self.session);
                    continue;
                }
                let may_enroll = enrollment.admits(Entitlement::Password);
                if state.progress() == Progress::OfferTaken
                    && !(enrollment_status == EnrollmentStatus::NotEnrolled && may_enroll)
                    && issue != Some(ToIssue::Repeat)
                {
                    assert_eq!(issue, None, "an offer that was held: {:?}", self.session);
                    continue;
                }
                assert!(issue.is_some(), "nothing to issue after {:?}", self.session);
                let is_ours = |(name, metadata, _): &Raw| *name == Some("CUSTOM_CHALLENGE") && *metadata != Some(OFFER);
                if issue == Some(ToIssue::New(Kind::Offer)) {
                    assert!(!required, "an offer to whom one is required: {:?}", self.session);
                    assert_eq!(enrollment_status, EnrollmentStatus::NotEnrolled, "{:?}", self.session);
                    assert!(!self.session.iter().any(is_ours), "an offer after a prompt: {:?}", self.session);
                }
                if !sets_up || right("SECOND_FACTOR ") {
                    continue;
                }
                assert_eq!(enrollment_status, EnrollmentStatus::NotEnrolled, "{:?}", self.session);
                assert_ne!(enrollment, Enrollment::ByOperator, "{:?}", self.session);
                let asked_before = self.session.iter().any(is_ours);
                assert!(!asked_before, "a prompt held over a reset enrolls: {:?}", self.session);
            }
        }
    }
}

#[test]
fn no_session_gets_tokens_without_password_then_second_factor() {
    let mut table = String::from(
        "Sessions of Define by their number of entries and Define's answer to a client that asks nothing.\n\
         Every entry: 13 Cognito names, and CUSTOM_CHALLENGE with 9 metadata values; each right and wrong.\n",
    );
    let accepted = ["NONE", "SOFTWARE_TOKEN_MFA", "SOFTWARE_TOKEN_MFA,SMS_MFA,EMAIL_OTP"];
    let every = accepted.map(|accepted| (accepted, accepting(accepted))).into_iter().chain([("NONE", optional())]);
    // Each takes a minute.
    let walks: Vec<_> =
        every.map(|(accepted, settings)| std::thread::spawn(move || Walk::through(accepted, settings))).collect();
    for walk in walks {
        let walk = walk.join().unwrap();
        let (accepted, policy) = (walk.accepted, walk.settings.policy().as_str());
        writeln!(table, "\nACCEPTED_COGNITO_MFA={accepted} SECOND_FACTOR_POLICY={policy}").unwrap();
        for length in 0..=LONGEST {
            let total: u64 = walk.counts.iter().filter(|((of, _), _)| *of == length).map(|(_, count)| count).sum();
            assert_eq!(total, 44_u64.pow(u32::try_from(length).unwrap()), "every session was counted");
        }
        for ((length, outcome), count) in &walk.counts {
            writeln!(table, "{length} entries  {outcome:<32}{count:>16}").unwrap();
        }
    }
    assert_golden("define_table_counts.txt", &table);
}

/// Every `ACCEPTED_COGNITO_MFA` that there is.
const EVERY_ACCEPTED: [&str; 8] = [
    "NONE",
    "SOFTWARE_TOKEN_MFA",
    "SMS_MFA",
    "EMAIL_OTP",
    "SOFTWARE_TOKEN_MFA,SMS_MFA",
    "SOFTWARE_TOKEN_MFA,EMAIL_OTP",
    "SMS_MFA,EMAIL_OTP",
    "SOFTWARE_TOKEN_MFA,SMS_MFA,EMAIL_OTP",
];

#[test]
fn a_cognito_factor_counts_if_and_only_if_the_settings_name_it() {
    for accepted in EVERY_ACCEPTED {
        for enrollment in ENROLLMENTS {
            let Ok(settings) = SignInSettings::new(AcceptedCognitoMfa::parse(accepted).unwrap(), enrollment) else {
                assert!((enrollment == Enrollment::AtSignIn) != (accepted == "NONE"), "{accepted}, {enrollment:?}");
                continue;
            };
            for factor in ["SOFTWARE_TOKEN_MFA", "SMS_MFA", "EMAIL_OTP"] {
                for right in [true, false] {
                    let session = [("SRP_A", true), ("PASSWORD_VERIFIER", true), (factor, right)];
                    let entries = session.map(|(name, right)| classify((Some(name), None, right), &settings));
                    let usual = DefineContext {
                        user_not_found: false,
                        must_change_password: false,
                        after_second_factor: AfterSecondFactor::NotGiven,
                    };
                    let next = next_step(&SessionState::of(entries), usual);
                    match (right, accepted.contains(factor)) {
                        (true, true) => assert_eq!(next, NextStep::IssueTokens, "{accepted}, {factor}"),
                        (true, false) => assert_eq!(next, NextStep::CustomChallenge, "{accepted}, {factor}"),
                        (false, _) => assert!(matches!(next, NextStep::FailAuthentication(_)), "{accepted}, {factor}"),
                    }
                }
            }
        }
    }
}

#[test]
fn the_table_has_nothing_new_beyond_the_longest_session_walked() {
    // Standings reached by 8 entries are reached by fewer: so longer sessions add none, and the proof holds for them too.
    for settings in EVERY_ACCEPTED.map(accepting).into_iter().chain([optional()]) {
        let mut reached = HashSet::from([SessionState::START]);
        let mut sizes = Vec::new();
        for _ in 0..LONGEST + 4 {
            let next: Vec<SessionState> = reached
                .iter()
                .flat_map(|state| alphabet().into_iter().map(|raw| state.then(classify(raw, &settings))))
                .collect();
            reached.extend(next);
            sizes.push(reached.len());
        }
        assert_eq!(sizes[LONGEST + 1], sizes[LONGEST + 3], "{settings:?}: {sizes:?}");
    }
}

/// One situation of a user and a client, for the table that a reviewer reads.
struct Situation {
    title: &'static str,
    user_not_found: bool,
    accepted: &'static str,
    enrollment: Enrollment,
    enrollment_status: EnrollmentStatus,
    policy: Policy,
    required: bool,
    after_second_factor: AfterSecondFactor,
    /// What it says with a wrong answer to a set-up challenge, if something else.
    request_after_a_typo: Option<AfterSecondFactor>,
    must_change_password: bool,
    /// What Cognito asks by itself after the password.
    cognito_asks: &'static [&'static str],
}

const USUAL: Situation = Situation {
    title: "",
    user_not_found: false,
    accepted: "NONE",
    enrollment: Enrollment::AtSignIn,
    enrollment_status: EnrollmentStatus::Enrolled,
    policy: Policy::Required,
    required: true,
    after_second_factor: AfterSecondFactor::NotGiven,
    request_after_a_typo: None,
    must_change_password: false,
    cognito_asks: &[],
};

impl Situation {
    /// Every session that Cognito can show in this situation, with Define's answer.
    fn table(&self) -> String {
        let mut table = format!("\n## {}\n\n", self.title);
        let accepted = AcceptedCognitoMfa::parse(self.accepted).unwrap();
        let settings = SignInSettings::new(accepted, self.enrollment).unwrap().under(self.policy).unwrap();
        self.rows(&settings, SessionState::START, &mut vec![], &mut table);
        table
    }

    fn rows(&self, settings: &SignInSettings, state: SessionState, session: &mut Vec<Raw>, table: &mut String) {
        let context = DefineContext {
            user_not_found: self.user_not_found,
            must_change_password: self.must_change_password,
            after_second_factor: self.request_after(session),
        };
        let next = next_step(&state, context);
        writeln!(table, "{:<112} {next:?}", words(session)).unwrap();
        for raw in self.next_entries(&state, next, session) {
            session.push(raw);
            self.rows(settings, state.then(classify(raw, settings)), session, table);
            session.pop();
        }
    }

    /// What the client says with its last answer.
    fn request_after(&self, session: &[Raw]) -> AfterSecondFactor {
        match session.last() {
            Some((_, Some("TOTP_SETUP" | "RECOVERY_CODES"), false)) => {
                self.request_after_a_typo.unwrap_or(self.after_second_factor)
            }
            Some(_) | None => self.after_second_factor,
        }
    }

    fn next_entries(&self, state: &SessionState, next: NextStep, session: &[Raw]) -> Vec<Raw> {
        let both = |name: &'static str, metadata| vec![(Some(name), metadata, true), (Some(name), metadata, false)];
        if session.is_empty() {
            return vec![(Some("SRP_A"), None, true)];
        }
        if let Some(name) = session.len().checked_sub(2).and_then(|at| self.cognito_asks.get(at))
            && !matches!(next, NextStep::FailAuthentication(_))
        {
            return both(name, None);
        }
        match next {
            NextStep::PasswordVerifier => both("PASSWORD_VERIFIER", None),
            NextStep::NewPasswordRequired => vec![(Some("NEW_PASSWORD_REQUIRED"), None, true)],
            NextStep::CustomChallenge => {
                // Who has just set an authenticator up holds it.
                let enrolled = session.contains(&(Some("CUSTOM_CHALLENGE"), Some("TOTP_SETUP"), true));
                let enrollment_status =
                    if enrolled { EnrollmentStatus::EnrolledCodesDue } else { self.enrollment_status };
                let (enrollment, policy, required) = (self.enrollment, self.policy, self.required);
                let admission = Admission { enrollment, policy, required };
                let issue = next_challenge(state, enrollment_status, admission, self.request_after(session));
                let metadata = match issue {
                    Some(ToIssue::New(Kind::SecondFactor { due: Due::Nothing })) => Some("SECOND_FACTOR -"),
                    Some(ToIssue::New(Kind::SecondFactor { due: Due::RecoveryCodes })) => Some("SECOND_FACTOR C"),
                    Some(ToIssue::New(Kind::SecondFactor { due: Due::Authenticator })) => Some("SECOND_FACTOR A"),
                    Some(ToIssue::New(kind)) => Some(kind.as_str()),
                    Some(ToIssue::Repeat) => session.last().unwrap().1,
                    // Who holds nothing passes no prompt.
                    None => return vec![],
                };
                both("CUSTOM_CHALLENGE", metadata)
            }
            NextStep::IssueTokens | NextStep::FailAuthentication(_) => vec![],
        }
    }
}

fn words(session: &[Raw]) -> String {
    let words: Vec<String> = session
        .iter()
        .map(|(name, metadata, right)| {
            let what = metadata.or(*name).unwrap_or("null");
            format!("{what} {}", if *right { '✓' } else { '✗' })
        })
        .collect();
    if words.is_empty() { "(empty)".to_owned() } else { words.join(", ") }
}

#[test]
fn the_sessions_that_cognito_can_show_read_as_the_design_says() {
    let situations = [
        Situation { title: "An authenticator and codes; the client asks nothing", ..USUAL },
        Situation {
            title: "An authenticator and fewer than three codes",
            enrollment_status: EnrollmentStatus::EnrolledCodesDue,
            ..USUAL
        },
        Situation {
            title: "No authenticator, ENROLLMENT=AT_SIGN_IN",
            enrollment_status: EnrollmentStatus::NotEnrolled,
            ..USUAL
        },
        Situation {
            title: "No authenticator, ENROLLMENT=BY_OPERATOR",
            enrollment_status: EnrollmentStatus::NotEnrolled,
            enrollment: Enrollment::ByOperator,
            ..USUAL
        },
        Situation {
            title: "An operator's code, with an authenticator or without; ENROLLMENT=BY_OPERATOR",
            enrollment_status: EnrollmentStatus::OperatorCode,
            enrollment: Enrollment::ByOperator,
            ..USUAL
        },
        Situation {
            title: "A user who was forgotten, ENROLLMENT=AT_SIGN_IN",
            enrollment_status: EnrollmentStatus::Forgotten,
            ..USUAL
        },
        Situation {
            title: "afterSecondFactor=REPLACE_AUTHENTICATOR all the way",
            after_second_factor: AfterSecondFactor::ReplaceAuthenticator,
            ..USUAL
        },
        Situation {
            title: "afterSecondFactor=NEW_RECOVERY_CODES all the way",
            after_second_factor: AfterSecondFactor::NewRecoveryCodes,
            ..USUAL
        },
        Situation {
            title: "afterSecondFactor=REPLACE_AUTHENTICATOR, and NOTHING after a typo",
            after_second_factor: AfterSecondFactor::ReplaceAuthenticator,
            request_after_a_typo: Some(AfterSecondFactor::Nothing),
            ..USUAL
        },
        Situation {
            title: "Fewer than three codes, and afterSecondFactor=REPLACE_AUTHENTICATOR all the way",
            enrollment_status: EnrollmentStatus::EnrolledCodesDue,
            after_second_factor: AfterSecondFactor::ReplaceAuthenticator,
            ..USUAL
        },
        Situation {
            title: "Fewer than three codes, and afterSecondFactor=REPLACE_AUTHENTICATOR, and NOTHING after a typo",
            enrollment_status: EnrollmentStatus::EnrolledCodesDue,
            after_second_factor: AfterSecondFactor::ReplaceAuthenticator,
            request_after_a_typo: Some(AfterSecondFactor::Nothing),
            ..USUAL
        },
        Situation {
            title: "Fewer than three codes, and afterSecondFactor=NEW_RECOVERY_CODES all the way",
            enrollment_status: EnrollmentStatus::EnrolledCodesDue,
            after_second_factor: AfterSecondFactor::NewRecoveryCodes,
            ..USUAL
        },
        Situation {
            title: "No authenticator, and afterSecondFactor=REPLACE_AUTHENTICATOR all the way",
            enrollment_status: EnrollmentStatus::NotEnrolled,
            after_second_factor: AfterSecondFactor::ReplaceAuthenticator,
            ..USUAL
        },
        Situation { title: "afterSecondFactor=NOTHING", after_second_factor: AfterSecondFactor::Nothing, ..USUAL },
        Situation {
            title: "afterSecondFactor is a word that we do not know",
            after_second_factor: AfterSecondFactor::Unknown,
            ..USUAL
        },
        Situation { title: "A temporary password", must_change_password: true, ..USUAL },
        Situation {
            title: "A temporary password that was set after Cognito had asked for a factor of its own",
            must_change_password: true,
            cognito_asks: &["SELECT_MFA_TYPE"],
            ..USUAL
        },
        Situation {
            title: "A temporary password and no authenticator",
            enrollment_status: EnrollmentStatus::NotEnrolled,
            must_change_password: true,
            ..USUAL
        },
        Situation { title: "No such user", user_not_found: true, ..USUAL },
        Situation {
            title: "SECOND_FACTOR_POLICY=OPTIONAL, and no authenticator",
            enrollment_status: EnrollmentStatus::NotEnrolled,
            policy: Policy::Optional,
            required: false,
            ..USUAL
        },
        Situation {
            title: "SECOND_FACTOR_POLICY=OPTIONAL, no authenticator, and one is required",
            enrollment_status: EnrollmentStatus::NotEnrolled,
            policy: Policy::Optional,
            ..USUAL
        },
        Situation {
            title: "SECOND_FACTOR_POLICY=OPTIONAL, a temporary password and no authenticator",
            enrollment_status: EnrollmentStatus::NotEnrolled,
            policy: Policy::Optional,
            required: false,
            must_change_password: true,
            ..USUAL
        },
        Situation {
            title: "SECOND_FACTOR_POLICY=OPTIONAL, an authenticator, and afterSecondFactor=REMOVE_AUTHENTICATOR",
            policy: Policy::Optional,
            required: false,
            after_second_factor: AfterSecondFactor::RemoveAuthenticator,
            ..USUAL
        },
        Situation {
            title: "SECOND_FACTOR_POLICY=OPTIONAL, no authenticator, and afterSecondFactor=REMOVE_AUTHENTICATOR",
            enrollment_status: EnrollmentStatus::NotEnrolled,
            policy: Policy::Optional,
            required: false,
            after_second_factor: AfterSecondFactor::RemoveAuthenticator,
            ..USUAL
        },
        Situation {
            title: "Cognito asks SOFTWARE_TOKEN_MFA, which is not accepted",
            cognito_asks: &["SOFTWARE_TOKEN_MFA"],
            ..USUAL
        },
        Situation {
            title: "Cognito asks SOFTWARE_TOKEN_MFA, which is accepted",
            accepted: "SOFTWARE_TOKEN_MFA",
            enrollment: Enrollment::ByOperator,
            cognito_asks: &["SOFTWARE_TOKEN_MFA"],
            ..USUAL
        },
        Situation {
            title: "Cognito asks which of several, then SMS_MFA, which is accepted",
            accepted: "SMS_MFA",
            enrollment: Enrollment::ByOperator,
            cognito_asks: &["SELECT_MFA_TYPE", "SMS_MFA"],
            ..USUAL
        },
        Situation {
            title: "Cognito asks EMAIL_OTP, which is accepted, of a user without an authenticator; BY_OPERATOR, and a after_second_factor",
            accepted: "EMAIL_OTP",
            enrollment: Enrollment::ByOperator,
            enrollment_status: EnrollmentStatus::NotEnrolled,
            after_second_factor: AfterSecondFactor::ReplaceAuthenticator,
            cognito_asks: &["EMAIL_OTP"],
            ..USUAL
        },
        Situation {
            title: "Cognito asks MFA_SETUP",
            accepted: "SOFTWARE_TOKEN_MFA",
            enrollment: Enrollment::ByOperator,
            cognito_asks: &["MFA_SETUP"],
            ..USUAL
        },
        Situation {
            title: "Moving over: Cognito's token, then REPLACE_AUTHENTICATOR without an authenticator of ours",
            accepted: "SOFTWARE_TOKEN_MFA",
            enrollment: Enrollment::AfterCognitoMfa,
            enrollment_status: EnrollmentStatus::NotEnrolled,
            after_second_factor: AfterSecondFactor::ReplaceAuthenticator,
            cognito_asks: &["SOFTWARE_TOKEN_MFA"],
            ..USUAL
        },
        Situation {
            title: "Moving over: Cognito's token, then REPLACE_AUTHENTICATOR with an authenticator of ours",
            accepted: "SOFTWARE_TOKEN_MFA",
            enrollment: Enrollment::AfterCognitoMfa,
            after_second_factor: AfterSecondFactor::ReplaceAuthenticator,
            cognito_asks: &["SOFTWARE_TOKEN_MFA"],
            ..USUAL
        },
        Situation {
            title: "Moving over: Cognito asks nothing of a user without an authenticator of ours",
            accepted: "SOFTWARE_TOKEN_MFA",
            enrollment: Enrollment::AfterCognitoMfa,
            enrollment_status: EnrollmentStatus::NotEnrolled,
            after_second_factor: AfterSecondFactor::ReplaceAuthenticator,
            ..USUAL
        },
    ];
    let table = situations.iter().map(Situation::table).collect::<String>();
    assert_golden("define_table.txt", table.trim_start());
}

// ── The longest session.

/// A Cognito session string has at most so many characters (service model, `SessionType`); whether it carries the history of the
/// sign-in nobody has published.
const SESSION_CHARACTERS: usize = 4096;

#[test]
fn the_longest_session_of_the_table_fits_a_cognito_session_string() {
    for settings in [accepting("NONE"), optional()] {
        the_longest_session_fits(&settings);
    }
}

fn the_longest_session_fits(settings: &SignInSettings) {
    // All that Cognito may ask by itself before ours, once each.
    let before =
        ["SRP_A", "PASSWORD_VERIFIER", "NEW_PASSWORD_REQUIRED", "SELECT_MFA_TYPE", "SOFTWARE_TOKEN_MFA", "MFA_SETUP"];
    let entries: Vec<Written> = before.map(|name| Written { name, metadata: None, right: true }).into();
    let state = SessionState::of(entries.iter().map(|entry| entry.classify(settings)));
    let mut longest = Longest::default();
    for enrollment_status in HOLDINGS {
        longest.visit(settings, state, enrollment_status, &mut entries.clone());
    }
    println!("{longest:?}");
    assert_eq!(
        longest.entries,
        before.len() + 11,
        "three answers each to PROMPT, RECOVERY_CODES and TOTP_SETUP, then two"
    );
    assert!(longest.characters <= SESSION_CHARACTERS, "{longest:?}");
}

/// An entry, and what Create wrote into it.
#[derive(Clone)]
struct Written {
    name: &'static str,
    metadata: Option<String>,
    right: bool,
}

impl Written {
    fn classify(&self, settings: &SignInSettings) -> ChallengeResult {
        ChallengeResult::classify(Some(self.name), self.right, self.metadata.as_deref(), settings)
    }
}

#[derive(Debug, Default)]
struct Longest {
    /// Of a session as it waits for an answer.
    entries: usize,
    characters: usize,
}

impl Longest {
    fn visit(
        &mut self,
        settings: &SignInSettings,
        state: SessionState,
        enrollment_status: EnrollmentStatus,
        entries: &mut Vec<Written>,
    ) {
        let asked = |after_second_factor: &AfterSecondFactor| {
            let context = DefineContext {
                user_not_found: false,
                must_change_password: false,
                after_second_factor: *after_second_factor,
            };
            next_step(&state, context) == NextStep::CustomChallenge
        };
        let issued: HashSet<ToIssue> = REQUESTS
            .into_iter()
            .filter(asked)
            .filter_map(|after_second_factor| {
                let policy = settings.policy();
                let required = policy == Policy::Required;
                let admission = Admission { enrollment: Enrollment::AtSignIn, policy, required };
                next_challenge(&state, enrollment_status, admission, after_second_factor)
            })
            .collect();
        for issue in issued {
            let (challenge, metadata) = match issue {
                ToIssue::New(kind) => {
                    let challenge = as_long_as_kms(kind);
                    let metadata = challenge.metadata();
                    (challenge, metadata)
                }
                ToIssue::Repeat => {
                    let metadata = entries.iter().rev().map_while(|entry| entry.metadata.as_deref());
                    let challenge = Challenge::last_answered(metadata).unwrap();
                    let metadata = challenge.metadata_again();
                    (challenge, metadata)
                }
            };
            self.measure(entries, &challenge);
            for right in [false, true] {
                let written = Written { name: "CUSTOM_CHALLENGE", metadata: Some(metadata.clone()), right };
                let enrollment_status = match challenge {
                    Challenge::TotpSetup(_) if right => EnrollmentStatus::EnrolledCodesDue,
                    Challenge::RecoveryCodes(_) if right => EnrollmentStatus::Enrolled,
                    Challenge::SecondFactor(_)
                    | Challenge::TotpSetup(_)
                    | Challenge::RecoveryCodes(_)
                    | Challenge::Offer(_)
                    | Challenge::RemoveAuthenticator(_) => enrollment_status,
                };
                let state = state.then(written.classify(settings));
                entries.push(written);
                self.visit(settings, state, enrollment_status, entries);
                entries.pop();
            }
        }
    }

    /// As JSON in base64: the history, and the private parameters of the challenge that is open.
    fn measure(&mut self, entries: &[Written], challenge: &Challenge) {
        let session = entries.iter().map(|Written { name, metadata, right }| {
            json!({ "challengeName": name, "challengeResult": right, "challengeMetadata": metadata })
        });
        let issued = IssuedChallenge { nonce: Nonce([7; 16]), challenge: challenge.clone() };
        let held = json!({
            "session": session.collect::<Vec<_>>(), "privateChallengeParameters": issued.private_parameters(),
        });
        self.entries = self.entries.max(entries.len());
        self.characters = self.characters.max(held.to_string().len().div_ceil(3) * 4);
    }
}

/// What KMS seals is 152 bytes longer.
fn as_long_as_kms(kind: Kind) -> Challenge {
    let generation = Generation([7; 8]);
    match kind {
        Kind::SecondFactor { due } => Challenge::SecondFactor(Prompt { due, generation }),
        Kind::TotpSetup => Challenge::TotpSetup(NewAuthenticator {
            entitlement: Entitlement::SecondFactor,
            generation,
            id: AuthenticatorId([7; 16]),
            sealed: SealedSecret(vec![7; SECRET_BYTES + 152]),
        }),
        Kind::Offer => Challenge::Offer(Offer { generation }),
        Kind::RemoveAuthenticator => Challenge::RemoveAuthenticator(Removal { generation, next: generation }),
        Kind::RecoveryCodes => {
            let codes = [RecoveryCode::new([7; CODE_BYTES]); 1];
            let one = CodeSet::new(&codes, [7; 16]).to_text();
            // The hashes of ten.
            let hashes: Vec<u8> = decode(&one).unwrap()[16..].repeat(CODES);
            let ten = encode(&[vec![7; 16], hashes].concat());
            Challenge::RecoveryCodes(NewCodes { generation, codes: CodeSet::from_text(&ten).unwrap() })
        }
    }
}
