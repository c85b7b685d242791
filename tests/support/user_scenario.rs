//! Everything that can happen to one user's second factor, through any closure that answers the triggers' events.
//!
//! The user's `sub` and the request ids have no digits, and neither has a log line of this scenario, so a passcode in a log
//! is not there by chance.

use std::cell::RefCell;

use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::encoding::encode;
use shared::error::ClientError;

use crate::driver::{Driver, EventHandler, SignIn};
use crate::events::{ChallengeTrigger, User};
use crate::person::{Person, codes_shown, passcode, secret_shown, set_up_authenticator, wrong_passcodes};
use crate::secrets::Secrets;

/// One user's sign-ins. `answer` answers a trigger's event; `now` is its clock.
pub struct UserScenario<A, N> {
    /// The user, whose attributes occur nowhere else.
    pub user: User,
    answer: A,
    now: N,
    secrets: RefCell<Secrets>,
}

impl<A, N> EventHandler for UserScenario<A, N>
where
    A: AsyncFn(ChallengeTrigger, Value) -> Result<Value, ClientError>,
    N: Fn() -> UnixTime,
{
    fn now(&self) -> UnixTime {
        (self.now)()
    }

    async fn answer(&self, trigger: ChallengeTrigger, event: Value) -> Result<Value, ClientError> {
        self.secrets.borrow_mut().note(&event);
        let answered = (self.answer)(trigger, event).await;
        answered.iter().for_each(|answered| self.secrets.borrow_mut().note(answered));
        answered
    }
}

impl<A, N> UserScenario<A, N>
where
    A: AsyncFn(ChallengeTrigger, Value) -> Result<Value, ClientError>,
    N: Fn() -> UnixTime,
{
    /// A user without an authenticator.
    #[must_use]
    pub fn new(sub: &str, answer: A, now: N) -> Self {
        let attributes = json!({
            "sub": sub,
            "cognito:user_status": "CONFIRMED",
            "email_verified": "true",
            "email": "plainly-fake@example.com",
            "phone_number": "+15555550100",
            "custom:tenant": "plainly fake tenant",
        });
        let Value::Object(attributes) = attributes else { panic!("an object") };
        let user = User { name: "plainly-fake-user-name".to_owned(), attributes };
        Self { user, answer, now, secrets: RefCell::default() }
    }

    /// What has occurred so far and no log may hold.
    pub fn into_secrets(self) -> Secrets {
        self.secrets.into_inner()
    }

    /// Every way that a sign-in can take, and then one fault in each trigger.
    ///
    /// Needs no waiting, as a passcode of the next time step is right, but must not be held up for half a minute.
    pub async fn run(&self) {
        let person = self.enroll().await;
        self.use_passcodes(&person).await;
        let person = self.lose_the_phone(&person).await;
        let codes = self.renew_codes(&person.codes[1]).await;
        let codes = self.use_up_codes(&codes).await;
        self.hold_a_challenge_too_long(&codes[1]).await;
        self.misplace_secrets().await;
    }

    /// The first sign-in and some that follow, and then one fault in each trigger.
    pub async fn run_briefly(&self) {
        let person = self.enroll().await;
        self.use_passcodes(&person).await;
        self.misplace_secrets().await;
    }

    /// A first sign-in, with a mistake at each challenge.
    pub async fn enroll(&self) -> Person {
        let mut sign_in = self.sign_in(None).await;
        let secret = secret_shown(&challenge(&mut sign_in, "TOTP_SETUP").await);
        let wrong = wrong_passcodes(&secret, self.now()).next().expect("a wrong passcode");
        answer(&mut sign_in, &wrong, false).await;
        challenge(&mut sign_in, "TOTP_SETUP").await;
        answer(&mut sign_in, &passcode(&secret, self.now()), true).await;
        let codes = take_codes(&mut sign_in).await;
        Person { secret, codes }
    }

    /// Passcodes right, used and wrong, until they have to wait.
    async fn use_passcodes(&self, person: &Person) {
        let passcode = person.passcode(self.now().plus(30));
        let mut sign_in = self.sign_in(Some("NOTHING")).await;
        let (three, three_more) = passcode.split_at(3);
        answer_prompt(&mut sign_in, &format!("{three} {three_more}"), true).await;
        // As Cognito does when the first call was slow.
        let again = self.answer(ChallengeTrigger::Verify, sign_in.answer_event(&passcode)).await;
        assert_eq!(again.expect("an answer")["response"]["answerCorrect"], true);
        assert_ends(&sign_in, "issueTokens").await;

        let wrong = person.wrong_passcode(self.now());
        for typed in [[&passcode, &wrong, "PLAINLY-FAKE-AAAAA"], [&wrong, &wrong, &wrong]] {
            let mut sign_in = self.sign_in(Some("NOTHING")).await;
            for typed in typed {
                answer_prompt(&mut sign_in, typed, false).await;
            }
            assert_ends(&sign_in, "failAuthentication").await;
        }
    }

    /// A recovery code while passcodes wait, then another authenticator and other codes.
    async fn lose_the_phone(&self, lost: &Person) -> Person {
        let mut sign_in = self.sign_in(Some("REPLACE_AUTHENTICATOR")).await;
        answer_prompt(&mut sign_in, &lost.wrong_passcode(self.now()), false).await;
        answer_prompt(&mut sign_in, &lost.codes[1].to_lowercase().replace('-', ""), true).await;
        let secret = set_up_authenticator(&mut sign_in).await;
        let codes = take_codes(&mut sign_in).await;
        Person { secret, codes }
    }

    async fn renew_codes(&self, code: &str) -> Vec<String> {
        let mut sign_in = self.sign_in(Some("NEW_RECOVERY_CODES")).await;
        answer_prompt(&mut sign_in, code, true).await;
        take_codes(&mut sign_in).await
    }

    /// Eight of ten codes, and one more, after which new ones are due.
    async fn use_up_codes(&self, codes: &[String]) -> Vec<String> {
        for code in &codes[..8] {
            let mut sign_in = self.sign_in(Some("NOTHING")).await;
            answer_prompt(&mut sign_in, code, true).await;
            assert_ends(&sign_in, "issueTokens").await;
        }
        let mut sign_in = self.sign_in(Some("NOTHING")).await;
        answer_prompt(&mut sign_in, &codes[8], true).await;
        take_codes(&mut sign_in).await
    }

    /// A set-up challenge that is answered once more after the record has changed: the client's error.
    async fn hold_a_challenge_too_long(&self, code: &str) {
        let mut sign_in = self.sign_in(Some("REPLACE_AUTHENTICATOR")).await;
        answer_prompt(&mut sign_in, code, true).await;
        let secret = secret_shown(&challenge(&mut sign_in, "TOTP_SETUP").await);
        let passcode = passcode(&secret, self.now());
        let mut held = sign_in.answer_event(&passcode);
        answer(&mut sign_in, &passcode, true).await;
        answer_codes(&mut sign_in).await;
        held["request"]["privateChallengeParameters"]["nonce"] = json!(encode(b"another nonce..."));
        assert_eq!(self.answer(ChallengeTrigger::Verify, held).await, Err(ClientError::Fixed));
    }

    /// Secrets where they do not belong: each is the client's error.
    async fn misplace_secrets(&self) {
        let mut sign_in = self.sign_in(Some("NOTHING")).await;
        challenge(&mut sign_in, "SECOND_FACTOR").await;
        let typed = "PLAINLY-FAKE-BBBBB";
        let mut event = sign_in.answer_event(typed);
        for trigger in [ChallengeTrigger::Define, ChallengeTrigger::Create] {
            assert_eq!(self.answer(trigger, event.clone()).await, Err(ClientError::Fixed));
        }
        event["request"]["privateChallengeParameters"] = json!({ "challenge": typed, "nonce": typed });
        assert_eq!(self.answer(ChallengeTrigger::Verify, event).await, Err(ClientError::Fixed));
    }

    /// Define asks for the password, and Cognito checks it.
    async fn sign_in(&self, after_second_factor: Option<&str>) -> SignIn<'_, Self> {
        let mut metadata = json!({
            "friendlyDeviceName": "plainly fake phone", "plainly fake key": "plainly fake value",
        });
        if let Some(after_second_factor) = after_second_factor {
            metadata["afterSecondFactor"] = json!(after_second_factor);
        }
        let mut sign_in = SignIn::after_password(self, &self.user);
        sign_in.client_metadata = Some(metadata);
        let password = sign_in.session.pop();
        assert_eq!(sign_in.define().await.expect("an answer")["challengeName"], "PASSWORD_VERIFIER");
        sign_in.session.extend(password);
        sign_in
    }
}

/// The public parameters of the next challenge, which is a `kind`.
async fn challenge(sign_in: &mut impl Driver, kind: &str) -> Value {
    let shown = sign_in.challenge().await.expect("a challenge");
    assert_eq!(shown["challenge"], kind);
    shown
}

async fn answer(sign_in: &mut impl Driver, typed: &str, right: bool) {
    assert_eq!(sign_in.answer(typed).await.expect("an answer"), right, "{typed}");
}

async fn answer_prompt(sign_in: &mut impl Driver, typed: &str, right: bool) {
    challenge(sign_in, "SECOND_FACTOR").await;
    answer(sign_in, typed, right).await;
}

/// Takes new recovery codes, by one of them and at the second attempt.
async fn answer_codes(sign_in: &mut impl Driver) -> Vec<String> {
    let codes = codes_shown(&challenge(sign_in, "RECOVERY_CODES").await);
    answer(sign_in, "PLAINLY-FAKE-CCCCC", false).await;
    challenge(sign_in, "RECOVERY_CODES").await;
    answer(sign_in, &codes[0], true).await;
    codes
}

/// The same, and the tokens.
async fn take_codes(sign_in: &mut SignIn<'_, impl EventHandler>) -> Vec<String> {
    let codes = answer_codes(sign_in).await;
    assert_ends(sign_in, "issueTokens").await;
    codes
}

/// `flag` is Define's.
async fn assert_ends(sign_in: &SignIn<'_, impl EventHandler>, flag: &str) {
    let ended = sign_in.define().await.expect("an answer");
    assert_eq!(ended[flag], true, "{ended}");
}
