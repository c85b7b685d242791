//! A user gets an authenticator and recovery codes completely or not at all: whatever Cognito repeats, whatever other
//! sign-ins are under way, and wherever a sealed secret is moved.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};
use shared::authenticator::Authenticator;
use shared::error::{ClientError, HandlerError};
use shared::ids::{AuthenticatorId, Generation};
use shared::random::draw;
use shared::record::Record;
use shared::settings::{AcceptedCognitoMfa, Enrollment, Issuer, PasscodeDigits, SignInSettings};
use shared::store::memory::MemoryStore;
use shared::store::{EncryptionContext, RecordStore, Sealer, Version};
use shared::totp::{Digits, Parameters, SharedSecret};
use tests::driver::{Driver, SignIn};
use tests::events::{ChallengeTrigger, User, entry};
use tests::functions::Functions;
use tests::person::{codes_shown, passcode, secret_shown, set_up_authenticator};
use tests::random::{FAKE_SECRET, fill_random};
use tests::stores::TakingTurns;

// ── Who may enroll.

#[tokio::test]
async fn without_a_proven_password_nobody_is_shown_a_secret_or_codes() {
    let (functions, newcomer) = (Functions::default(), User::named("ana", 1));
    let owner = User::named("ben", 2);
    functions.enroll(&owner).await;
    let asked = entry("SRP_A", true, None);
    let (right, wrong) = (entry("PASSWORD_VERIFIER", true, None), entry("PASSWORD_VERIFIER", false, None));
    let proven = entry("CUSTOM_CHALLENGE", true, Some("SECOND_FACTOR"));
    for session in [
        vec![],
        vec![asked.clone()],
        vec![right.clone()],
        vec![asked.clone(), wrong.clone()],
        vec![proven.clone()],
        vec![asked.clone(), proven.clone()],
        vec![asked.clone(), wrong, proven],
        vec![right, asked],
    ] {
        for user in [&newcomer, &owner] {
            let own = json!({
                "session": session, "clientMetadata": { "afterSecondFactor": "REPLACE_AUTHENTICATOR" },
                "challengeName": "CUSTOM_CHALLENGE",
            });
            let issued = functions.create(user.event(ChallengeTrigger::Create, own)).await;
            assert_eq!(issued, Err(ClientError::Fixed), "{session:?}");
        }
    }
}

#[tokio::test]
async fn another_authenticator_is_offered_only_after_proof_in_the_same_sign_in() {
    let (functions, user) = (Functions::default(), User::named("ana", 1));
    let owner = functions.enroll(&user).await;
    functions.wait(30);
    for after_second_factor in ["REPLACE_AUTHENTICATOR", "NEW_RECOVERY_CODES"] {
        let mut elsewhere = requesting(&functions, &user, after_second_factor);
        elsewhere.challenge().await.unwrap();
        let mut sign_in = requesting(&functions, &user, after_second_factor);
        for attempts_left in ["3", "2", "1"] {
            let shown = sign_in.challenge().await.unwrap();
            assert_eq!((&shown["challenge"], &shown["attemptsLeft"]), (&json!("SECOND_FACTOR"), &json!(attempts_left)));
            assert!(!sign_in.answer("-").await.unwrap());
            if attempts_left == "3" {
                assert!(elsewhere.answer(&passcode(&owner.secret, functions.now())).await.unwrap());
                functions.wait(30);
            }
        }
        assert_eq!(sign_in.define().await.unwrap()["failAuthentication"], true);
        assert_ne!(elsewhere.challenge().await.unwrap()["challenge"], "SECOND_FACTOR");
    }
}

// ── Repeats, and sign-ins at the same time.

#[tokio::test]
async fn any_of_three_create_responses_leads_to_one_authenticator_and_code_set() {
    for kept in 0..3 {
        let (functions, user) = (Functions::default(), User::named("ana", 1));
        let mut sign_in = functions.sign_in(&user);
        let offered = issued_three_times(&mut sign_in, kept).await;
        let secrets: Vec<SharedSecret> = offered.iter().map(secret_shown).collect();
        assert!(sign_in.answer(&passcode(&secrets[kept], functions.now())).await.unwrap());
        let offered = issued_three_times(&mut sign_in, kept).await;
        let sets: Vec<Vec<String>> = offered.iter().map(codes_shown).collect();
        assert!(sign_in.answer(&sets[kept][9]).await.unwrap());
        assert_eq!(sign_in.define().await.unwrap()["issueTokens"], true);

        functions.wait(30);
        for (number, (secret, codes)) in secrets.iter().zip(&sets).enumerate() {
            let passes = number == kept;
            assert_eq!(functions.passes_prompt(&user, &passcode(secret, functions.now())).await, passes, "{number}");
            for code in &codes[..2] {
                assert_eq!(functions.passes_prompt(&user, code).await, passes, "{number}");
            }
        }
    }
}

#[tokio::test]
async fn two_sign_ins_that_enroll_at_once_share_no_secret_and_only_one_wins() {
    let store = TakingTurns(MemoryStore::default());
    let (functions, user) = (Functions::over(store, fill_random, fill_random), User::named("ana", 1));
    let mut sign_ins = [functions.sign_in(&user), functions.sign_in(&user)];
    let mut secrets = Vec::new();
    for sign_in in &mut sign_ins {
        secrets.push(secret_shown(&sign_in.challenge().await.unwrap()));
    }
    // Nor after a wrong answer, when the same challenge is issued again.
    for (sign_in, others) in sign_ins.iter_mut().zip([&secrets[1], &secrets[0]]) {
        assert!(!sign_in.issued.to_string().contains(others.to_base32().as_str()));
        assert!(!sign_in.answer(&passcode(others, functions.now())).await.unwrap(), "each its own");
        assert_eq!(
            sign_in.challenge().await.unwrap(),
            json!({ "challenge": "TOTP_SETUP", "attemptsLeft": "2", "passcodeDigits": "6" })
        );
        assert!(!sign_in.issued.to_string().contains(others.to_base32().as_str()));
    }
    let passcodes: Vec<String> = secrets.iter().map(|secret| passcode(secret, functions.now())).collect();
    let [one, other] = &mut sign_ins;
    let answered = tokio::join!(one.answer(&passcodes[0]), other.answer(&passcodes[1]));
    let won = match answered {
        (Ok(true), Err(ClientError::Fixed)) => [true, false],
        (Err(ClientError::Fixed), Ok(true)) => [false, true],
        answered => panic!("{answered:?}"),
    };
    functions.wait(30);
    for (secret, won) in secrets.iter().zip(won) {
        assert_eq!(functions.passes_prompt(&user, &passcode(secret, functions.now())).await, won);
    }
}

#[tokio::test]
async fn a_set_up_challenge_held_over_any_change_fails_and_changes_nothing() {
    let mut pairs = BTreeMap::<_, usize>::new();
    for set_up in [SetUp::FirstAuthenticator, SetUp::FirstCodes, SetUp::NewAuthenticator, SetUp::NewCodes] {
        for change in [Change::Enrolls, Change::Replaces, Change::Renews] {
            // Held as it was issued, or as it was issued again after a wrong answer.
            for again in [false, true] {
                let (functions, user) = (Functions::default(), User::named("ana", 1));
                let mut phone = None;
                let (mut held, right) = set_up.held(&functions, &user, &mut phone).await;
                if again {
                    assert!(!held.answer("-").await.unwrap());
                    held.challenge().await.unwrap();
                }
                if !change.made(&functions, &user, &mut phone).await {
                    continue;
                }
                let before = functions.stored(&user).await;
                for answer in ["-", &right(&functions)] {
                    let answered = functions.verify(held.answer_event(answer)).await;
                    assert_eq!(answered, Err(ClientError::Fixed), "{set_up:?} {change:?} {answer}");
                }
                assert_eq!(functions.stored(&user).await, before, "{set_up:?} {change:?}");
                *pairs.entry((set_up, change)).or_default() += 1;
            }
        }
    }
    // A user who enrolls had no authenticator, so only the first one can be held over that.
    assert_eq!(pairs.len(), 3 + 2 + 2 + 2);
    assert!(pairs.values().all(|times| *times == 2));
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum SetUp {
    FirstAuthenticator,
    FirstCodes,
    NewAuthenticator,
    NewCodes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Enrolls,
    Replaces,
    Renews,
}

/// What would be the right answer to a challenge, whenever it is given.
type RightAnswer = Box<dyn Fn(&Functions) -> String>;

impl SetUp {
    /// A sign-in that was issued this challenge, which the user then leaves unanswered.
    async fn held<'a>(
        self,
        functions: &'a Functions,
        user: &'a User,
        phone: &mut Option<SharedSecret>,
    ) -> (SignIn<'a, Functions>, RightAnswer) {
        let mut sign_in = functions.sign_in(user);
        match self {
            Self::FirstAuthenticator => {}
            Self::FirstCodes => {
                let secret = set_up_authenticator(&mut sign_in).await;
                *phone = Some(secret);
            }
            Self::NewAuthenticator | Self::NewCodes => {
                Change::Enrolls.made(functions, user, phone).await;
                let after_second_factor =
                    if self == Self::NewCodes { "NEW_RECOVERY_CODES" } else { "REPLACE_AUTHENTICATOR" };
                sign_in = proven(functions, user, phone, after_second_factor).await;
            }
        }
        let shown = sign_in.challenge().await.unwrap();
        match self {
            Self::FirstAuthenticator | Self::NewAuthenticator => {
                let secret = secret_shown(&shown);
                (sign_in, Box::new(move |functions| passcode(&secret, functions.now())))
            }
            Self::FirstCodes | Self::NewCodes => {
                let code = codes_shown(&shown).swap_remove(5);
                (sign_in, Box::new(move |_| code.clone()))
            }
        }
    }
}

impl Change {
    /// The owner does it in another sign-in, after enrolling where that is needed; `false` where it cannot be done.
    async fn made(self, functions: &Functions, user: &User, phone: &mut Option<SharedSecret>) -> bool {
        if phone.is_none() {
            *phone = Some(functions.enroll(user).await.secret);
            if self == Self::Enrolls {
                return true;
            }
        }
        let after_second_factor = match self {
            Self::Enrolls => return false,
            Self::Replaces => "REPLACE_AUTHENTICATOR",
            Self::Renews => "NEW_RECOVERY_CODES",
        };
        let mut sign_in = proven(functions, user, phone, after_second_factor).await;
        while sign_in.define().await.unwrap()["issueTokens"] == false {
            let shown = sign_in.challenge().await.unwrap();
            let answer = if shown["challenge"] == "TOTP_SETUP" {
                let secret = phone.insert(secret_shown(&shown));
                passcode(secret, functions.now())
            } else {
                codes_shown(&shown).swap_remove(0)
            };
            assert!(sign_in.answer(&answer).await.unwrap());
        }
        true
    }
}

/// A challenge that an old password led to must not enroll once an operator has set a new one and reset the record.
#[tokio::test]
async fn a_prompt_held_over_a_reset_enrolls_nobody() {
    let (functions, user) = (Functions::default(), User::named("ana", 1));
    functions.enroll(&user).await;
    let mut prompt = functions.sign_in(&user);
    assert_eq!(prompt.challenge().await.unwrap()["challenge"], "SECOND_FACTOR");
    let mut mistyped = functions.sign_in(&user);
    mistyped.challenge().await.unwrap();
    assert!(!mistyped.answer("-").await.unwrap());
    let held = functions.stored(&user).await;
    functions.store().save(&user.key(), &Record::reset(Generation([7; 8])), held.version).await.unwrap();
    for mut sign_in in [prompt, mistyped] {
        assert!(!sign_in.answer("-").await.unwrap());
        while sign_in.define().await.unwrap()["failAuthentication"] == false {
            assert_eq!(sign_in.challenge().await.unwrap()["challenge"], "SECOND_FACTOR");
            assert!(!sign_in.answer("-").await.unwrap());
        }
    }
    let mut with_the_new_password = functions.sign_in(&user);
    assert_eq!(with_the_new_password.challenge().await.unwrap()["challenge"], "TOTP_SETUP");
}

/// An operator who resets a record must not be called by an alarm about Create.
#[tokio::test]
async fn a_reset_after_the_second_factor_is_a_refusal_and_not_a_fault() {
    let (functions, user) = (Functions::default(), User::named("ana", 1));
    let phone = Some(functions.enroll(&user).await.secret);
    let sign_in = proven(&functions, &user, &phone, "REPLACE_AUTHENTICATOR").await;
    let held = functions.stored(&user).await;
    functions.store().save(&user.key(), &Record::reset(drawn()), held.version).await.unwrap();
    let own = json!({ "session": sign_in.session, "challengeName": "CUSTOM_CHALLENGE" });
    let answered = functions.create.handle(user.event(ChallengeTrigger::Create, own), functions.now()).await;
    assert!(matches!(&answered, Err(HandlerError::ChallengeOutdated)), "{answered:?}");
}

/// A thief who has the second factor renews codes without limit, and holds a set-up challenge of each generation.
#[tokio::test]
async fn no_set_up_challenge_from_before_a_reset_or_an_import_is_accepted() {
    let (functions, user) = (Functions::default(), User::named("ana", 1));
    let mut phone = Some(functions.enroll(&user).await.secret);
    let mut held = Vec::new();
    for _ in 0..20 {
        let mut sign_in = proven(&functions, &user, &phone, "REPLACE_AUTHENTICATOR").await;
        let secret = secret_shown(&sign_in.challenge().await.unwrap());
        held.push((sign_in.answer_event(&passcode(&secret, functions.now())), secret));
        assert!(Change::Renews.made(&functions, &user, &mut phone).await);
    }
    let generations: HashSet<&str> = held
        .iter()
        .map(|(event, _)| event["request"]["privateChallengeParameters"]["challenge"].as_str().unwrap())
        .map(|challenge| challenge.split(' ').nth(2).unwrap())
        .collect();
    assert_eq!(generations.len(), held.len(), "each has another, and no two can be put in order");
    let before = functions.stored(&user).await;
    for operation in [Record::reset(drawn()), imported(&functions, &user).await] {
        let version = functions.stored(&user).await.version;
        functions.store().save(&user.key(), &operation, version).await.unwrap();
        assert_ne!(operation.generation(), before.record.generation());
        for (event, secret) in &held {
            let mut event = event.clone();
            event["request"]["challengeAnswer"] = json!(passcode(secret, functions.now()));
            assert_eq!(functions.verify(event).await, Err(ClientError::Fixed));
        }
        assert_eq!(functions.stored(&user).await.record, operation);
    }
}

#[tokio::test]
async fn an_import_works_and_is_not_overwritten_by_an_older_set_up_challenge() {
    let (mut functions, user) = (Functions::default(), User::named("ana", 1));
    let mut before = functions.sign_in(&user);
    let secret = secret_shown(&before.challenge().await.unwrap());
    let held = before.answer_event(&passcode(&secret, functions.now()));
    let imported = imported(&functions, &user).await;
    functions.store().save(&user.key(), &imported, Version::MISSING).await.unwrap();
    functions.set(SignInSettings::new(AcceptedCognitoMfa::NONE, Enrollment::ByOperator).unwrap());
    assert_eq!(functions.verify(held).await, Err(ClientError::Fixed));
    // The present passcode may just have been used elsewhere, so it is refused here, and so is the next one.
    let phone = SharedSecret::new(FAKE_SECRET.to_vec());
    for seconds in [0, 30] {
        assert!(!functions.passes_prompt(&user, &passcode(&phone, functions.now().plus(seconds))).await);
    }
    functions.wait(60);
    let mut sign_in = functions.sign_in(&user);
    sign_in.challenge().await.unwrap();
    assert!(sign_in.answer(&passcode(&phone, functions.now())).await.unwrap());
    assert_eq!(sign_in.challenge().await.unwrap()["challenge"], "RECOVERY_CODES", "codes are still to be taken");
}

#[tokio::test]
async fn a_record_that_was_written_by_hand_is_a_fault_and_not_overwritten() {
    let (functions, user) = (Functions::default(), User::named("ana", 1));
    functions.enroll(&user).await;
    let json = functions.stored(&user).await.record.to_json().unwrap();
    let generation = functions.stored(&user).await.record.generation().to_text();
    let error = Record::from_json(&json.replace(&generation, &Generation::NONE.to_text())).unwrap_err();
    assert_eq!(error.to_string(), "the record has an authenticator, codes or an operator's change, and no generation");
    for wrong in ["\"1\"", "1", "\"\"", "null"] {
        assert!(Record::from_json(&json.replace(&format!("\"{generation}\""), wrong)).is_err(), "{wrong}");
    }
}

/// Between Verify's save and Create's load an operator resets the user, gives another authenticator, or the owner enrolls.
#[tokio::test]
async fn after_the_second_factor_a_sign_in_continues_only_with_the_same_record() {
    for after_second_factor in ["REPLACE_AUTHENTICATOR", "NEW_RECOVERY_CODES"] {
        for codes_due in [false, true] {
            for what_happens in 0..3 {
                let (functions, user) = (Functions::default(), User::named("ana", 1));
                let enrolled = functions.enroll(&user).await;
                if codes_due {
                    for code in &enrolled.codes[..8] {
                        assert!(functions.passes_prompt(&user, code).await);
                    }
                }
                let sign_in = proven(&functions, &user, &Some(enrolled.secret), after_second_factor).await;
                let version = functions.stored(&user).await.version;
                let record = if what_happens == 1 { imported(&functions, &user).await } else { Record::reset(drawn()) };
                functions.store().save(&user.key(), &record, version).await.unwrap();
                if what_happens == 2 {
                    functions.enroll(&user).await;
                }
                let left = functions.stored(&user).await;
                let mut sign_in = sign_in;
                assert_eq!(
                    sign_in.challenge().await,
                    Err(ClientError::Fixed),
                    "{after_second_factor} {codes_due} {what_happens}"
                );
                assert_eq!(functions.stored(&user).await, left);
            }
        }
    }
    // The same after TOTP_SETUP, where the codes follow.
    let (functions, user) = (Functions::default(), User::named("ana", 1));
    let mut sign_in = functions.sign_in(&user);
    set_up_authenticator(&mut sign_in).await;
    let version = functions.stored(&user).await.version;
    functions.store().save(&user.key(), &Record::reset(drawn()), version).await.unwrap();
    assert_eq!(sign_in.challenge().await, Err(ClientError::Fixed), "codes in a record without an authenticator");
}

#[tokio::test]
async fn a_set_up_challenge_enrolls_only_while_its_entitlement_is_allowed() {
    use Enrollment::{AfterCognitoMfa, AtSignIn, ByOperator};
    for (given_under, answered_under, enrolls) in [
        (AtSignIn, AtSignIn, true),
        (AtSignIn, ByOperator, false),
        (AtSignIn, AfterCognitoMfa, false),
        (AfterCognitoMfa, AfterCognitoMfa, true),
        (AfterCognitoMfa, AtSignIn, true),
        (AfterCognitoMfa, ByOperator, false),
    ] {
        let (mut functions, user) = (Functions::default(), User::named("ana", 1));
        functions.set(with(given_under));
        let mut sign_in = requesting(&functions, &user, "REPLACE_AUTHENTICATOR");
        if given_under == AfterCognitoMfa {
            sign_in.session.push(entry("SOFTWARE_TOKEN_MFA", true, None));
        }
        let secret = secret_shown(&sign_in.challenge().await.unwrap());
        let event = sign_in.answer_event(&passcode(&secret, functions.now()));
        functions.set(with(answered_under));
        let answered = functions.verify(event).await.map(|answered| answered["response"]["answerCorrect"] == true);
        assert_eq!(
            answered,
            if enrolls { Ok(true) } else { Err(ClientError::Fixed) },
            "{given_under:?} {answered_under:?}"
        );
        assert_eq!(functions.stored(&user).await.record == Record::default(), !enrolls);
    }
    // A proven second factor entitles to another authenticator whatever the setting.
    let (mut functions, user) = (Functions::default(), User::named("ana", 1));
    let phone = Some(functions.enroll(&user).await.secret);
    let mut sign_in = proven(&functions, &user, &phone, "REPLACE_AUTHENTICATOR").await;
    let secret = secret_shown(&sign_in.challenge().await.unwrap());
    let event = sign_in.answer_event(&passcode(&secret, functions.now()));
    functions.set(with(ByOperator));
    assert_eq!(functions.verify(event).await.unwrap()["response"]["answerCorrect"], true);
}

fn with(enrollment: Enrollment) -> SignInSettings {
    let accepted = if enrollment == Enrollment::AfterCognitoMfa { "SOFTWARE_TOKEN_MFA" } else { "NONE" };
    SignInSettings::new(AcceptedCognitoMfa::parse(accepted).unwrap(), enrollment).unwrap()
}

async fn imported(functions: &Functions, user: &User) -> Record {
    imported_with(functions, user, Parameters::default()).await
}

/// The record of a user who has that authenticator elsewhere, whose passcodes have so many digits.
async fn imported_with(functions: &Functions, user: &User, parameters: Parameters) -> Record {
    let (user, id) = (user.key(), AuthenticatorId(draw(fill_random).unwrap()));
    let context = EncryptionContext { user: &user, authenticator: id };
    let sealed = functions.verify.sealer.seal(&SharedSecret::new(FAKE_SECRET.to_vec()), context).await.unwrap();
    Record::imported(drawn(), Authenticator::imported(id, sealed, parameters, None, functions.now()))
}

fn drawn() -> Generation {
    Generation(draw(fill_random).unwrap())
}

/// An attacker who knows the password learns neither whether there is an authenticator nor how many digits it shows: not
/// from what is counted, nor from what is shown, nor from the length of anything.
#[tokio::test]
async fn six_and_eight_digits_count_alike_whatever_authenticator_a_user_has() {
    let mut seen = HashSet::new();
    for (enrolled, digits) in [(false, None), (true, None), (false, Some(Digits::Six)), (false, Some(Digits::Eight))] {
        let (mut functions, user) = (Functions::default(), User::named("ana", 1));
        if enrolled {
            functions.enroll(&user).await;
        }
        if let Some(digits) = digits {
            let imported = imported_with(&functions, &user, Parameters { digits, ..Parameters::default() }).await;
            functions.store().save(&user.key(), &imported, Version::MISSING).await.unwrap();
        }
        functions.set(with(Enrollment::ByOperator));
        let mut received = Vec::new();
        for typed in ["12345678", "123456", "1234567", "12 34 56 78", "000000", "1234 5678", "99999999", "12345"] {
            let mut sign_in = functions.sign_in(&user);
            let shown = sign_in.challenge().await.unwrap();
            let parameters = &sign_in.issued["privateChallengeParameters"];
            let lengths = (parameters.to_string().len(), sign_in.issued["challengeMetadata"].to_string().len());
            let right = sign_in.answer(typed).await.unwrap();
            received.push((shown.to_string(), lengths, right));
        }
        assert_ne!(received[0].0, received.last().unwrap().0, "the count has come to a wait");
        seen.insert(format!("{received:?}"));
    }
    assert_eq!(seen.len(), 1, "{seen:#?}");
}

#[tokio::test]
async fn where_not_everybody_may_enroll_it_is_hidden_who_has_an_authenticator() {
    let after_cognito_mfa = AcceptedCognitoMfa::parse("SOFTWARE_TOKEN_MFA").unwrap();
    for sign_in in [
        SignInSettings::new(AcceptedCognitoMfa::NONE, Enrollment::ByOperator).unwrap(),
        SignInSettings::new(after_cognito_mfa, Enrollment::AfterCognitoMfa).unwrap(),
    ] {
        let mut functions = Functions::default();
        let (ana, ben) = (User::named("ana", 1), User::named("ben", 2));
        let mut enrolling = functions.sign_in(&ana);
        enrolling.client_metadata = Some(json!({ "friendlyDeviceName": "Ana's phone" }));
        set_up_authenticator(&mut enrolling).await;
        let named = functions.sign_in(&ana).challenge().await.unwrap();
        assert_eq!(named["friendlyDeviceName"], "Ana's phone", "where everybody may");
        functions.set(sign_in);
        let mut shown = Vec::new();
        for user in [&ana, &ben] {
            shown.push(functions.sign_in(user).challenge().await.unwrap());
        }
        assert_eq!(shown[0], shown[1]);
    }
}

// ── A sealed secret opens only where it was sealed for.

#[tokio::test]
async fn a_sealed_secret_moved_to_another_user_or_challenge_does_not_open() {
    let functions = Functions::default();
    let (ana, ben) = (User::named("ana", 1), User::named("ben", 2));
    let mut sign_ins = [&ana, &ana, &ben].map(|user| functions.sign_in(user));
    let mut secrets = Vec::new();
    for sign_in in &mut sign_ins {
        secrets.push(secret_shown(&sign_in.challenge().await.unwrap()));
    }
    let right = passcode(&secrets[0], functions.now());
    let [of_ana, other_of_ana, of_ben] = &sign_ins;
    let words = |sign_in: &SignIn<'_, Functions>| -> Vec<String> {
        let challenge = sign_in.issued["privateChallengeParameters"]["challenge"].as_str().unwrap();
        challenge.split(' ').map(ToOwned::to_owned).collect()
    };
    let [kind, entitlement, generation, id, sealed] = &words(of_ana)[..] else { panic!("TOTP_SETUP") };
    let moved =
        |id: &String, sealed: &String| [kind, entitlement, generation, id, sealed].map(ToOwned::to_owned).to_vec();
    for (case, sign_in, moved) in [
        ("all of it to another user", of_ben, words(of_ana)),
        ("to another user", of_ben, moved(&words(of_ben)[3], sealed)),
        ("to another challenge", other_of_ana, moved(&words(other_of_ana)[3], sealed)),
        ("another's here", of_ana, moved(id, &words(of_ben)[4])),
    ] {
        let mut event = sign_in.answer_event(&right);
        event["request"]["privateChallengeParameters"]["challenge"] = json!(moved.join(" "));
        assert_eq!(functions.verify(event).await, Err(ClientError::Fixed), "{case}");
    }
    for user in [&ana, &ben] {
        assert_eq!(functions.stored(user).await.record, Record::default());
    }
    assert!(sign_ins[0].answer(&right).await.unwrap(), "where it was sealed for, it opens");
}

// ── Recovery codes.

#[tokio::test]
async fn a_typo_in_the_code_typed_back_asks_for_one_of_the_same_ten_again() {
    for number in 0..10 {
        let (functions, user) = (Functions::default(), User::named("ana", 1));
        let mut sign_in = functions.sign_in(&user);
        set_up_authenticator(&mut sign_in).await;
        let codes = codes_shown(&sign_in.challenge().await.unwrap());
        let typo = with_a_typo(&codes[number]);
        let offered = sign_in.issued["privateChallengeParameters"]["challenge"].clone();
        for attempts_left in ["2", "1"] {
            assert!(!sign_in.answer(&typo).await.unwrap());
            let again = sign_in.challenge().await.unwrap();
            assert_eq!(again, json!({ "challenge": "RECOVERY_CODES", "attemptsLeft": attempts_left }));
            assert_eq!(sign_in.issued["privateChallengeParameters"]["challenge"], offered);
            assert_eq!(sign_in.issued["challengeMetadata"], "RECOVERY_CODES AGAIN");
        }
        assert!(!functions.passes_prompt(&user, &codes[number]).await, "not before one came back");
        assert!(sign_in.answer(&codes[number]).await.unwrap());
        assert_eq!(sign_in.define().await.unwrap()["issueTokens"], true);
        assert!(!functions.passes_prompt(&user, &typo).await);
        for code in &codes {
            assert!(functions.passes_prompt(&user, code).await, "each of the ten");
        }
    }
}

// ── What an authenticator app reads.

#[tokio::test]
async fn an_issuer_of_32_characters_of_any_script_arrives_whole() {
    let account = "ana@example.com";
    for character in ["i", "ü", "日", "\u{1F511}"] {
        let issuer = character.repeat(Issuer::LONGEST);
        let mut functions = Functions::default();
        functions.create.settings.issuer = Issuer::parse(&issuer).unwrap();
        let shown = functions.sign_in(&User::named("ana", 1)).challenge().await.unwrap();
        let (label, query) = shown["otpauthUri"].as_str().unwrap()["otpauth://totp/".len()..].split_once('?').unwrap();
        let parameter = query.split('&').find_map(|parameter| parameter.strip_prefix("issuer="));
        assert_eq!(parameter.and_then(decoded), Some(issuer.clone()));
        let label = decoded(label).unwrap();
        assert!(label == account || label == format!("{issuer}:{account}"), "whole or not at all: {label}");

        let wrong = Issuer::parse(&format!("{issuer}{character}")).unwrap_err();
        assert_eq!(wrong.variable, "TOTP_ISSUER");
        assert!(wrong.problem.starts_with("must be at most 32 characters long; it has 33: "), "{wrong}");
    }
    assert_eq!(Issuer::parse("a:b").unwrap_err().problem, "must not contain a colon; it is \"a:b\"");
}

#[test]
fn passcode_digits_are_read_however_they_are_separated() {
    for (value, read_as) in [
        ("6", PasscodeDigits::Six),
        ("8", PasscodeDigits::Eight),
        ("6 8", PasscodeDigits::SixOrEight),
        ("8,6", PasscodeDigits::SixOrEight),
        (" 6, 8 ", PasscodeDigits::SixOrEight),
        ("8 8", PasscodeDigits::Eight),
    ] {
        assert_eq!(PasscodeDigits::parse(value), Ok(read_as), "{value}");
        assert_eq!(PasscodeDigits::parse(read_as.as_str()), Ok(read_as));
        assert_eq!(PasscodeDigits::read(&|_| Some(value.to_owned())), Ok(read_as));
    }
    for wrong in ["7", "68", "6;8", "six", "6 7", ","] {
        let error = PasscodeDigits::parse(wrong).unwrap_err();
        assert_eq!(error.to_string(), format!("PASSCODE_DIGITS: must be 6, 8, or both; it is {wrong:?}"));
    }
    for unset in [None, Some(""), Some(" ")] {
        assert_eq!(
            PasscodeDigits::read(&|_| unset.map(str::to_owned)),
            Ok(PasscodeDigits::Six),
            "as before there was one"
        );
    }
}

#[tokio::test]
async fn a_long_account_name_is_cut_where_it_can_be_seen() {
    for (account, shown_as) in [
        ("e".repeat(64), "e".repeat(64)),
        ("e".repeat(65), format!("{}…", "e".repeat(55))),
        ("日".repeat(7), "日".repeat(7)),
        ("日".repeat(8), format!("{}…", "日".repeat(6))),
    ] {
        let mut ana = User::named("ana", 1);
        ana.attributes.insert("email".to_owned(), json!(account));
        let shown = Functions::default().sign_in(&ana).challenge().await.unwrap();
        let label = KeyUri::read(shown["otpauthUri"].as_str().unwrap()).unwrap().label;
        assert_eq!(label, ("Example".to_owned(), shown_as));
    }
}

#[tokio::test]
async fn an_authenticator_app_reads_any_issuer_account_and_secret() {
    for (issuer, account, read_as) in [
        ("Example", "ana@example.com", ("Example", "ana@example.com")),
        ("Example Bank & Sons", "ana maria", ("Example Bank & Sons", "ana maria")),
        ("ab", ":a:b@c:", ("ab", "ab@c")),
        ("100%", "50%25 %3A%3a", ("100%", "50%25 %3A%3a")),
        ("C++ #1", "ana+totp@example.com", ("C++ #1", "ana+totp@example.com")),
        ("a&issuer=b?secret=AAAA", "x?secret=AAAA&y=#z", ("a&issuer=b?secret=AAAA", "x?secret=AAAA&y=#z")),
        ("Käse/Größe", "žofie@例え.テスト", ("Käse/Größe", "žofie@例え.テスト")),
        ("🔑 \"keys\"", "<ana>;'\\", ("🔑 \"keys\"", "<ana>;'\\")),
        (" padded ", "\u{1F468}\u{200D}\u{1F4BB}", (" padded ", "\u{1F468}\u{200D}\u{1F4BB}")),
    ] {
        let mut functions = Functions::default();
        functions.create.settings.issuer = Issuer::parse(issuer).unwrap();
        let mut user = User::named("ana", 1);
        user.attributes.insert("email".to_owned(), json!(account));
        let shown = functions.sign_in(&user).challenge().await.unwrap();
        let uri = shown["otpauthUri"].as_str().unwrap();
        assert!(uri.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'+'), "{uri}");
        let secret = shown["secretCode"].as_str().unwrap();
        assert_eq!(
            KeyUri::read(uri),
            Some(KeyUri {
                label: (read_as.0.to_owned(), read_as.1.to_owned()),
                parameters: [("issuer", read_as.0), ("secret", secret)]
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .into(),
            }),
            "{uri}"
        );
    }
}

/// `otpauth://TYPE/LABEL?PARAMETERS`, where LABEL is `issuer:account`.
///
/// Source: <https://github.com/google/google-authenticator/wiki/Key-Uri-Format>
#[derive(Debug, PartialEq)]
struct KeyUri {
    label: (String, String),
    parameters: BTreeMap<String, String>,
}

impl KeyUri {
    fn read(uri: &str) -> Option<Self> {
        let (label, query) = uri.strip_prefix("otpauth://totp/")?.split_once('?')?;
        // Apps look for the separator before or after decoding, and both must find the same.
        let before = label.split_once(':').map(|(issuer, account)| Some((decoded(issuer)?, decoded(account)?)))??;
        let after = decoded(label)?;
        let after = after.split_once(':')?;
        if (before.0.as_str(), before.1.as_str()) != after || after.1.contains(':') || query.contains('#') {
            return None;
        }
        let mut parameters = BTreeMap::new();
        for parameter in query.split('&') {
            let (name, value) = parameter.split_once('=')?;
            if parameters.insert(name.to_owned(), decoded(value)?).is_some() {
                return None;
            }
        }
        Some(Self { label: before, parameters })
    }
}

/// Without percent-encoding (RFC 3986 §2.1).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::new();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

// ── The parts of these tests.

fn requesting<'a>(functions: &'a Functions, user: &'a User, after_second_factor: &str) -> SignIn<'a, Functions> {
    let mut sign_in = functions.sign_in(user);
    sign_in.client_metadata = Some(json!({ "afterSecondFactor": after_second_factor }));
    sign_in
}

/// A sign-in with the passcode on `phone`.
async fn proven<'a>(
    functions: &'a Functions,
    user: &'a User,
    phone: &Option<SharedSecret>,
    after_second_factor: &str,
) -> SignIn<'a, Functions> {
    functions.wait(30);
    let mut sign_in = requesting(functions, user, after_second_factor);
    sign_in.challenge().await.unwrap();
    assert!(sign_in.answer(&passcode(phone.as_ref().unwrap(), functions.now())).await.unwrap());
    sign_in
}

/// The public parameters of three answers of Create, of which the sign-in goes on with one.
async fn issued_three_times(sign_in: &mut SignIn<'_, Functions>, kept: usize) -> Vec<Value> {
    let mut issued = Vec::new();
    for _ in 0..3 {
        sign_in.challenge().await.unwrap();
        issued.push(sign_in.issued.clone());
    }
    sign_in.issued = issued[kept].clone();
    issued.iter_mut().map(|issued| issued["publicChallengeParameters"].take()).collect()
}

fn with_a_typo(code: &str) -> String {
    let (kept, last) = code.split_at(code.len() - 1);
    format!("{kept}{}", if last == "7" { "8" } else { "7" })
}
