//! Users who may do without a second factor, and of whom one is required: every attack of docs/decisions.md, "Rolling it out".

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::join_all;
use local::in_process::NextInProcess;
use pre_token_generation::Guard;
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::cognito::{ClientId, UserKey};
use shared::error::{HandlerError, StoreError};
use shared::guard_settings::{GuardedSince, LongestSession, NextFunctionErrors, ReportOnly};
use shared::ids::Generation;
use shared::next_function::Next;
use shared::record::Record;
use shared::requirements::Requirements;
use shared::settings::{AcceptedCognitoMfa, Enrollment, Policy, SignInSettings, TokenGuard};
use shared::store::memory::MemoryStore;
use shared::store::{RecordStore, Saved, Version, Versioned};
use shared::token_grant::{ISSUED_WITHIN_SECONDS, REPEAT_SECONDS, TokenDenied};
use tests::clock::NOW;
use tests::driver::{Driver, SignIn};
use tests::events::{CLIENT_ID, ChallengeTrigger, User};
use tests::functions::Functions;
use tests::person::{Person, passcode, secret_shown, set_up_authenticator, take_codes};
use tests::random::fill_random;
use tests::stores::TakingTurns;

const SIGN_IN: &str = "TokenGeneration_Authentication";
const NEW_PASSWORD: &str = "TokenGeneration_NewPasswordChallenge";
const REFRESH: &str = "TokenGeneration_RefreshTokens";
/// What the client reads of whom one is required.
const REQUIRED_SENTENCE: &str = "Your account needs a second factor. Please sign in again.";
const DAY: u64 = 24 * 3600;
/// How long refresh tokens are valid.
const LONGEST_DAYS: u64 = 30;

/// Whoever loads waits for the others.
type Records = TakingTurns<MemoryStore>;

/// The functions under `OPTIONAL`, and the guard over the same records.
struct Pool {
    functions: Functions<Records>,
    requirements: Requirements,
    guarded_since: UnixTime,
}

impl Pool {
    /// Guarded for longer than any session lasts.
    fn optional() -> Self {
        Self::requiring(Requirements::default())
    }

    fn requiring(requirements: Requirements) -> Self {
        let mut functions = Functions::over(TakingTurns(MemoryStore::default()), fill_random, fill_random);
        functions.set(settings(Policy::Optional));
        functions.require(requirements.clone());
        Self { functions, requirements, guarded_since: UnixTime(NOW.0 - 365 * DAY) }
    }

    /// What an operator changes later.
    fn require(&mut self, requirements: Requirements) {
        self.functions.require(requirements.clone());
        self.requirements = requirements;
    }

    fn guard(&self) -> Guard<Arc<Records>> {
        Guard {
            policy: Policy::Optional,
            requirements: self.requirements.clone(),
            longest_session: Some(LongestSession::new(LONGEST_DAYS, self.guarded_since)),
            guarded_since: GuardedSince::new(self.guarded_since),
            ..Guard::new(TokenGuard::Grant, self.functions.create.store.clone())
        }
    }

    async fn tokens(&self, event: Value) -> Result<Value, HandlerError> {
        let answer = self.guard().handle(event, self.functions.now()).await?;
        Ok(answer["response"]["claimsOverrideDetails"]["claimsToAddOrOverride"].clone())
    }

    /// The tokens of a sign-in, as the guard lets them pass.
    async fn sign_in_tokens(&self, user: &User) -> Result<Value, HandlerError> {
        self.tokens(user.token_event(SIGN_IN, "1")).await
    }

    async fn sign_in_tokens_of(&self, user: &User, groups: &[&str]) -> Result<Value, HandlerError> {
        self.tokens(in_groups(user.token_event(SIGN_IN, "1"), groups)).await
    }

    async fn refresh_of(&self, user: &User, groups: &[&str]) -> Result<Value, HandlerError> {
        self.tokens(in_groups(user.token_event(REFRESH, "1"), groups)).await
    }

    /// What `sign-out` leaves of the record.
    async fn sign_out(&self, user: &User) {
        let signed_out = self.record(user).await.signed_out(self.functions.now());
        self.put(user, &signed_out).await;
    }

    async fn record(&self, user: &User) -> Record {
        self.functions.stored(user).await.record
    }

    async fn put(&self, user: &User, record: &Record) {
        let version = self.functions.stored(user).await.version;
        assert_eq!(self.functions.store().save(&user.key(), record, version).await.unwrap(), Saved::Recorded);
    }

    /// Signs in and skips the offer.
    async fn skip(&self, user: &User) {
        let mut sign_in = self.offered(user).await;
        assert!(sign_in.answer("SKIP").await.unwrap());
        assert!(sign_in.has_tokens().await.unwrap());
    }

    async fn offered<'a>(&'a self, user: &'a User) -> SignIn<'a, Functions<Records>> {
        let mut sign_in = self.functions.sign_in(user);
        assert_eq!(sign_in.challenge().await.unwrap()["challenge"], "SECOND_FACTOR_OFFER");
        sign_in
    }

    /// Turns it on from the offer.
    async fn enroll(&self, user: &User) -> Person {
        let mut sign_in = self.offered(user).await;
        assert!(!sign_in.answer("SET_UP").await.unwrap());
        let person = Person::enroll(&mut sign_in).await;
        self.functions.wait(30);
        person
    }

    /// Proves the second factor and asks to turn it off; the challenge is there.
    async fn removing<'a>(&'a self, user: &'a User, person: &Person) -> SignIn<'a, Functions<Records>> {
        let mut sign_in = self.functions.sign_in(user);
        sign_in.client_metadata = Some(json!({ "afterSecondFactor": "REMOVE_AUTHENTICATOR" }));
        sign_in.challenge().await.unwrap();
        assert!(sign_in.answer(&person.passcode(self.functions.now())).await.unwrap());
        assert!(!sign_in.has_tokens().await.unwrap());
        assert_eq!(sign_in.challenge().await.unwrap()["challenge"], "REMOVE_AUTHENTICATOR");
        sign_in
    }

    /// An answer to a challenge that the record has moved on from.
    async fn is_outdated(&self, event: Value) {
        let refused = self.functions.verify.handle(event, self.functions.now()).await;
        assert!(matches!(refused, Err(HandlerError::ChallengeOutdated)), "{refused:?}");
    }

    async fn challenge_of_next_sign_in(&self, user: &User) -> Value {
        self.functions.sign_in(user).challenge().await.unwrap()["challenge"].clone()
    }
}

fn settings(policy: Policy) -> SignInSettings {
    SignInSettings::new(AcceptedCognitoMfa::NONE, Enrollment::AtSignIn).unwrap().under(policy).unwrap()
}

fn ana() -> User {
    User::named("ana", 0xaa)
}

fn in_groups(mut event: Value, groups: &[&str]) -> Value {
    event["request"]["groupConfiguration"]["groupsToOverride"] = json!(groups);
    event
}

fn admins() -> Requirements {
    Requirements::default().of_groups(&["admins", "with,comma"])
}

#[track_caller]
fn is_required(tokens: &Result<Value, HandlerError>) {
    assert!(matches!(tokens, Err(HandlerError::SecondFactorRequired)), "{tokens:?}");
}

#[track_caller]
fn has_no_grant(tokens: &Result<Value, HandlerError>) {
    assert!(matches!(tokens, Err(HandlerError::NoGrant(_))), "{tokens:?}");
}

// ── Doing without.

#[tokio::test]
async fn a_skipped_offer_leads_to_tokens_that_say_nothing_was_proven() {
    let (pool, ana) = (Pool::optional(), ana());
    pool.skip(&ana).await;
    assert_eq!(pool.functions.stored(&ana).await.version.0, 0, "SKIP is saved nowhere");
    for source in [SIGN_IN, NEW_PASSWORD] {
        let claims = pool.tokens(ana.token_event(source, "1")).await.unwrap();
        assert_eq!(claims, json!({ "second_factor_enrolled": "false" }), "{source}");
    }
    assert_eq!(pool.record(&ana).await.last_unproven_at(), Some(pool.functions.now()));
    assert_eq!(pool.challenge_of_next_sign_in(&ana).await, "SECOND_FACTOR_OFFER", "the next time again");
}

#[tokio::test]
async fn an_app_that_knows_no_challenge_goes_on_until_its_user_enrolls() {
    let (pool, ana) = (Pool::optional(), ana());
    pool.sign_in_tokens(&ana).await.unwrap();
    pool.enroll(&ana).await;
    pool.sign_in_tokens(&ana).await.unwrap();
    pool.functions.wait(REPEAT_SECONDS + 1);
    has_no_grant(&pool.sign_in_tokens(&ana).await);
}

#[tokio::test]
async fn any_other_answer_to_the_offer_sets_an_authenticator_up() {
    for answer in ["SET_UP", "skip", " SKIP", "", "000000"] {
        let (pool, ana) = (Pool::optional(), ana());
        let mut sign_in = pool.offered(&ana).await;
        assert!(!sign_in.answer(answer).await.unwrap());
        let person = Person::enroll(&mut sign_in).await;
        let claims = pool.sign_in_tokens(&ana).await.unwrap();
        assert_eq!(claims["second_factor"], "totp", "{answer:?}");
        pool.functions.wait(30);
        assert!(pool.functions.passes_prompt(&ana, &person.passcode(pool.functions.now())).await);
    }
}

#[tokio::test]
async fn a_wrong_first_passcode_after_the_offer_repeats_the_set_up() {
    let (pool, ana) = (Pool::optional(), ana());
    let mut sign_in = pool.offered(&ana).await;
    assert!(!sign_in.answer("SET_UP").await.unwrap());
    let shown = sign_in.challenge().await.unwrap();
    assert_eq!(shown["attemptsLeft"], "3", "an offer costs no attempt");
    let secret = secret_shown(&shown);
    assert!(!sign_in.answer("no passcode").await.unwrap());
    assert_eq!(sign_in.challenge().await.unwrap()["challenge"], "TOTP_SETUP");
    assert!(sign_in.answer(&passcode(&secret, pool.functions.now())).await.unwrap());
    take_codes(&mut sign_in).await;
    assert!(sign_in.has_tokens().await.unwrap());
}

#[tokio::test]
async fn fifty_skips_at_once_are_all_right_and_write_nothing_at_verify() {
    let (pool, ana) = (Pool::optional(), ana());
    let mut events = Vec::new();
    for _ in 0..50 {
        events.push(pool.offered(&ana).await.answer_event("SKIP"));
    }
    // The last one again, as whoever has seen it would replay it.
    events.push(events[49].clone());
    for answered in join_all(events.into_iter().map(|event| pool.functions.verify(event))).await {
        assert_eq!(answered.unwrap()["response"]["answerCorrect"], true);
    }
    assert_eq!(pool.functions.stored(&ana).await.version.0, 0);
}

#[tokio::test]
async fn fifty_sign_ins_at_once_in_two_seconds_are_noted_twice() {
    let (pool, ana) = (Pool::optional(), ana());
    let guard = pool.guard();
    let now = pool.functions.now();
    let at = |number: u64| UnixTime(now.0 + number % 2);
    let all = (0..50).map(|number| guard.handle(ana.token_event(SIGN_IN, "1"), at(number)));
    for passed in join_all(all).await {
        passed.unwrap();
    }
    assert!(pool.functions.stored(&ana).await.version.0 <= 2, "once a second is noted once");
    assert_eq!(pool.record(&ana).await.last_unproven_at(), Some(at(1)));
}

// ── Skipping what may not be skipped.

#[tokio::test]
async fn who_has_an_authenticator_gets_no_offer_and_skips_no_challenge() {
    let (pool, ana) = (Pool::optional(), ana());
    let mut sign_in = pool.offered(&ana).await;
    sign_in.answer("SET_UP").await.unwrap();
    sign_in.challenge().await.unwrap();
    assert!(!sign_in.answer("SKIP").await.unwrap(), "TOTP_SETUP");
    assert!(!sign_in.has_tokens().await.unwrap());

    pool.enroll(&ana).await;
    let mut sign_in = pool.functions.sign_in(&ana);
    assert_eq!(sign_in.challenge().await.unwrap()["challenge"], "SECOND_FACTOR");
    assert!(!sign_in.answer("SKIP").await.unwrap(), "SECOND_FACTOR");
    assert!(!sign_in.has_tokens().await.unwrap());
}

#[tokio::test]
async fn an_offer_that_was_held_while_the_user_enrolled_is_worth_nothing() {
    let (pool, ana) = (Pool::optional(), ana());
    let held = pool.offered(&ana).await.answer_event("SKIP");
    pool.enroll(&ana).await;
    pool.is_outdated(held).await;
}

#[tokio::test]
async fn a_skip_before_the_user_enrolled_passes_no_guard_afterwards() {
    let (pool, ana) = (Pool::optional(), ana());
    pool.skip(&ana).await;
    pool.enroll(&ana).await;
    // The grant of the sign-in that enrolled is the owner's, and is used up first.
    pool.sign_in_tokens(&ana).await.unwrap();
    pool.functions.wait(REPEAT_SECONDS + 1);
    has_no_grant(&pool.sign_in_tokens(&ana).await);
}

#[tokio::test]
async fn a_skip_that_meets_the_owners_unused_grant_takes_it() {
    // D112: only a nonce of the client's ends this. The owner signs in again.
    let (pool, ana) = (Pool::optional(), ana());
    pool.skip(&ana).await;
    pool.enroll(&ana).await;
    assert_eq!(pool.sign_in_tokens(&ana).await.unwrap()["second_factor"], "totp");
    pool.functions.wait(REPEAT_SECONDS + 1);
    has_no_grant(&pool.sign_in_tokens(&ana).await);
}

#[tokio::test]
async fn an_offer_or_its_set_up_held_over_a_reset_is_worth_nothing() {
    let (pool, ana) = (Pool::optional(), ana());
    let held_offer = pool.offered(&ana).await.answer_event("SKIP");
    let mut held_answer = pool.offered(&ana).await;
    let mut held_set_up = pool.offered(&ana).await;
    held_set_up.answer("SET_UP").await.unwrap();
    let secret = secret_shown(&held_set_up.challenge().await.unwrap());
    held_answer.answer("SET_UP").await.unwrap();

    pool.put(&ana, &Record::reset(Generation([9; 8]))).await;
    pool.is_outdated(held_offer).await;
    let asked = json!({ "session": held_answer.session, "challengeName": "CUSTOM_CHALLENGE" });
    let event = ana.event(ChallengeTrigger::Create, asked);
    let refused = pool.functions.create.handle(event, pool.functions.now()).await;
    assert!(matches!(refused, Err(HandlerError::ChallengeOutdated)), "{refused:?}");
    pool.is_outdated(held_set_up.answer_event(&passcode(&secret, pool.functions.now()))).await;
    assert_eq!(pool.challenge_of_next_sign_in(&ana).await, "TOTP_SETUP", "a reset record is not asked whether");
    has_no_grant(&pool.sign_in_tokens(&ana).await);
}

#[tokio::test]
async fn a_forgotten_user_does_not_come_back_by_the_password_alone() {
    let (pool, ana) = (Pool::optional(), ana());
    pool.put(&ana, &Record::forgotten(Generation([9; 8]), pool.functions.now())).await;
    assert_eq!(pool.challenge_of_next_sign_in(&ana).await, "SECOND_FACTOR");
    has_no_grant(&pool.sign_in_tokens(&ana).await);
}

#[tokio::test]
async fn an_offer_is_nothing_where_the_settings_say_required() {
    let (mut pool, ana) = (Pool::optional(), ana());
    let event = pool.offered(&ana).await.answer_event("SKIP");
    // An older or a stricter Verify next to this Create.
    pool.functions.set(settings(Policy::Required));
    assert_eq!(pool.functions.verify(event).await.unwrap()["response"]["answerCorrect"], false);

    let mut pool = Pool::optional();
    let mut sign_in = pool.functions.sign_in(&ana);
    sign_in.challenge().await.unwrap();
    assert!(sign_in.answer("SKIP").await.unwrap());
    let session = sign_in.session.clone();
    // An older or a stricter Define.
    pool.functions.set(settings(Policy::Required));
    let event = ana.event(ChallengeTrigger::Define, json!({ "session": session }));
    let defined = pool.functions.define(event).await.unwrap();
    assert_eq!(defined["response"]["failAuthentication"], true);
    // And the other way round: a stricter Create issues no offer to a Define that would take one.
    assert_eq!(pool.challenge_of_next_sign_in(&ana).await, "TOTP_SETUP");
}

#[tokio::test]
async fn nobody_skips_at_a_required_client() {
    let (mut pool, ana) = (Pool::optional(), ana());
    let mut event = ana.token_event(SIGN_IN, "1");
    pool.require(Requirements::default().at_clients(&["another", CLIENT_ID]));
    is_required(&pool.tokens(event.clone()).await);
    // A user who was refused here may still skip it elsewhere: no group requires it, and the other functions check the client.
    assert_eq!(pool.record(&ana).await.required_since(), None);
    event["callerContext"]["clientId"] = json!("one that requires none");
    pool.tokens(event).await.unwrap();
    assert_eq!(pool.challenge_of_next_sign_in(&ana).await, "TOTP_SETUP");
}

#[tokio::test]
async fn an_offer_that_was_held_until_one_is_required_leads_to_the_set_up() {
    let requirements =
        [Requirements::default().at_clients(&[CLIENT_ID]), Requirements::default().from(UnixTime(NOW.0))];
    for requirements in requirements {
        let (mut pool, ana) = (Pool::optional(), ana());
        let event = pool.offered(&ana).await.answer_event("SKIP");
        pool.require(requirements);
        assert_eq!(pool.functions.verify(event).await.unwrap()["response"]["answerCorrect"], false);
        assert_eq!(pool.challenge_of_next_sign_in(&ana).await, "TOTP_SETUP");
    }
}

#[tokio::test]
async fn from_the_second_of_the_date_on_one_is_required_of_everybody() {
    let from = UnixTime(NOW.0 + 100);
    let (pool, ana) = (Pool::requiring(Requirements::default().from(from)), ana());
    pool.functions.clock.set(UnixTime(from.0 - 1));
    pool.skip(&ana).await;
    pool.sign_in_tokens(&ana).await.unwrap();
    pool.refresh_of(&ana, &[]).await.unwrap();
    let held = pool.offered(&ana).await.answer_event("SKIP");
    pool.functions.clock.set(from);
    assert_eq!(pool.functions.verify(held).await.unwrap()["response"]["answerCorrect"], false);
    is_required(&pool.sign_in_tokens(&ana).await);
    is_required(&pool.refresh_of(&ana, &[]).await);
    assert_eq!(pool.challenge_of_next_sign_in(&ana).await, "TOTP_SETUP");
}

#[tokio::test]
async fn an_event_without_an_app_client_requires_one() {
    let (pool, ana) = (Pool::optional(), ana());
    let mut event = pool.offered(&ana).await.answer_event("SKIP");
    event.as_object_mut().unwrap().remove("callerContext");
    assert_eq!(pool.functions.verify(event).await.unwrap()["response"]["answerCorrect"], false);
}

// ── Groups, and refreshes.

#[tokio::test]
async fn a_member_of_a_required_group_is_refused_once_and_then_sets_one_up() {
    for group in ["admins", "with,comma"] {
        let (pool, ana) = (Pool::requiring(admins()), ana());
        // Neither Create nor Verify sees groups.
        pool.skip(&ana).await;
        is_required(&pool.sign_in_tokens_of(&ana, &["editors", group]).await);
        assert!(pool.record(&ana).await.required_since().is_some());
        let version = pool.functions.stored(&ana).await.version;
        is_required(&pool.sign_in_tokens_of(&ana, &[group]).await);
        assert_eq!(pool.functions.stored(&ana).await.version, version, "it is noted once");
        assert_eq!(pool.challenge_of_next_sign_in(&ana).await, "TOTP_SETUP");
        pool.functions.enroll(&ana).await;
        assert_eq!(pool.sign_in_tokens_of(&ana, &[group]).await.unwrap()["second_factor"], "totp");
    }
}

#[tokio::test]
async fn who_leaves_the_group_may_do_without_again() {
    let (pool, ana) = (Pool::requiring(admins()), ana());
    is_required(&pool.sign_in_tokens_of(&ana, &["admins"]).await);
    pool.sign_in_tokens_of(&ana, &["editors"]).await.unwrap();
    assert_eq!(pool.record(&ana).await.required_since(), None);
    pool.skip(&ana).await;
}

#[tokio::test]
async fn who_is_promoted_after_a_skip_refreshes_no_session_that_proved_nothing() {
    let (pool, ana) = (Pool::requiring(admins()), ana());
    pool.skip(&ana).await;
    pool.sign_in_tokens(&ana).await.unwrap();
    pool.refresh_of(&ana, &["editors"]).await.unwrap();
    is_required(&pool.refresh_of(&ana, &["admins"]).await);

    // An authenticator does not change what the session has proven.
    let person = pool.enroll(&ana).await;
    pool.sign_in_tokens_of(&ana, &["admins"]).await.unwrap();
    is_required(&pool.refresh_of(&ana, &["admins"]).await);
    pool.refresh_of(&ana, &["editors"]).await.unwrap();

    // A sign-out ends the session, so whatever is refreshed afterwards has proven a factor.
    pool.functions.wait(ISSUED_WITHIN_SECONDS);
    pool.sign_out(&ana).await;
    pool.functions.wait(30);
    assert!(pool.functions.passes_prompt(&ana, &person.passcode(pool.functions.now())).await);
    pool.sign_in_tokens_of(&ana, &["admins"]).await.unwrap();
    pool.refresh_of(&ana, &["admins"]).await.unwrap();
}

#[tokio::test]
async fn a_session_that_proved_nothing_ends_with_its_refresh_token() {
    let (pool, ana) = (Pool::requiring(admins()), ana());
    pool.sign_in_tokens(&ana).await.unwrap();
    pool.enroll(&ana).await;
    let unproven = pool.record(&ana).await.last_unproven_at().unwrap();
    let ends = UnixTime(unproven.0 + ISSUED_WITHIN_SECONDS + LONGEST_DAYS * DAY);
    pool.functions.clock.set(UnixTime(ends.0 - 1));
    is_required(&pool.refresh_of(&ana, &["admins"]).await);
    pool.functions.clock.set(ends);
    pool.refresh_of(&ana, &["admins"]).await.unwrap();
}

#[tokio::test]
async fn sessions_from_before_the_guard_count_as_unproven() {
    let (mut pool, ana) = (Pool::requiring(admins()), ana());
    pool.enroll(&ana).await;
    pool.refresh_of(&ana, &["admins"]).await.unwrap();
    pool.guarded_since = UnixTime(pool.functions.now().0 - DAY);
    is_required(&pool.refresh_of(&ana, &["admins"]).await);
    pool.sign_out(&ana).await;
    pool.refresh_of(&ana, &["admins"]).await.unwrap();
}

#[tokio::test]
async fn a_sign_out_seconds_after_the_guard_began_may_have_missed_a_session() {
    for (seconds, is_missed) in [(ISSUED_WITHIN_SECONDS, true), (ISSUED_WITHIN_SECONDS + 1, false)] {
        let (mut pool, ana) = (Pool::requiring(admins()), ana());
        pool.guarded_since = pool.functions.now();
        pool.functions.wait(seconds);
        pool.enroll(&ana).await;
        let signed_out = pool.record(&ana).await.signed_out(UnixTime(pool.guarded_since.0 + seconds));
        pool.put(&ana, &signed_out).await;
        assert_eq!(pool.refresh_of(&ana, &["admins"]).await.is_err(), is_missed, "{seconds}");
    }
}

#[tokio::test]
async fn a_sign_out_keeps_what_the_guard_passed_just_before_it() {
    let (pool, ana) = (Pool::requiring(admins()), ana());
    pool.sign_in_tokens(&ana).await.unwrap();
    // The tokens are issued after the sign-out: this one was too early, and so is one a second before the next.
    for seconds in [0, ISSUED_WITHIN_SECONDS - 1] {
        pool.functions.wait(seconds);
        pool.sign_out(&ana).await;
        assert!(pool.record(&ana).await.may_go_on_unproven());
    }
    pool.enroll(&ana).await;
    is_required(&pool.refresh_of(&ana, &["admins"]).await);
    pool.functions.wait(1);
    pool.sign_out(&ana).await;
    assert!(!pool.record(&ana).await.may_go_on_unproven());
    pool.refresh_of(&ana, &["admins"]).await.unwrap();
}

#[tokio::test]
async fn a_second_sign_in_of_the_same_second_outlives_no_sign_out_unnoted() {
    let (pool, ana) = (Pool::requiring(admins()), ana());
    pool.sign_in_tokens(&ana).await.unwrap();
    // The operator's command has loaded the record; then somebody signs in, which saves nothing, and gets tokens afterwards.
    let (before, at) = (pool.functions.stored(&ana).await, pool.functions.now());
    pool.sign_in_tokens(&ana).await.unwrap();
    let signed_out = before.record.signed_out(at);
    assert_eq!(
        pool.functions.store().save(&ana.key(), &signed_out, before.version).await.unwrap(),
        Saved::Recorded,
        "nothing has been saved in between"
    );
    pool.enroll(&ana).await;
    is_required(&pool.refresh_of(&ana, &["admins"]).await);
}

#[tokio::test]
async fn a_sign_out_by_a_clock_ahead_ends_no_session_that_came_after_it() {
    let (pool, ana) = (Pool::requiring(admins()), ana());
    let signed_out = pool.record(&ana).await.signed_out(UnixTime(pool.functions.now().0 + DAY));
    pool.put(&ana, &signed_out).await;
    pool.sign_in_tokens(&ana).await.unwrap();
    pool.enroll(&ana).await;
    is_required(&pool.refresh_of(&ana, &["admins"]).await);
}

#[tokio::test]
async fn a_session_of_another_app_client_does_not_count() {
    let (pool, ana) = (Pool::requiring(admins()), ana());
    let mut event = ana.token_event(SIGN_IN, "1");
    event["callerContext"]["clientId"] = json!("the old app");
    pool.tokens(event).await.unwrap();
    pool.enroll(&ana).await;
    pool.refresh_of(&ana, &["admins"]).await.unwrap();
    let mut event = in_groups(ana.token_event(REFRESH, "1"), &["admins"]);
    event["callerContext"]["clientId"] = json!("the old app");
    is_required(&pool.tokens(event).await);
}

#[tokio::test]
async fn many_app_clients_make_no_record_grow_and_none_is_forgotten() {
    let (pool, ana) = (Pool::requiring(admins()), ana());
    let client = |number: u64| format!("client{number}");
    for number in 0..100 {
        let mut event = ana.token_event(SIGN_IN, "1");
        event["callerContext"]["clientId"] = json!(client(number));
        pool.tokens(event).await.unwrap();
        pool.functions.wait(1);
    }
    // The latest stands for all of them.
    let last = pool.record(&ana).await.last_unproven_at();
    assert_eq!(last, Some(UnixTime(pool.functions.now().0 - 1)));
    pool.functions.clock.set(UnixTime(last.unwrap().0 + LONGEST_DAYS * DAY));
    assert!(pool.record(&ana).await.to_json().unwrap().len() < 2000);
    pool.enroll(&ana).await;
    for number in 0..100 {
        let mut event = in_groups(ana.token_event(REFRESH, "1"), &["admins"]);
        event["callerContext"]["clientId"] = json!(client(number));
        is_required(&pool.tokens(event).await);
    }
}

#[tokio::test]
async fn what_was_unproven_outlives_a_record_that_is_replaced() {
    let (pool, ana) = (Pool::requiring(admins()), ana());
    pool.sign_in_tokens(&ana).await.unwrap();
    let before = pool.record(&ana).await;
    let replaced = Record::reset(Generation([9; 8])).with_sessions_of(&before);
    assert_eq!(replaced.last_unproven_at(), before.last_unproven_at());
    let client = ClientId::new(CLIENT_ID).unwrap();
    let longest = LongestSession::new(LONGEST_DAYS, pool.guarded_since);
    assert!(replaced.refresh_is_unproven(&client, longest, None, pool.functions.now()));
}

#[tokio::test]
async fn a_guard_that_only_reports_changes_nothing_for_anybody() {
    let (pool, ana) = (Pool::requiring(admins()), ana());
    let until = UnixTime(pool.functions.now().0 + 60);
    let guard = || Guard { report_only: ReportOnly::until(until), guarded_since: GuardedSince::NONE, ..pool.guard() };
    for source in [SIGN_IN, NEW_PASSWORD, REFRESH] {
        for groups in [["admins"], ["editors"]] {
            guard().handle(in_groups(ana.token_event(source, "1"), &groups), pool.functions.now()).await.unwrap();
        }
        let function = NextInProcess::new(|mut event| {
            event["response"]["claimsOverrideDetails"]["groupOverrideDetails"]["groupsToOverride"] = json!(["admins"]);
            Ok(event)
        });
        let next = Some(Next { function, errors: NextFunctionErrors::Hidden });
        guard().handing_on(next).handle(ana.token_event(source, "1"), pool.functions.now()).await.unwrap();
    }
    assert_eq!(pool.functions.stored(&ana).await.version.0, 0);
    for source in [SIGN_IN, REFRESH] {
        is_required(&guard().handle(in_groups(ana.token_event(source, "1"), &["admins"]), until).await);
    }
}

#[tokio::test]
async fn a_federated_user_passes_by_no_password_here() {
    let (pool, mut user) = (Pool::optional(), User::named("google_1", 1));
    user.attributes.insert("cognito:user_status".to_owned(), json!("EXTERNAL_PROVIDER"));
    user.attributes.insert("identities".to_owned(), json!(r#"[{"providerName":"Google"}]"#));
    for source in [SIGN_IN, NEW_PASSWORD] {
        has_no_grant(&pool.tokens(user.token_event(source, "1")).await);
    }
    assert_eq!(pool.functions.stored(&user).await.version.0, 0);
}

#[tokio::test]
async fn second_factor_since_is_later_than_any_session_that_proved_nothing() {
    let since = async |pool: &Pool, user: &User, policy| {
        let guard = Guard { policy, longest_session: None, ..pool.guard() };
        let answered = guard.handle(user.token_event(REFRESH, "1"), pool.functions.now()).await.unwrap();
        let claims = &answered["response"]["claimsOverrideDetails"]["claimsToAddOrOverride"];
        UnixTime(claims["second_factor_since"].as_str().unwrap().parse().unwrap())
    };
    // Tokens that the guard passed in the second before the user enrolled are issued after it.
    let (pool, ana) = (Pool::optional(), ana());
    pool.sign_in_tokens(&ana).await.unwrap();
    let passed_at = pool.functions.now();
    pool.functions.wait(1);
    pool.enroll(&ana).await;
    // Also where the policy is stricter by now.
    for policy in [Policy::Optional, Policy::Required] {
        assert_eq!(since(&pool, &ana, policy).await, UnixTime(passed_at.0 + ISSUED_WITHIN_SECONDS));
    }
    // Without such a session, the one that enrolled counts.
    let (pool, ana) = (Pool::optional(), self::ana());
    let enrolled_at = pool.functions.now();
    pool.enroll(&ana).await;
    assert_eq!(since(&pool, &ana, Policy::Optional).await, enrolled_at);
}

#[tokio::test]
async fn a_function_with_older_settings_asks_to_start_again() {
    let (mut pool, ana) = (Pool::optional(), ana());
    let mut sign_in = pool.offered(&ana).await;
    sign_in.answer("SET_UP").await.unwrap();
    let session = sign_in.session.clone();
    // Define is newer, so it asks this Create for a challenge that its own settings know nothing of.
    pool.functions.set(settings(Policy::Required));
    let event = ana.event(ChallengeTrigger::Create, json!({ "session": session, "challengeName": "CUSTOM_CHALLENGE" }));
    let refused = pool.functions.create.handle(event, pool.functions.now()).await;
    assert!(matches!(refused, Err(HandlerError::ChallengeOutdated)), "{refused:?}");
}

#[tokio::test]
async fn groups_in_a_shape_that_nobody_knows_require_one() {
    let (pool, ana) = (Pool::requiring(admins()), ana());
    for groups in [json!("admins"), json!([1]), json!({})] {
        let mut event = ana.token_event(SIGN_IN, "1");
        event["request"]["groupConfiguration"]["groupsToOverride"] = groups;
        is_required(&pool.tokens(event).await);
    }
}

async fn tokens_of(pool: &Pool, user: &User, source: &str) -> bool {
    let federated = shared::federated::FederatedProviders::parse("Google").unwrap();
    let guard = Guard { federated, ..pool.guard() };
    guard.handle(user.token_event(source, "1"), pool.functions.now()).await.is_ok()
}

#[tokio::test]
async fn a_federated_user_is_refused_where_one_is_required() {
    let (mut pool, mut user) = (Pool::optional(), User::named("google_1", 1));
    user.attributes.insert("cognito:user_status".to_owned(), json!("EXTERNAL_PROVIDER"));
    user.attributes.insert("identities".to_owned(), json!(r#"[{"providerName":"Google"}]"#));
    let tokens = async |pool: &Pool, source: &str, groups: &[&str]| {
        let federated = shared::federated::FederatedProviders::parse("Google").unwrap();
        let guard = Guard { federated, ..pool.guard() };
        guard.handle(in_groups(user.token_event(source, "1"), groups), pool.functions.now()).await.is_ok()
    };
    let hosted = "TokenGeneration_HostedAuth";
    pool.require(admins());
    for source in [hosted, REFRESH] {
        assert!(tokens(&pool, source, &["editors"]).await, "{source}");
        assert!(!tokens(&pool, source, &["admins"]).await, "{source}");
    }
    pool.require(Requirements::default().at_clients(&[CLIENT_ID]));
    for source in [hosted, REFRESH] {
        assert!(!tokens(&pool, source, &[]).await, "{source}");
    }
    // Their provider has asked: the date binds local users.
    pool.require(Requirements::default().from(UnixTime(0)));
    assert!(tokens(&pool, hosted, &[]).await);
    // A local user's status, and a linked one.
    user.attributes.insert("cognito:user_status".to_owned(), json!("CONFIRMED"));
    assert!(!tokens_of(&pool, &user, hosted).await);
    user.attributes.remove("cognito:user_status");
    assert!(!tokens_of(&pool, &user, hosted).await);
}

/// The team's own function puts its users into a group.
async fn answered_after(pool: &Pool, shape: &str, event: Value) -> Result<Value, HandlerError> {
    moved_to(pool, shape, &["admins"], event).await
}

async fn moved_to(pool: &Pool, shape: &str, groups: &[&str], event: Value) -> Result<Value, HandlerError> {
    let details = json!({ "groupOverrideDetails": { "groupsToOverride": groups } });
    let response = json!({ shape: details });
    let function = NextInProcess::new(move |mut event| {
        event["response"] = response.clone();
        Ok(event)
    });
    let next = Some(Next { function, errors: NextFunctionErrors::Hidden });
    pool.guard().handing_on(next).handle(event, pool.functions.now()).await
}

#[tokio::test]
async fn the_groups_of_the_next_function_are_judged_too() {
    for shape in ["claimsOverrideDetails", "claimsAndScopeOverrideDetails"] {
        let (pool, ana) = (Pool::requiring(admins()), ana());
        is_required(&answered_after(&pool, shape, ana.token_event(SIGN_IN, "2")).await);
        assert!(pool.record(&ana).await.required_since().is_some());
        assert_eq!(pool.challenge_of_next_sign_in(&ana).await, "TOTP_SETUP");
        // Nobody got tokens, so nobody is punished for having enrolled.
        assert_eq!(pool.record(&ana).await.last_unproven_at(), None);
        let person = pool.functions.enroll(&ana).await;
        answered_after(&pool, shape, ana.token_event(SIGN_IN, "2")).await.unwrap();
        answered_after(&pool, shape, ana.token_event(REFRESH, "2")).await.unwrap();
        // Where the next function moves nobody, they may do without again.
        pool.functions.wait(30);
        assert!(pool.functions.passes_prompt(&ana, &person.passcode(pool.functions.now())).await);
        moved_to(&pool, shape, &["editors"], ana.token_event(SIGN_IN, "2")).await.unwrap();
        assert_eq!(pool.record(&ana).await.required_since(), None);
    }
}

#[tokio::test]
async fn a_session_that_the_next_function_moves_is_judged_by_what_it_proved() {
    let (pool, ana) = (Pool::requiring(admins()), ana());
    pool.sign_in_tokens(&ana).await.unwrap();
    pool.enroll(&ana).await;
    is_required(&answered_after(&pool, "claimsOverrideDetails", ana.token_event(REFRESH, "1")).await);
    pool.functions.wait(ISSUED_WITHIN_SECONDS);
    pool.sign_out(&ana).await;
    answered_after(&pool, "claimsOverrideDetails", ana.token_event(REFRESH, "1")).await.unwrap();
}

#[tokio::test]
async fn what_changes_while_the_next_function_runs_is_judged_after_it() {
    for (is_noted, is_reset) in [(false, false), (false, true), (true, false), (true, true)] {
        let (pool, ana) = (Pool::optional(), ana());
        if is_noted {
            // By another sign-in of the same second, so this one saves nothing.
            pool.sign_in_tokens(&ana).await.unwrap();
        }
        let stored = pool.functions.stored(&ana).await;
        let changed = match is_reset {
            true => Record::reset(Generation([9; 8])),
            false => {
                let (other, ana) = (Pool::optional(), self::ana());
                other.enroll(&ana).await;
                other.record(&ana).await
            }
        };
        let (store, key) = (pool.functions.create.store.clone(), ana.key());
        let changed = changed.with_sessions_of(&stored.record);
        let function = NextInProcess::new(move |event| {
            let saved = store.save(&key, &changed, stored.version).now_or_never();
            assert_eq!(saved.unwrap().unwrap(), Saved::Recorded);
            Ok(event)
        });
        let guard = pool.guard().handing_on(Some(Next { function, errors: NextFunctionErrors::Hidden }));
        has_no_grant(&guard.handle(ana.token_event(SIGN_IN, "1"), pool.functions.now()).await);
    }
}

#[tokio::test]
async fn a_next_function_that_fails_leaves_what_is_required() {
    let (pool, ana) = (Pool::requiring(admins()), ana());
    answered_after(&pool, "claimsOverrideDetails", ana.token_event(SIGN_IN, "1")).await.unwrap_err();
    pool.functions.enroll(&ana).await;
    let required_since = pool.record(&ana).await.required_since();
    assert!(required_since.is_some());
    let function = NextInProcess::new(|_| Err(json!({ "errorMessage": "plainly fake" })));
    let guard = pool.guard().handing_on(Some(Next { function, errors: NextFunctionErrors::Hidden }));
    guard.handle(ana.token_event(SIGN_IN, "1"), pool.functions.now()).await.unwrap_err();
    assert_eq!(pool.record(&ana).await.required_since(), required_since);
}

#[tokio::test]
async fn groups_that_the_next_function_writes_as_a_claim_are_judged_too() {
    let of_tokens = |groups: Value| json!({ "claimsToAddOrOverride": { "cognito:groups": groups } });
    let v2 = |token: &str, groups| json!({ "claimsAndScopeOverrideDetails": { token: of_tokens(groups) } });
    for (response, binds) in [
        (v2("accessTokenGeneration", json!(["admins"])), true),
        (v2("idTokenGeneration", json!(["editors", "admins"])), true),
        (v2("idTokenGeneration", json!(["editors"])), false),
        (json!({ "claimsOverrideDetails": of_tokens(json!("editors,admins")) }), true),
        (json!({ "claimsOverrideDetails": of_tokens(json!("editors")) }), false),
        (json!({ "claimsOverrideDetails": of_tokens(json!({ "admins": true })) }), true),
    ] {
        let (pool, ana) = (Pool::requiring(admins()), ana());
        let answer = response.clone();
        let function = NextInProcess::new(move |mut event| {
            event["response"] = answer.clone();
            Ok(event)
        });
        let guard = pool.guard().handing_on(Some(Next { function, errors: NextFunctionErrors::Hidden }));
        let version = if response.get("claimsOverrideDetails").is_some() { "1" } else { "2" };
        let tokens = guard.handle(ana.token_event(SIGN_IN, version), pool.functions.now()).await;
        if binds { is_required(&tokens) } else { drop(tokens.unwrap()) }
    }
}

#[tokio::test]
async fn a_session_from_before_a_reset_is_refreshed_no_more() {
    let (pool, ana) = (Pool::optional(), ana());
    pool.sign_in_tokens(&ana).await.unwrap();
    pool.refresh_of(&ana, &[]).await.unwrap();
    for taken_back in [Record::reset(Generation([9; 8])), Record::forgotten(Generation([8; 8]), pool.functions.now())] {
        pool.put(&ana, &taken_back.with_sessions_of(&pool.record(&ana).await)).await;
        is_required(&pool.refresh_of(&ana, &[]).await);
    }
}

#[tokio::test]
async fn tokens_without_a_grant_need_a_table_that_is_the_pools() {
    /// A table of records that nobody has set up for the pool.
    struct NotSetUp(Arc<Records>);
    impl RecordStore for NotSetUp {
        async fn load(&self, user: &UserKey) -> Result<Versioned, StoreError> {
            self.0.load(user).await
        }
        async fn save(&self, user: &UserKey, record: &Record, replacing: Version) -> Result<Saved, StoreError> {
            self.0.save(user, record, replacing).await
        }
        async fn confirm(&self, _: &str) -> Result<(), StoreError> {
            Err(StoreError("not set up".into()))
        }
    }
    let (pool, ana) = (Pool::optional(), ana());
    for is_found in [false, true] {
        let store = NotSetUp(pool.functions.create.store.clone());
        let guard = Guard { policy: Policy::Optional, ..Guard::new(TokenGuard::Grant, store) };
        let fault = guard.handle(ana.token_event(SIGN_IN, "1"), pool.functions.now()).await;
        assert!(matches!(fault, Err(HandlerError::Store(_))), "{is_found}: {fault:?}");
        pool.sign_in_tokens(&ana).await.unwrap();
    }
}

#[tokio::test]
async fn a_member_by_the_next_function_who_has_signed_in_turns_nothing_off() {
    let (pool, ana) = (Pool::requiring(admins()), ana());
    let person = pool.enroll(&ana).await;
    answered_after(&pool, "claimsOverrideDetails", ana.token_event(SIGN_IN, "1")).await.unwrap();
    assert!(pool.record(&ana).await.required_since().is_some());
    let mut sign_in = pool.functions.sign_in(&ana);
    sign_in.client_metadata = Some(json!({ "afterSecondFactor": "REMOVE_AUTHENTICATOR" }));
    sign_in.challenge().await.unwrap();
    assert!(sign_in.answer(&person.passcode(pool.functions.now())).await.unwrap());
    assert_eq!(sign_in.challenge().await.unwrap_err().to_string(), REQUIRED_SENTENCE);
}

#[tokio::test]
async fn the_next_function_moves_no_federated_user_into_a_required_group() {
    let (pool, mut user) = (Pool::requiring(admins()), User::named("google_1", 1));
    user.attributes.insert("cognito:user_status".to_owned(), json!("EXTERNAL_PROVIDER"));
    // With the fixed sentence: they have no second factor to set up here.
    let denied = answered_after(&pool, "claimsOverrideDetails", user.token_event(REFRESH, "1")).await;
    assert!(matches!(denied, Err(HandlerError::TokenDenied(TokenDenied::Source(_)))), "{denied:?}");
}

// ── Turning it off.

#[tokio::test]
async fn another_passcode_turns_it_off_and_the_tokens_claim_nothing() {
    let (pool, ana) = (Pool::optional(), ana());
    let person = pool.enroll(&ana).await;
    let mut sign_in = pool.removing(&ana, &person).await;
    let same = person.passcode(pool.functions.now());
    assert!(!sign_in.answer(&same).await.unwrap(), "the passcode that proved the factor is used up");
    pool.functions.wait(30);
    sign_in.challenge().await.unwrap();
    assert!(sign_in.answer(&person.passcode(pool.functions.now())).await.unwrap());
    assert!(sign_in.has_tokens().await.unwrap());
    assert_eq!(pool.sign_in_tokens(&ana).await.unwrap(), json!({ "second_factor_enrolled": "false" }));
    let record = pool.record(&ana).await;
    assert!(record.authenticator().is_none() && record.last_proof().is_none() && record.turned_off_at().is_some());
    assert_eq!(record.failures(pool.functions.now()), 1, "the wrong passcode still counts");
    pool.skip(&ana).await;
    pool.enroll(&ana).await;
    assert_eq!(pool.record(&ana).await.turned_off_at(), None);
    let claims = pool.sign_in_tokens(&ana).await.unwrap();
    assert_eq!(claims["second_factor_wrong_passcodes"], "0", "a slip with the earlier authenticator is no news");
}

#[tokio::test]
async fn a_recovery_code_turns_it_off() {
    let (pool, ana) = (Pool::optional(), ana());
    let person = pool.enroll(&ana).await;
    let mut sign_in = pool.removing(&ana, &person).await;
    assert!(sign_in.answer(&person.codes[3]).await.unwrap());
    assert!(sign_in.has_tokens().await.unwrap());
    assert!(pool.record(&ana).await.authenticator().is_none());
}

#[tokio::test]
async fn the_request_alone_turns_nothing_off() {
    let (pool, ana) = (Pool::optional(), ana());
    let person = pool.enroll(&ana).await;
    // A script in the page adds the request to the owner's own answer.
    let mut sign_in = pool.removing(&ana, &person).await;
    assert!(!sign_in.answer("SKIP").await.unwrap());
    sign_in.client_metadata = Some(json!({ "afterSecondFactor": "NOTHING" }));
    assert!(sign_in.has_tokens().await.unwrap());
    assert!(pool.record(&ana).await.authenticator().is_some());
}

#[tokio::test]
async fn three_wrong_answers_end_the_sign_in_and_are_counted() {
    let (pool, ana) = (Pool::optional(), ana());
    let person = pool.enroll(&ana).await;
    let mut sign_in = pool.removing(&ana, &person).await;
    for left in [3, 2, 1] {
        assert_eq!(sign_in.issued["publicChallengeParameters"]["attemptsLeft"], left.to_string());
        assert!(!sign_in.answer(&person.wrong_passcode(pool.functions.now())).await.unwrap());
        if left > 1 {
            sign_in.challenge().await.unwrap();
        }
    }
    assert_eq!(sign_in.define().await.unwrap()["failAuthentication"], true);
    assert_eq!(pool.record(&ana).await.failures(pool.functions.now()), 3);
}

#[tokio::test]
async fn a_removal_that_was_held_over_a_change_of_the_record_removes_nothing() {
    let (pool, ana) = (Pool::optional(), ana());
    let person = pool.enroll(&ana).await;
    let held = pool.removing(&ana, &person).await;
    pool.functions.wait(30);
    let mut other = pool.functions.sign_in(&ana);
    other.client_metadata = Some(json!({ "afterSecondFactor": "REPLACE_AUTHENTICATOR" }));
    other.challenge().await.unwrap();
    assert!(other.answer(&person.passcode(pool.functions.now())).await.unwrap());
    let secret = set_up_authenticator(&mut other).await;
    pool.functions.wait(30);
    pool.is_outdated(held.answer_event(&passcode(&secret, pool.functions.now()))).await;
    assert!(pool.record(&ana).await.authenticator().is_some());
}

#[tokio::test]
async fn a_removal_is_delivered_twice_and_done_once() {
    let (pool, ana) = (Pool::optional(), ana());
    let person = pool.enroll(&ana).await;
    let sign_in = pool.removing(&ana, &person).await;
    let event = sign_in.answer_event(&person.codes[3]);
    for _ in 0..2 {
        let answered = pool.functions.verify(event.clone()).await.unwrap();
        assert_eq!(answered["response"]["answerCorrect"], true);
    }
}

#[tokio::test]
async fn nobody_turns_off_what_is_required() {
    let date = Requirements::default().from(UnixTime(NOW.0));
    for requirements in [date, Requirements::default().at_clients(&[CLIENT_ID])] {
        let (mut pool, ana) = (Pool::optional(), ana());
        let person = pool.enroll(&ana).await;
        let held = pool.removing(&ana, &person).await.answer_event(&person.codes[3]);
        pool.require(requirements);
        let refused = pool.functions.verify.handle(held, pool.functions.now()).await;
        assert!(matches!(refused, Err(HandlerError::SecondFactorRequired)), "{refused:?}");
        pool.functions.wait(30);
        let mut sign_in = pool.functions.sign_in(&ana);
        sign_in.client_metadata = Some(json!({ "afterSecondFactor": "REMOVE_AUTHENTICATOR" }));
        sign_in.challenge().await.unwrap();
        assert!(sign_in.answer(&person.passcode(pool.functions.now())).await.unwrap());
        assert_eq!(sign_in.challenge().await.unwrap_err().to_string(), REQUIRED_SENTENCE);
        assert!(pool.record(&ana).await.authenticator().is_some());
    }
}

#[tokio::test]
async fn a_member_who_has_signed_in_turns_nothing_off() {
    let (pool, ana) = (Pool::requiring(admins()), ana());
    let person = pool.enroll(&ana).await;
    // The guard notes what it sees in the save that it makes anyway.
    pool.sign_in_tokens_of(&ana, &["admins"]).await.unwrap();
    let mut sign_in = pool.functions.sign_in(&ana);
    sign_in.client_metadata = Some(json!({ "afterSecondFactor": "REMOVE_AUTHENTICATOR" }));
    sign_in.challenge().await.unwrap();
    assert!(sign_in.answer(&person.passcode(pool.functions.now())).await.unwrap());
    assert_eq!(sign_in.challenge().await.unwrap_err().to_string(), REQUIRED_SENTENCE);
}

#[tokio::test]
async fn under_required_the_request_fails_as_one_that_nobody_knows() {
    let (mut pool, ana) = (Pool::optional(), ana());
    let person = pool.enroll(&ana).await;
    pool.functions.set(settings(Policy::Required));
    let mut sign_in = pool.functions.sign_in(&ana);
    sign_in.client_metadata = Some(json!({ "afterSecondFactor": "REMOVE_AUTHENTICATOR" }));
    sign_in.challenge().await.unwrap();
    assert!(sign_in.answer(&person.passcode(pool.functions.now())).await.unwrap());
    assert_eq!(sign_in.define().await.unwrap()["failAuthentication"], true);
}

// ── Settings.

#[test]
fn settings_that_contradict_each_other_stop_the_function_and_are_named() {
    let lookup = |set: &'static [(&'static str, &'static str)]| {
        move |variable: &str| set.iter().find(|(name, _)| *name == variable).map(|(_, value)| (*value).to_owned())
    };
    let problem = |error: shared::settings::SettingError| error.to_string();
    let optional: &[(&str, &str)] = &[("SECOND_FACTOR_POLICY", "OPTIONAL")];
    for enrollment in [Enrollment::ByOperator, Enrollment::AfterCognitoMfa] {
        let wrong = problem(enrollment.policy(&lookup(optional)).unwrap_err());
        assert_eq!(wrong, "SECOND_FACTOR_POLICY: OPTIONAL goes with ENROLLMENT AT_SIGN_IN only");
    }
    let wrong = problem(TokenGuard::TriggerSource.policy(&lookup(optional)).unwrap_err());
    assert_eq!(wrong, "SECOND_FACTOR_POLICY: OPTIONAL goes with TOKEN_GUARD GRANT only");
    assert_eq!(TokenGuard::TriggerSource.policy(&lookup(&[])), Ok(Policy::Required));
    let unknown: &[(&str, &str)] = &[("SECOND_FACTOR_POLICY", "MAYBE")];
    assert!(problem(Policy::read(&lookup(unknown)).unwrap_err()).contains("REQUIRED or OPTIONAL"));

    let dated: &[(&str, &str)] = &[("REQUIRED_FROM", "2026-12-24T08:00:00Z")];
    let wrong = problem(Requirements::read(&lookup(dated), Policy::Required).unwrap_err());
    assert!(wrong.starts_with("REQUIRED_FROM: must not be set with SECOND_FACTOR_POLICY REQUIRED"), "{wrong}");
    Requirements::read(&lookup(dated), Policy::Optional).unwrap();
    let undated: &[(&str, &str)] = &[("REQUIRED_FROM", "tomorrow")];
    assert!(problem(Requirements::read(&lookup(undated), Policy::Optional).unwrap_err()).starts_with("REQUIRED_FROM"));

    let longest =
        |set, policy, since| LongestSession::read(&lookup(set), TokenGuard::Grant, policy, ReportOnly::NEVER, since);
    let since = GuardedSince::new(NOW);
    let wrong = problem(longest(&[], Policy::Optional, since).unwrap_err());
    assert_eq!(wrong, "LONGEST_SESSION_DAYS: must be set with SECOND_FACTOR_POLICY OPTIONAL");
    assert_eq!(longest(&[], Policy::Required, since), Ok(None));
    let days: &[(&str, &str)] = &[("LONGEST_SESSION_DAYS", "30")];
    let wrong = problem(longest(days, Policy::Required, GuardedSince::NONE).unwrap_err());
    assert_eq!(wrong, "LONGEST_SESSION_DAYS: needs GUARDED_SINCE or REPORT_ONLY_UNTIL");
    let reporting = ReportOnly::until(NOW);
    let unnoted =
        LongestSession::read(&lookup(days), TokenGuard::TriggerSource, Policy::Required, reporting, GuardedSince::NONE);
    assert!(problem(unnoted.unwrap_err()).starts_with("LONGEST_SESSION_DAYS: must not be set with TOKEN_GUARD"));
    assert_eq!(longest(days, Policy::Optional, since), Ok(Some(LongestSession::new(30, NOW))));
    for wrong in ["0", "3651", "-1", "a month", "1.5"] {
        let lookup = |variable: &str| (variable == "LONGEST_SESSION_DAYS").then(|| wrong.to_owned());
        LongestSession::read(&lookup, TokenGuard::Grant, Policy::Optional, ReportOnly::NEVER, since).unwrap_err();
    }
}
