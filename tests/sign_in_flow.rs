//! Whole sign-ins against the local user pool, with the three triggers as they are deployed: what a user sees, and what
//! an attacker who knows the password does not get.

use std::sync::Arc;

use local::{ClientSettings, CognitoError, PoolSettings, PreventUserExistenceErrors};
use serde_json::json;
use shared::error::ClientError;
use shared::ids::Generation;
use shared::record::Record;
use shared::settings::{AcceptedCognitoMfa, Enrollment, SignInSettings};
use shared::store::RecordStore;
use shared::store::memory::MemoryStore;
use tests::person::{Person, codes_shown, passcode, secret_shown};
use tests::pool::{PASSWORD, Step, TestPool};
use tests::stores::TakingTurns;

/// A user with an authenticator and recovery codes.
struct Ana {
    pool: TestPool,
    person: Person,
}

impl Ana {
    async fn new() -> Self {
        Self::in_pool(TestPool::default()).await
    }

    async fn in_pool(pool: TestPool) -> Self {
        pool.add_user("ana").await;
        let person = Person::enroll(&mut pool.sign_in("ana").await).await;
        // The passcode of the enrollment is used.
        pool.wait(30);
        Self { pool, person }
    }

    fn passcode(&self) -> String {
        self.person.passcode(self.pool.now())
    }

    fn wrong_passcode(&self) -> String {
        self.person.wrong_passcode(self.pool.now())
    }

    async fn start(&self) -> Step {
        self.pool.start("ana", PASSWORD).await.unwrap()
    }

    async fn answer(&self, step: &Step, answer: &str) -> Result<Step, CognitoError> {
        self.pool.answer(step, answer).await
    }
}

fn is_refused<T: std::fmt::Debug>(answer: Result<T, CognitoError>) {
    let error = answer.unwrap_err();
    assert_eq!((error.kind, error.message.as_str()), ("NotAuthorizedException", "Incorrect username or password."));
}

fn is_the_client_error<T: std::fmt::Debug>(answer: Result<T, CognitoError>) {
    let error = answer.unwrap_err();
    assert_eq!(error.kind, "UserLambdaValidationException");
    assert!(error.message.contains(ClientError::SENTENCE), "{}", error.message);
}

#[tokio::test]
async fn a_user_enrolls_at_the_first_sign_in_and_then_uses_a_passcode() {
    let ana = Ana::new().await;
    for _ in 0..3 {
        let step = ana.start().await;
        assert_eq!((step.shown("challenge"), step.shown("accepts")), ("SECOND_FACTOR", "PASSCODE RECOVERY_CODE"));
        assert_eq!((step.shown("attemptsLeft"), step.shown("retryAfterSeconds")), ("3", "0"));
        assert!(ana.answer(&step, &ana.passcode()).await.unwrap().has_tokens());
        ana.pool.wait(30);
    }
}

#[tokio::test]
async fn after_a_wrong_password_no_custom_challenge_is_issued() {
    is_refused(Ana::new().await.pool.start("ana", "Wrong-password-1").await);
}

#[tokio::test]
async fn a_client_that_skips_the_password_gets_nothing() {
    let ana = Ana::new().await;
    let client = &ana.pool.settings().clients[0].client_id;
    let request = json!({ "AuthFlow": "CUSTOM_AUTH", "ClientId": client, "AuthParameters": { "USERNAME": "ana" } });
    is_refused(ana.pool.call("InitiateAuth", request).await);
}

#[tokio::test]
async fn two_wrong_answers_are_forgiven_and_the_third_ends_the_sign_in() {
    let ana = Ana::new().await;
    let step = ana.start().await;
    let step = ana.answer(&step, &ana.wrong_passcode()).await.unwrap();
    assert_eq!(step.shown("attemptsLeft"), "2");
    let step = ana.answer(&step, "nonsense").await.unwrap();
    assert_eq!(step.shown("attemptsLeft"), "1");
    assert!(ana.answer(&step, &ana.passcode()).await.unwrap().has_tokens());

    let step = ana.start().await;
    let step = ana.answer(&step, "nonsense").await.unwrap();
    let step = ana.answer(&step, "nonsense").await.unwrap();
    is_refused(ana.answer(&step, "nonsense").await);
}

#[tokio::test]
async fn a_used_passcode_is_refused_in_every_other_sign_in() {
    let ana = Ana::new().await;
    let (one, other) = (ana.start().await, ana.start().await);
    let used = ana.passcode();
    assert!(ana.answer(&one, &used).await.unwrap().has_tokens());
    let step = ana.answer(&other, &used).await.unwrap();
    assert_eq!(step.shown("attemptsLeft"), "2");
}

#[tokio::test]
async fn wrong_passcodes_are_counted_across_sign_ins_and_cost_a_wait_that_ends() {
    let ana = Ana::new().await;
    for _ in 0..5 {
        let step = ana.start().await;
        ana.answer(&step, &ana.wrong_passcode()).await.unwrap();
    }
    let step = ana.start().await;
    assert_eq!(step.shown("retryAfterSeconds"), "30");
    let step = ana.answer(&step, &ana.passcode()).await.unwrap();
    assert_eq!(step.shown("challenge"), "SECOND_FACTOR", "a right passcode is refused during the wait");
    ana.pool.wait(30);
    assert!(ana.answer(&step, &ana.passcode()).await.unwrap().has_tokens());
}

#[tokio::test]
async fn nobody_can_lock_the_owner_out_of_the_recovery_codes() {
    let ana = Ana::new().await;
    // An attacker with the password guesses until passcodes stop.
    loop {
        let step = ana.start().await;
        if step.shown("accepts") == "RECOVERY_CODE" {
            break;
        }
        match step.shown("retryAfterSeconds").parse().unwrap() {
            0 => drop(ana.answer(&step, &ana.wrong_passcode()).await.unwrap()),
            seconds => ana.pool.wait(seconds),
        }
    }
    let step = ana.start().await;
    let step = ana.answer(&step, &ana.passcode()).await.unwrap();
    let step = ana.answer(&step, &ana.person.codes[3]).await.unwrap();
    assert!(step.has_tokens());
    assert_eq!(ana.start().await.shown("accepts"), "PASSCODE RECOVERY_CODE", "and it lifts the stop");
}

#[tokio::test]
async fn a_recovery_code_replaces_a_lost_phone_and_the_old_one_stops_working() {
    for client_metadata_reaches_create in [true, false] {
        let settings = PoolSettings { client_metadata_reaches_create, ..PoolSettings::default() };
        let ana = Ana::in_pool(TestPool::new(Enrollment::AtSignIn, settings)).await;
        let step = ana.start().await;
        let step = ana.pool.answer_requesting(&step, &ana.person.codes[1], "REPLACE_AUTHENTICATOR").await.unwrap();
        let new = Person::enroll(&mut ana.pool.resume(step)).await;
        ana.pool.wait(30);
        let step = ana.start().await;
        let step = ana.answer(&step, &ana.passcode()).await.unwrap();
        let step = ana.answer(&step, &ana.person.codes[2]).await.unwrap();
        assert_eq!(step.shown("attemptsLeft"), "1", "the old authenticator and the old codes no longer work");
        assert!(ana.answer(&step, &new.passcode(ana.pool.now())).await.unwrap().has_tokens());
        assert!(
            ana.answer(&ana.start().await, &new.codes[0]).await.unwrap().has_tokens(),
            "the code typed back is unused"
        );
    }
}

#[tokio::test]
async fn the_old_authenticator_works_until_the_new_one_has_proven_itself() {
    let ana = Ana::new().await;
    let step = ana.start().await;
    let step = ana.pool.answer_requesting(&step, &ana.passcode(), "REPLACE_AUTHENTICATOR").await.unwrap();
    assert_eq!(step.shown("challenge"), "TOTP_SETUP");
    let secret = secret_shown(step.parameters());
    let step = ana.answer(&step, "000000").await.unwrap();
    assert_eq!((step.shown("challenge"), step.shown("secretCode")), ("TOTP_SETUP", ""), "nothing is shown twice");
    // The old one still signs in elsewhere.
    ana.pool.wait(30);
    assert!(ana.answer(&ana.start().await, &ana.passcode()).await.unwrap().has_tokens());
    // The same secret is still on offer.
    let step = ana.answer(&step, &passcode(&secret, ana.pool.now())).await.unwrap();
    assert_eq!(step.shown("challenge"), "RECOVERY_CODES");
    ana.pool.wait(30);
    let step = ana.answer(&ana.start().await, &ana.passcode()).await.unwrap();
    assert_eq!(step.shown("challenge"), "SECOND_FACTOR", "the old one no longer works");
}

#[tokio::test]
async fn a_client_that_gives_a_replacement_up_with_nothing_gets_its_tokens() {
    let ana = Ana::new().await;
    let step = ana.start().await;
    let step = ana.pool.answer_requesting(&step, &ana.passcode(), "REPLACE_AUTHENTICATOR").await.unwrap();
    assert!(ana.pool.answer_requesting(&step, "-", "NOTHING").await.unwrap().has_tokens());
    ana.pool.wait(30);
    assert!(ana.answer(&ana.start().await, &ana.passcode()).await.unwrap().has_tokens());
}

#[tokio::test]
async fn an_unknown_after_second_factor_gets_no_tokens() {
    let ana = Ana::new().await;
    let step = ana.start().await;
    is_refused(ana.pool.answer_requesting(&step, &ana.passcode(), "REPLACE_AUTHENTICATR").await);
}

#[tokio::test]
async fn new_recovery_codes_replace_the_old_ones_on_request() {
    let ana = Ana::new().await;
    let step = ana.start().await;
    let step = ana.pool.answer_requesting(&step, &ana.passcode(), "NEW_RECOVERY_CODES").await.unwrap();
    let codes: Vec<String> = codes_shown(step.parameters());
    let step = ana.pool.answer_requesting(&step, "a typo", "NEW_RECOVERY_CODES").await.unwrap();
    assert_eq!((step.shown("challenge"), step.shown("recoveryCodes")), ("RECOVERY_CODES", ""));
    assert!(ana.answer(&step, &codes[7].to_lowercase()).await.unwrap().has_tokens());
    let step = ana.answer(&ana.start().await, &ana.person.codes[1]).await.unwrap();
    assert_eq!(step.shown("attemptsLeft"), "2", "the old set no longer works");
    assert!(ana.answer(&step, &codes[8]).await.unwrap().has_tokens());
}

/// Create cannot distinguish the two requests there. What is replaced meanwhile still needs its first passcode.
#[tokio::test]
async fn without_client_metadata_in_create_new_codes_come_with_a_replacement() {
    let unreached = || PoolSettings { client_metadata_reaches_create: false, ..PoolSettings::default() };
    let ana = Ana::in_pool(TestPool::new(Enrollment::AtSignIn, unreached())).await;
    let step = ana.start().await;
    let step = ana.pool.answer_requesting(&step, &ana.passcode(), "NEW_RECOVERY_CODES").await.unwrap();
    let new = Person::enroll(&mut ana.pool.resume(step)).await;
    ana.pool.wait(30);
    let step = ana.answer(&ana.start().await, &ana.passcode()).await.unwrap();
    let step = ana.answer(&step, &ana.person.codes[1]).await.unwrap();
    assert_eq!(step.shown("attemptsLeft"), "1", "the old authenticator and the old codes no longer work");
    assert!(ana.answer(&step, &new.passcode(ana.pool.now())).await.unwrap().has_tokens());
    assert!(ana.answer(&ana.start().await, &new.codes[1]).await.unwrap().has_tokens());

    let ana = Ana::in_pool(TestPool::new(Enrollment::AtSignIn, unreached())).await;
    let step = ana.start().await;
    let step = ana.pool.answer_requesting(&step, &ana.passcode(), "NEW_RECOVERY_CODES").await.unwrap();
    assert_eq!(step.shown("challenge"), "TOTP_SETUP");
    assert!(ana.pool.answer_requesting(&step, "-", "NOTHING").await.unwrap().has_tokens());
    ana.pool.wait(30);
    assert!(ana.answer(&ana.start().await, &ana.passcode()).await.unwrap().has_tokens(), "the old one works");
}

/// NOTHING comes with an answer, which is wrong and counts like any other.
#[tokio::test]
async fn after_two_typos_it_is_too_late_to_give_a_replacement_up() {
    let ana = Ana::new().await;
    let step = ana.start().await;
    let mut step = ana.pool.answer_requesting(&step, &ana.passcode(), "REPLACE_AUTHENTICATOR").await.unwrap();
    for attempts_left in ["2", "1"] {
        step = ana.pool.answer_requesting(&step, "-", "REPLACE_AUTHENTICATOR").await.unwrap();
        assert_eq!(step.shown("attemptsLeft"), attempts_left);
    }
    is_refused(ana.pool.answer_requesting(&step, "-", "NOTHING").await);
    ana.pool.wait(30);
    assert!(ana.answer(&ana.start().await, &ana.passcode()).await.unwrap().has_tokens(), "the old one works");
}

#[tokio::test]
async fn a_user_with_fewer_than_three_codes_left_or_none_gets_new_ones() {
    let pool = TestPool::default();
    pool.add_user("ana").await;
    let step = pool.start("ana", PASSWORD).await.unwrap();
    let secret = secret_shown(step.parameters());
    let step = pool.answer(&step, &passcode(&secret, pool.now())).await.unwrap();
    assert_eq!(step.shown("challenge"), "RECOVERY_CODES");
    assert_eq!(step.shown("earlierCodesLeft"), "0");
    // Leaves here, and comes back.
    pool.wait(30);
    let step = pool.start("ana", PASSWORD).await.unwrap();
    assert_eq!(step.shown("challenge"), "SECOND_FACTOR");
    let step = pool.answer(&step, &passcode(&secret, pool.now())).await.unwrap();
    let codes: Vec<String> = codes_shown(step.parameters());
    assert!(pool.answer(&step, &codes[0]).await.unwrap().has_tokens());

    for code in &codes[..8] {
        assert!(pool.answer(&pool.start("ana", PASSWORD).await.unwrap(), code).await.unwrap().has_tokens());
    }
    let step = pool.start("ana", PASSWORD).await.unwrap();
    let step = pool.answer(&step, &codes[8]).await.unwrap();
    assert_eq!(step.shown("challenge"), "RECOVERY_CODES");
    assert_eq!(step.shown("earlierCodesLeft"), "1");
}

#[tokio::test]
async fn with_fewer_than_three_codes_a_lost_phone_is_replaced_all_the_same() {
    for client_metadata_reaches_create in [true, false] {
        let settings = PoolSettings { client_metadata_reaches_create, ..PoolSettings::default() };
        let ana = Ana::in_pool(TestPool::new(Enrollment::AtSignIn, settings)).await;
        for code in &ana.person.codes[..8] {
            assert!(ana.answer(&ana.start().await, code).await.unwrap().has_tokens());
        }
        let after_second_factor = "REPLACE_AUTHENTICATOR";
        let mut step =
            ana.pool.answer_requesting(&ana.start().await, &ana.person.codes[8], after_second_factor).await.unwrap();
        let mut replaced = None;
        while !step.has_tokens() {
            let answer = match step.shown("challenge") {
                "TOTP_SETUP" => {
                    let secret = replaced.insert(secret_shown(step.parameters()));
                    passcode(secret, ana.pool.now())
                }
                _ => codes_shown(step.parameters()).swap_remove(0),
            };
            step = ana.pool.answer_requesting(&step, &answer, after_second_factor).await.unwrap();
        }
        let step = ana.answer(&ana.start().await, &ana.passcode()).await.unwrap();
        assert_eq!(step.shown("attemptsLeft"), "2", "the lost phone no longer works");
        ana.pool.wait(30);
        let typed = passcode(&replaced.expect("a new authenticator"), ana.pool.now());
        assert!(ana.answer(&step, &typed).await.unwrap().has_tokens());
    }
}

#[tokio::test]
async fn a_user_who_gives_a_replacement_up_while_codes_are_due_takes_them() {
    let ana = Ana::new().await;
    for code in &ana.person.codes[..8] {
        assert!(ana.answer(&ana.start().await, code).await.unwrap().has_tokens());
    }
    let step = ana.start().await;
    let step = ana.pool.answer_requesting(&step, &ana.passcode(), "REPLACE_AUTHENTICATOR").await.unwrap();
    assert_eq!(step.shown("challenge"), "TOTP_SETUP");
    let step = ana.pool.answer_requesting(&step, "-", "NOTHING").await.unwrap();
    let code = codes_shown(step.parameters()).swap_remove(0);
    assert!(ana.pool.answer_requesting(&step, &code, "NOTHING").await.unwrap().has_tokens());
    ana.pool.wait(30);
    assert!(ana.answer(&ana.start().await, &ana.passcode()).await.unwrap().has_tokens(), "the old one works");
}

#[tokio::test]
async fn a_replacement_asked_for_with_the_new_codes_comes_before_the_tokens() {
    let ana = Ana::new().await;
    let step = ana.start().await;
    let step = ana.pool.answer_requesting(&step, &ana.passcode(), "NEW_RECOVERY_CODES").await.unwrap();
    let code = codes_shown(step.parameters()).swap_remove(0);
    let step = ana.pool.answer_requesting(&step, &code, "REPLACE_AUTHENTICATOR").await.unwrap();
    assert_eq!(step.shown("challenge"), "TOTP_SETUP");
}

#[tokio::test]
async fn codes_not_taken_after_a_new_authenticator_follow_the_next_passcode() {
    let ana = Ana::new().await;
    let step = ana.start().await;
    let step = ana.pool.answer_requesting(&step, &ana.passcode(), "REPLACE_AUTHENTICATOR").await.unwrap();
    let new = secret_shown(step.parameters());
    let step = ana.answer(&step, &passcode(&new, ana.pool.now())).await.unwrap();
    assert_eq!(step.shown("challenge"), "RECOVERY_CODES");
    // Leaves here, and comes back. The old codes are good until new ones are taken.
    ana.pool.wait(30);
    let step = ana.answer(&ana.start().await, &passcode(&new, ana.pool.now())).await.unwrap();
    assert_eq!(step.shown("challenge"), "RECOVERY_CODES");
    let code = codes_shown(step.parameters()).swap_remove(0);
    assert!(ana.answer(&step, &code).await.unwrap().has_tokens());
    let step = ana.answer(&ana.start().await, &ana.person.codes[1]).await.unwrap();
    assert_eq!(step.shown("attemptsLeft"), "2", "the old set no longer works");
}

#[tokio::test]
async fn a_set_up_challenge_held_while_the_owner_enrolls_changes_nothing() {
    let pool = TestPool::default();
    pool.add_user("ana").await;
    let held = pool.start("ana", PASSWORD).await.unwrap();
    let owner = Person::enroll(&mut pool.sign_in("ana").await).await;
    let held_secret = secret_shown(held.parameters());
    assert_ne!(held_secret.expose(), owner.secret.expose());
    is_the_client_error(pool.answer(&held, &passcode(&held_secret, pool.now())).await);
    pool.wait(30);
    let step = pool.start("ana", PASSWORD).await.unwrap();
    assert!(pool.answer(&step, &owner.passcode(pool.now())).await.unwrap().has_tokens());
}

#[tokio::test]
async fn under_by_operator_nobody_passes_the_prompt_without_an_authenticator() {
    let pool = TestPool::new(Enrollment::ByOperator, PoolSettings::default());
    pool.add_user("ana").await;
    let step = pool.start("ana", PASSWORD).await.unwrap();
    assert_eq!((step.shown("challenge"), step.shown("accepts")), ("SECOND_FACTOR", "PASSCODE RECOVERY_CODE"));
    let step = pool.answer(&step, "123456").await.unwrap();
    let step = pool.answer(&step, "").await.unwrap();
    is_refused(pool.answer(&step, "0000-0000-0000-0000").await);
}

#[tokio::test]
async fn the_name_of_an_authenticator_is_shown() {
    let pool = TestPool::default();
    pool.add_user("ana").await;
    let step = pool.start("ana", PASSWORD).await.unwrap();
    let secret = secret_shown(step.parameters());
    let responses = json!({ "USERNAME": "ana", "ANSWER": passcode(&secret, pool.now()) });
    let name = json!({ "friendlyDeviceName": "Ana's \u{202E}phone" });
    pool.respond(&step, responses, Some(name)).await.unwrap();
    assert_eq!(pool.start("ana", PASSWORD).await.unwrap().shown("friendlyDeviceName"), "Ana's phone");
}

#[tokio::test]
async fn a_temporary_password_is_changed_first_and_gets_no_tokens_alone() {
    let pool = TestPool::default();
    pool.add_user_with_temporary_password("ana").await;
    let step = pool.start("ana", PASSWORD).await.unwrap();
    assert_eq!(step.challenge_name(), Some("NEW_PASSWORD_REQUIRED"));
    let responses = json!({ "USERNAME": "ana", "NEW_PASSWORD": "Plainly-fake-2" });
    let step = pool.respond(&step, responses, None).await.unwrap();
    Person::enroll(&mut pool.resume(step)).await;
    assert_eq!(pool.start("ana", "Plainly-fake-2").await.unwrap().shown("challenge"), "SECOND_FACTOR");
}

const TEMPORARY: &str = "Plainly-fake-temporary-3";

#[tokio::test]
async fn whatever_is_held_over_a_temporary_password_chooses_no_new_one() {
    let ana = Ana::new().await;
    // Our challenges that the old password led to: a prompt, a prompt mistyped, a set-up after the second factor.
    let prompt = ana.start().await;
    let mistyped = ana.answer(&ana.start().await, "-").await.unwrap();
    let proven =
        ana.pool.answer_requesting(&ana.start().await, &ana.passcode(), "REPLACE_AUTHENTICATOR").await.unwrap();
    let new_phone = secret_shown(proven.parameters());
    ana.pool.wait(30);
    ana.pool.set_password("ana", TEMPORARY, false).await;
    is_refused(ana.answer(&prompt, "-").await);
    is_refused(ana.answer(&mistyped, &ana.passcode()).await);
    is_refused(ana.answer(&proven, &passcode(&new_phone, ana.pool.now())).await);
    // The temporary password is still the one, and is asked to be changed.
    let asked = ana.pool.start("ana", TEMPORARY).await.unwrap();
    assert_eq!(asked.challenge_name(), Some("NEW_PASSWORD_REQUIRED"));
}

#[tokio::test]
async fn after_a_reset_a_temporary_password_gets_only_its_owner_to_the_tokens() {
    let store = Arc::new(MemoryStore::default());
    let sign_in = SignInSettings::new(AcceptedCognitoMfa::NONE, Enrollment::AtSignIn).unwrap();
    let ana = Ana::in_pool(TestPool::over(Arc::clone(&store), sign_in, PoolSettings::default())).await;
    let prompt = ana.start().await;
    let user = ana.pool.user_key("ana").await;
    let version = store.load(&user).await.unwrap().version;
    store.save(&user, &Record::reset(Generation([7; 8])), version).await.unwrap();
    ana.pool.set_password("ana", TEMPORARY, false).await;
    is_refused(ana.answer(&prompt, &ana.person.codes[1]).await);
    let asked = ana.pool.start("ana", TEMPORARY).await.unwrap();
    let responses = json!({ "USERNAME": "ana", "NEW_PASSWORD": "Plainly-fake-2" });
    let step = ana.pool.respond(&asked, responses, None).await.unwrap();
    Person::enroll(&mut ana.pool.resume(step)).await;
}

#[tokio::test]
async fn only_a_legacy_client_can_tell_an_unknown_user_from_a_known_one() {
    let pool = TestPool::default();
    pool.add_user("ana").await;
    is_refused(pool.start("nobody", PASSWORD).await);
    let client = ClientSettings {
        prevent_user_existence_errors: PreventUserExistenceErrors::Legacy,
        ..ClientSettings::default()
    };
    let pool = TestPool::new(Enrollment::AtSignIn, PoolSettings { clients: vec![client], ..PoolSettings::default() });
    assert_eq!(pool.start("nobody", PASSWORD).await.unwrap_err().kind, "UserNotFoundException");
}

#[tokio::test]
async fn a_session_string_is_answered_once() {
    let ana = Ana::new().await;
    let step = ana.start().await;
    ana.answer(&step, &ana.wrong_passcode()).await.unwrap();
    assert_eq!(ana.answer(&step, &ana.passcode()).await.unwrap_err().kind, "NotAuthorizedException");
}

#[tokio::test]
async fn of_fifty_sign_ins_with_one_passcode_at_once_exactly_one_gets_tokens() {
    let store = TakingTurns(MemoryStore::default());
    let sign_in = SignInSettings::new(AcceptedCognitoMfa::NONE, Enrollment::AtSignIn).unwrap();
    let ana = Ana::in_pool(TestPool::over(store, sign_in, PoolSettings::default())).await;
    let mut steps = Vec::new();
    for _ in 0..50 {
        steps.push(ana.start().await);
    }
    let right = ana.passcode();
    let answers = futures_util::future::join_all(steps.iter().map(|step| ana.answer(step, &right))).await;
    let tokens = answers.into_iter().filter(|answer| answer.as_ref().is_ok_and(Step::has_tokens)).count();
    assert_eq!(tokens, 1);
}
