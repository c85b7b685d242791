//! Random sequences of what happens to one user: sign-ins, answers, offers skipped, lost phones, replacements, removals, tokens,
//! refreshes, clock steps, and what an operator does meanwhile: a temporary password, a reset, an import, another `ENROLLMENT` or
//! `SECOND_FACTOR_POLICY`, a client, a date or a group that requires a second factor, a code given or withdrawn, a user forgotten,
//! wrong passcodes lifted, a user signed out everywhere. After each step the three triggers and the token guard have answered as a
//! plain model of the design does, and no sequence gets tokens that the model refuses.
//!
//! The sequences are the same in every run; `PROPTEST_CASES` runs more of them on each thread, `PROPTEST_RNG_SEED` others.

#[path = "user_life/model.rs"]
mod model;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use model::{
    Challenge, Decision, Due, Expected, ISSUED_WITHIN, IssuedChallenge, LONGEST_SESSION_DAYS, Model, SignIn, ToIssue,
    Tokens, is_same_code, shown_at,
};
use pre_token_generation::Guard;
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use serde_json::{Value, json};
use shared::authenticator::Authenticator;
use shared::clock::UnixTime;
use shared::cognito::ClientId;
use shared::guard_settings::{GuardedSince, LongestSession};
use shared::ids::{AuthenticatorId, Generation};
use shared::operator_code::{OPERATOR_CODE_HOURS, OperatorCode};
use shared::random::{RandomError, draw};
use shared::record::Record;
use shared::recovery_codes::RecoveryCode;
use shared::requirements::Requirements;
use shared::settings::{AcceptedCognitoMfa, Enrollment, Policy, SignInSettings, TokenGuard};
use shared::store::memory::MemoryStore;
use shared::store::{EncryptionContext, RecordStore, Saved, Sealer, Version};
use shared::totp::{Parameters, SECRET_BYTES, SharedSecret};
use tests::events::{CLIENT_ID, ChallengeTrigger, User, entry};
use tests::functions::Functions;
use tests::person::{base32, wrong_passcodes};
use tests::random::FAKE_SECRET;

/// Threads, each with its own sequences.
const THREADS: u64 = 4;
const SEQUENCES_A_THREAD: u32 = 750;

/// In how many sequences each of these must be reached: without them the test would prove less than its name.
const REACHED_BY_AT_LEAST: [(&str, usize); 91] = [
    ("enrolled", 290),
    ("codes kept", 250),
    ("passcode", 250),
    ("used passcode", 100),
    ("wrong passcode", 200),
    ("recovery code", 100),
    ("wrong recovery code", 200),
    ("authenticator replaced", 100),
    ("replaced twice", 30),
    ("codes due", 150),
    ("codes renewed", 100),
    ("a dead code typed", 15),
    ("a lost phone's passcode typed", 30),
    ("passcodes wait", 60),
    ("passcodes stopped", 20),
    ("recovery code during a wait", 30),
    ("recovery code during the stop", 10),
    ("outdated", 100),
    ("delivered again", 100),
    ("a recorded answer delivered again after it was forgotten", 50),
    ("the same set-up challenge again", 150),
    ("tokens after a replacement was given up", 10),
    ("unknown after_second_factor", 30),
    ("third wrong answer", 100),
    ("a new password is asked for", 500),
    ("the password was replaced under way", 300),
    ("reset", 500),
    ("imported", 500),
    ("passcode of an imported authenticator", 300),
    ("outdated by an operator", 100),
    ("nobody enrolls by the password any more", 30),
    ("a prompt held over an operator's change", 500),
    ("what was proven is no longer there", 30),
    ("recovery code that does not end the stop", 10),
    ("eight digits", 70),
    ("operator's code", 400),
    ("enrolled after an operator's code", 150),
    ("the user's own factor at a marked prompt", 300),
    ("operator's code at an unmarked prompt", 100),
    ("operator's code at a prompt of another generation", 30),
    ("operator's code too late", 25),
    ("an operator's code typed", 200),
    ("a used operator's code typed", 50),
    ("a withdrawn operator's code typed", 15),
    ("an operator's code of before typed", 40),
    ("a closed record whose code is used, withdrawn or too old", 200),
    ("reset with a code", 250),
    ("forgotten", 250),
    ("a forgotten user where the password enrolls", 150),
    ("wrong passcodes lifted by an operator", 100),
    ("passcode without an authenticator", 300),
    ("offer skipped", 250),
    ("offer taken", 600),
    ("skipped, and one is required", 30),
    ("an offer held over an operator's change", 250),
    ("an offer held until there was an authenticator", 150),
    ("an offer or a removal, and the policy is REQUIRED by now", 40),
    ("an offer after a removal", 30),
    ("no offer after a reset", 200),
    ("no offer where the guard has noted a requirement", 120),
    ("enrolled where none is required", 500),
    ("a skipped offer and a change", 80),
    ("tokens for a skipped offer", 150),
    ("removed by a passcode", 25),
    ("removed by a recovery code", 20),
    ("removal outdated", 35),
    ("removal refused by Create", 60),
    ("removal refused by Verify", 15),
    ("wrong passcode at a removal", 8),
    ("used passcode at a removal", 12),
    ("wrong code at a removal", 25),
    ("a removal and another change", 5),
    ("tokens after a removal", 35),
    ("tokens after a removal was given up", 5),
    ("tokens for a grant", 600),
    ("tokens for a grant that was just used", 150),
    ("tokens for the password alone", 250),
    ("no grant", 900),
    ("a requirement noted", 100),
    ("a requirement that is not noted", 15),
    ("a requirement noted before", 50),
    ("a requirement noted with a grant", 150),
    ("a requirement ended with a grant", 20),
    ("a requirement ended", 4),
    ("a refresh where none is required", 500),
    ("a refresh where one is required", 250),
    ("a refresh after a sign-out", 100),
    ("a refresh without an authenticator", 400),
    ("a refresh from before the guard", 100),
    ("a refresh from before an operator took it all away", 50),
    ("a refresh of what may have proven nothing", 30),
];

#[test]
fn the_triggers_and_a_plain_model_agree_at_every_step_of_a_users_life() {
    let threads: Vec<_> = (0..THREADS).map(|thread| std::thread::spawn(move || run_many(thread))).collect();
    let mut reached = BTreeMap::<&str, usize>::new();
    for thread in threads {
        let (outcome, of_thread) = thread.join().unwrap();
        if let Err(failure) = outcome {
            panic!("{failure}");
        }
        for (event, sequences) in of_thread {
            *reached.entry(event).or_default() += sequences;
        }
    }
    println!("{reached:#?}");
    for (event, at_least) in REACHED_BY_AT_LEAST {
        let sequences = reached.get(event).copied().unwrap_or_default();
        assert!(sequences >= at_least, "{event}: only in {sequences} sequences");
    }
}

fn run_many(thread: u64) -> (Result<(), String>, BTreeMap<&'static str, usize>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let reached = RefCell::new(BTreeMap::<&str, usize>::new());
    let outcome = TestRunner::new(config(thread)).run(&sequence(), |sequence| {
        for event in runtime.block_on(run(&sequence))? {
            *reached.borrow_mut().entry(event).or_default() += 1;
        }
        Ok(())
    });
    (outcome.map_err(|failure| failure.to_string()), reached.into_inner())
}

fn config(thread: u64) -> Config {
    let default = Config::default();
    let seed = match default.rng_seed {
        RngSeed::Random => 1,
        RngSeed::Fixed(seed) => seed,
    };
    let rng_seed = RngSeed::Fixed(seed.wrapping_mul(THREADS).wrapping_add(thread));
    Config { cases: default.cases.max(SEQUENCES_A_THREAD), rng_seed, failure_persistence: None, ..default }
}

// ── What may happen.

const SIGN_IN: &str = "TokenGeneration_Authentication";
const REFRESH: &str = "TokenGeneration_RefreshTokens";

/// Sign-ins that one user has under way at once.
const SEATS: usize = 3;

#[derive(Clone, Debug)]
struct Sequence {
    /// `SECOND_FACTOR_POLICY` at first: OPTIONAL, or REQUIRED.
    optional: bool,
    /// Whether the user is in a required group at first.
    is_member: bool,
    /// Since how many days the guard refuses.
    guarded_days: u64,
    /// Whether clientMetadata reaches Create: reports differ.
    metadata_reaches_create: bool,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    /// A sign-in with the right password takes a seat; whoever sat there has given up.
    Begin {
        seat: usize,
    },
    /// A sign-in without a right password.
    BeginWithoutPassword,
    /// An answer; an empty seat is taken first.
    Answer {
        seat: usize,
        typed: Typed,
        after_second_factor: AfterSecondFactor,
    },
    /// Cognito delivers an earlier answer again: so many back.
    DeliverAgain {
        back: usize,
    },
    /// To an earlier challenge, another answer arrives, which would pass it now.
    AnswerAgain {
        back: usize,
    },
    /// The clock moves on by so many seconds.
    Wait(u64),
    /// Someone with the password guesses so often, as soon as each wait is over.
    Guess(usize),
    /// The user signs in with so many recovery codes.
    SpendCodes(usize),
    /// Somebody guesses until passcodes stop, and the user signs in with a recovery code; so many days in a row.
    GuessAndSpend(usize),
    /// The user signs in and asks to remove the authenticator; the answer to that, if there is one, comes half a minute later.
    AskToRemove {
        seat: usize,
        meanwhile: Option<Operator>,
        answer: Option<(Typed, AfterSecondFactor)>,
    },
    /// The user signs in and does without; so does whoever was offered a second factor before.
    SkipOffers {
        meanwhile: Option<Operator>,
    },
    /// Another app asks for tokens after the password alone; where an operator does something, once more after it.
    TokensForThePassword {
        meanwhile: Option<Operator>,
    },
    Refresh,
    Operator(Operator),
}

/// What an operator does at any moment.
#[derive(Clone, Copy, Debug)]
enum Operator {
    /// AdminSetUserPassword without Permanent.
    SetTemporaryPassword,
    Reset,
    Import,
    /// `ENROLLMENT`: AT_SIGN_IN, or BY_OPERATOR, which goes with the policy REQUIRED only.
    SetEnrollment {
        at_sign_in: bool,
    },
    /// `SECOND_FACTOR_POLICY`: OPTIONAL, which goes with AT_SIGN_IN only, or REQUIRED.
    SetPolicy {
        optional: bool,
    },
    /// `REQUIRED_CLIENTS` names the app client, or does not.
    RequireAtClient(bool),
    /// `REQUIRED_FROM`: so many seconds from now, or not at all.
    RequireFrom(Option<u64>),
    /// Into a required group, or out of it.
    SetMember(bool),
    /// Everywhere.
    SignOut,
    GiveCode {
        hours: u64,
    },
    WithdrawCode,
    ResetWithCode,
    Forget,
    /// Wrong passcodes are taken off.
    Unlock,
}

#[derive(Clone, Debug)]
enum Typed {
    /// What passes, unless all of it is dead: the passcode now or the next, one of the codes on offer, or the operator's code.
    Passing,
    /// What a phone shows so many steps from now.
    Passcode {
        phone: Phone,
        steps: i64,
    },
    /// The last passcode that was right.
    UsedPasscode,
    WrongPasscode,
    /// One of these codes, by number, and typed carelessly.
    Code {
        of: Codes,
        number: usize,
        careless: bool,
    },
    /// The last of an operator's codes that this has become of.
    OperatorCode {
        fate: Fate,
        careless: bool,
    },
    Rubbish(&'static str),
    /// To an offer: the user does without. To anything else: rubbish.
    Skip,
}

/// What has become of an operator's code.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    /// Nothing yet, whatever the time.
    Given,
    Used,
    Withdrawn,
    /// A reset, an import, another code or an authenticator came after it.
    Replaced,
}

#[derive(Clone, Copy, Debug)]
enum Phone {
    /// The one that was enrolled last.
    Enrolled,
    /// One that was enrolled before.
    Lost,
    /// The one that is set up at this seat, or at another.
    OnOffer { elsewhere: bool },
}

#[derive(Clone, Copy, Debug)]
enum Codes {
    Left,
    Used,
    /// Of a set that another has replaced.
    Dead,
    /// Of the set that is on offer at this seat, or at another.
    OnOffer {
        elsewhere: bool,
    },
}

/// `afterSecondFactor`
type AfterSecondFactor = Option<&'static str>;

fn sequence() -> impl Strategy<Value = Sequence> {
    let steps = proptest::collection::vec(step(), 40..=50);
    let optional = prop_oneof![1 => Just(false), 2 => Just(true)];
    let guarded_days = prop_oneof![1 => Just(1), 2 => Just(365)];
    let is_member = prop_oneof![3 => Just(false), 1 => Just(true)];
    let sequence = (optional, is_member, guarded_days, any::<bool>(), steps);
    sequence.prop_map(|(optional, is_member, guarded_days, metadata_reaches_create, steps)| Sequence {
        optional,
        is_member,
        guarded_days,
        metadata_reaches_create,
        steps,
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..SEATS).prop_map(|seat| Step::Begin { seat }),
        1 => Just(Step::BeginWithoutPassword),
        24 => (seat(), typed(), after_second_factor()).prop_map(|(seat, typed, after_second_factor)| Step::Answer { seat, typed, after_second_factor }),
        3 => (0..20_usize).prop_map(|back| Step::DeliverAgain { back }),
        1 => (0..20_usize).prop_map(|back| Step::AnswerAgain { back }),
        10 => prop_oneof![
            2 => Just(1), 12 => Just(30), 3 => Just(3600), 1 => Just(24 * 3600), 1 => Just(30 * 24 * 3600)
        ].prop_map(Step::Wait),
        1 => (1..25_usize).prop_map(Step::Guess),
        1 => (1..10_usize).prop_map(Step::SpendCodes),
        1 => (1..4_usize).prop_map(Step::GuessAndSpend),
        3 => (0..SEATS, meanwhile(), proptest::option::of(answer_to_removal()))
            .prop_map(|(seat, meanwhile, answer)| Step::AskToRemove { seat, meanwhile, answer }),
        2 => meanwhile().prop_map(|meanwhile| Step::SkipOffers { meanwhile }),
        3 => meanwhile().prop_map(|meanwhile| Step::TokensForThePassword { meanwhile }),
        2 => Just(Step::Refresh),
        8 => operator().prop_map(Step::Operator),
    ]
}

fn meanwhile() -> impl Strategy<Value = Option<Operator>> {
    proptest::option::weighted(0.5, prop_oneof![operator(), requirement()])
}

/// What decides whether one is required of the user, and changes no record.
fn requirement() -> impl Strategy<Value = Operator> {
    prop_oneof![
        1 => any::<bool>().prop_map(Operator::RequireAtClient),
        2 => prop_oneof![2 => Just(None), 1 => Just(Some(0)), 1 => Just(Some(60))].prop_map(Operator::RequireFrom),
        3 => any::<bool>().prop_map(Operator::SetMember),
    ]
}

fn answer_to_removal() -> impl Strategy<Value = (Typed, AfterSecondFactor)> {
    let code = (0..10_usize, any::<bool>());
    let code = code.prop_map(|(number, careless)| Typed::Code { of: Codes::Left, number, careless });
    let asked = prop_oneof![
        3 => Just(Some("REMOVE_AUTHENTICATOR")),
        1 => Just(Some("NOTHING")),
        1 => after_second_factor(),
    ];
    (prop_oneof![3 => typed(), 1 => code], asked)
}

fn operator() -> impl Strategy<Value = Operator> {
    prop_oneof![
        3 => Just(Operator::SetTemporaryPassword),
        2 => Just(Operator::Reset),
        2 => Just(Operator::Import),
        3 => Just(Operator::SetEnrollment { at_sign_in: true }),
        2 => Just(Operator::SetEnrollment { at_sign_in: false }),
        4 => Just(Operator::SetPolicy { optional: true }),
        1 => Just(Operator::SetPolicy { optional: false }),
        6 => requirement(),
        2 => Just(Operator::SignOut),
        5 => prop_oneof![1 => Just(1), 3 => Just(OPERATOR_CODE_HOURS)].prop_map(|hours| Operator::GiveCode { hours }),
        3 => Just(Operator::WithdrawCode),
        1 => Just(Operator::ResetWithCode),
        1 => Just(Operator::Forget),
        2 => Just(Operator::Unlock),
    ]
}

fn seat() -> impl Strategy<Value = usize> {
    prop_oneof![4 => Just(0), 2 => Just(1), 1 => Just(2)]
}

fn typed() -> impl Strategy<Value = Typed> {
    prop_oneof![
        14 => Just(Typed::Passing),
        4 => (phone(), -2..=2_i64).prop_map(|(phone, steps)| Typed::Passcode { phone, steps }),
        1 => Just(Typed::UsedPasscode),
        1 => Just(Typed::WrongPasscode),
        5 => (codes(), 0..10_usize, any::<bool>())
            .prop_map(|(of, number, careless)| Typed::Code { of, number, careless }),
        4 => (fate(), any::<bool>()).prop_map(|(fate, careless)| Typed::OperatorCode { fate, careless }),
        2 => prop_oneof![Just(""), Just("-"), Just("12345"), Just("1234 5678"), Just("1234567"),
            Just("0000-0000-0000-0000"), Just("１２３４５６"), Just("skip"), Just(" SKIP")]
            .prop_map(Typed::Rubbish),
        3 => Just(Typed::Skip),
    ]
}

fn phone() -> impl Strategy<Value = Phone> {
    prop_oneof![
        2 => Just(Phone::Enrolled),
        2 => Just(Phone::Lost),
        1 => any::<bool>().prop_map(|elsewhere| Phone::OnOffer { elsewhere }),
    ]
}

fn codes() -> impl Strategy<Value = Codes> {
    prop_oneof![
        4 => Just(Codes::Left),
        1 => Just(Codes::Used),
        1 => Just(Codes::Dead),
        2 => any::<bool>().prop_map(|elsewhere| Codes::OnOffer { elsewhere }),
    ]
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        4 => Just(Fate::Given),
        1 => Just(Fate::Used),
        2 => Just(Fate::Withdrawn),
        1 => Just(Fate::Replaced),
    ]
}

fn after_second_factor() -> impl Strategy<Value = AfterSecondFactor> {
    prop_oneof![
        6 => Just(None),
        5 => Just(Some("REPLACE_AUTHENTICATOR")),
        3 => Just(Some("NEW_RECOVERY_CODES")),
        4 => Just(Some("REMOVE_AUTHENTICATOR")),
        1 => Just(Some("NOTHING")),
        1 => Just(Some("ADDED_LATER")),
    ]
}

// ── What happens.

/// Runs a sequence; the result is what was reached in it.
async fn run(sequence: &Sequence) -> Result<BTreeSet<&'static str>, TestCaseError> {
    DRAWN.set(0);
    let functions = Functions::over(MemoryStore::default(), drawn_in_order, drawn_in_order);
    let mut comparison = Comparison {
        model: Model::new(functions.now().0),
        functions,
        user: User::named("ana", 1),
        metadata_reaches_create: sequence.metadata_reaches_create,
        seats: Default::default(),
        delivered: Vec::new(),
        lost: Vec::new(),
        used: Vec::new(),
        dead: Vec::new(),
        operator_codes: Vec::new(),
        closed: false,
        taken_away: false,
        unproven_at: None,
        operations: 0,
        imported: false,
        reached: BTreeSet::new(),
    };
    comparison.model.settings.optional = sequence.optional;
    comparison.model.is_member = sequence.is_member;
    comparison.model.settings.guarded_since = comparison.model.now - sequence.guarded_days * 24 * 3600;
    comparison.apply_settings();
    for step in &sequence.steps {
        comparison.take(step).await?;
        let stored = comparison.functions.stored(&comparison.user).await;
        prop_assert_eq!(stored.version, Version(comparison.model.writes), "the record was written where it must not");
        let noted = (stored.record.last_unproven_at().map(|at| at.0), stored.record.required_since().is_some());
        prop_assert_eq!(noted, (comparison.model.unproven_at, comparison.model.noted_as_required));
    }
    Ok(comparison.reached)
}

struct Comparison {
    functions: Functions,
    model: Model,
    user: User,
    metadata_reaches_create: bool,
    seats: [Option<Seat>; SEATS],
    delivered: Vec<Delivered>,
    /// Secrets of replaced authenticators.
    lost: Vec<Vec<u8>>,
    /// Codes that were used, and codes of sets that were replaced.
    used: Vec<String>,
    dead: Vec<String>,
    /// Every code that an operator gave, and what has become of it.
    operator_codes: Vec<(String, Fate)>,
    /// Since an operator gave a code to a user without an authenticator, or forgot the user, none was set up.
    closed: bool,
    /// Since an operator replaced the record, the user has neither set up an authenticator nor removed one.
    taken_away: bool,
    /// When tokens passed last by the password alone, since the user was signed out.
    unproven_at: Option<u64>,
    /// What an operator did so far that makes a set-up void.
    operations: u64,
    /// The authenticator came by an import.
    imported: bool,
    reached: BTreeSet<&'static str>,
}

/// A sign-in that waits for an answer.
struct Seat {
    session: Vec<Value>,
    sign_in: SignIn,
    /// Create's `response`, and what the model makes of it.
    response: Value,
    issued: IssuedChallenge,
    /// What an operator had done when it was issued.
    operations: u64,
}

/// An answer as Cognito delivered it.
struct Delivered {
    event: Value,
    issued: IssuedChallenge,
    operations: u64,
    typed: String,
    recorded: bool,
}

impl Comparison {
    async fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Begin { seat } => self.begin(*seat).await,
            Step::BeginWithoutPassword => self.begin_without_password().await,
            Step::Answer { seat, typed, after_second_factor } => {
                if self.seats[*seat].is_none() {
                    self.begin(*seat).await?;
                }
                let typed = self.typed(*seat, typed);
                self.answer(*seat, &typed, *after_second_factor).await
            }
            Step::DeliverAgain { back } => {
                let Some(again) = self.delivered.iter().rev().nth(*back) else { return Ok(()) };
                let (event, issued, typed, recorded) =
                    (again.event.clone(), again.issued.clone(), again.typed.clone(), again.recorded);
                let expected = self.verify(event, &issued, again.operations, &typed).await?;
                if recorded
                    && !matches!(expected, Expected::Right("delivered again") | Expected::Wrong("delivered again"))
                {
                    self.reached.insert("a recorded answer delivered again after it was forgotten");
                }
                Ok(())
            }
            Step::AnswerAgain { back } => {
                let Some(again) = self.delivered.iter().rev().nth(*back) else { return Ok(()) };
                let (mut event, issued, operations) = (again.event.clone(), again.issued.clone(), again.operations);
                let typed = self.passing(&issued.challenge);
                event["request"]["challengeAnswer"] = json!(typed);
                self.verify(event, &issued, operations, &typed).await.map(drop)
            }
            Step::Wait(seconds) => {
                self.wait(*seconds);
                Ok(())
            }
            Step::Guess(times) => self.guess(*times).await,
            Step::GuessAndSpend(days) => {
                for _ in 0..*days {
                    self.guess(25).await?;
                    self.begin(0).await?;
                    let Some(code) = self.model.codes.first().cloned() else { break };
                    self.answer(0, &code, None).await?;
                }
                Ok(())
            }
            Step::Operator(operator) => self.operate(*operator).await,
            Step::AskToRemove { seat, meanwhile, answer } => {
                self.ask_to_remove(*seat, *meanwhile, answer.as_ref()).await
            }
            Step::SkipOffers { meanwhile } => {
                self.begin(0).await?;
                if let Some(operator) = meanwhile {
                    self.operate(*operator).await?;
                }
                for seat in 0..SEATS {
                    if let Some(Challenge::Offer { .. }) = self.on_offer(seat) {
                        self.answer(seat, "SKIP", None).await?;
                    }
                }
                Ok(())
            }
            Step::TokensForThePassword { meanwhile } => {
                self.tokens(SIGN_IN).await?;
                let Some(operator) = meanwhile else { return Ok(()) };
                self.operate(*operator).await?;
                self.tokens(SIGN_IN).await
            }
            Step::Refresh => self.tokens(REFRESH).await,
            Step::SpendCodes(times) => {
                for _ in 0..*times {
                    self.begin(0).await?;
                    let Some(code) = self.model.codes.first().cloned() else { break };
                    self.answer(0, &code, None).await?;
                }
                Ok(())
            }
        }
    }

    async fn guess(&mut self, times: usize) -> Result<(), TestCaseError> {
        for _ in 0..times {
            self.begin(0).await?;
            let (seconds, stopped) = self.model.wait();
            if self.model.authenticator.is_none() || stopped {
                break;
            }
            self.wait(seconds);
            let typed = self.typed(0, &Typed::WrongPasscode);
            self.answer(0, &typed, None).await?;
        }
        Ok(())
    }

    async fn ask_to_remove(
        &mut self,
        seat: usize,
        meanwhile: Option<Operator>,
        answer: Option<&(Typed, AfterSecondFactor)>,
    ) -> Result<(), TestCaseError> {
        self.begin(seat).await?;
        // Codes that are due come before it.
        for _ in 0..2 {
            if let Some(Challenge::SecondFactor { .. } | Challenge::RecoveryCodes { .. }) = self.on_offer(seat) {
                let typed = self.typed(seat, &Typed::Passing);
                self.answer(seat, &typed, Some("REMOVE_AUTHENTICATOR")).await?;
            }
        }
        if let Some(operator) = meanwhile {
            self.operate(operator).await?;
        }
        if let (Some(Challenge::Removal { .. }), Some((typed, after_second_factor))) = (self.on_offer(seat), answer) {
            self.wait(30);
            let typed = self.typed(seat, typed);
            self.answer(seat, &typed, *after_second_factor).await?;
        }
        Ok(())
    }

    /// What the token guard does where Cognito is about to issue tokens.
    async fn tokens(&mut self, source: &str) -> Result<(), TestCaseError> {
        let guarded_since = UnixTime(self.model.settings.guarded_since);
        let guard = Guard {
            policy: self.functions.verify.policy,
            requirements: self.functions.verify.requirements.clone().of_groups(&["admins"]),
            longest_session: Some(LongestSession::new(LONGEST_SESSION_DAYS, guarded_since)),
            guarded_since: GuardedSince::new(guarded_since),
            ..Guard::new(TokenGuard::Grant, self.functions.create.store.clone())
        };
        let mut event = self.user.token_event(source, "1");
        let groups = if self.model.is_member { json!(["editors", "admins"]) } else { json!(["editors"]) };
        event["request"]["groupConfiguration"]["groupsToOverride"] = groups;
        let before = self.functions.stored(&self.user).await.record;
        let expected = if source == REFRESH { self.model.refreshed_tokens() } else { self.model.sign_in_tokens() };
        let passed = guard.handle(event, self.functions.now()).await.ok();
        let claims = passed.map(|mut event| event["response"]["claimsOverrideDetails"]["claimsToAddOrOverride"].take());
        let (Tokens::Claim(_, why) | Tokens::ClaimNothing(why) | Tokens::Refused(why)) = expected;
        let claimed = claims.as_ref().map(|claims| claims["second_factor"].clone());
        match expected {
            Tokens::Claim(factor, _) => prop_assert_eq!(claimed, Some(json!(factor)), "{}", why),
            Tokens::ClaimNothing(_) => prop_assert_eq!(claimed, Some(Value::Null), "{}", why),
            Tokens::Refused(_) => prop_assert_eq!(claimed, None, "{}", why),
        }
        self.reached.insert(why);
        // Not by way of the model.
        let (is_required, has_one) = (self.is_required_by_settings(), before.authenticator().is_some());
        let is_member = self.model.is_member;
        if let Some(claims) = &claims {
            prop_assert_eq!(&claims["second_factor_enrolled"], if has_one { "true" } else { "false" });
        }
        match expected {
            Tokens::Claim(..) => prop_assert!(has_one, "tokens claim a factor that nobody has"),
            Tokens::ClaimNothing(_) if source == REFRESH && (is_required || is_member) => {
                let (now, longest) = (self.model.now, LONGEST_SESSION_DAYS * 24 * 3600);
                prop_assert!(has_one, "a refresh without an authenticator, where one is required");
                prop_assert!(
                    self.unproven_at.is_none_or(|at| now - at >= longest + ISSUED_WITHIN),
                    "a refresh of what proved nothing"
                );
            }
            Tokens::ClaimNothing(_) if source == SIGN_IN => {
                prop_assert!(!has_one && !is_required && !is_member, "tokens for the password alone");
                prop_assert!(!self.closed && !self.taken_away, "tokens for the password alone, after an operator");
                self.unproven_at = Some(self.model.now);
            }
            Tokens::ClaimNothing(_) | Tokens::Refused(_) => {}
        }
        Ok(())
    }

    async fn operate(&mut self, operator: Operator) -> Result<(), TestCaseError> {
        match operator {
            Operator::SetTemporaryPassword => {
                self.model.must_change_password = true;
                self.user.attributes.insert("cognito:user_status".to_owned(), json!("FORCE_CHANGE_PASSWORD"));
            }
            Operator::SetEnrollment { at_sign_in } => {
                self.model.settings.enrolls_at_sign_in = at_sign_in;
                self.model.settings.optional &= at_sign_in;
                self.apply_settings();
            }
            Operator::SetPolicy { optional } => {
                self.model.settings.enrolls_at_sign_in |= optional;
                self.model.settings.optional = optional;
                self.apply_settings();
            }
            Operator::RequireAtClient(required) => {
                self.model.settings.required_client = required;
                self.apply_settings();
            }
            Operator::RequireFrom(seconds) => {
                self.model.settings.required_from = seconds.map(|seconds| self.model.now + seconds);
                self.apply_settings();
            }
            Operator::SetMember(is_member) => self.model.is_member = is_member,
            Operator::SignOut => {
                let stored = self.functions.stored(&self.user).await;
                let record = stored.record.signed_out(self.functions.now());
                self.functions.store().save(&self.user.key(), &record, stored.version).await.unwrap();
                self.model.sign_out();
                self.unproven_at = self.unproven_at.filter(|passed| self.model.now < passed + ISSUED_WITHIN);
            }
            Operator::Reset => {
                self.takes_all_away("reset");
                self.model.reset();
                self.closed = false;
                self.replace(Record::reset(drawn_generation())).await?;
            }
            Operator::Import => {
                let secret = SharedSecret::new(draw::<SECRET_BYTES>(drawn_in_order).unwrap().to_vec());
                let (user, id) = (self.user.key(), AuthenticatorId(draw(drawn_in_order).unwrap()));
                let context = EncryptionContext { user: &user, authenticator: id };
                let sealed = self.functions.verify.sealer.seal(&secret, context).await.unwrap();
                self.takes_all_away("imported");
                self.model.import(secret.expose().to_vec());
                self.imported = true;
                self.closed = false;
                let now = self.functions.now();
                let authenticator = Authenticator::imported(id, sealed, Parameters::default(), None, now);
                self.replace(Record::imported(drawn_generation(), authenticator)).await?;
            }
            Operator::GiveCode { hours } => {
                let (shown, code) = self.draw_code(hours);
                self.model.give_code(shown, hours * 3600);
                self.closed = self.model.authenticator.is_none();
                let record = self.functions.stored(&self.user).await.record;
                self.save(record.with_operator_code(code, drawn_generation())).await?;
            }
            Operator::WithdrawCode => {
                self.model.withdraw_code();
                self.becomes(Fate::Withdrawn);
                let record = self.functions.stored(&self.user).await.record;
                self.save(record.with_code_withdrawn(drawn_generation())).await?;
            }
            Operator::ResetWithCode => {
                self.takes_all_away("reset with a code");
                let (shown, code) = self.draw_code(OPERATOR_CODE_HOURS);
                self.model.reset_with_code(shown, OPERATOR_CODE_HOURS * 3600);
                self.closed = true;
                self.replace(Record::reset(drawn_generation()).with_operator_code(code, drawn_generation())).await?;
            }
            Operator::Forget => {
                self.takes_all_away("forgotten");
                self.model.forget();
                self.closed = true;
                self.replace(Record::forgotten(drawn_generation(), self.functions.now())).await?;
            }
            Operator::Unlock => {
                let stored = self.functions.stored(&self.user).await;
                let unlocked = stored.record.unlocked(self.functions.now());
                prop_assert_eq!(unlocked.is_some(), self.model.unlock());
                if let Some(record) = unlocked {
                    self.functions.store().save(&self.user.key(), &record, stored.version).await.unwrap();
                    self.reached.insert("wrong passcodes lifted by an operator");
                }
            }
        }
        Ok(())
    }

    /// What a command leaves of the sessions when it replaces a record.
    async fn replace(&mut self, record: Record) -> Result<(), TestCaseError> {
        let before = self.functions.stored(&self.user).await.record;
        self.save(record.with_sessions_of(&before)).await
    }

    /// The functions get the settings that the model has.
    fn apply_settings(&mut self) {
        let settings = self.model.settings;
        let enrollment = if settings.enrolls_at_sign_in { Enrollment::AtSignIn } else { Enrollment::ByOperator };
        let policy = if settings.optional { Policy::Optional } else { Policy::Required };
        let sign_in = SignInSettings::new(AcceptedCognitoMfa::NONE, enrollment).unwrap();
        self.functions.set(sign_in.under(policy).unwrap());
        let clients: &[&str] = if settings.required_client { &["another", CLIENT_ID] } else { &["another"] };
        let requirements = Requirements::default().at_clients(clients);
        self.functions.require(match settings.required_from {
            Some(from) => requirements.from(UnixTime(from)),
            None => requirements,
        });
    }

    /// What the user had in hand is worth nothing from here on.
    fn takes_all_away(&mut self, event: &'static str) {
        self.lost.extend(self.model.authenticator.as_ref().map(|held| held.secret.clone()));
        self.dead.append(&mut self.model.codes);
        self.becomes(Fate::Replaced);
        self.imported = false;
        self.taken_away = true;
        self.reached.insert(event);
    }

    /// Of the code that was given last.
    fn becomes(&mut self, fate: Fate) {
        if let Some((_, last @ Fate::Given)) = self.operator_codes.last_mut() {
            *last = fate;
        }
    }

    /// A code as it is shown, and as it is kept.
    fn draw_code(&mut self, hours: u64) -> (String, OperatorCode) {
        self.becomes(Fate::Replaced);
        let code = RecoveryCode::new(draw(drawn_in_order).unwrap());
        let shown = code.show().to_string();
        self.operator_codes.push((shown.clone(), Fate::Given));
        let until = self.functions.now().plus(hours * 3600);
        (shown, OperatorCode::new(&code, draw(drawn_in_order).unwrap(), until))
    }

    async fn save(&mut self, record: Record) -> Result<(), TestCaseError> {
        let version = self.functions.stored(&self.user).await.version;
        let saved = self.functions.store().save(&self.user.key(), &record, version).await.unwrap();
        prop_assert_eq!(saved, Saved::Recorded);
        self.operations += 1;
        Ok(())
    }

    fn wait(&mut self, seconds: u64) {
        self.functions.wait(seconds);
        self.model.now += seconds;
    }

    async fn begin(&mut self, seat: usize) -> Result<(), TestCaseError> {
        let session = vec![entry("SRP_A", true, None), entry("PASSWORD_VERIFIER", true, None)];
        self.seats[seat] = None;
        self.go_on(seat, session, SignIn::after_password(), None).await
    }

    async fn begin_without_password(&mut self) -> Result<(), TestCaseError> {
        let asked = entry("SRP_A", true, None);
        let wrong = entry("PASSWORD_VERIFIER", false, None);
        for session in [vec![], vec![asked, wrong.clone()], vec![wrong]] {
            prop_assert_eq!(self.define(&session, None).await?, Decision::Failure);
        }
        Ok(())
    }

    /// As Cognito does with an answer: Verify, then Define, then Create.
    async fn answer(
        &mut self,
        seat: usize,
        typed: &str,
        after_second_factor: AfterSecondFactor,
    ) -> Result<(), TestCaseError> {
        let Some(Seat { mut session, mut sign_in, response, issued, operations }) = self.seats[seat].take() else {
            return Ok(());
        };
        let mut own = json!({
            "privateChallengeParameters": response["privateChallengeParameters"], "challengeAnswer": typed,
        });
        add_after_second_factor(&mut own, after_second_factor);
        let event = self.user.event(ChallengeTrigger::Verify, own);
        let writes = self.model.writes;
        let expected = self.verify(event.clone(), &issued, operations, typed).await?;
        let recorded = self.model.writes > writes;
        self.delivered.push(Delivered { event, issued: issued.clone(), operations, typed: typed.to_owned(), recorded });
        let right = match expected {
            Expected::Right(_) => true,
            Expected::Wrong(_) => false,
            // After an error the session string is spent.
            Expected::HandlerError(_) => return Ok(()),
        };
        session.push(entry("CUSTOM_CHALLENGE", right, response["challengeMetadata"].as_str()));
        sign_in.answered(&issued.challenge, right, self.model.generation());
        self.go_on(seat, session, sign_in, after_second_factor).await
    }

    /// `operations` is what an operator had done when the challenge was issued.
    async fn verify(
        &mut self,
        event: Value,
        issued: &IssuedChallenge,
        operations: u64,
        typed: &str,
    ) -> Result<Expected, TestCaseError> {
        let held = self.model.authenticator.as_ref().map(|held| held.secret.clone());
        let codes = self.model.codes.clone();
        let is_judged_by_record = matches!(issued.challenge, Challenge::Offer { .. } | Challenge::Removal { .. });
        let before = if is_judged_by_record { Some(self.functions.stored(&self.user).await.record) } else { None };
        let expected = self.model.verify(issued, typed);
        let answered = self.functions.verify(event).await.ok().map(|event| event["response"]["answerCorrect"].clone());
        match expected {
            Expected::Right(why) => prop_assert_eq!(answered, Some(json!(true)), "{}", why),
            Expected::Wrong(why) => prop_assert_eq!(answered, Some(json!(false)), "{}", why),
            Expected::HandlerError(why) => prop_assert_eq!(answered, None, "{}", why),
        }
        let (Expected::Right(why) | Expected::Wrong(why) | Expected::HandlerError(why)) = expected;
        self.reached.insert(why);
        // Not by way of the model: whatever an operator has done since makes a set-up challenge void.
        const SETS_UP: [&str; 4] =
            ["enrolled", "enrolled after an operator's code", "authenticator replaced", "codes kept"];
        if matches!(expected, Expected::Right(why) if SETS_UP.contains(&why)) {
            prop_assert_eq!(operations, self.operations, "{}", why);
        }
        if expected == Expected::Right("enrolled") {
            prop_assert_eq!(self.functions.verify.enrollment, Enrollment::AtSignIn);
            prop_assert!(!self.closed, "a closed record opens for the password");
        }
        if expected == Expected::Right("offer skipped") {
            let before = before.as_ref().unwrap();
            prop_assert!(before.authenticator().is_none() && before.operator_code().is_none());
            prop_assert!(before.forgotten_at().is_none() && before.required_since().is_none());
            prop_assert!(
                !self.closed && !self.taken_away && !self.is_required_by_settings(),
                "a skip of what is required"
            );
            prop_assert_eq!(operations, self.operations, "{}", why);
        }
        if let Expected::Right("removed by a passcode" | "removed by a recovery code") = expected {
            let before = before.as_ref().unwrap();
            prop_assert!(before.authenticator().is_some() && before.required_since().is_none());
            prop_assert!(before.operator_code_until(self.functions.now()).is_none());
            prop_assert!(!self.is_required_by_settings(), "a removal of what is required");
            prop_assert_eq!(operations, self.operations, "{}", why);
            let after = self.functions.stored(&self.user).await.record;
            prop_assert!(after.authenticator().is_none() && after.recovery_codes_left() == 0);
            prop_assert!(after.turned_off_at().is_some() && after.last_proof().is_none());
        }
        if matches!(issued.challenge, Challenge::Removal { .. }) {
            let reached = match why {
                "wrong passcode" => Some("wrong passcode at a removal"),
                "used passcode" => Some("used passcode at a removal"),
                "wrong recovery code" => Some("wrong code at a removal"),
                _ => None,
            };
            self.reached.extend(reached);
        }
        if why == "offer outdated" && operations != self.operations {
            self.reached.insert("an offer held over an operator's change");
        }
        if why == "offer outdated" && held.is_some() {
            self.reached.insert("an offer held until there was an authenticator");
        }
        if why == "enrolled" && !self.is_required_by_settings() {
            self.reached.insert("enrolled where none is required");
        }
        if expected == Expected::Right("operator's code") {
            let last = self.operator_codes.last();
            prop_assert!(last.is_some_and(|(code, fate)| is_same_code(code, typed) && *fate == Fate::Given));
            prop_assert_eq!(operations, self.operations, "{}", why);
            self.becomes(Fate::Used);
        }
        if let (Challenge::SecondFactor { due: Due::Authenticator, .. }, "passcode" | "recovery code") =
            (&issued.challenge, why)
        {
            self.reached.insert("the user's own factor at a marked prompt");
        }
        if why == "outdated" && operations != self.operations {
            self.reached.insert("outdated by an operator");
        }
        if operations != self.operations && matches!(issued.challenge, Challenge::SecondFactor { .. }) {
            self.reached.insert("a prompt held over an operator's change");
        }
        if why == "passcode" && self.imported {
            self.reached.insert("passcode of an imported authenticator");
        }
        if typed == "1234 5678" && matches!(why, "wrong passcode" | "passcode without an authenticator") {
            self.reached.insert("eight digits");
        }
        match why {
            "removed by a passcode" | "removed by a recovery code" => {
                self.imported = false;
                self.taken_away = false;
                self.becomes(Fate::Replaced);
                self.lost.extend(held);
                self.dead.extend(codes);
            }
            "enrolled" | "enrolled after an operator's code" => {
                self.imported = false;
                self.closed = false;
                self.taken_away = false;
                self.becomes(Fate::Replaced);
            }
            "authenticator replaced" => {
                self.imported = false;
                self.becomes(Fate::Replaced);
                if !self.lost.is_empty() {
                    self.reached.insert("replaced twice");
                }
                self.lost.extend(held);
            }
            "codes kept" if !codes.is_empty() => {
                self.reached.insert("codes renewed");
                self.dead.extend(codes);
            }
            _ => self.used.extend(codes.into_iter().filter(|code| !self.model.codes.contains(code))),
        }
        Ok(expected)
    }

    /// As the functions are set, and not as the model has it.
    fn is_required_by_settings(&self) -> bool {
        let (verify, client) = (&self.functions.verify, ClientId::new(CLIENT_ID));
        verify.requirements.bind(verify.policy, client.as_ref(), self.functions.now())
    }

    /// Define, and where it asks for a challenge, Create.
    async fn go_on(
        &mut self,
        seat: usize,
        session: Vec<Value>,
        sign_in: SignIn,
        after_second_factor: AfterSecondFactor,
    ) -> Result<(), TestCaseError> {
        let (mut session, mut sign_in) = (session, sign_in);
        let (mut decision, mut why) =
            sign_in.decision(after_second_factor, self.model.must_change_password, self.model.settings.optional);
        prop_assert_eq!(self.define(&session, after_second_factor).await?, decision, "{}: {:?}", why, session);
        if decision == Decision::NewPassword {
            self.reached.insert(why);
            prop_assert_eq!(session.len(), 2, "the password was proven just now");
            session.push(entry("NEW_PASSWORD_REQUIRED", true, None));
            sign_in.changed_password();
            // Nobody knows whether the events of this sign-in already have the new status: both must continue.
            (decision, why) = sign_in.decision(after_second_factor, true, self.model.settings.optional);
            prop_assert_eq!(self.define(&session, after_second_factor).await?, decision, "{}: {:?}", why, session);
            self.model.must_change_password = false;
            self.user.attributes.insert("cognito:user_status".to_owned(), json!("CONFIRMED"));
            prop_assert_eq!(self.define(&session, after_second_factor).await?, decision, "{}: {:?}", why, session);
        }
        if decision != Decision::Challenge {
            self.reached.insert(why);
            return if decision == Decision::Tokens { self.tokens(SIGN_IN).await } else { Ok(()) };
        }
        let after_second_factor = after_second_factor.filter(|_| self.metadata_reaches_create);
        let mut own = json!({ "session": session, "challengeName": "CUSTOM_CHALLENGE" });
        add_after_second_factor(&mut own, after_second_factor);
        let created = self.functions.create(self.user.event(ChallengeTrigger::Create, own)).await;
        if let ToIssue::Nothing(why) = self.model.next_challenge(&sign_in, after_second_factor) {
            prop_assert!(created.is_err(), "{}: a challenge after {:?}", why, session);
            self.reached.insert(why);
            return Ok(());
        }
        prop_assert!(created.is_ok(), "no challenge after {:?}", session);
        let response = created.unwrap()["response"].take();
        let issued = self.issue(&sign_in, after_second_factor, &response)?;
        let operations = self.operations;
        self.seats[seat] = Some(Seat { session, sign_in, response, issued, operations });
        Ok(())
    }

    async fn define(
        &mut self,
        session: &[Value],
        after_second_factor: AfterSecondFactor,
    ) -> Result<Decision, TestCaseError> {
        let mut own = json!({ "session": session });
        add_after_second_factor(&mut own, after_second_factor);
        let defined = self.functions.define(self.user.event(ChallengeTrigger::Define, own)).await;
        let response = defined.unwrap()["response"].take();
        let flags = (&response["challengeName"], &response["issueTokens"], &response["failAuthentication"]);
        let decisions = [
            (Decision::NewPassword, json!(["NEW_PASSWORD_REQUIRED", false, false])),
            (Decision::Challenge, json!(["CUSTOM_CHALLENGE", false, false])),
            (Decision::Tokens, json!([null, true, false])),
            (Decision::Failure, json!([null, false, true])),
        ];
        let decision = decisions.into_iter().find(|(_, expected)| json!(flags) == *expected);
        decision.map(|(decision, _)| decision).ok_or_else(|| TestCaseError::fail(format!("no decision: {response}")))
    }

    /// What the model makes of Create's response, once it is the one that it expects.
    fn issue(
        &mut self,
        sign_in: &SignIn,
        after_second_factor: AfterSecondFactor,
        response: &Value,
    ) -> Result<IssuedChallenge, TestCaseError> {
        let public = &response["publicChallengeParameters"];
        let metadata = response["challengeMetadata"].as_str().unwrap_or_default();
        let mut shown = public.clone();
        let (challenge, word) = match self.model.next_challenge(sign_in, after_second_factor) {
            ToIssue::Prompt { due } => {
                let word = match due {
                    Due::Nothing => "SECOND_FACTOR -",
                    Due::Codes => "SECOND_FACTOR C",
                    Due::Authenticator => "SECOND_FACTOR A",
                };
                (self.model.prompt(due), word)
            }
            ToIssue::NewAuthenticator => {
                let secret = take(&mut shown, "secretCode")?;
                prop_assert!(take(&mut shown, "otpauthUri")?.contains(&secret));
                (self.model.offer_authenticator(base32(&secret).unwrap(), sign_in), "TOTP_SETUP")
            }
            ToIssue::NewCodes => {
                let codes: Vec<String> = take(&mut shown, "recoveryCodes")?.split(' ').map(ToOwned::to_owned).collect();
                prop_assert_eq!(codes.len(), 10);
                prop_assert_eq!(take(&mut shown, "earlierCodesLeft")?, self.model.codes.len().to_string());
                (self.model.offer_codes(codes), "RECOVERY_CODES")
            }
            ToIssue::Offer => (self.model.offer(), "SECOND_FACTOR_OFFER"),
            ToIssue::Removal => (self.model.removal(), "REMOVE_AUTHENTICATOR"),
            ToIssue::Again(challenge) => {
                self.reached.insert("the same set-up challenge again");
                let word = secret_or_codes(&challenge);
                prop_assert_eq!(metadata, format!("{word} AGAIN"));
                (challenge, word)
            }
            ToIssue::Nothing(why) => return Err(TestCaseError::fail(why)),
        };
        prop_assert_eq!(shown, self.model.shown(&challenge, sign_in));
        prop_assert!(metadata.starts_with(&format!("{word} ")), "{} {}", word, metadata);
        match word {
            "SECOND_FACTOR C" => drop(self.reached.insert("codes due")),
            "SECOND_FACTOR_OFFER" if !self.lost.is_empty() => drop(self.reached.insert("an offer after a removal")),
            "TOTP_SETUP" if self.model.noted_as_required && !self.is_required_by_settings() => {
                self.reached.insert("no offer where the guard has noted a requirement");
            }
            "TOTP_SETUP" if !sign_in.has_proven_factor() && self.taken_away && !self.is_required_by_settings() => {
                self.reached.insert("no offer after a reset");
            }
            "SECOND_FACTOR A" if self.model.usable_code().is_none() => {
                self.reached.insert("a closed record whose code is used, withdrawn or too old");
            }
            "SECOND_FACTOR -" if self.closed && self.model.settings.enrolls_at_sign_in => {
                self.reached.insert("a forgotten user where the password enrolls");
            }
            _ => {}
        }
        let nonce = response["privateChallengeParameters"]["nonce"].as_str().unwrap_or_default().to_owned();
        Ok(IssuedChallenge { nonce, challenge })
    }

    // ── What is typed.

    fn typed(&mut self, seat: usize, typed: &Typed) -> String {
        let challenge = self.on_offer(seat);
        match typed {
            Typed::Passing => match challenge {
                None => String::new(),
                Some(Challenge::Offer { .. }) => "SET_UP".to_owned(),
                Some(challenge) => self.passing(&challenge),
            },
            Typed::Passcode { phone, steps } => {
                let secret = match phone {
                    Phone::Enrolled => self.model.authenticator.as_ref().map(|held| held.secret.clone()),
                    Phone::Lost => self.lost.last().cloned(),
                    Phone::OnOffer { elsewhere } => self.offered(seat, *elsewhere).find_map(secret_of),
                };
                if let (Phone::Lost, Some(_)) = (phone, &secret) {
                    self.reached.insert("a lost phone's passcode typed");
                }
                let step = self.model.step().saturating_add_signed(*steps);
                secret.map_or_else(|| "123456".to_owned(), |secret| shown_at(&secret, step))
            }
            Typed::UsedPasscode => {
                let held = self.model.authenticator.as_ref();
                held.map_or_else(|| "123456".to_owned(), |held| shown_at(&held.secret, held.dead))
            }
            Typed::WrongPasscode => self.wrong_passcode(),
            Typed::Code { of, number, careless } => {
                let codes = match of {
                    Codes::Left => self.model.codes.clone(),
                    Codes::Used => self.used.clone(),
                    Codes::Dead => self.dead.clone(),
                    Codes::OnOffer { elsewhere } => {
                        self.offered(seat, *elsewhere).find_map(codes_of).unwrap_or_default()
                    }
                };
                if let (Codes::Dead, Some(_)) = (of, codes.first()) {
                    self.reached.insert("a dead code typed");
                }
                let code = codes.iter().cycle().nth(*number).cloned().unwrap_or_else(|| "a code".to_owned());
                if *careless { carelessly(&code) } else { code }
            }
            Typed::OperatorCode { fate, careless } => {
                let code = self.operator_codes.iter().rev().find(|(_, is)| is == fate).map(|(code, _)| code.clone());
                if code.is_some() {
                    self.reached.insert(match fate {
                        Fate::Given => "an operator's code typed",
                        Fate::Used => "a used operator's code typed",
                        Fate::Withdrawn => "a withdrawn operator's code typed",
                        Fate::Replaced => "an operator's code of before typed",
                    });
                }
                let code = code.unwrap_or_else(|| "a code".to_owned());
                if *careless { carelessly(&code) } else { code }
            }
            Typed::Rubbish(rubbish) => (*rubbish).to_owned(),
            Typed::Skip => "SKIP".to_owned(),
        }
    }

    fn on_offer(&self, seat: usize) -> Option<Challenge> {
        self.seats[seat].as_ref().map(|seat| seat.issued.challenge.clone())
    }

    fn offered(&self, seat: usize, elsewhere: bool) -> impl Iterator<Item = Challenge> {
        (0..SEATS).filter(move |other| (*other != seat) == elsewhere).filter_map(|seat| self.on_offer(seat))
    }

    fn passing(&self, challenge: &Challenge) -> String {
        let step = self.model.step();
        match challenge {
            Challenge::Offer { .. } => "SKIP".to_owned(),
            Challenge::SecondFactor { .. } | Challenge::Removal { .. } => match &self.model.authenticator {
                Some(held) => shown_at(&held.secret, if held.dead >= step { step + 1 } else { step }),
                None => self.model.usable_code().cloned().unwrap_or_default(),
            },
            Challenge::TotpSetup { secret, .. } => shown_at(secret, step),
            Challenge::RecoveryCodes { codes, .. } => codes[3].clone(),
        }
    }

    fn wrong_passcode(&self) -> String {
        let held = self.model.authenticator.as_ref();
        let secret = SharedSecret::new(held.map_or_else(|| FAKE_SECRET.to_vec(), |held| held.secret.clone()));
        wrong_passcodes(&secret, UnixTime(self.model.now)).next().unwrap()
    }
}

fn carelessly(code: &str) -> String {
    code.to_lowercase().replace('-', "\n").replace('0', "o").replace('1', "l").replace('2', "２")
}

fn drawn_generation() -> Generation {
    Generation(draw(drawn_in_order).unwrap())
}

fn add_after_second_factor(own: &mut Value, after_second_factor: AfterSecondFactor) {
    if let Some(after_second_factor) = after_second_factor {
        own["clientMetadata"] = json!({ "afterSecondFactor": after_second_factor });
    }
}

fn take(shown: &mut Value, name: &str) -> Result<String, TestCaseError> {
    match shown.as_object_mut().and_then(|shown| shown.remove(name)) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(TestCaseError::fail(format!("no {name} in {shown}"))),
    }
}

fn secret_or_codes(challenge: &Challenge) -> &'static str {
    match challenge {
        Challenge::TotpSetup { .. } => "TOTP_SETUP",
        Challenge::SecondFactor { .. }
        | Challenge::RecoveryCodes { .. }
        | Challenge::Offer { .. }
        | Challenge::Removal { .. } => "RECOVERY_CODES",
    }
}

fn secret_of(challenge: Challenge) -> Option<Vec<u8>> {
    match challenge {
        Challenge::TotpSetup { secret, .. } => Some(secret),
        Challenge::SecondFactor { .. }
        | Challenge::RecoveryCodes { .. }
        | Challenge::Offer { .. }
        | Challenge::Removal { .. } => None,
    }
}

fn codes_of(challenge: Challenge) -> Option<Vec<String>> {
    match challenge {
        Challenge::RecoveryCodes { codes, .. } => Some(codes),
        Challenge::SecondFactor { .. }
        | Challenge::TotpSetup { .. }
        | Challenge::Offer { .. }
        | Challenge::Removal { .. } => None,
    }
}

thread_local! {
    static DRAWN: Cell<u64> = const { Cell::new(0) };
}

/// The same bytes in every run of a sequence, so that it can be shrunk (splitmix64).
fn drawn_in_order(bytes: &mut [u8]) -> Result<(), RandomError> {
    for chunk in bytes.chunks_mut(8) {
        let seed = DRAWN.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        DRAWN.set(seed);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        let drawn = (mixed ^ (mixed >> 31)).to_le_bytes();
        chunk.iter_mut().zip(drawn).for_each(|(byte, drawn)| *byte = drawn);
    }
    Ok(())
}
