//! Answers to one user's challenges, all at once: in memory, and with DynamoDB and KMS on ministack.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use create_auth_challenge::Create;
use futures_util::future::join_all;
use shared::challenge::{Challenge, IssuedChallenge, NewAuthenticator, NewCodes};
use shared::cognito::UserKey;
use shared::error::{HandlerError, StoreError};
use shared::ids::AuthenticatorId;
use shared::passcode_limit::{FIRST_WAIT_SECONDS, FREE_FAILURES, RateLimit};
use shared::record::{EnrollmentStatus, Record};
use shared::recovery_codes::{CodeSet, RecoveryCode};
use shared::settings::Entitlement;
use shared::store::{EncryptionContext, RecordStore, SAVE_ATTEMPTS, Saved, Sealer, Version, Versioned};
use shared::totp::SharedSecret;
use shared::verification::Answer;
use shared::verify_answer::{VerifiedAnswer, verify_answer};
use tests::challenges::{ADMITTED, PROMPT, PROMPT_CODES_DUE, issued};
use tests::clock::NOW;
use tests::events::User;
use tests::functions::Functions;
use tests::person::{Person, passcode, wrong_passcodes};
use tests::random::{fill_random, random};
use tests::stores::{Backend, user};
use tokio::sync::Barrier;

tests::for_memory_and_ministack! {
    of_200_parallel_wrong_guesses_five_are_verified_and_the_rest_refused,
    one_right_passcode_sent_50_times_at_once_is_right_once,
    one_recovery_code_sent_50_times_at_once_is_right_once,
    ten_recovery_codes_sent_five_times_each_at_once_are_right_once_each,
    three_deliveries_of_a_challenge_at_once_count_once_and_answer_alike,
    an_answer_that_is_not_recorded_is_refused_alike_in_every_delivery,
    a_delivery_that_died_after_the_write_is_answered_alike_when_repeated,
    a_repeat_is_answered_alike_after_seven_other_answers,
    a_right_answer_that_the_record_has_forgotten_is_not_right_again,
    of_two_sign_ins_that_enroll_at_once_one_wins_and_one_is_outdated,
    of_two_sign_ins_that_keep_codes_at_once_one_wins_and_one_is_outdated,
    a_repeat_gets_the_outcome_of_a_save_that_worked_but_reported_a_fault,
    a_repeat_is_verified_anew_after_a_save_that_failed,
    guesses_that_win_every_save_cannot_keep_the_owner_out,
    endless_conflicts_end_in_an_error_and_change_nothing,
}

async fn of_200_parallel_wrong_guesses_five_are_verified_and_the_rest_refused<B: Backend>() {
    let race = Race::<B>::with_owner().await;
    let outcomes = race.run(&race.user, wrong_passcodes(&race.person.secret, NOW).take(200).map(totp)).await;
    assert_eq!(
        outcomes.tally(),
        tally([("on record, wrong: WrongPasscode", 5), ("refused: RateLimited", 195)]),
        "each in another sign-in"
    );
    let Versioned { record, version } = race.stored(&race.user).await;
    assert_eq!(record.failures(NOW), 5);
    assert_eq!(record.rate_limit(NOW), RateLimit::RetryAfter { seconds: FIRST_WAIT_SECONDS });
    assert_eq!(version, Version(SAVES_OF_ENROLLMENT + 5));
    // All had loaded before one saved: the race took place.
    assert!(outcomes.conflicts() >= 199);
    // Five others can win against one answer.
    assert!(outcomes.most_loads() <= u32::from(FREE_FAILURES) + 2);
    assert!(outcomes.most_loads() <= u32::from(SAVE_ATTEMPTS));
}

async fn one_right_passcode_sent_50_times_at_once_is_right_once<B: Backend>() {
    let race = Race::<B>::with_owner().await;
    let outcomes = race.run(&race.user, (0..50).map(|_| totp(race.person.passcode(NOW)))).await;
    assert_eq!(
        outcomes.tally(),
        tally([
            ("on record, right: PasscodeAccepted", 1),
            ("on record, wrong: PasscodeReplayed", 5),
            ("refused: RateLimited", 44),
        ])
    );
    assert_eq!(race.stored(&race.user).await.version, Version(SAVES_OF_ENROLLMENT + 6));
    assert!(outcomes.conflicts() >= 49);
    // The right one and five used ones can win against one answer.
    assert!(outcomes.most_loads() <= u32::from(FREE_FAILURES) + 3);
    assert!(outcomes.most_loads() <= u32::from(SAVE_ATTEMPTS));
}

async fn one_recovery_code_sent_50_times_at_once_is_right_once<B: Backend>() {
    let race = Race::<B>::with_owner().await;
    let outcomes = race.run(&race.user, (0..50).map(|_| totp(race.person.codes[3].clone()))).await;
    assert_eq!(
        outcomes.tally(),
        tally([("on record, right: RecoveryCodeUsed", 1), ("refused: WrongRecoveryCode", 49)])
    );
    assert_eq!(race.stored(&race.user).await.version, Version(SAVES_OF_ENROLLMENT + 1));
    assert_eq!(outcomes.conflicts(), 49);
    assert_eq!(outcomes.most_loads(), 2);
    // The others of the set are still there.
    assert_right(&race.answer(totp(race.person.codes[4].clone())).await);
}

async fn ten_recovery_codes_sent_five_times_each_at_once_are_right_once_each<B: Backend>() {
    let race = Race::<B>::with_owner().await;
    let codes = &race.person.codes;
    let outcomes = race.run(&race.user, codes.iter().cycle().take(50).cloned().map(totp)).await;
    let mut right = vec![0; codes.len()];
    for (number, answered) in (0..codes.len()).cycle().zip(&outcomes.answered) {
        match label(&answered.verified).as_str() {
            "on record, right: RecoveryCodeUsed" => right[number] += 1,
            // Ten that are right can win more often than one answer is verified again.
            "refused: WrongRecoveryCode" | "fault: TooManyConflicts" => {}
            other => panic!("{other}"),
        }
    }
    // A code that none of its five used is still there.
    for (code, right) in codes.iter().zip(&mut right) {
        *right += usize::from(race.answer(totp(code.clone())).await.unwrap().is_correct());
    }
    assert_eq!(right, vec![1; codes.len()]);
    assert_eq!(race.stored(&race.user).await.version, Version(SAVES_OF_ENROLLMENT + 10));
}

async fn three_deliveries_of_a_challenge_at_once_count_once_and_answer_alike<B: Backend>() {
    let race = Race::<B>::with_owner().await;
    let wrong = totp(race.person.wrong_passcode(NOW));
    race.deliver_three_times(wrong, "on record, wrong: WrongPasscode", "on record, wrong: AlreadyVerified").await;
    assert_eq!(race.stored(&race.user).await.record.failures(NOW), 1);

    let right = totp(race.person.passcode(NOW));
    race.deliver_three_times(right, "on record, right: PasscodeAccepted", "on record, right: AlreadyVerified").await;

    let code = totp(race.person.codes[0].clone());
    race.deliver_three_times(code, "on record, right: RecoveryCodeUsed", "on record, right: AlreadyVerified").await;

    let new = race.new_authenticator(&race.user, &secret(1)).await;
    race.deliver_three_times(new, "on record, right: AuthenticatorEnrolled", "on record, right: AlreadyVerified").await;

    let new = race.new_code(&race.user, [1; 10]).await;
    race.deliver_three_times(new, "on record, right: RecoveryCodesKept", "on record, right: AlreadyVerified").await;
}

async fn an_answer_that_is_not_recorded_is_refused_alike_in_every_delivery<B: Backend>() {
    let race = Race::<B>::with_owner().await;
    let user = &race.user;
    let (authenticator, _) = race.new_authenticator(user, &secret(1)).await;
    let (codes, _) = race.new_code(user, [1; 10]).await;
    let before = race.stored(user).await;
    let not_shown = RecoveryCode::new([2; 10]).show().to_string();
    for (answer, refused) in [
        (totp(not_shown.clone()), "refused: WrongRecoveryCode"),
        ((authenticator, "1".to_owned()), "refused: WrongFirstPasscode"),
        ((codes, not_shown), "refused: NotOneOfTheNewCodes"),
    ] {
        let outcomes = race.run(user, (0..3).map(|_| answer.clone())).await;
        assert_eq!(outcomes.tally(), tally([(refused, 3)]));
        assert_eq!(race.stored(user).await, before);
    }
}

async fn a_delivery_that_died_after_the_write_is_answered_alike_when_repeated<B: Backend>() {
    let race = Race::<B>::with_owner().await;
    let user = &race.user;
    let answers = [
        (totp(race.person.wrong_passcode(NOW)), "on record, wrong: AlreadyVerified"),
        (totp(race.person.passcode(NOW)), "on record, right: AlreadyVerified"),
        (totp(race.person.codes[0].clone()), "on record, right: AlreadyVerified"),
    ];
    for (answer, repeated) in answers {
        drop(race.answer(answer.clone()).await);
        let recorded = race.stored(user).await;
        for _ in 0..2 {
            assert_eq!(label(&race.answer(answer.clone()).await), repeated);
            assert_eq!(race.stored(user).await, recorded);
        }
        // Whatever else is typed by now: this challenge was verified.
        for other in [race.person.passcode(NOW.plus(30)), race.person.codes[1].clone(), String::new()] {
            assert_eq!(label(&race.answer((answer.0.clone(), other)).await), repeated);
            assert_eq!(race.stored(user).await, recorded);
        }
    }
}

async fn a_repeat_is_answered_alike_after_seven_other_answers<B: Backend>() {
    let race = Race::<B>::with_owner().await;
    let user = &race.user;
    let mut wrong = wrong_passcodes(&race.person.secret, NOW).map(totp);
    let right = totp(race.person.passcode(NOW));
    let first_wrong = wrong.next().unwrap();
    drop(race.answer(first_wrong.clone()).await);
    drop(race.answer(right.clone()).await);
    for _ in 0..4 {
        assert_eq!(label(&race.answer(wrong.next().unwrap()).await), "on record, wrong: WrongPasscode");
    }
    // Passcodes wait by now, and those two do not.
    assert_eq!(label(&race.answer(wrong.next().unwrap()).await), "refused: RateLimited");
    for code in &race.person.codes[..2] {
        assert_right(&race.answer(totp(code.clone())).await);
    }
    let recorded = race.stored(user).await;
    assert_eq!(recorded.version, Version(SAVES_OF_ENROLLMENT + 8));
    let outcomes = race.run(user, [first_wrong, right]).await;
    assert_eq!(
        outcomes.tally(),
        tally([("on record, right: AlreadyVerified", 1), ("on record, wrong: AlreadyVerified", 1)])
    );
    assert_eq!(race.stored(user).await, recorded);
}

async fn a_right_answer_that_the_record_has_forgotten_is_not_right_again<B: Backend>() {
    let race = Race::<B>::with_owner().await;
    let (passcode, code) = (totp(race.person.passcode(NOW)), totp(race.person.codes[0].clone()));
    assert_right(&race.answer(passcode.clone()).await);
    assert_right(&race.answer(code.clone()).await);
    for code in &race.person.codes[1..9] {
        assert_right(&race.answer(totp(code.clone())).await);
    }
    assert_eq!(label(&race.answer(passcode).await), "on record, wrong: PasscodeReplayed");
    assert_eq!(label(&race.answer(code).await), "refused: WrongRecoveryCode");
}

async fn of_two_sign_ins_that_enroll_at_once_one_wins_and_one_is_outdated<B: Backend>() {
    let race = Race::<B>::with_owner().await;
    for user in [&user("newcomer"), &race.user] {
        let secrets = [secret(1), secret(2)];
        let mut answers = Vec::new();
        for secret in &secrets {
            answers.push(race.new_authenticator(user, secret).await);
        }
        let before = race.stored(user).await;
        let outcomes = race.run(user, answers).await;
        assert_eq!(
            outcomes.tally(),
            tally([("fault: ChallengeOutdated", 1), ("on record, right: AuthenticatorEnrolled", 1)]),
            "{user}"
        );
        assert_eq!(outcomes.conflicts(), 1);
        let after = race.stored(user).await;
        assert_eq!(after.version, before.version.next());
        assert_ne!(after.record.generation(), before.record.generation());
        // The authenticator is the winner's.
        for (secret, answered) in secrets.iter().zip(&outcomes.answered) {
            let later = NOW.plus(30);
            let answer = Answer::new(passcode(secret, later));
            let issued = issued(PROMPT_CODES_DUE);
            let verified = verify_answer(&*race.store, &*race.sealer, user, &issued, &answer, ADMITTED, later).await;
            assert_eq!(verified.unwrap().is_correct(), answered.verified.is_ok());
        }
    }
}

async fn of_two_sign_ins_that_keep_codes_at_once_one_wins_and_one_is_outdated<B: Backend>() {
    let race = Race::<B>::with_owner().await;
    let user = &race.user;
    let answers = [race.new_code(user, [1; 10]).await, race.new_code(user, [2; 10]).await];
    let outcomes = race.run(user, answers.clone()).await;
    assert_eq!(outcomes.tally(), tally([("fault: ChallengeOutdated", 1), ("on record, right: RecoveryCodesKept", 1)]));
    for ((_, code), answered) in answers.into_iter().zip(&outcomes.answered) {
        assert_eq!(race.answer(totp(code)).await.unwrap().is_correct(), answered.verified.is_ok());
    }
}

async fn a_repeat_gets_the_outcome_of_a_save_that_worked_but_reported_a_fault<B: Backend>() {
    let race = Race::<B>::with_owner().await;
    let user = &race.user;
    for (answer, repeated) in [
        (totp(race.person.wrong_passcode(NOW)), "on record, wrong: AlreadyVerified"),
        (totp(race.person.passcode(NOW)), "on record, right: AlreadyVerified"),
        (totp(race.person.codes[0].clone()), "on record, right: AlreadyVerified"),
        (race.new_code(user, [1; 10]).await, "on record, right: AlreadyVerified"),
    ] {
        let before = race.stored(user).await.version;
        let store = FaultyOnce { store: Arc::clone(&race.store), takes_effect: true, spent: AtomicBool::new(false) };
        assert_eq!(label(&answer_over(&store, &*race.sealer, user, &answer).await), "fault: Store");
        let recorded = race.stored(user).await;
        assert_eq!(recorded.version, before.next());
        assert_eq!(label(&answer_over(&store, &*race.sealer, user, &answer).await), repeated);
        assert_eq!(race.stored(user).await, recorded);
    }
}

async fn a_repeat_is_verified_anew_after_a_save_that_failed<B: Backend>() {
    let race = Race::<B>::with_owner().await;
    let user = &race.user;
    let answer = totp(race.person.passcode(NOW));
    let before = race.stored(user).await;
    let store = FaultyOnce { store: Arc::clone(&race.store), takes_effect: false, spent: AtomicBool::new(false) };
    assert_eq!(label(&answer_over(&store, &*race.sealer, user, &answer).await), "fault: Store");
    assert_eq!(race.stored(user).await, before);
    let repeated = answer_over(&store, &*race.sealer, user, &answer).await;
    assert_eq!(label(&repeated), "on record, right: PasscodeAccepted");
}

async fn guesses_that_win_every_save_cannot_keep_the_owner_out<B: Backend>() {
    let race = Race::<B>::with_owner().await;
    let guesses = wrong_passcodes(&race.person.secret, NOW).take(200).map(totp).collect();
    let store = Overtaken { race: &race, loads: AtomicU32::new(0), others: Mutex::new(guesses) };
    let answer = totp(race.person.codes[0].clone());
    let verified = answer_over(&store, &*race.sealer, &race.user, &answer).await;
    assert_eq!(label(&verified), "on record, right: RecoveryCodeUsed");
    // The fifth guess was the last that could be saved; the sixth was refused.
    assert_eq!(store.loads.into_inner(), 6);
    assert_eq!(store.others.into_inner().unwrap().len(), 194);
}

async fn endless_conflicts_end_in_an_error_and_change_nothing<B: Backend>() {
    let race = Race::<B>::with_owner().await;
    let user = &race.user;
    let before = race.stored(user).await;
    for answer in [
        totp(race.person.wrong_passcode(NOW)),
        totp(race.person.passcode(NOW)),
        totp(race.person.codes[0].clone()),
        race.new_authenticator(user, &secret(1)).await,
        race.new_code(user, [1; 10]).await,
    ] {
        let store = AlwaysConflicts { store: Arc::clone(&race.store), loads: AtomicU32::new(0) };
        assert_eq!(label(&answer_over(&store, &*race.sealer, user, &answer).await), "fault: TooManyConflicts");
        assert_eq!(store.loads.into_inner(), u32::from(SAVE_ATTEMPTS));
        assert_eq!(race.stored(user).await, before);
    }
}

// The parts of these tests

/// Saves of an enrollment: the authenticator, and the codes.
const SAVES_OF_ENROLLMENT: u64 = 2;

/// An answer to a challenge.
type Given = (IssuedChallenge, String);

/// `typed` at the prompt of a new sign-in.
fn totp(typed: String) -> Given {
    (issued(PROMPT), typed)
}

/// Fixed, so that no two authenticators show the same by chance.
fn secret(byte: u8) -> SharedSecret {
    SharedSecret::new(vec![byte; 20])
}

async fn answer_over(
    store: &impl RecordStore,
    sealer: &impl Sealer,
    user: &UserKey,
    (issued, typed): &Given,
) -> Result<VerifiedAnswer, HandlerError> {
    verify_answer(store, sealer, user, issued, &Answer::new(typed.clone()), ADMITTED, NOW).await
}

/// A store and a sealer, and a user who enrolled a day ago.
struct Race<B: Backend> {
    store: Arc<B::Store>,
    sealer: Arc<B::Sealer>,
    user: UserKey,
    person: Person,
}

impl<B: Backend> Race<B> {
    async fn with_owner() -> Self {
        let functions = Functions::with_sealer(B::store().await, B::sealer().await, fill_random);
        let user = User::named("ada", 1);
        let person = functions.enroll_yesterday(&user).await;
        let Create { store, sealer, .. } = functions.create;
        assert_eq!(store.load(&user.key()).await.unwrap().record.enrollment_status(NOW), EnrollmentStatus::Enrolled);
        Self { store, sealer, user: user.key(), person }
    }

    async fn stored(&self, user: &UserKey) -> Versioned {
        self.store.load(user).await.unwrap()
    }

    /// The owner answers.
    async fn answer(&self, given: Given) -> Result<VerifiedAnswer, HandlerError> {
        answer_over(&*self.store, &*self.sealer, &self.user, &given).await
    }

    /// The right answer to a new authenticator.
    async fn new_authenticator(&self, user: &UserKey, secret: &SharedSecret) -> Given {
        let (generation, id) = (self.stored(user).await.record.generation(), AuthenticatorId(random()));
        let sealed = self.sealer.seal(secret, EncryptionContext { user, authenticator: id }).await.unwrap();
        let new = NewAuthenticator { entitlement: Entitlement::Password, generation, id, sealed };
        (issued(Challenge::TotpSetup(new)), passcode(secret, NOW))
    }

    /// The right answer to a new set of one recovery code.
    async fn new_code(&self, user: &UserKey, code: [u8; 10]) -> Given {
        let generation = self.stored(user).await.record.generation();
        let code = RecoveryCode::new(code);
        let shown = code.show().to_string();
        let codes = CodeSet::new(&[code], random());
        (issued(Challenge::RecoveryCodes(NewCodes { generation, codes })), shown)
    }

    /// All answer against the same version at first; then it is a race.
    async fn run(&self, user: &UserKey, given: impl IntoIterator<Item = Given>) -> Outcomes {
        let given: Vec<Given> = given.into_iter().collect();
        let start = Arc::new(Barrier::new(given.len()));
        let runners = given.into_iter().map(|given| {
            let (sealer, user) = (Arc::clone(&self.sealer), user.clone());
            let (store, start) = (Arc::clone(&self.store), Arc::clone(&start));
            let store = Racing { store, start, loads: AtomicU32::new(0), conflicts: AtomicU32::new(0) };
            tokio::spawn(async move {
                let verified = answer_over(&store, &*sealer, &user, &given).await;
                Answered { verified, loads: store.loads.into_inner(), conflicts: store.conflicts.into_inner() }
            })
        });
        Outcomes { answered: join_all(runners).await.into_iter().map(Result::unwrap).collect() }
    }

    async fn deliver_three_times(&self, given: Given, first: &str, repeated: &str) {
        let before = self.stored(&self.user).await.version;
        let outcomes = self.run(&self.user, (0..3).map(|_| given.clone())).await;
        assert_eq!(outcomes.tally(), tally([(first, 1), (repeated, 2)]));
        assert_eq!(outcomes.conflicts(), 2);
        assert_eq!(self.stored(&self.user).await.version, before.next());
    }
}

/// What became of an answer, and how often it met others.
struct Answered {
    verified: Result<VerifiedAnswer, HandlerError>,
    loads: u32,
    conflicts: u32,
}

struct Outcomes {
    answered: Vec<Answered>,
}

impl Outcomes {
    fn tally(&self) -> BTreeMap<String, usize> {
        self.answered.iter().fold(BTreeMap::new(), |mut tally, answered| {
            *tally.entry(label(&answered.verified)).or_default() += 1;
            tally
        })
    }

    fn conflicts(&self) -> u32 {
        self.answered.iter().map(|answered| answered.conflicts).sum()
    }

    fn most_loads(&self) -> u32 {
        self.answered.iter().map(|answered| answered.loads).max().unwrap_or_default()
    }
}

fn assert_right(verified: &Result<VerifiedAnswer, HandlerError>) {
    assert!(verified.as_ref().is_ok_and(VerifiedAnswer::is_correct), "{verified:?}");
}

fn tally<const N: usize>(expected: [(&str, usize); N]) -> BTreeMap<String, usize> {
    expected.map(|(label, count)| (label.to_owned(), count)).into()
}

fn label(verified: &Result<VerifiedAnswer, HandlerError>) -> String {
    match verified {
        Ok(recorded @ VerifiedAnswer::Recorded(_)) if recorded.is_correct() => {
            format!("on record, right: {:?}", recorded.reason())
        }
        Ok(recorded @ VerifiedAnswer::Recorded(_)) => format!("on record, wrong: {:?}", recorded.reason()),
        Ok(refused @ VerifiedAnswer::Rejected(_)) if refused.is_correct() => "refused, and yet right".to_owned(),
        Ok(VerifiedAnswer::Skipped) => "skipped".to_owned(),
        Ok(VerifiedAnswer::Rejected(reason)) => format!("refused: {reason:?}"),
        Err(HandlerError::Store(_)) => "fault: Store".to_owned(),
        Err(fault) => format!("fault: {fault:?}"),
    }
}

/// One runner's view of a store. It waits after its first load until all have loaded, and yields after each.
struct Racing<S> {
    store: Arc<S>,
    start: Arc<Barrier>,
    loads: AtomicU32,
    conflicts: AtomicU32,
}

impl<S: RecordStore> RecordStore for Racing<S> {
    async fn load(&self, user: &UserKey) -> Result<Versioned, StoreError> {
        let loaded = self.store.load(user).await;
        if self.loads.fetch_add(1, Ordering::Relaxed) == 0 {
            self.start.wait().await;
        }
        tokio::task::yield_now().await;
        loaded
    }

    async fn save(&self, user: &UserKey, record: &Record, replacing: Version) -> Result<Saved, StoreError> {
        let saved = self.store.save(user, record, replacing).await;
        if matches!(saved, Ok(Saved::Conflict)) {
            self.conflicts.fetch_add(1, Ordering::Relaxed);
        }
        saved
    }

    async fn confirm(&self, user_pool_id: &str) -> Result<(), StoreError> {
        self.store.confirm(user_pool_id).await
    }
}

/// Before each save, somebody else's answer is verified.
struct Overtaken<'a, B: Backend> {
    race: &'a Race<B>,
    loads: AtomicU32,
    others: Mutex<VecDeque<Given>>,
}

impl<B: Backend> RecordStore for Overtaken<'_, B> {
    async fn load(&self, user: &UserKey) -> Result<Versioned, StoreError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.race.store.load(user).await
    }

    async fn save(&self, user: &UserKey, record: &Record, replacing: Version) -> Result<Saved, StoreError> {
        let other = self.others.lock().unwrap().pop_front();
        if let Some(other) = other {
            self.race.answer(other).await.unwrap();
        }
        self.race.store.save(user, record, replacing).await
    }

    async fn confirm(&self, _: &str) -> Result<(), StoreError> {
        panic!("nobody may do without here, so nobody asks")
    }
}

/// The first save reports a fault.
struct FaultyOnce<S> {
    store: Arc<S>,
    takes_effect: bool,
    spent: AtomicBool,
}

impl<S: RecordStore> RecordStore for FaultyOnce<S> {
    async fn load(&self, user: &UserKey) -> Result<Versioned, StoreError> {
        self.store.load(user).await
    }

    async fn save(&self, user: &UserKey, record: &Record, replacing: Version) -> Result<Saved, StoreError> {
        if self.spent.swap(true, Ordering::Relaxed) {
            return self.store.save(user, record, replacing).await;
        }
        if self.takes_effect {
            assert_eq!(self.store.save(user, record, replacing).await?, Saved::Recorded);
        }
        Err(StoreError("the connection was lost".into()))
    }

    async fn confirm(&self, user_pool_id: &str) -> Result<(), StoreError> {
        self.store.confirm(user_pool_id).await
    }
}

/// Somebody else has always saved first.
struct AlwaysConflicts<S> {
    store: Arc<S>,
    loads: AtomicU32,
}

impl<S: RecordStore> RecordStore for AlwaysConflicts<S> {
    async fn load(&self, user: &UserKey) -> Result<Versioned, StoreError> {
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.store.load(user).await
    }

    async fn save(&self, _: &UserKey, _: &Record, _: Version) -> Result<Saved, StoreError> {
        Ok(Saved::Conflict)
    }

    async fn confirm(&self, user_pool_id: &str) -> Result<(), StoreError> {
        self.store.confirm(user_pool_id).await
    }
}
