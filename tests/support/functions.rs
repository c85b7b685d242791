//! The three triggers in this process, over one store and with one clock.

use std::sync::Arc;

use create_auth_challenge::Create;
use serde_json::Value;
use shared::clock::UnixTime;
use shared::error::{ClientError, HandlerError};
use shared::invocation::answer;
use shared::random::FillRandom;
use shared::requirements::Requirements;
use shared::settings::{CreateSettings, Issuer, PasscodeDigits, SignInSettings};
use shared::store::memory::{MemorySealer, MemoryStore};
use shared::store::{RecordStore, Sealer, Versioned};
use verify_auth_challenge::Verify;

use crate::clock::TestClock;
use crate::driver::{Driver, EventHandler, SignIn};
use crate::events::{ChallengeTrigger, REQUEST_ID, User, template_settings};
use crate::person::Person;
use crate::random::fill_random;

/// The three triggers, their store and their clock. `ACCEPTED_COGNITO_MFA=NONE`, `ENROLLMENT=AT_SIGN_IN`.
pub struct Functions<S = MemoryStore, K = MemorySealer> {
    /// Create, and with it the settings.
    pub create: Create<Arc<S>, Arc<K>>,
    /// Verify.
    pub verify: Verify<Arc<S>, Arc<K>>,
    /// The clock of all three.
    pub clock: TestClock,
}

impl Default for Functions {
    /// Nobody has a record; randomness is real.
    fn default() -> Self {
        Self::over(MemoryStore::default(), fill_random, fill_random)
    }
}

impl<S: RecordStore> Functions<S> {
    /// Over `store`, with a sealing key from `key_from` and everything else from `random`.
    #[must_use]
    pub fn over(store: S, key_from: FillRandom, random: FillRandom) -> Self {
        Self::with_sealer(store, MemorySealer::new(key_from).expect("a key"), random)
    }
}

impl<S: RecordStore, K: Sealer> Functions<S, K> {
    /// Over `store`, with secrets sealed by `sealer`.
    #[must_use]
    pub fn with_sealer(store: S, sealer: K, random: FillRandom) -> Self {
        let (store, sealer) = (Arc::new(store), Arc::new(sealer));
        let settings = CreateSettings {
            sign_in: template_settings(),
            issuer: Issuer::parse("Example").expect("an issuer"),
            passcode_digits: PasscodeDigits::Six,
        };
        let (enrollment, policy) = (settings.sign_in.enrollment(), settings.sign_in.policy());
        let requirements = Requirements::default();
        Self {
            create: Create {
                settings,
                requirements: requirements.clone(),
                store: store.clone(),
                sealer: sealer.clone(),
                random,
            },
            verify: Verify { enrollment, policy, requirements, store, sealer },
            clock: TestClock::default(),
        }
    }

    /// Changes the settings of all three.
    pub fn set(&mut self, settings: SignInSettings) {
        self.create.settings.sign_in = settings;
        self.verify.enrollment = settings.enrollment();
        self.verify.policy = settings.policy();
    }

    /// Requires a second factor of these users, whatever the policy is.
    pub fn require(&mut self, requirements: Requirements) {
        self.create.requirements = requirements.clone();
        self.verify.requirements = requirements;
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &S {
        &self.create.store
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        self.clock.now()
    }

    /// Lets `seconds` pass.
    pub fn wait(&self, seconds: u64) {
        self.clock.wait(seconds);
    }

    /// What `trigger` returns for `event`, with the reason of a failure. A panic is the test's.
    pub async fn handle(&self, trigger: ChallengeTrigger, event: Value) -> Result<Value, HandlerError> {
        match trigger {
            ChallengeTrigger::Define => define_auth_challenge::handle(event, &self.create.settings.sign_in),
            ChallengeTrigger::Create => self.create.handle(event, self.now()).await,
            ChallengeTrigger::Verify => self.verify.handle(event, self.now()).await,
        }
    }

    /// What Cognito receives from Define.
    pub async fn define(&self, event: Value) -> Result<Value, ClientError> {
        self.answer(ChallengeTrigger::Define, event).await
    }

    /// What Cognito receives from Create.
    pub async fn create(&self, event: Value) -> Result<Value, ClientError> {
        self.answer(ChallengeTrigger::Create, event).await
    }

    /// What Cognito receives from Verify.
    pub async fn verify(&self, event: Value) -> Result<Value, ClientError> {
        self.answer(ChallengeTrigger::Verify, event).await
    }

    /// A sign-in of `user` with the right password.
    #[must_use]
    pub fn sign_in<'a>(&'a self, user: &'a User) -> SignIn<'a, Self> {
        SignIn::after_password(self, user)
    }

    /// Whether `typed` passes the prompt of a new sign-in.
    pub async fn passes_prompt(&self, user: &User, typed: &str) -> bool {
        let mut sign_in = self.sign_in(user);
        assert_eq!(sign_in.challenge().await.expect("a challenge")["challenge"], "SECOND_FACTOR");
        sign_in.answer(typed).await.expect("an answer")
    }

    /// The user's record and its version.
    pub async fn stored(&self, user: &User) -> Versioned {
        self.store().load(&user.key()).await.expect("a record")
    }

    /// Enrolls a user who has no authenticator.
    pub async fn enroll(&self, user: &User) -> Person {
        Person::enroll(&mut self.sign_in(user)).await
    }

    /// Enrolls a user a day before the present, whose passcodes are therefore unused.
    pub async fn enroll_yesterday(&self, user: &User) -> Person {
        let now = self.now();
        self.clock.set(UnixTime(now.0 - 24 * 3600));
        let person = self.enroll(user).await;
        self.clock.set(now);
        person
    }
}

impl<S: RecordStore, K: Sealer> EventHandler for Functions<S, K> {
    fn now(&self) -> UnixTime {
        self.clock.now()
    }

    async fn answer(&self, trigger: ChallengeTrigger, event: Value) -> Result<Value, ClientError> {
        answer(REQUEST_ID, event, async |event| self.handle(trigger, event).await).await
    }
}
