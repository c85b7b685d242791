//! The record over time, with a clock that the test sets: one use, the window, the count across sign-ins, the waits.

use std::collections::HashSet;

use serde_json::{Value, json};
use shared::authenticator::{FriendlyName, SealedSecret};
use shared::challenge::{Challenge, IssuedChallenge, NewAuthenticator, NewCodes};
use shared::clock::UnixTime;
use shared::cognito::ClientId;
use shared::encoding::decode;
use shared::ids::{AuthenticatorId, Generation, Nonce};
use shared::operator_code::OperatorCode;
use shared::operator_note::Change;
use shared::passcode_limit::{BLOCK_AT, DECAY_SECONDS, FIRST_WAIT_SECONDS, RateLimit};
use shared::record::{EnrollmentStatus, Outcome, Record, Redemption};
use shared::recovery_codes::{CodeSet, RecoveryCode};
use shared::settings::Entitlement;
use shared::totp::SharedSecret;
use shared::verification::{Answer, BegunVerification, Reason, Verification, begin_verification};
use tests::challenges::{ADMITTED, PROMPT};
use tests::clock::NOW;
use tests::later::{fields_added_later, with_fields_added_later};
use tests::person::Person;

/// A user whose answers are verified without a store.
struct User {
    record: Record,
    person: Person,
    issued: u64,
}

impl User {
    /// Enrolled a day before [`NOW`], so that the passcodes around it are unused.
    fn enrolled() -> Self {
        let mut user = Self {
            record: Record::default(),
            person: Person { secret: SharedSecret::new((0..20).collect()), codes: ten_codes(1) },
            issued: 0,
        };
        let yesterday = UnixTime(NOW.0 - DECAY_SECONDS);
        let passcode = user.passcode(yesterday);
        assert_eq!(
            user.answer(&user.set_up(), &passcode, yesterday),
            (Outcome::Correct, Reason::AuthenticatorEnrolled)
        );
        let code = user.person.codes[0].clone();
        assert_eq!(user.answer(&user.new_codes(), &code, yesterday), (Outcome::Correct, Reason::RecoveryCodesKept));
        user
    }

    fn set_up(&self) -> Challenge {
        Challenge::TotpSetup(NewAuthenticator {
            entitlement: Entitlement::Password,
            generation: self.record.generation(),
            id: AuthenticatorId(self.drawn()),
            sealed: SealedSecret(vec![7; 60]),
        })
    }

    fn new_codes(&self) -> Challenge {
        let codes = code_set(&self.person.codes, self.drawn());
        Challenge::RecoveryCodes(NewCodes { generation: self.record.generation(), codes })
    }

    /// Different bytes for each challenge.
    fn drawn(&self) -> [u8; 16] {
        let mut drawn = [7; 16];
        drawn[8..].copy_from_slice(&(self.issued + 1).to_be_bytes());
        drawn
    }

    fn passcode(&self, time: UnixTime) -> String {
        self.person.passcode(time)
    }

    /// Issues a challenge with a new nonce.
    fn issue(&mut self, challenge: &Challenge) -> IssuedChallenge {
        self.issued += 1;
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.issued.to_be_bytes());
        IssuedChallenge { nonce: Nonce(nonce), challenge: challenge.clone() }
    }

    fn verification(&self, issued: &IssuedChallenge, answer: &str, now: UnixTime) -> Verification {
        match begin_verification(&self.record, issued, &Answer::new(answer.to_owned()), ADMITTED, now) {
            BegunVerification::Done(verification) => verification,
            BegunVerification::Pending(pending) => pending.verify(&self.person.secret),
        }
    }

    /// Delivers an answer to an issued challenge and records the outcome.
    fn deliver(&mut self, issued: &IssuedChallenge, answer: &str, now: UnixTime) -> (Outcome, Reason) {
        match self.verification(issued, answer, now) {
            Verification::AlreadyVerified(outcome) => (outcome, Reason::AlreadyVerified),
            Verification::Rejected(reason) => (Outcome::Wrong, reason),
            Verification::ToRecord { outcome, reason, record } => {
                // Through its stored form, as every load sees it.
                self.record = Record::from_json(&record.to_json().unwrap()).unwrap();
                assert_eq!(self.record.to_json().unwrap(), record.to_json().unwrap());
                (outcome, reason)
            }
            verification @ (Verification::Skipped
            | Verification::Outdated
            | Verification::Required
            | Verification::InvalidParameters) => {
                panic!("{verification:?}")
            }
        }
    }

    fn answer(&mut self, challenge: &Challenge, answer: &str, now: UnixTime) -> (Outcome, Reason) {
        let issued = self.issue(challenge);
        self.deliver(&issued, answer, now)
    }

    /// Records the outcome if the answer is right, and does nothing else.
    fn answer_if_right(&mut self, challenge: &Challenge, answer: &str) {
        let issued = self.issue(challenge);
        if let Verification::ToRecord { outcome: Outcome::Correct, record, .. } =
            self.verification(&issued, answer, NOW)
        {
            self.record = record;
        }
    }

    fn totp(&mut self, answer: &str, now: UnixTime) -> (Outcome, Reason) {
        self.answer(&PROMPT, answer, now)
    }

    fn mistype(&mut self, now: UnixTime) -> (Outcome, Reason) {
        let wrong = self.person.wrong_passcode(now);
        self.totp(&wrong, now)
    }
}

/// Ten codes, each of one byte, ten times.
fn ten_codes(first: u8) -> Vec<String> {
    (first..first + 10).map(|byte| RecoveryCode::new([byte; 10]).show().to_string()).collect()
}

fn code_set(codes: &[String], salt: [u8; 16]) -> CodeSet {
    let codes: Vec<_> = codes.iter().map(|code| RecoveryCode::parse(code).unwrap()).collect();
    CodeSet::new(&codes, salt)
}

const RIGHT: (Outcome, Reason) = (Outcome::Correct, Reason::PasscodeAccepted);
const WRONG: (Outcome, Reason) = (Outcome::Wrong, Reason::WrongPasscode);
const USED: (Outcome, Reason) = (Outcome::Wrong, Reason::PasscodeReplayed);
const WAIT: (Outcome, Reason) = (Outcome::Wrong, Reason::RateLimited);

#[test]
fn a_passcode_is_accepted_once_and_never_again() {
    let mut user = User::enrolled();
    let passcode = user.passcode(NOW);
    assert_eq!(user.totp(&passcode, NOW), RIGHT);
    for later in [0, 1, 29, 30] {
        assert_eq!(user.totp(&passcode, NOW.plus(later)), USED, "after {later} s");
    }
}

#[test]
fn the_time_steps_before_an_accepted_passcode_are_refused_too() {
    let mut user = User::enrolled();
    let (earlier, later) = (user.passcode(NOW), user.passcode(NOW.plus(30)));
    assert_eq!(user.totp(&later, NOW), RIGHT);
    assert_eq!(user.totp(&earlier, NOW), USED);
    assert_eq!(user.totp(&user.passcode(NOW.plus(60)), NOW.plus(60)), RIGHT);
}

#[test]
fn the_first_passcode_of_an_authenticator_counts_as_used() {
    let mut user = User::enrolled();
    let yesterday = UnixTime(NOW.0 - DECAY_SECONDS);
    assert_eq!(user.totp(&user.passcode(yesterday), yesterday), USED);
}

#[test]
fn the_window_is_one_step_either_side_to_the_second() {
    let passcode = User::enrolled().passcode(NOW);
    for (now, expected) in [
        (NOW.0 - 31, Reason::WrongPasscode),
        (NOW.0 - 30, Reason::PasscodeAccepted),
        (NOW.0 + 59, Reason::PasscodeAccepted),
        (NOW.0 + 60, Reason::WrongPasscode),
    ] {
        assert_eq!(User::enrolled().totp(&passcode, UnixTime(now)).1, expected, "at {now}");
    }
}

#[test]
fn failures_count_across_sign_ins_and_a_right_passcode_resets_nothing() {
    let mut user = User::enrolled();
    for expected in 1..=4 {
        assert_eq!(user.mistype(NOW), WRONG);
        assert_eq!(user.record.failures(NOW), expected);
        assert_eq!(user.record.rate_limit(NOW), RateLimit::Allow, "up to four: no wait");
    }
    assert_eq!(user.totp(&user.passcode(NOW), NOW), RIGHT);
    assert_eq!(user.record.failures(NOW), 4);
    assert_eq!(user.mistype(NOW), WRONG);
    assert_eq!(user.record.rate_limit(NOW), RateLimit::RetryAfter { seconds: FIRST_WAIT_SECONDS });
}

#[test]
fn each_wait_doubles_up_to_an_hour_and_ends_to_the_second() {
    let mut user = User::enrolled();
    let mut now = NOW;
    for _ in 0..4 {
        user.mistype(now);
    }
    for wait in [30, 60, 120, 240, 480, 960, 1920, 3600, 3600] {
        assert_eq!(user.mistype(now), WRONG);
        assert_eq!(user.record.rate_limit(now), RateLimit::RetryAfter { seconds: wait });
        assert_eq!(user.record.rate_limit(now.plus(wait - 1)), RateLimit::RetryAfter { seconds: 1 });
        assert_eq!(user.mistype(now.plus(wait - 1)), WAIT);
        now = now.plus(wait);
        assert_eq!(user.record.rate_limit(now), RateLimit::Allow);
    }
}

/// A user whose passcodes have just stopped, and when.
fn stopped() -> (User, UnixTime) {
    let mut user = User::enrolled();
    let mut now = NOW;
    while user.record.failures(now) < BLOCK_AT {
        user.mistype(now);
        if let RateLimit::RetryAfter { seconds } = user.record.rate_limit(now) {
            now = now.plus(seconds);
        }
    }
    (user, now)
}

#[test]
fn at_twenty_passcodes_are_blocked_until_the_count_falls_to_the_second() {
    let (mut user, now) = stopped();
    let RateLimit::Blocked { seconds } = user.record.rate_limit(now) else { panic!("not stopped") };
    // The fall is counted from the first failure on.
    assert_eq!(now.plus(seconds), NOW.plus(DECAY_SECONDS));
    let last = now.plus(seconds - 1);
    assert_eq!(user.record.rate_limit(last), RateLimit::Blocked { seconds: 1 });
    assert_eq!(user.totp(&user.passcode(last), last), WAIT, "even a right one");
    let fallen = now.plus(seconds);
    assert_eq!(user.record.failures(fallen), BLOCK_AT - 1);
    assert_eq!(user.totp(&user.passcode(fallen), fallen), RIGHT);
    assert_eq!(user.mistype(fallen), WRONG);
    assert_eq!(user.record.rate_limit(fallen), RateLimit::Blocked { seconds: DECAY_SECONDS }, "and stops again");
}

#[test]
fn the_count_falls_by_one_a_day_and_saves_up_nothing() {
    let mut user = User::enrolled();
    for _ in 0..3 {
        user.mistype(NOW);
    }
    for (seconds, left) in [
        (0, 3),
        (DECAY_SECONDS - 1, 3),
        (DECAY_SECONDS, 2),
        (2 * DECAY_SECONDS - 1, 2),
        (2 * DECAY_SECONDS, 1),
        (3 * DECAY_SECONDS - 1, 1),
        (3 * DECAY_SECONDS, 0),
        (400 * DECAY_SECONDS, 0),
    ] {
        assert_eq!(user.record.failures(NOW.plus(seconds)), left, "after {seconds} s");
    }
    // A further failure in the middle of a day does not start the day again.
    user.mistype(NOW.plus(DECAY_SECONDS / 2));
    assert_eq!(user.record.failures(NOW.plus(DECAY_SECONDS)), 3);
    // A year without failures is worth nothing.
    let later = NOW.plus(365 * DECAY_SECONDS);
    for expected in 1..=5 {
        user.mistype(later);
        assert_eq!(user.record.failures(later), expected);
    }
    assert_eq!(user.record.rate_limit(later), RateLimit::RetryAfter { seconds: 30 });
}

#[test]
fn an_answer_during_a_wait_is_neither_verified_nor_written() {
    let mut user = User::enrolled();
    for _ in 0..5 {
        user.mistype(NOW);
    }
    let before = user.record.clone();
    let right = user.passcode(NOW);
    let issued = user.issue(&PROMPT);
    let answer = Answer::new(right.clone());
    let pending = begin_verification(&user.record, &issued, &answer, ADMITTED, NOW);
    assert!(
        matches!(pending, BegunVerification::Done(Verification::Rejected(Reason::RateLimited))),
        "the secret stays sealed"
    );
    drop(pending);
    for _ in 0..100 {
        assert_eq!(user.totp(&right, NOW.plus(29)), WAIT);
    }
    assert_eq!(user.record, before);
    assert_eq!(user.totp(&right, NOW.plus(30)), RIGHT, "the passcode was not used up");
}

#[test]
fn the_same_challenge_delivered_three_times_counts_once_and_answers_alike() {
    let mut user = User::enrolled();
    let (wrong, right) = (user.person.wrong_passcode(NOW), user.passcode(NOW));
    let issued = user.issue(&PROMPT);
    assert_eq!(user.deliver(&issued, &wrong, NOW), WRONG);
    for _ in 0..2 {
        assert_eq!(user.deliver(&issued, &wrong, NOW.plus(5)), (Outcome::Wrong, Reason::AlreadyVerified));
    }
    assert_eq!(user.record.failures(NOW), 1);
    let issued = user.issue(&PROMPT);
    assert_eq!(user.deliver(&issued, &right, NOW), RIGHT);
    for _ in 0..2 {
        assert_eq!(user.deliver(&issued, &right, NOW.plus(5)), (Outcome::Correct, Reason::AlreadyVerified));
    }
}

#[test]
fn a_challenge_is_remembered_with_seven_other_sign_ins_in_between() {
    let mut user = User::enrolled();
    let right = user.passcode(NOW);
    let issued = user.issue(&PROMPT);
    assert_eq!(user.deliver(&issued, &right, NOW), RIGHT);
    for _ in 0..4 {
        user.mistype(NOW);
    }
    for code in 1..=3 {
        let code = user.person.codes[code].clone();
        assert_eq!(user.totp(&code, NOW), (Outcome::Correct, Reason::RecoveryCodeUsed));
    }
    assert_eq!(user.deliver(&issued, &right, NOW), (Outcome::Correct, Reason::AlreadyVerified));
}

#[test]
fn another_answer_to_a_verified_challenge_gets_the_first_outcome() {
    let mut user = User::enrolled();
    let (wrong, right) = (user.person.wrong_passcode(NOW), user.passcode(NOW));
    let issued = user.issue(&PROMPT);
    assert_eq!(user.deliver(&issued, &wrong, NOW), WRONG);
    assert_eq!(user.deliver(&issued, &right, NOW), (Outcome::Wrong, Reason::AlreadyVerified));
}

#[test]
fn a_recovery_code_works_once_despite_wait_or_block_and_ends_them() {
    let (mut user, now) = stopped();
    let code = user.person.codes[4].clone();
    assert_eq!(user.totp(&code.to_lowercase(), now), (Outcome::Correct, Reason::RecoveryCodeUsed));
    assert_eq!(user.record.failures(now), 0);
    assert_eq!(user.totp(&user.passcode(now), now), RIGHT);
    assert_eq!(user.totp(&code, now), (Outcome::Wrong, Reason::WrongRecoveryCode));
}

#[test]
fn a_wrong_recovery_code_is_neither_counted_nor_written() {
    let mut user = User::enrolled();
    let before = user.record.clone();
    for answer in ["", " ", "-", "0000-0000-0000-0000", "not a code", "+123456", "12345", "1234567"] {
        assert_eq!(user.totp(answer, NOW), (Outcome::Wrong, Reason::WrongRecoveryCode), "{answer:?}");
    }
    assert_eq!(user.record, before);
}

#[test]
fn a_recovery_code_is_read_as_people_type_it() {
    for typed in ["0404 0404 0404 0404", "o4o4o4o4o4o4o4o4"] {
        assert!(RecoveryCode::parse(typed).is_some(), "{typed}");
    }
    let code = RecoveryCode::new([0x08, 0x42, 0x10, 0x84, 0x21, 0x08, 0x42, 0x10, 0x84, 0x21]);
    assert_eq!(code.show().as_str(), "1111-1111-1111-1111");
    let set = CodeSet::new(&[code], [0; 16]);
    for typed in ["1111-1111-1111-1111", "1111111111111111", "IiLl iILl llll IIII", "  1111 - 1111-1111-1111 "] {
        assert!(set.contains(&RecoveryCode::parse(typed).unwrap()), "{typed}");
    }
    for typed in [
        "1111-1111-1111-111",
        "1111-1111-1111-11111",
        "1111-1111-1111-111U",
        "1111-1111-1111-111+",
        "①111-1111-1111-1111",
    ] {
        assert!(RecoveryCode::parse(typed).is_none(), "{typed}");
    }
}

#[test]
fn the_same_codes_in_two_sets_share_no_hash_and_no_code_is_readable() {
    let user = User::enrolled();
    let bytes = |salt| decode(&code_set(&user.person.codes, [salt; 16]).to_text()).unwrap();
    let (one, other) = (bytes(0xa1), bytes(0xa2));
    assert_eq!(one.len(), 16 + 10 * 16, "a salt, and a hash of each");
    for block in one.chunks(16) {
        assert!(!other.chunks(16).any(|others| others == block));
    }
    let hashes: HashSet<_> = one.chunks(16).collect();
    assert_eq!(hashes.len(), 11);
    for code in 1..=10 {
        assert!(!one.windows(8).any(|window| window == [code; 8]));
    }
}

#[test]
fn with_fewer_than_three_codes_left_new_ones_are_due() {
    let mut user = User::enrolled();
    for used in 0..10 {
        let expected = if 10 - used >= 3 { EnrollmentStatus::Enrolled } else { EnrollmentStatus::EnrolledCodesDue };
        assert_eq!(user.record.enrollment_status(NOW), expected, "{used} used");
        let code = user.person.codes[used].clone();
        assert_eq!(user.totp(&code, NOW).0, Outcome::Correct);
    }
    assert_eq!(user.record.enrollment_status(NOW), EnrollmentStatus::EnrolledCodesDue);
    assert_eq!(Record::default().enrollment_status(NOW), EnrollmentStatus::NotEnrolled);
}

#[test]
fn the_old_codes_work_until_the_new_ones_are_confirmed_and_no_longer() {
    let mut user = User::enrolled();
    let old = std::mem::replace(&mut user.person.codes, ten_codes(100));
    let issued = user.new_codes();
    assert_eq!(user.answer(&issued, "0000-0000-0000-0000", NOW), (Outcome::Wrong, Reason::NotOneOfTheNewCodes));
    assert_eq!(user.totp(&old[5], NOW).0, Outcome::Correct);
    let kept = user.person.codes[9].clone();
    assert_eq!(user.answer(&issued, &kept, NOW).0, Outcome::Correct);
    assert_eq!(user.totp(&old[6], NOW), (Outcome::Wrong, Reason::WrongRecoveryCode));
    assert_eq!(user.totp(&kept, NOW).0, Outcome::Correct, "the code that was typed back stays usable");
}

#[test]
fn a_set_up_challenge_held_back_over_any_change_is_outdated() {
    for held in [User::set_up, User::new_codes] {
        for change in [User::set_up, User::new_codes] {
            let mut user = User::enrolled();
            let held = held(&user);
            let held = user.issue(&held);
            let generation = user.record.generation();
            let changed = change(&user);
            for answer in [user.passcode(NOW), user.person.codes[1].clone()] {
                user.answer_if_right(&changed, &answer);
            }
            assert_ne!(user.record.generation(), generation, "something changed");
            let before = user.record.clone();
            for answer in [user.passcode(NOW), user.person.codes[1].clone(), "x".to_owned()] {
                assert_eq!(user.verification(&held, &answer, NOW), Verification::Outdated);
            }
            assert_eq!(user.record, before);
        }
    }
}

#[test]
fn passcodes_of_a_user_without_an_authenticator_count_like_anyone_elses() {
    let mut user = User::enrolled();
    user.record = Record::default();
    for _ in 0..5 {
        assert_eq!(user.totp("123456", NOW), WRONG);
    }
    assert_eq!(user.totp("123456", NOW), WAIT);
}

#[test]
fn a_digit_too_many_or_a_symbol_in_place_of_one_is_wrong() {
    let passcode = User::enrolled().passcode(NOW);
    for typed in [format!("+{}", &passcode[1..]), format!("0{passcode}"), passcode[1..].to_owned()] {
        assert_eq!(User::enrolled().totp(&typed, NOW).0, Outcome::Wrong, "{typed:?}");
    }
}

#[test]
fn a_friendly_name_is_printable_and_short() {
    let read = |typed: &str| FriendlyName::parse(typed).map(|name| name.as_str().to_owned());
    assert_eq!(read(" Ana's phone "), Some("Ana's phone".to_owned()));
    assert_eq!(read("a\nb\u{0}c\u{202E}d\u{200B}e"), Some("abcde".to_owned()));
    assert_eq!(read(&"ü".repeat(100)), Some("ü".repeat(FriendlyName::CHARACTERS)));
    assert_eq!(read(" \n\u{FEFF}"), None);
    // The cut leaves no space at the end.
    assert_eq!(read(&format!("{} and more", "ü".repeat(FriendlyName::CHARACTERS - 1))), Some("ü".repeat(31)));
}

#[test]
fn a_friendly_name_has_no_invisible_character_and_no_direction_mark() {
    let read = |typed: &str| FriendlyName::parse(typed).map(|name| name.as_str().to_owned());
    let hidden = [
        // Control characters, and the ends of lines and paragraphs.
        "\0\n\u{7F}\u{85}\u{2028}\u{2029}",
        // Marks, embeddings, overrides and isolates of the direction.
        "\u{61C}\u{200E}\u{200F}\u{202A}\u{202E}\u{2066}\u{2069}",
        // Soft hyphen, joiners and what has no width.
        "\u{AD}\u{34F}\u{200B}\u{200D}\u{2060}\u{206F}\u{FEFF}",
        // Fillers that are letters, of Hangul and Khmer, and the blank of Braille.
        "\u{115F}\u{1160}\u{3164}\u{FFA0}\u{17B4}\u{17B5}\u{2800}",
        // Variation selectors, of Mongolian too, annotations, and tags.
        "\u{180B}\u{180F}\u{FE00}\u{FE0F}\u{E0100}\u{E01EF}\u{FFF9}\u{E0001}\u{E0041}\u{E007F}",
        // Formats of musical notation, shorthand and hieroglyphs.
        "\u{1D173}\u{1D17A}\u{1BCA0}\u{1BCA3}\u{13430}\u{1343F}",
        // Blanks among hieroglyphs and notes, Khitan's filler, and the place of an object that is not there.
        "\u{13441}\u{13442}\u{1D159}\u{16FE4}\u{FFFC}",
        // What no font has: private use, noncharacters, unassigned.
        "\u{E000}\u{F8FF}\u{FFFE}\u{10FFFF}\u{FDD0}\u{378}",
    ];
    for hidden in hidden.concat().chars() {
        let name = hidden.escape_unicode();
        assert_eq!(read(&format!("Ana's{hidden} phone")), Some("Ana's phone".to_owned()), "{name}");
        // What is left at the ends once it is gone is trimmed, and what is left blank is no name.
        assert_eq!(read(&format!("{hidden} Ana {hidden}")), Some("Ana".to_owned()), "{name}");
        assert_eq!(read(&format!(" {hidden} {hidden}")), None, "{name}");
        assert_eq!(read(&hidden.to_string().repeat(100)), None, "{name}");
    }
    // Marks need something to carry them, and not too many of them.
    for marks in ["\u{301}", "\u{20DD}\u{489}", " \u{301}"] {
        assert_eq!(read(marks), None);
        assert_eq!(read(&format!("{marks}Ana")), Some("Ana".to_owned()));
    }
    assert_eq!(read(&format!("a{}b", "\u{301}".repeat(20))), Some("a\u{301}\u{301}\u{301}\u{301}b".to_owned()));
    // It takes no room from what is seen.
    assert_eq!(
        read(&format!("{}{}", "\u{2800}".repeat(100), "ü".repeat(100))),
        Some("ü".repeat(FriendlyName::CHARACTERS))
    );
    // Letters of any script, their accents and emoji are seen.
    for seen in ["안나의 전화", "téléphone d’Ana", "te\u{301}le\u{301}phone", "⠁⠃⠉", "ស្រី", "🔑📱"]
    {
        assert_eq!(read(seen), Some(seen.to_owned()));
    }
}

#[test]
fn a_clock_that_steps_back_neither_panics_nor_forgives() {
    let mut user = User::enrolled();
    for _ in 0..5 {
        user.mistype(NOW);
    }
    assert_eq!(user.record.failures(UnixTime(0)), 5);
    assert_eq!(user.mistype(UnixTime(NOW.0 - 1)), WAIT);
}

#[test]
fn a_record_stays_under_four_kilobytes_at_its_longest() {
    let mut user = User::enrolled();
    user.record = Record::default();
    // A secret sealed by KMS is about 190 bytes; an imported one may be longer than ours.
    let big = Challenge::TotpSetup(NewAuthenticator {
        entitlement: Entitlement::Password,
        generation: user.record.generation(),
        id: AuthenticatorId([7; 16]),
        sealed: SealedSecret(vec![7; 300]),
    });
    let issued = user.issue(&big);
    let name = FriendlyName::parse(&"🔑".repeat(100)).unwrap();
    let answer = Answer::new(user.passcode(NOW)).naming(Some(name));
    let BegunVerification::Pending(pending) = begin_verification(&user.record, &issued, &answer, ADMITTED, NOW) else {
        panic!("not a passcode");
    };
    let Verification::ToRecord { record, .. } = pending.verify(&user.person.secret) else { panic!("not enrolled") };
    user.record = record;
    user.person.codes = ten_codes(30);
    let code = user.person.codes[0].clone();
    assert_eq!(user.answer(&user.new_codes(), &code, NOW), (Outcome::Correct, Reason::RecoveryCodesKept));
    for code in user.person.codes.clone().iter().take(8) {
        user.mistype(NOW);
        user.totp(code, NOW);
    }
    let behind = user.passcode(UnixTime(NOW.0 - 300));
    user.totp(&behind, NOW);
    assert_eq!(offset(&user), Some(-300));
    let issued = user.issue(&user.new_codes());
    // A client id has at most 128 characters.
    let client = ClientId::new(&"x".repeat(128)).unwrap();
    let answer = Answer::new(code).sent_by(Some(client.clone()));
    let examined = begin_verification(&user.record, &issued, &answer, ADMITTED, NOW);
    let BegunVerification::Done(Verification::ToRecord { record, .. }) = examined else { panic!("not kept") };
    let Redemption::Redeemed(record, _) = record.redeem_grant(&client, None, NOW) else { panic!("there is a grant") };
    // What operators leave.
    let code = OperatorCode::new(&RecoveryCode::new([9; 10]), [9; 16], NOW);
    let record = record.with_operator_code(code, Generation([9; 8]));
    let record = record.with_imported_from("f".repeat(16)).with_missing_since(Some(NOW));
    for character in ["x", "🔑", "\"", "\\", "\0", "\u{2028}"] {
        let note = character.repeat(1000);
        let size = record.clone().changed(Change::new(&note, &note, NOW)).to_json().unwrap().len();
        assert!(size < 4096, "{size} bytes");
        println!("{size} bytes with {character:?}");
    }
}

#[test]
fn what_an_operator_noted_is_cut_and_on_one_line() {
    let cut = |character: &str| (character.repeat(Change::BY_CHARACTERS), character.repeat(Change::WHAT_CHARACTERS));
    let whole = |text: &str| (text.to_owned(), text.to_owned());
    for (text, (by, what)) in [
        ("arn:aws:iam::000000000000:user/ana", whole("arn:aws:iam::000000000000:user/ana")),
        (" a\r\nb\u{2028}c\u{2029}d\u{85}e\u{1b}[2J\0 ", whole("a  b c d e [2J")),
        (&"ü".repeat(1000), cut("ü")),
        (&"🔑".repeat(1000), cut("🔑")),
        ("", whole("")),
    ] {
        let change = Change::new(text, text, NOW);
        assert_eq!((change.by(), change.what(), change.at()), (&*by, &*what, NOW));
        let record = Record::reset(Generation([7; 8])).changed(change.clone());
        let read = Record::from_json(&record.to_json().unwrap()).unwrap();
        assert_eq!(read.last_change(), Some(&change));
        let stored: Value = serde_json::from_str(&record.to_json().unwrap()).unwrap();
        assert_eq!(stored["record"]["lastChange"], json!({ "by": by, "at": NOW.0, "what": what }));
    }
}

// ── The clock's offset.

/// By how many seconds the phone's clock is off, as the record says.
fn offset(user: &User) -> Option<i64> {
    user.record.clock_offset().map(|offset| offset.seconds)
}

#[test]
fn a_wrong_passcode_of_up_to_ten_steps_leaves_the_clocks_offset() {
    for seconds_into_the_step in [0, 29] {
        let now = NOW.plus(seconds_into_the_step);
        for steps in -15..=15_i64 {
            let mut user = User::enrolled();
            let typed = user.passcode(UnixTime(now.0.saturating_add_signed(30 * steps)));
            let answered = user.totp(&typed, now);
            let expected = match steps {
                -1..=1 => (RIGHT, None),
                -10..=10 => (WRONG, Some(30 * steps)),
                _ => (WRONG, None),
            };
            assert_eq!((answered, offset(&user)), expected, "{steps}");
            assert_eq!(user.record.clock_offset().map(|offset| offset.at), expected.1.map(|_| now));
            assert_eq!(user.record.failures(now), u8::from(answered == WRONG), "counted as any other");
        }
    }
}

#[test]
fn of_the_clocks_offset_the_last_one_stays_until_a_passcode_is_right() {
    let mut user = User::enrolled();
    let ahead = |user: &User, steps: u64| user.passcode(NOW.plus(30 * steps));
    let typed = ahead(&user, 4);
    user.totp(&typed, NOW);
    assert_eq!(offset(&user), Some(120));
    let typed = ahead(&user, 9);
    user.totp(&typed, NOW);
    assert_eq!(offset(&user), Some(270));
    user.mistype(NOW);
    let typed = ahead(&user, 30);
    user.totp(&typed, NOW);
    assert_eq!(offset(&user), Some(270), "a wrong passcode of another time says nothing");
    let code = user.person.codes[5].clone();
    user.totp(&code, NOW);
    assert_eq!(offset(&user), Some(270), "nor does a recovery code");
    let typed = user.passcode(NOW);
    assert_eq!(user.totp(&typed, NOW), RIGHT);
    assert_eq!(offset(&user), None);
}

#[test]
fn a_replayed_passcode_leaves_no_clock_offset() {
    let mut user = User::enrolled();
    let next = user.passcode(NOW.plus(30));
    assert_eq!(user.totp(&next, NOW), RIGHT);
    for replayed in [NOW, NOW.plus(30)] {
        let typed = user.passcode(replayed);
        assert_eq!(user.totp(&typed, NOW), USED);
        assert_eq!(offset(&user), None);
    }
}

#[test]
fn a_passcode_during_a_wait_leaves_no_clock_offset() {
    let mut user = User::enrolled();
    for _ in 0..5 {
        user.mistype(NOW);
    }
    let typed = user.passcode(NOW.plus(120));
    assert_eq!(user.totp(&typed, NOW), WAIT);
    assert_eq!(offset(&user), None);
}

#[test]
fn a_new_authenticator_has_no_clock_offset() {
    let mut user = User::enrolled();
    let typed = user.passcode(NOW.plus(120));
    user.totp(&typed, NOW);
    assert!(offset(&user).is_some());
    let (challenge, later) = (user.set_up(), NOW.plus(30));
    let first = user.passcode(later);
    assert_eq!(user.answer(&challenge, &first, later), (Outcome::Correct, Reason::AuthenticatorEnrolled));
    assert_eq!(offset(&user), None);
}

#[test]
fn a_record_of_an_unknown_format_is_not_read() {
    let stored = User::enrolled().record.to_json().unwrap();
    for broken in [
        stored.replace("\"format\":1", "\"format\":3"),
        stored.replace("\"passcodeLimit\"", "\"passcodeLimits\""),
        "{}".to_owned(),
        String::new(),
        "null".to_owned(),
    ] {
        let error = Record::from_json(&broken).unwrap_err().to_string();
        assert!(!error.contains("sealed") && !error.contains("line"), "{error}");
    }
}

/// A user with something at every level of the record, and the record as a newer version has stored it.
fn user_with_fields_added_later() -> (User, Value) {
    let mut user = User::enrolled();
    user.mistype(NOW);
    let code = user.person.codes[9].clone();
    user.totp(&code, NOW);
    user.mistype(NOW);
    let issued = user.issue(&PROMPT);
    let answer = Answer::new(user.passcode(NOW)).sent_by(ClientId::new("plainlyfakeclientid"));
    let BegunVerification::Pending(pending) = begin_verification(&user.record, &issued, &answer, ADMITTED, NOW) else {
        panic!("a passcode is compared")
    };
    let Verification::ToRecord { record, .. } = pending.verify(&user.person.secret) else {
        panic!("the passcode is right")
    };
    let client = ClientId::new("plainlyfakeclientid").unwrap();
    let Redemption::Redeemed(record, _) = record.redeem_grant(&client, None, NOW) else { panic!("there is a grant") };
    let stored = with_fields_added_later(serde_json::from_str(&record.to_json().unwrap()).unwrap());
    user.record = Record::from_json(&stored.to_string()).unwrap();
    (user, stored)
}

#[test]
fn a_save_keeps_every_field_that_this_version_does_not_know() {
    let (mut user, stored) = user_with_fields_added_later();
    let all = fields_added_later(&stored);
    for place in ["", ".record.authenticator.parameters", ".record.grant.used", ".record.lastProof"] {
        assert!(all.contains(&place.to_owned()), "{place} of {all:?}");
    }
    for place in ["failures", "forgiven", "slow"] {
        assert!(all.contains(&format!(".record.passcodeLimit.{place}")), "{place} of {all:?}");
    }
    assert_eq!(serde_json::from_str::<Value>(&user.record.to_json().unwrap()).unwrap(), stored, "loaded and saved");
    user.mistype(NOW);
    let saved: Value = serde_json::from_str(&user.record.to_json().unwrap()).unwrap();
    assert_eq!(fields_added_later(&saved), all);
    for place in ["/record/authenticator", "/record/lastProof", "/record/grant", "/addedLater"] {
        assert_eq!(saved.pointer(place), stored.pointer(place), "{place}");
    }
}

#[test]
fn an_unknown_field_goes_with_what_it_belongs_to() {
    let (mut user, _) = user_with_fields_added_later();
    let (challenge, later) = (user.set_up(), NOW.plus(30));
    let passcode = user.passcode(later);
    assert_eq!(user.answer(&challenge, &passcode, later), (Outcome::Correct, Reason::AuthenticatorEnrolled));
    let saved: Value = serde_json::from_str(&user.record.to_json().unwrap()).unwrap();
    let left = fields_added_later(&saved);
    for gone in [".record.authenticator", ".record.authenticator.parameters", ".record.lastProof"] {
        assert!(!left.contains(&gone.to_owned()), "{gone}");
    }
    for kept in ["", ".record", ".record.grant", ".record.passcodeLimit"] {
        assert!(left.contains(&kept.to_owned()), "{kept} of {left:?}");
    }
    let reset = Record::reset(Generation([7; 8])).to_json().unwrap();
    assert_eq!(fields_added_later(&serde_json::from_str(&reset).unwrap()), [] as [String; 0]);
}

/// What people put around and between the characters of a code, or their programs do.
const SEPARATORS: &[&str] = &[
    " ", "-", "\n", "\r\n", "\t", "\0", ".", ",", ":", ";", "/", "_", "|", "'", "\"", "`", "*", "~", "\u{85}",
    "\u{a0}", "\u{ad}", "·", "\u{2002}", "\u{2009}", "\u{200b}", "\u{200e}", "‐", "\u{2011}", "–", "—", "“", "”", "„",
    "«", "»", "•", "\u{2028}", "\u{202f}", "\u{2060}", "−", "\u{3000}", "、", "。", "・", "〜", "ー", "\u{fe0f}",
    "\u{feff}", "－", "．", "“‘ ",
];

#[test]
fn a_passcode_is_accepted_whatever_surrounds_or_separates_its_digits() {
    for separator in SEPARATORS {
        let passcode = User::enrolled().passcode(NOW);
        let (three, three_more) = passcode.split_at(3);
        let each = passcode.chars().map(String::from).collect::<Vec<_>>().join(separator);
        for typed in [format!("{separator}{passcode}{separator}"), format!("{three}{separator}{three_more}"), each] {
            assert_eq!(User::enrolled().totp(&typed, NOW), RIGHT, "{typed:?}");
        }
    }
}

#[test]
fn recovery_codes_are_accepted_whatever_surrounds_or_separates_them() {
    for separator in SEPARATORS {
        let code = User::enrolled().person.codes[3].replace('-', separator);
        let typed = format!("{separator}{code}{separator}");
        let used = (Outcome::Correct, Reason::RecoveryCodeUsed);
        assert_eq!(User::enrolled().totp(&typed, NOW), used, "{typed:?}");
        let mut user = User::enrolled();
        let typed_back = (Outcome::Correct, Reason::RecoveryCodesKept);
        assert_eq!(user.answer(&user.new_codes(), &typed, NOW), typed_back, "{typed:?}");
    }
}

#[test]
fn digits_of_any_script_and_full_width_letters_are_accepted() {
    let other = |typed: &str, zero: char| -> String {
        let digit = |c: char| c.to_digit(10).map(|value| char::from_u32(u32::from(zero) + value).unwrap());
        typed.chars().map(|c| digit(c).unwrap_or(c)).collect()
    };
    for zero in ['０', '٠', '۰', '०', '০', '๐', '\u{1d7f6}'] {
        let typed = other(&User::enrolled().passcode(NOW), zero);
        assert_eq!(User::enrolled().totp(&typed, NOW), RIGHT, "{typed}");
        let typed = other(&User::enrolled().person.codes[3], zero);
        let used = (Outcome::Correct, Reason::RecoveryCodeUsed);
        assert_eq!(User::enrolled().totp(&typed, NOW), used, "{typed}");
    }
    let code = RecoveryCode::new([0xab; 10]);
    let set = CodeSet::new(std::slice::from_ref(&code), [0; 16]);
    let wide = |c: char| char::from_u32(u32::from(c) + 0xfee0).unwrap();
    for shown in [code.show().to_string(), code.show().to_lowercase()] {
        let typed: String = shown.chars().map(|c| if c == '-' { c } else { wide(c) }).collect();
        assert!(set.contains(&RecoveryCode::parse(&typed).unwrap()), "{typed}");
    }
}

#[test]
fn what_is_no_separator_keeps_a_code_from_its_shape() {
    for stranger in ["+", "=", "a", "é", "½", "²", "①", "😀", "\u{301}"] {
        let mut user = User::enrolled();
        let (before, passcode) = (user.record.clone(), user.passcode(NOW));
        assert_eq!(user.totp(&format!("{passcode}{stranger}"), NOW), (Outcome::Wrong, Reason::WrongRecoveryCode));
        assert_eq!(user.record, before, "no guess against the account");
    }
}
