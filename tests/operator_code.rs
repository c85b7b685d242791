//! An operator's code: one sign-in that sets up an authenticator, and nothing else. A record that needs one stays closed to
//! the password, whatever happens to the code, and so does the record of a user who was forgotten.

use std::sync::Arc;

use futures_util::future::join_all;
use local::{PoolSettings, PreTokenGenerationVersion};
use pre_token_generation::Guard;
use serde_json::{Value, json};
use shared::challenge::{Challenge, Due, IssuedChallenge, NewAuthenticator, Prompt};
use shared::clock::UnixTime;
use shared::error::{ClientError, HandlerError};
use shared::ids::{AuthenticatorId, Generation, Nonce};
use shared::operator_code::{OPERATOR_CODE_HOURS, OperatorCode};
use shared::operator_note::Change;
use shared::record::{EnrollmentStatus, Record};
use shared::recovery_codes::RecoveryCode;
use shared::settings::{AcceptedCognitoMfa, Enrollment, Entitlement, SignInSettings, TokenGuard};
use shared::store::memory::MemoryStore;
use shared::store::{EncryptionContext, RecordStore, Saved, Sealer, Versioned};
use shared::token_grant::TokenDenied;
use shared::totp::SharedSecret;
use tests::clock::NOW;
use tests::driver::{Driver, SignIn};
use tests::events::{CLIENT_ID, ChallengeTrigger, User, entry};
use tests::functions::Functions;
use tests::later::{fields_added_later, with_fields_added_later};
use tests::person::{Person, codes_shown, passcode, secret_shown, set_up_authenticator, take_codes};
use tests::pool::TestPool;
use tests::random::{FAKE_SECRET, fill_random, random};
use tests::stores::TakingTurns;

const LIFETIME: u64 = OPERATOR_CODE_HOURS * 3600;
const YEAR: u64 = 365 * 24 * 3600;
const AFTER_SECOND_FACTOR: [Option<&str>; 5] =
    [None, Some("NOTHING"), Some("REPLACE_AUTHENTICATOR"), Some("NEW_RECOVERY_CODES"), Some("ADDED_LATER")];

// ── What the code leads to.

#[tokio::test]
async fn the_code_leads_to_a_set_up_and_codes_and_only_then_to_tokens() {
    for settings in every_enrollment() {
        for before in Before::ALL {
            let (functions, ana) = ready(settings);
            let old = before.prepare(&functions, &ana).await;
            let code = give_code(&functions, &ana).await;
            let new = sets_up(&functions, &mut functions.sign_in(&ana), &ana, &code).await;
            functions.wait(60);
            for dead in old.iter().flat_map(|old| [old.passcode(functions.now()), old.codes[1].clone(), code.clone()]) {
                assert!(!functions.passes_prompt(&ana, &dead).await, "{settings:?} {before:?}");
            }
            let mut sign_in = functions.sign_in(&ana);
            prompt(&mut sign_in).await;
            assert!(sign_in.answer(&new.passcode(functions.now())).await.unwrap());
            assert!(sign_in.has_tokens().await.unwrap(), "the next sign-in is one like any other");
        }
    }
}

#[tokio::test]
async fn after_a_reset_with_a_code_only_the_code_sets_up() {
    for settings in every_enrollment() {
        let (functions, ana) = ready(settings);
        let old = Before::Enrolled.prepare(&functions, &ana).await.unwrap();
        let code = OperatorChange::ResetWithCode.make(&functions, &ana).await.unwrap();
        for dead in [old.passcode(functions.now()), old.codes[1].clone()] {
            assert!(!functions.passes_prompt(&ana, &dead).await);
        }
        functions.wait(30);
        sets_up(&functions, &mut functions.sign_in(&ana), &ana, &code).await;
    }
}

#[tokio::test]
async fn any_right_answer_to_a_marked_prompt_leads_to_the_set_up() {
    for settings in every_enrollment() {
        for number in 0..2 {
            let (functions, ana) = ready(settings);
            let old = Before::Enrolled.prepare(&functions, &ana).await.unwrap();
            give_code(&functions, &ana).await;
            let typed = [old.passcode(functions.now()), old.codes[4].clone()][number].clone();
            sets_up(&functions, &mut functions.sign_in(&ana), &ana, &typed).await;
            assert_eq!(functions.stored(&ana).await.record.operator_code(), None, "the set-up ends it");
        }
    }
}

#[tokio::test]
async fn no_after_second_factor_changes_what_the_code_leads_to() {
    for before in Before::ALL {
        for after_second_factor in AFTER_SECOND_FACTOR {
            let (functions, ana) = ready(every_enrollment()[1]);
            before.prepare(&functions, &ana).await;
            let code = give_code(&functions, &ana).await;
            let mut sign_in = functions.sign_in(&ana);
            sign_in.client_metadata = after_second_factor.map(|value| json!({ "afterSecondFactor": value }));
            prompt(&mut sign_in).await;
            assert!(sign_in.answer(&code).await.unwrap());
            let secret = secret_shown(&sign_in.challenge().await.unwrap());
            assert!(!sign_in.answer("-").await.unwrap());
            no_tokens(&functions, &sign_in, &ana).await;
            let again = sign_in.challenge().await.unwrap();
            assert_eq!(
                again,
                json!({ "challenge": "TOTP_SETUP", "attemptsLeft": "2", "passcodeDigits": "6" }),
                "{after_second_factor:?}"
            );
            assert!(sign_in.answer(&passcode(&secret, functions.now())).await.unwrap());
            no_tokens(&functions, &sign_in, &ana).await;
            let codes = codes_shown(&sign_in.challenge().await.unwrap());
            assert!(!sign_in.answer("-").await.unwrap());
            no_tokens(&functions, &sign_in, &ana).await;
            assert_eq!(sign_in.challenge().await.unwrap()["challenge"], "RECOVERY_CODES");
            assert!(sign_in.answer(&codes[2]).await.unwrap());
            assert!(sign_in.has_tokens().await.unwrap(), "{after_second_factor:?}");
            assert_eq!(tokens_for(&functions, &ana).await, Ok(()));
        }
    }
}

#[tokio::test]
async fn in_a_pool_whose_guard_requires_a_grant_the_code_ends_in_tokens() {
    for settings in [every_enrollment()[0], every_enrollment()[1]] {
        let store = Arc::new(MemoryStore::default());
        let pool_settings =
            PoolSettings { pre_token_generation: Some(PreTokenGenerationVersion::V2), ..PoolSettings::default() };
        let pool = TestPool::over(Arc::clone(&store), settings, pool_settings);
        pool.add_user("ana").await;
        let key = pool.user_key("ana").await;
        let (code, given) = new_code(pool.now().plus(LIFETIME));
        let loaded = store.load(&key).await.unwrap();
        let record = loaded.record.with_operator_code(given, drawn());
        assert_eq!(store.save(&key, &record, loaded.version).await.unwrap(), Saved::Recorded);

        let mut sign_in = pool.sign_in("ana").await;
        assert_eq!(sign_in.challenge().await.unwrap()["challenge"], "SECOND_FACTOR");
        assert!(sign_in.answer(&code).await.unwrap());
        set_up_authenticator(&mut sign_in).await;
        assert!(!sign_in.has_tokens().await.unwrap());
        take_codes(&mut sign_in).await;
        assert!(sign_in.has_tokens().await.unwrap());
        let mut again = pool.sign_in("ana").await;
        assert!(!again.answer(&code).await.unwrap());
    }
}

// ── Where it is accepted.

#[tokio::test]
async fn a_prompt_from_before_the_code_does_not_take_it_and_the_next_one_does() {
    for before in [Before::NoRecord, Before::Enrolled] {
        let (functions, ana) = ready(every_enrollment()[1]);
        before.prepare(&functions, &ana).await;
        let mut sign_in = functions.sign_in(&ana);
        prompt(&mut sign_in).await;
        let code = give_code(&functions, &ana).await;
        is_wrong_at_no_cost(&functions, &mut sign_in, &ana, &code).await;
        sets_up(&functions, &mut sign_in, &ana, &code).await;
    }
}

#[tokio::test]
async fn a_prompt_of_another_generation_does_not_take_it_and_the_next_one_does() {
    for before in Before::ALL {
        let (functions, ana) = ready(every_enrollment()[0]);
        before.prepare(&functions, &ana).await;
        let first = give_code(&functions, &ana).await;
        let mut sign_in = functions.sign_in(&ana);
        prompt(&mut sign_in).await;
        let second = give_code(&functions, &ana).await;
        is_wrong_at_no_cost(&functions, &mut sign_in, &ana, &second).await;
        prompt(&mut sign_in).await;
        is_wrong_at_no_cost(&functions, &mut sign_in, &ana, &first).await;
        sets_up(&functions, &mut sign_in, &ana, &second).await;
    }
}

#[tokio::test]
async fn the_code_is_accepted_once() {
    for before in Before::ALL {
        let (functions, ana) = ready(every_enrollment()[0]);
        before.prepare(&functions, &ana).await;
        let code = give_code(&functions, &ana).await;
        let mut other = functions.sign_in(&ana);
        prompt(&mut other).await;
        let mut first = functions.sign_in(&ana);
        prompt(&mut first).await;
        assert!(first.answer(&code.to_lowercase().replace('-', " ")).await.unwrap(), "typed as a recovery code may be");
        is_wrong_at_no_cost(&functions, &mut other, &ana, &code).await;
        prompt(&mut other).await;
        is_wrong_at_no_cost(&functions, &mut other, &ana, &code).await;
        Person::enroll(&mut first).await;
        prompt(&mut other).await;
        is_wrong_at_no_cost(&functions, &mut other, &ana, &code).await;
    }
}

#[tokio::test]
async fn of_20_sign_ins_with_the_code_at_once_exactly_one_goes_on() {
    for before in Before::ALL {
        let functions = Functions::over(TakingTurns(MemoryStore::default()), fill_random, fill_random);
        let ana = User::named("ana", 1);
        before.prepare(&functions, &ana).await;
        let code = give_code(&functions, &ana).await;
        let mut sign_ins = Vec::new();
        for _ in 0..20 {
            let mut sign_in = functions.sign_in(&ana);
            prompt(&mut sign_in).await;
            sign_ins.push(sign_in);
        }
        let answered = join_all(sign_ins.iter_mut().map(|sign_in| sign_in.answer(&code))).await;
        assert_eq!(answered.iter().filter(|answered| **answered == Ok(true)).count(), 1);
        assert_eq!(answered.iter().filter(|answered| **answered == Ok(false)).count(), 19);
        for (sign_in, answered) in sign_ins.iter_mut().zip(answered) {
            let next = sign_in.challenge().await.unwrap();
            assert_eq!(next["challenge"], if answered == Ok(true) { "TOTP_SETUP" } else { "SECOND_FACTOR" });
        }
    }
}

#[tokio::test]
async fn it_is_accepted_one_second_before_its_end_and_not_at_it() {
    for before in Before::ALL {
        for hours in [1, OPERATOR_CODE_HOURS] {
            let (functions, ana) = ready(every_enrollment()[0]);
            before.prepare(&functions, &ana).await;
            let code = give_code_for(&functions, &ana, hours * 3600).await;
            functions.wait(hours * 3600 - 1);
            // Issued in time, and answered in time or too late.
            let mut sign_ins = [functions.sign_in(&ana), functions.sign_in(&ana)];
            for sign_in in &mut sign_ins {
                prompt(sign_in).await;
            }
            let [in_time, mut too_late] = sign_ins;
            let at_the_end = functions.now().plus(1);
            let held = functions.stored(&ana).await;
            functions.clock.set(at_the_end);
            is_wrong_at_no_cost(&functions, &mut too_late, &ana, &code).await;
            prompt(&mut too_late).await;
            is_wrong_at_no_cost(&functions, &mut too_late, &ana, &code).await;
            let expected = match before {
                Before::NoRecord | Before::Reset => EnrollmentStatus::OperatorCode,
                Before::Enrolled => EnrollmentStatus::Enrolled,
            };
            assert_eq!(held.record.enrollment_status(at_the_end), expected);
            functions.clock.set(UnixTime(at_the_end.0 - 1));
            let mut in_time = in_time;
            assert!(in_time.answer(&code).await.unwrap());
        }
    }
}

#[tokio::test]
async fn the_code_of_one_user_is_wrong_for_every_other() {
    let (functions, ana) = ready(every_enrollment()[0]);
    let others = [User::named("ben", 2), User::named("eva", 3), User::named("kim", 4)];
    functions.enroll(&others[0]).await;
    give_code(&functions, &others[0]).await;
    give_code(&functions, &others[1]).await;
    functions.enroll(&others[2]).await;
    let code = give_code(&functions, &ana).await;
    for other in &others {
        let mut sign_in = functions.sign_in(other);
        prompt(&mut sign_in).await;
        is_wrong_at_no_cost(&functions, &mut sign_in, other, &code).await;
    }
    sets_up(&functions, &mut functions.sign_in(&ana), &ana, &code).await;
}

#[tokio::test]
async fn a_host_whose_clock_is_years_off_takes_no_code_and_changes_nothing() {
    for before in Before::ALL {
        for ahead in [true, false] {
            let (functions, ana) = ready(every_enrollment()[0]);
            before.prepare(&functions, &ana).await;
            let code = give_code(&functions, &ana).await;
            let now = functions.now();
            let off = UnixTime(if ahead { now.0 + 10 * YEAR } else { now.0 - 10 * YEAR });
            let mut sign_in = functions.sign_in(&ana);
            prompt(&mut sign_in).await;
            functions.clock.set(off);
            is_wrong_at_no_cost(&functions, &mut sign_in, &ana, &code).await;
            prompt(&mut sign_in).await;
            is_wrong_at_no_cost(&functions, &mut sign_in, &ana, &code).await;
            functions.clock.set(now);
            sets_up(&functions, &mut sign_in, &ana, &code).await;
        }
    }
}

/// To a host whose clock is off the code is no longer valid, so it leaves the prompt of a user with an authenticator unmarked.
#[tokio::test]
async fn a_prompt_that_a_host_with_a_wrong_clock_left_unmarked_takes_no_code() {
    for off in [NOW.plus(10 * YEAR), UnixTime(NOW.0 - 10 * YEAR)] {
        let (functions, ana) = ready(every_enrollment()[0]);
        Before::Enrolled.prepare(&functions, &ana).await;
        let code = give_code(&functions, &ana).await;
        functions.clock.set(off);
        let mut sign_in = prompted(&functions, &ana).await;
        functions.clock.set(NOW);
        is_wrong_at_no_cost(&functions, &mut sign_in, &ana, &code).await;
        sets_up(&functions, &mut sign_in, &ana, &code).await;
    }
}

#[tokio::test]
async fn a_code_given_by_a_clock_more_than_an_hour_ahead_is_not_accepted() {
    for (seconds_ahead, accepted) in [(3600, true), (3601, false), (YEAR, false)] {
        let (functions, ana) = ready(every_enrollment()[0]);
        let code = give_code_for(&functions, &ana, LIFETIME + seconds_ahead).await;
        let mut sign_in = functions.sign_in(&ana);
        prompt(&mut sign_in).await;
        assert_eq!(sign_in.answer(&code).await.unwrap(), accepted, "{seconds_ahead}");
    }
}

#[tokio::test]
async fn a_thousand_guesses_at_the_code_cost_nothing_and_change_nothing() {
    let (functions, ana) = ready(every_enrollment()[1]);
    let code = give_code(&functions, &ana).await;
    let held = functions.stored(&ana).await;
    let mut first = None;
    for _ in 0..333 {
        let mut sign_in = functions.sign_in(&ana);
        for _ in 0..3 {
            let mut shown = prompt(&mut sign_in).await;
            shown["attemptsLeft"] = Value::Null;
            assert_eq!(*first.get_or_insert_with(|| shown.clone()), shown);
            assert!(!sign_in.answer(&RecoveryCode::new(random()).show()).await.unwrap());
        }
        assert_eq!(sign_in.define().await.unwrap()["failAuthentication"], true);
    }
    assert_eq!(functions.stored(&ana).await, held);
    sets_up(&functions, &mut functions.sign_in(&ana), &ana, &code).await;
}

#[tokio::test]
async fn it_is_accepted_while_passcodes_wait_and_lifts_the_wait() {
    let (functions, ana) = ready(every_enrollment()[1]);
    let old = Before::Enrolled.prepare(&functions, &ana).await.unwrap();
    for _ in 0..5 {
        assert!(!functions.passes_prompt(&ana, &old.wrong_passcode(functions.now())).await);
    }
    let code = give_code(&functions, &ana).await;
    let mut sign_in = functions.sign_in(&ana);
    assert_eq!(prompt(&mut sign_in).await["retryAfterSeconds"], "30");
    assert!(sign_in.answer(&code).await.unwrap());
    assert_eq!(functions.stored(&ana).await.record.failures(functions.now()), 0);
}

// ── A closed record.

#[tokio::test]
async fn no_password_enrolls_in_a_closed_record_until_another_code_is_used() {
    for settings in every_enrollment() {
        for before in [Before::NoRecord, Before::Reset] {
            for end in [CodeEnds::SetUpAbandoned, CodeEnds::TooOld, CodeEnds::Withdrawn] {
                let (functions, ana) = ready(settings);
                before.prepare(&functions, &ana).await;
                let code = give_code(&functions, &ana).await;
                end.come(&functions, &ana, &code).await;
                let held = functions.stored(&ana).await;
                for after_second_factor in AFTER_SECOND_FACTOR {
                    for factor in [None, Some("SOFTWARE_TOKEN_MFA")] {
                        let mut sign_in = functions.sign_in(&ana);
                        sign_in.client_metadata =
                            after_second_factor.map(|value| json!({ "afterSecondFactor": value }));
                        sign_in.session.extend(factor.map(|factor| entry(factor, true, None)));
                        // An accepted Cognito factor suffices where nothing else is asked for.
                        if sign_in.define().await.unwrap()["challengeName"] != "CUSTOM_CHALLENGE" {
                            continue;
                        }
                        for _ in 0..3 {
                            prompt(&mut sign_in).await;
                            is_wrong_at_no_cost(&functions, &mut sign_in, &ana, &code).await;
                        }
                        assert_eq!(sign_in.define().await.unwrap()["failAuthentication"], true);
                    }
                }
                assert_eq!(functions.stored(&ana).await, held);
                let another = give_code(&functions, &ana).await;
                sets_up(&functions, &mut functions.sign_in(&ana), &ana, &another).await;
            }
        }
    }
}

#[tokio::test]
async fn whatever_ends_the_code_the_old_authenticator_signs_in_as_before() {
    for settings in every_enrollment() {
        for end in [CodeEnds::SetUpAbandoned, CodeEnds::TooOld, CodeEnds::Withdrawn] {
            let (functions, ana) = ready(settings);
            let old = Before::Enrolled.prepare(&functions, &ana).await.unwrap();
            let code = give_code(&functions, &ana).await;
            end.come(&functions, &ana, &code).await;
            functions.wait(30);
            for typed in [old.passcode(functions.now()), old.codes[7].clone()] {
                let mut sign_in = functions.sign_in(&ana);
                prompt(&mut sign_in).await;
                is_wrong_at_no_cost(&functions, &mut sign_in, &ana, &code).await;
                prompt(&mut sign_in).await;
                assert!(sign_in.answer(&typed).await.unwrap(), "{end:?}");
                assert!(sign_in.has_tokens().await.unwrap());
                assert_eq!(tokens_for(&functions, &ana).await, Ok(()));
            }
        }
    }
}

/// During a deploy, or after one was taken back: an older Create does not know what closes a record.
#[tokio::test]
async fn a_set_up_that_an_older_create_issued_for_a_closed_record_is_refused() {
    for settings in every_enrollment() {
        for end in [None, Some(CodeEnds::SetUpAbandoned), Some(CodeEnds::TooOld), Some(CodeEnds::Withdrawn)] {
            let (functions, ana) = ready(settings);
            let code = give_code(&functions, &ana).await;
            if let Some(end) = end {
                end.come(&functions, &ana, &code).await;
            }
            refuses_what_an_older_create_issues(&functions, &ana).await;
        }
        let (functions, ana) = ready(settings);
        OperatorChange::Forget.make(&functions, &ana).await;
        refuses_what_an_older_create_issues(&functions, &ana).await;
    }
}

async fn refuses_what_an_older_create_issues(functions: &Functions, user: &User) {
    for entitlement in [Entitlement::Password, Entitlement::CognitoFactor] {
        let held = functions.stored(user).await;
        let (secret, id) = (SharedSecret::new(FAKE_SECRET.to_vec()), AuthenticatorId(random()));
        let key = user.key();
        let context = EncryptionContext { user: &key, authenticator: id };
        let sealed = functions.verify.sealer.seal(&secret, context).await.unwrap();
        let new = NewAuthenticator { entitlement, generation: held.record.generation(), id, sealed };
        let issued = IssuedChallenge { nonce: Nonce(random()), challenge: Challenge::TotpSetup(new) };
        let own = json!({
            "privateChallengeParameters": issued.private_parameters(),
            "challengeAnswer": passcode(&secret, functions.now()),
        });
        let event = user.event(ChallengeTrigger::Verify, own);
        let answered = functions.verify.handle(event, functions.now()).await;
        assert!(matches!(&answered, Err(HandlerError::ChallengeOutdated)), "{entitlement:?}: {answered:?}");
        assert_eq!(functions.stored(user).await, held);
    }
}

// ── What was held over an operator's change.

#[tokio::test]
async fn a_set_up_challenge_held_over_an_operators_change_changes_nothing() {
    for change in OperatorChange::ALL {
        for held in HeldSetUp::ALL {
            let (functions, ana) = ready(every_enrollment()[0]);
            let (mut sign_in, right) = held.issue(&functions, &ana).await;
            change.make(&functions, &ana).await;
            let left = functions.stored(&ana).await;
            for typed in ["-", &right] {
                let answered = functions.verify(sign_in.answer_event(typed)).await;
                assert_eq!(answered, Err(ClientError::Fixed), "{change:?} {held:?}");
            }
            // Nor does the sign-in go on, had it been answered before.
            sign_in.session.push(entry("CUSTOM_CHALLENGE", true, sign_in.issued["challengeMetadata"].as_str()));
            if held != HeldSetUp::NewCodes {
                assert_eq!(sign_in.challenge().await, Err(ClientError::Fixed), "{change:?} {held:?}");
            }
            assert_eq!(functions.stored(&ana).await, left, "{change:?} {held:?}");
        }
    }
}

#[tokio::test]
async fn a_prompt_held_over_an_operators_change_sets_nothing_up() {
    for change in OperatorChange::ALL {
        for before in Before::ALL {
            for marked in [false, true] {
                for by_passcode in [false, true] {
                    prompt_held_over(change, before, marked, by_passcode).await;
                }
            }
        }
    }
}

async fn prompt_held_over(change: OperatorChange, before: Before, marked: bool, by_passcode: bool) {
    let case = format!("{change:?} {before:?} {marked} {by_passcode}");
    let (functions, ana) = ready(every_enrollment()[1]);
    let old = before.prepare(&functions, &ana).await;
    let old_code = if marked { Some(give_code(&functions, &ana).await) } else { None };
    let mut held = prompted(&functions, &ana).await;
    let new_code = change.make(&functions, &ana).await;
    for code in old_code.iter().chain(&new_code) {
        let left = functions.stored(&ana).await;
        let answered = functions.verify(held.answer_event(code)).await.unwrap();
        assert_eq!(answered["response"]["answerCorrect"], false, "{case}");
        assert_eq!(functions.stored(&ana).await, left, "{case}");
    }
    let Some(old) = old else { return };
    let typed = if by_passcode { old.passcode(functions.now()) } else { old.codes[3].clone() };
    let right = held.answer(&typed).await.unwrap();
    let keeps_factors = matches!(change, OperatorChange::GiveCode | OperatorChange::WithdrawCode);
    assert_eq!(right, keeps_factors, "{case}");
    match (right, marked) {
        (true, true) => {
            assert_eq!(held.challenge().await, Err(ClientError::Fixed), "{case}");
            assert_eq!(tokens_for(&functions, &ana).await, Err(TokenDenied::NoGrant), "{case}");
        }
        // The factor is the user's own, and nothing was due.
        (true, false) => {
            assert!(held.has_tokens().await.unwrap(), "{case}");
            assert_eq!(tokens_for(&functions, &ana).await, Ok(()), "{case}");
        }
        (false, _) => assert_eq!(tokens_for(&functions, &ana).await, Err(TokenDenied::NoGrant), "{case}"),
    }
}

// ── A user who was forgotten.

#[tokio::test]
async fn a_forgotten_user_is_never_offered_a_set_up() {
    let (by_operator, nobody) = ready(every_enrollment()[1]);
    for settings in every_enrollment() {
        for before in Before::ALL {
            for after_second_factor in AFTER_SECOND_FACTOR {
                let (functions, ana) = ready(settings);
                let old = before.prepare(&functions, &ana).await;
                OperatorChange::Forget.make(&functions, &ana).await;
                let without = User::named("ben", 2);
                for factor in [None, Some("SOFTWARE_TOKEN_MFA")] {
                    let mut sign_in = functions.sign_in(&ana);
                    let mut same = by_operator.sign_in(&without);
                    sign_in.client_metadata = after_second_factor.map(|value| json!({ "afterSecondFactor": value }));
                    sign_in.session.extend(factor.map(|factor| entry(factor, true, None)));
                    if sign_in.define().await.unwrap()["challengeName"] != "CUSTOM_CHALLENGE" {
                        continue;
                    }
                    let typed = ["-".to_owned()].into_iter().chain(old.iter().map(|old| old.codes[5].clone()));
                    for typed in typed.chain(["PLAINLY-FAKE-AAAA".to_owned()]).take(3) {
                        assert_eq!(prompt(&mut sign_in).await, prompt(&mut same).await, "{settings:?}");
                        assert_eq!(lengths(&sign_in), lengths(&same));
                        assert!(!sign_in.answer(&typed).await.unwrap());
                        assert!(!same.answer(&typed).await.unwrap());
                    }
                }
            }
        }
    }
    assert_eq!(by_operator.stored(&nobody).await.record, Record::default());
}

#[tokio::test]
async fn a_forgotten_user_comes_back_by_a_code_and_by_nothing_else() {
    for settings in every_enrollment() {
        let (functions, ana) = ready(settings);
        let old = Before::Enrolled.prepare(&functions, &ana).await.unwrap();
        OperatorChange::Forget.make(&functions, &ana).await;
        let forgotten = functions.stored(&ana).await.record;
        assert_eq!(forgotten.forgotten_at(), Some(functions.now()));
        OperatorChange::WithdrawCode.make(&functions, &ana).await;
        assert_eq!(functions.stored(&ana).await.record.forgotten_at(), Some(functions.now()));
        functions.wait(30);
        for dead in [old.passcode(functions.now()), old.codes[1].clone()] {
            assert!(!functions.passes_prompt(&ana, &dead).await);
        }
        let code = give_code(&functions, &ana).await;
        sets_up(&functions, &mut functions.sign_in(&ana), &ana, &code).await;
        assert_eq!(functions.stored(&ana).await.record.forgotten_at(), None);
    }
}

// ── What a client can learn.

#[tokio::test]
async fn nothing_that_a_client_receives_tells_whether_a_code_is_outstanding() {
    for settings in [every_enrollment()[1], every_enrollment()[2]] {
        let mut seen = Vec::new();
        for before in Before::ALL {
            for change in [None, Some(OperatorChange::GiveCode), Some(OperatorChange::Forget)] {
                for ends in [None, Some(CodeEnds::TooOld), Some(CodeEnds::Withdrawn)] {
                    let (functions, ana) = ready(settings);
                    before.prepare(&functions, &ana).await;
                    if let Some(change) = change {
                        change.make(&functions, &ana).await;
                    }
                    if let Some(ends) = ends {
                        ends.come(&functions, &ana, "").await;
                    }
                    seen.push(received(&functions, &ana).await);
                }
            }
        }
        for other in &seen {
            assert_eq!(other, &seen[0], "{settings:?}");
        }
    }
}

/// The same where a user without a record is offered a set-up: a code is hidden among those who have an authenticator.
#[tokio::test]
async fn at_sign_in_an_outstanding_code_shows_nowhere_at_the_prompt() {
    let mut seen = Vec::new();
    for change in [None, Some(OperatorChange::GiveCode), Some(OperatorChange::WithdrawCode)] {
        let (functions, ana) = ready(every_enrollment()[0]);
        Before::Enrolled.prepare(&functions, &ana).await;
        if let Some(change) = change {
            change.make(&functions, &ana).await;
        }
        seen.push(received(&functions, &ana).await);
    }
    let (functions, ana) = ready(every_enrollment()[0]);
    give_code(&functions, &ana).await;
    seen.push(received(&functions, &ana).await);
    for other in &seen {
        assert_eq!(other, &seen[0]);
    }
}

/// All that somebody with the password receives: parameters, their lengths, and what becomes of wrong answers.
async fn received(functions: &Functions, user: &User) -> String {
    let mut received = Vec::new();
    for typed in ["-", "000000", "12345678", "AAAA-AAAA-AAAA-AAAA", "1234 5678", "123456", "", "000001"] {
        let mut sign_in = functions.sign_in(user);
        let shown = prompt(&mut sign_in).await;
        let right = sign_in.answer(typed).await.unwrap();
        received.push((shown.to_string(), lengths(&sign_in), right, sign_in.define().await.unwrap().to_string()));
    }
    format!("{received:?}")
}

// ── The record.

#[tokio::test]
async fn a_closed_record_has_format_2_and_every_other_has_format_1() {
    let (functions, ana) = ready(every_enrollment()[0]);
    let format = async || {
        let json = functions.stored(&ana).await.record.to_json().unwrap();
        serde_json::from_str::<Value>(&json).unwrap()["format"].clone()
    };
    let code = give_code(&functions, &ana).await;
    assert_eq!(format().await, 2, "given");
    OperatorChange::WithdrawCode.make(&functions, &ana).await;
    assert_eq!(format().await, 2, "withdrawn");
    is_wrong_at_no_cost(&functions, &mut prompted(&functions, &ana).await, &ana, &code).await;
    let code = give_code(&functions, &ana).await;
    let mut sign_in = prompted(&functions, &ana).await;
    assert!(sign_in.answer(&code).await.unwrap());
    assert_eq!(format().await, 2, "used");
    Person::enroll(&mut sign_in).await;
    assert_eq!(format().await, 1, "enrolled");
    give_code(&functions, &ana).await;
    assert_eq!(format().await, 1, "given to a user who has an authenticator");
    OperatorChange::Forget.make(&functions, &ana).await;
    assert_eq!(format().await, 2, "forgotten");
    OperatorChange::ResetWithCode.make(&functions, &ana).await;
    assert_eq!(format().await, 2, "reset");
}

#[tokio::test]
async fn a_closed_record_without_a_generation_is_not_read() {
    for change in [OperatorChange::GiveCode, OperatorChange::Forget] {
        let (functions, ana) = ready(every_enrollment()[0]);
        change.make(&functions, &ana).await;
        let record = functions.stored(&ana).await.record;
        let json = record.to_json().unwrap();
        assert_eq!(Record::from_json(&json).unwrap(), record);
        for format in [1, 2] {
            let written = json
                .replace(&record.generation().to_text(), &Generation::NONE.to_text())
                .replace("\"format\":2", &format!("\"format\":{format}"));
            assert!(Record::from_json(&written).unwrap_err().to_string().ends_with("and no generation"));
        }
        let newer = json.replace("\"format\":2", "\"format\":3");
        let error = Record::from_json(&newer).unwrap_err().to_string();
        assert_eq!(error, "the record has format 3, this version reads 1 and 2");
    }
}

/// As long as the object that they describe is there.
#[tokio::test]
async fn fields_of_a_newer_version_outlive_an_operators_changes() {
    let (functions, ana) = ready(every_enrollment()[0]);
    Before::Enrolled.prepare(&functions, &ana).await;
    give_code(&functions, &ana).await;
    let record = functions.stored(&ana).await.record.changed(operators_note());
    let added = with_fields_added_later(serde_json::from_str(&record.to_json().unwrap()).unwrap());
    let read = Record::from_json(&added.to_string()).unwrap();
    let all = fields_added_later(&added);
    let kept = |record: &Record| fields_added_later(&serde_json::from_str(&record.to_json().unwrap()).unwrap());
    assert_eq!(kept(&read), all);
    for place in [".record.operatorCode", ".record.lastChange", ".record.authenticator", ".record"] {
        assert!(all.contains(&place.to_owned()), "{place} of {all:?}");
    }
    let without = |gone: &str| all.iter().filter(|place| *place != gone).cloned().collect::<Vec<_>>();
    assert_eq!(kept(&read.with_code_withdrawn(drawn())), without(".record.operatorCode"));
    let (_, another) = new_code(functions.now().plus(60));
    assert_eq!(kept(&read.with_operator_code(another, drawn())), without(".record.operatorCode"));
    assert_eq!(kept(&read.clone().with_missing_since(Some(functions.now()))), all);
    assert_eq!(kept(&Record::forgotten(drawn(), functions.now())), [] as [String; 0]);
}

fn operators_note() -> Change {
    Change::new("arn:aws:sts::000000000000:assumed-role/support/plainly-fake", "enroll", NOW)
}

// ── The parts of these tests.

/// Functions under `settings`, over no record, and a user.
fn ready(settings: SignInSettings) -> (Functions, User) {
    let mut functions = Functions::default();
    functions.set(settings);
    (functions, User::named("ana", 1))
}

/// AT_SIGN_IN, BY_OPERATOR and AFTER_COGNITO_MFA.
fn every_enrollment() -> [SignInSettings; 3] {
    let software_token = AcceptedCognitoMfa::parse("SOFTWARE_TOKEN_MFA").unwrap();
    [
        SignInSettings::new(AcceptedCognitoMfa::NONE, Enrollment::AtSignIn).unwrap(),
        SignInSettings::new(AcceptedCognitoMfa::NONE, Enrollment::ByOperator).unwrap(),
        SignInSettings::new(software_token, Enrollment::AfterCognitoMfa).unwrap(),
    ]
}

/// What a user is before an operator helps.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Before {
    NoRecord,
    /// A record without an authenticator, as after a reset by the runbook.
    Reset,
    Enrolled,
}

impl Before {
    const ALL: [Self; 3] = [Self::NoRecord, Self::Reset, Self::Enrolled];

    /// What an enrolled user has in hand, which was enrolled a day ago.
    async fn prepare<S: RecordStore>(self, functions: &Functions<S>, user: &User) -> Option<Person> {
        match self {
            Self::NoRecord => None,
            Self::Reset => {
                change(functions, user, |_| Record::reset(drawn())).await;
                None
            }
            Self::Enrolled => {
                // Under BY_OPERATOR nobody enrolls unasked, so the user was given a code then.
                let now = functions.now();
                functions.clock.set(UnixTime(now.0 - 24 * 3600));
                let code = give_code(functions, user).await;
                let mut sign_in = functions.sign_in(user);
                prompt(&mut sign_in).await;
                assert!(sign_in.answer(&code).await.unwrap());
                let person = Person::enroll(&mut sign_in).await;
                functions.clock.set(now);
                Some(person)
            }
        }
    }
}

/// How a code comes to its end.
#[derive(Clone, Copy, Debug)]
enum CodeEnds {
    SetUpAbandoned,
    TooOld,
    Withdrawn,
}

impl CodeEnds {
    async fn come(self, functions: &Functions, user: &User, code: &str) {
        match self {
            Self::SetUpAbandoned => {
                let mut sign_in = prompted(functions, user).await;
                assert!(sign_in.answer(code).await.unwrap());
                assert_eq!(sign_in.challenge().await.unwrap()["challenge"], "TOTP_SETUP");
            }
            Self::TooOld => functions.wait(LIFETIME),
            Self::Withdrawn => {
                OperatorChange::WithdrawCode.make(functions, user).await;
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum OperatorChange {
    GiveCode,
    WithdrawCode,
    ResetWithCode,
    Forget,
}

impl OperatorChange {
    const ALL: [Self; 4] = [Self::GiveCode, Self::WithdrawCode, Self::ResetWithCode, Self::Forget];

    /// The new code, if there is one.
    async fn make<S: RecordStore>(self, functions: &Functions<S>, user: &User) -> Option<String> {
        let (shown, given) = new_code(functions.now().plus(LIFETIME));
        let now = functions.now();
        match self {
            Self::GiveCode => change(functions, user, |record| record.with_operator_code(given, drawn())).await,
            Self::WithdrawCode => {
                change(functions, user, |record| record.with_code_withdrawn(drawn())).await;
                return None;
            }
            Self::ResetWithCode => {
                change(functions, user, |_| Record::reset(drawn()).with_operator_code(given, drawn())).await;
            }
            Self::Forget => {
                change(functions, user, |_| Record::forgotten(drawn(), now)).await;
                return None;
            }
        }
        Some(shown)
    }
}

/// A set-up challenge that somebody holds back.
#[derive(Clone, Copy, Debug, PartialEq)]
enum HeldSetUp {
    /// By the password, of a user without a record.
    First,
    /// After an operator's code.
    AfterCode,
    /// By a user with an authenticator and an operator's code.
    AfterPasscode,
    /// A replacement that the user asked for.
    Replacement,
    /// New recovery codes.
    NewCodes,
}

impl HeldSetUp {
    const ALL: [Self; 5] = [Self::First, Self::AfterCode, Self::AfterPasscode, Self::Replacement, Self::NewCodes];

    /// The sign-in, and the right answer.
    async fn issue<'a>(self, functions: &'a Functions, user: &'a User) -> (SignIn<'a, Functions>, String) {
        let mut sign_in = functions.sign_in(user);
        let typed = match self {
            Self::First => None,
            Self::AfterCode => Some(give_code(functions, user).await),
            Self::AfterPasscode => {
                let old = Before::Enrolled.prepare(functions, user).await.unwrap();
                give_code(functions, user).await;
                Some(old.passcode(functions.now()))
            }
            Self::Replacement | Self::NewCodes => {
                let word = if self == Self::Replacement { "REPLACE_AUTHENTICATOR" } else { "NEW_RECOVERY_CODES" };
                sign_in.client_metadata = Some(json!({ "afterSecondFactor": word }));
                let old = Before::Enrolled.prepare(functions, user).await.unwrap();
                Some(old.passcode(functions.now()))
            }
        };
        if let Some(typed) = typed {
            prompt(&mut sign_in).await;
            assert!(sign_in.answer(&typed).await.unwrap());
        }
        let shown = sign_in.challenge().await.unwrap();
        let right = match self {
            Self::NewCodes => codes_shown(&shown).swap_remove(4),
            Self::First | Self::AfterCode | Self::AfterPasscode | Self::Replacement => {
                passcode(&secret_shown(&shown), functions.now())
            }
        };
        (sign_in, right)
    }
}

/// Saves what a command would.
async fn change<S: RecordStore>(functions: &Functions<S>, user: &User, change: impl FnOnce(Record) -> Record) {
    let Versioned { record, version } = functions.stored(user).await;
    let saved = functions.store().save(&user.key(), &change(record), version).await.unwrap();
    assert_eq!(saved, Saved::Recorded);
}

/// A code as it is shown, and as it is kept.
fn new_code(until: UnixTime) -> (String, OperatorCode) {
    let code = RecoveryCode::new(random());
    (code.show().to_string(), OperatorCode::new(&code, random(), until))
}

async fn give_code<S: RecordStore>(functions: &Functions<S>, user: &User) -> String {
    give_code_for(functions, user, LIFETIME).await
}

async fn give_code_for<S: RecordStore>(functions: &Functions<S>, user: &User, seconds: u64) -> String {
    let (shown, given) = new_code(functions.now().plus(seconds));
    change(functions, user, |record| record.with_operator_code(given, drawn())).await;
    shown
}

fn drawn() -> Generation {
    Generation(random())
}

/// The public parameters of the next challenge, which is the prompt.
async fn prompt<S: RecordStore>(sign_in: &mut SignIn<'_, Functions<S>>) -> Value {
    let shown = sign_in.challenge().await.unwrap();
    assert_eq!(shown["challenge"], "SECOND_FACTOR");
    shown
}

async fn prompted<'a>(functions: &'a Functions, user: &'a User) -> SignIn<'a, Functions> {
    let mut sign_in = functions.sign_in(user);
    prompt(&mut sign_in).await;
    sign_in
}

/// `typed` is wrong at the prompt that was issued last, and the record stays as it is.
async fn is_wrong_at_no_cost<S: RecordStore>(
    functions: &Functions<S>,
    sign_in: &mut SignIn<'_, Functions<S>>,
    user: &User,
    typed: &str,
) {
    let held = functions.stored(user).await;
    assert!(!sign_in.answer(typed).await.unwrap());
    assert_eq!(functions.stored(user).await, held);
}

/// `typed` at the next prompt of `sign_in` leads to TOTP_SETUP, RECOVERY_CODES and only then to tokens.
async fn sets_up(functions: &Functions, sign_in: &mut SignIn<'_, Functions>, user: &User, typed: &str) -> Person {
    prompt(sign_in).await;
    assert!(sign_in.answer(typed).await.unwrap());
    no_tokens(functions, sign_in, user).await;
    let secret = set_up_authenticator(sign_in).await;
    no_tokens(functions, sign_in, user).await;
    let codes = take_codes(sign_in).await;
    assert!(sign_in.has_tokens().await.unwrap());
    assert_eq!(tokens_for(functions, user).await, Ok(()));
    Person { secret, codes }
}

/// Define asks for another challenge, and the token guard has no grant.
async fn no_tokens(functions: &Functions, sign_in: &SignIn<'_, Functions>, user: &User) {
    assert_eq!(sign_in.define().await.unwrap()["challengeName"], "CUSTOM_CHALLENGE");
    assert_eq!(tokens_for(functions, user).await, Err(TokenDenied::NoGrant));
}

async fn tokens_for(functions: &Functions, user: &User) -> Result<(), TokenDenied> {
    let guard = Guard::new(TokenGuard::Grant, functions.create.store.clone());
    let mut event = user.token_event("TokenGeneration_Authentication", "1");
    event["callerContext"]["clientId"] = json!(CLIENT_ID);
    match guard.handle(event, functions.now()).await {
        Ok(_) => Ok(()),
        Err(HandlerError::NoGrant(_)) => Err(TokenDenied::NoGrant),
        Err(HandlerError::TokenDenied(reason)) => Err(reason),
        Err(fault) => panic!("{fault}"),
    }
}

/// Of what travels with the prompt, and in Cognito's session string.
fn lengths(sign_in: &SignIn<'_, Functions>) -> [usize; 3] {
    ["publicChallengeParameters", "privateChallengeParameters", "challengeMetadata"]
        .map(|name| sign_in.issued[name].to_string().len())
}

/// Of the prompt, whatever is due.
#[test]
fn marked_and_unmarked_prompts_have_one_length() {
    let lengths = [Due::Nothing, Due::RecoveryCodes, Due::Authenticator].map(|due| {
        let challenge = Challenge::SecondFactor(Prompt { due, generation: drawn() });
        assert_eq!(Challenge::from_metadata(&challenge.metadata()), Some(challenge.clone()));
        let issued = IssuedChallenge { nonce: Nonce(random()), challenge };
        (issued.challenge.metadata().len(), json!(issued.private_parameters()).to_string().len())
    });
    assert_eq!(lengths, [lengths[0]; 3]);
}
