//! The whole life of a user: random sequences of sign-ins, answers, losses, replacements and clock steps. After each step
//! the three triggers have said what a plain model of the design says, and no sequence gets tokens that the model refuses.
//!
//! The sequences are the same in every run; `PROPTEST_CASES` runs more of them, `PROPTEST_RNG_SEED` others.

#[path = "user_life/model.rs"]
mod model;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use model::{Challenge, Decision, Model, Posed, Said, SignIn, ToPose, shown_at};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use serde_json::{Value, json};
use shared::store::memory::MemoryStore;
use shared::store::{RecordStore, Version};
use shared::trigger::RandomFault;
use tests::functions::{Functions, Trigger, User, base32, entry};

const SEQUENCES: u32 = 300;

/// In how many sequences each of these must have come about: without them the test would prove less than it says.
const REACHED_BY_AT_LEAST: [(&str, usize); 24] = [
    ("enrolled", 290),
    ("codes kept", 250),
    ("passcode", 250),
    ("used passcode", 100),
    ("wrong passcode", 200),
    ("recovery code", 100),
    ("wrong recovery code", 200),
    ("authenticator replaced", 100),
    ("replaced twice", 30),
    ("codes owed", 150),
    ("codes renewed", 100),
    ("a dead code typed", 15),
    ("a lost phone's passcode typed", 30),
    ("passcodes wait", 60),
    ("passcodes stopped", 20),
    ("recovery code during a wait", 30),
    ("recovery code during the stop", 10),
    ("outdated", 100),
    ("delivered again", 100),
    ("a judged answer delivered again after it was forgotten", 50),
    ("the same set-up challenge again", 150),
    ("tokens after a change of mind", 10),
    ("unknown wish", 30),
    ("third wrong answer", 100),
];

#[test]
fn the_triggers_and_a_plain_model_agree_at_every_step_of_a_users_life() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let reached = RefCell::new(BTreeMap::<&str, usize>::new());
    let outcome = TestRunner::new(config()).run(&life(), |life| {
        for event in runtime.block_on(live(&life))? {
            *reached.borrow_mut().entry(event).or_default() += 1;
        }
        Ok(())
    });
    if let Err(failure) = outcome {
        panic!("{failure}");
    }
    let reached = reached.into_inner();
    println!("{reached:#?}");
    for (event, at_least) in REACHED_BY_AT_LEAST {
        let sequences = reached.get(event).copied().unwrap_or_default();
        assert!(sequences >= at_least, "{event}: only in {sequences} sequences");
    }
}

fn config() -> Config {
    let default = Config::default();
    let rng_seed = match default.rng_seed {
        RngSeed::Random => RngSeed::Fixed(1),
        RngSeed::Fixed(seed) => RngSeed::Fixed(seed),
    };
    Config { cases: default.cases.max(SEQUENCES), rng_seed, failure_persistence: None, ..default }
}

// ── What may happen.

/// Sign-ins that one user has under way at once.
const SEATS: usize = 3;

#[derive(Clone, Debug)]
struct Life {
    /// Whether clientMetadata reaches Create: reports differ.
    metadata_reaches_create: bool,
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    /// A sign-in with the right password takes a seat; whoever sat there has given up.
    Begin { seat: usize },
    /// A sign-in without a right password.
    BeginWithoutPassword,
    /// An answer; an empty seat is taken first.
    Answer { seat: usize, typed: Typed, wish: Wish },
    /// Cognito delivers an earlier answer again: so many back.
    DeliverAgain { back: usize },
    /// To an earlier challenge, another answer arrives, which would pass it now.
    AnswerAgain { back: usize },
    /// The clock moves on by so many seconds.
    Wait(u64),
    /// Someone with the password guesses so often, as soon as each wait is over.
    Guess(usize),
    /// The user signs in with so many recovery codes.
    SpendCodes(usize),
}

#[derive(Clone, Debug)]
enum Typed {
    /// What passes, unless all of it is dead: the passcode now or the next, or one of the codes on offer.
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
    Rubbish(&'static str),
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
type Wish = Option<&'static str>;

fn life() -> impl Strategy<Value = Life> {
    let steps = proptest::collection::vec(step(), 35..=45);
    (any::<bool>(), steps).prop_map(|(metadata_reaches_create, steps)| Life { metadata_reaches_create, steps })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..SEATS).prop_map(|seat| Step::Begin { seat }),
        1 => Just(Step::BeginWithoutPassword),
        24 => (seat(), typed(), wish()).prop_map(|(seat, typed, wish)| Step::Answer { seat, typed, wish }),
        3 => (0..20_usize).prop_map(|back| Step::DeliverAgain { back }),
        1 => (0..20_usize).prop_map(|back| Step::AnswerAgain { back }),
        10 => prop_oneof![
            2 => Just(1), 12 => Just(30), 3 => Just(3600), 1 => Just(24 * 3600), 1 => Just(30 * 24 * 3600)
        ].prop_map(Step::Wait),
        1 => (1..25_usize).prop_map(Step::Guess),
        1 => (1..10_usize).prop_map(Step::SpendCodes),
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
        1 => prop_oneof![Just(""), Just("-"), Just("12345"), Just("0000-0000-0000-0000"), Just("１２３４５６")]
            .prop_map(Typed::Rubbish),
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

fn wish() -> impl Strategy<Value = Wish> {
    prop_oneof![
        6 => Just(None),
        5 => Just(Some("REPLACE_AUTHENTICATOR")),
        3 => Just(Some("NEW_RECOVERY_CODES")),
        1 => Just(Some("NOTHING")),
        1 => Just(Some("A_WISH_OF_TOMORROW")),
    ]
}

// ── What happens.

/// Lives a life, and tells what came about in it.
async fn live(life: &Life) -> Result<BTreeSet<&'static str>, TestCaseError> {
    DRAWN.set(0);
    let functions = Functions::over(MemoryStore::default(), drawn_in_order, drawn_in_order);
    let mut world = World {
        model: Model::new(functions.now().0),
        functions,
        user: User::named("ana", 1),
        metadata_reaches_create: life.metadata_reaches_create,
        seats: Default::default(),
        delivered: Vec::new(),
        lost: Vec::new(),
        used: Vec::new(),
        dead: Vec::new(),
        reached: BTreeSet::new(),
    };
    for step in &life.steps {
        world.take(step).await?;
        let stored = world.functions.store().load(&world.user.key()).await;
        prop_assert_eq!(
            stored.unwrap().version,
            Version(world.model.writes),
            "the record was written where it must not"
        );
    }
    Ok(world.reached)
}

struct World {
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
    reached: BTreeSet<&'static str>,
}

/// A sign-in that waits for an answer.
struct Seat {
    session: Vec<Value>,
    sign_in: SignIn,
    /// Create's `response`, and what the model makes of it.
    response: Value,
    posed: Posed,
}

/// An answer as Cognito delivered it.
struct Delivered {
    event: Value,
    posed: Posed,
    typed: String,
    judged: bool,
}

impl World {
    async fn take(&mut self, step: &Step) -> Result<(), TestCaseError> {
        match step {
            Step::Begin { seat } => self.begin(*seat).await,
            Step::BeginWithoutPassword => self.begin_without_password().await,
            Step::Answer { seat, typed, wish } => {
                if self.seats[*seat].is_none() {
                    self.begin(*seat).await?;
                }
                let typed = self.typed(*seat, typed);
                self.answer(*seat, &typed, *wish).await
            }
            Step::DeliverAgain { back } => {
                let Some(again) = self.delivered.iter().rev().nth(*back) else { return Ok(()) };
                let (event, posed, typed, judged) =
                    (again.event.clone(), again.posed.clone(), again.typed.clone(), again.judged);
                let said = self.verify(event, &posed, &typed).await?;
                if judged && !matches!(said, Said::Right("delivered again") | Said::Wrong("delivered again")) {
                    self.reached.insert("a judged answer delivered again after it was forgotten");
                }
                Ok(())
            }
            Step::AnswerAgain { back } => {
                let Some(again) = self.delivered.iter().rev().nth(*back) else { return Ok(()) };
                let (mut event, posed) = (again.event.clone(), again.posed.clone());
                let typed = self.passing(&posed.challenge);
                event["request"]["challengeAnswer"] = json!(typed);
                self.verify(event, &posed, &typed).await.map(drop)
            }
            Step::Wait(seconds) => {
                self.wait(*seconds);
                Ok(())
            }
            Step::Guess(times) => {
                for _ in 0..*times {
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
    async fn answer(&mut self, seat: usize, typed: &str, wish: Wish) -> Result<(), TestCaseError> {
        let Some(Seat { mut session, mut sign_in, response, posed }) = self.seats[seat].take() else { return Ok(()) };
        let mut own = json!({
            "privateChallengeParameters": response["privateChallengeParameters"], "challengeAnswer": typed,
        });
        add_wish(&mut own, wish);
        let event = self.user.event(Trigger::Verify, own);
        let writes = self.model.writes;
        let said = self.verify(event.clone(), &posed, typed).await?;
        let judged = self.model.writes > writes;
        self.delivered.push(Delivered { event, posed: posed.clone(), typed: typed.to_owned(), judged });
        let right = match said {
            Said::Right(_) => true,
            Said::Wrong(_) => false,
            // After an error the session string is spent.
            Said::Fault(_) => return Ok(()),
        };
        session.push(entry("CUSTOM_CHALLENGE", right, response["challengeMetadata"].as_str()));
        sign_in.answered(&posed.challenge, right);
        self.go_on(seat, session, sign_in, wish).await
    }

    async fn verify(&mut self, event: Value, posed: &Posed, typed: &str) -> Result<Said, TestCaseError> {
        let held = self.model.authenticator.as_ref().map(|held| held.secret.clone());
        let codes = self.model.codes.clone();
        let said = self.model.judge(posed, typed);
        let answered = self.functions.verify(event).await.ok().map(|event| event["response"]["answerCorrect"].clone());
        match said {
            Said::Right(why) => prop_assert_eq!(answered, Some(json!(true)), "{}", why),
            Said::Wrong(why) => prop_assert_eq!(answered, Some(json!(false)), "{}", why),
            Said::Fault(why) => prop_assert_eq!(answered, None, "{}", why),
        }
        let (Said::Right(why) | Said::Wrong(why) | Said::Fault(why)) = said;
        self.reached.insert(why);
        match why {
            "authenticator replaced" => {
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
        Ok(said)
    }

    /// Define, and where it asks for a challenge, Create.
    async fn go_on(
        &mut self,
        seat: usize,
        session: Vec<Value>,
        sign_in: SignIn,
        wish: Wish,
    ) -> Result<(), TestCaseError> {
        let (decision, why) = sign_in.decision(wish);
        prop_assert_eq!(self.define(&session, wish).await?, decision, "{}: {:?}", why, session);
        if decision != Decision::Challenge {
            self.reached.insert(why);
            return Ok(());
        }
        let wish = wish.filter(|_| self.metadata_reaches_create);
        let mut own = json!({ "session": session, "challengeName": "CUSTOM_CHALLENGE" });
        add_wish(&mut own, wish);
        let created = self.functions.create(self.user.event(Trigger::Create, own)).await;
        prop_assert!(created.is_ok(), "no challenge after {:?}", session);
        let response = created.unwrap()["response"].take();
        let posed = self.pose(&session, &sign_in, wish, &response)?;
        self.seats[seat] = Some(Seat { session, sign_in, response, posed });
        Ok(())
    }

    async fn define(&mut self, session: &[Value], wish: Wish) -> Result<Decision, TestCaseError> {
        let mut own = json!({ "session": session });
        add_wish(&mut own, wish);
        let defined = self.functions.define(self.user.event(Trigger::Define, own)).await;
        let response = defined.unwrap()["response"].take();
        let flags = (&response["challengeName"], &response["issueTokens"], &response["failAuthentication"]);
        let decisions = [
            (Decision::Challenge, json!(["CUSTOM_CHALLENGE", false, false])),
            (Decision::Tokens, json!([null, true, false])),
            (Decision::Failure, json!([null, false, true])),
        ];
        let decision = decisions.into_iter().find(|(_, expected)| json!(flags) == *expected);
        decision.map(|(decision, _)| decision).ok_or_else(|| TestCaseError::fail(format!("no decision: {response}")))
    }

    /// What the model makes of Create's response, once it is the one that it expects.
    fn pose(
        &mut self,
        session: &[Value],
        sign_in: &SignIn,
        wish: Wish,
        response: &Value,
    ) -> Result<Posed, TestCaseError> {
        let public = &response["publicChallengeParameters"];
        let metadata = response["challengeMetadata"].as_str().unwrap_or_default();
        let mut shown = public.clone();
        let (challenge, word) = match self.model.to_pose(sign_in, wish) {
            ToPose::Totp { codes_owed } => {
                (Challenge::Totp { codes_owed }, if codes_owed { "TOTP_CODES_OWED" } else { "TOTP" })
            }
            ToPose::NewAuthenticator => {
                let secret = take(&mut shown, "secretCode")?;
                prop_assert!(take(&mut shown, "otpauthUri")?.contains(&secret));
                (self.model.offer_authenticator(base32(&secret).unwrap()), "TOTP_SETUP")
            }
            ToPose::NewCodes => {
                let codes: Vec<String> = take(&mut shown, "recoveryCodes")?.split(' ').map(ToOwned::to_owned).collect();
                prop_assert_eq!(codes.len(), 10);
                (self.model.offer_codes(codes), "RECOVERY_CODES")
            }
            ToPose::Again(challenge) => {
                self.reached.insert("the same set-up challenge again");
                let before = session.last().and_then(|last| last["challengeMetadata"].as_str());
                prop_assert_eq!(Some(metadata), before);
                let word = metadata.split(' ').next().unwrap_or_default();
                (challenge, word)
            }
        };
        prop_assert_eq!(shown, self.model.shown(&challenge, sign_in));
        prop_assert_eq!(metadata.split(' ').next(), Some(word));
        if word == "TOTP_CODES_OWED" {
            self.reached.insert("codes owed");
        }
        let nonce = response["privateChallengeParameters"]["nonce"].as_str().unwrap_or_default().to_owned();
        Ok(Posed { nonce, challenge })
    }

    // ── What is typed.

    fn typed(&mut self, seat: usize, typed: &Typed) -> String {
        let challenge = self.on_offer(seat);
        match typed {
            Typed::Passing => challenge.map_or_else(String::new, |challenge| self.passing(&challenge)),
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
                if *careless { code.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l") } else { code }
            }
            Typed::Rubbish(rubbish) => (*rubbish).to_owned(),
        }
    }

    fn on_offer(&self, seat: usize) -> Option<Challenge> {
        self.seats[seat].as_ref().map(|seat| seat.posed.challenge.clone())
    }

    fn offered(&self, seat: usize, elsewhere: bool) -> impl Iterator<Item = Challenge> {
        (0..SEATS).filter(move |other| (*other != seat) == elsewhere).filter_map(|seat| self.on_offer(seat))
    }

    fn passing(&self, challenge: &Challenge) -> String {
        let step = self.model.step();
        match challenge {
            Challenge::Totp { .. } => self.model.authenticator.as_ref().map_or_else(String::new, |held| {
                shown_at(&held.secret, if held.dead >= step { step + 1 } else { step })
            }),
            Challenge::TotpSetup { secret, .. } => shown_at(secret, step),
            Challenge::RecoveryCodes { codes, .. } => codes[3].clone(),
        }
    }

    fn wrong_passcode(&self) -> String {
        let held = self.model.authenticator.as_ref();
        let shown: Vec<String> = held
            .into_iter()
            .flat_map(|held| (self.model.step() - 1..=self.model.step() + 1).map(|step| shown_at(&held.secret, step)))
            .collect();
        let mut guesses = ["531864", "642975", "753186", "864297"].into_iter();
        guesses.find(|guess| !shown.iter().any(|shown| shown == guess)).unwrap_or_default().to_owned()
    }
}

fn add_wish(own: &mut Value, wish: Wish) {
    if let Some(wish) = wish {
        own["clientMetadata"] = json!({ "afterSecondFactor": wish });
    }
}

fn take(shown: &mut Value, name: &str) -> Result<String, TestCaseError> {
    match shown.as_object_mut().and_then(|shown| shown.remove(name)) {
        Some(Value::String(text)) => Ok(text),
        _ => Err(TestCaseError::fail(format!("no {name} in {shown}"))),
    }
}

fn secret_of(challenge: Challenge) -> Option<Vec<u8>> {
    match challenge {
        Challenge::TotpSetup { secret, .. } => Some(secret),
        Challenge::Totp { .. } | Challenge::RecoveryCodes { .. } => None,
    }
}

fn codes_of(challenge: Challenge) -> Option<Vec<String>> {
    match challenge {
        Challenge::RecoveryCodes { codes, .. } => Some(codes),
        Challenge::Totp { .. } | Challenge::TotpSetup { .. } => None,
    }
}

thread_local! {
    static DRAWN: Cell<u64> = const { Cell::new(0) };
}

/// The same bytes in every run of a life, so that it can be shrunk (splitmix64).
fn drawn_in_order(bytes: &mut [u8]) -> Result<(), RandomFault> {
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
