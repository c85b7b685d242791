//! Runs the four functions in this process, with records in memory.

use std::sync::Arc;

use create_auth_challenge::Create;
use pre_token_generation::Guard;
use serde_json::Value;
use shared::error::{HandlerError, InvokeError};
use shared::guard_settings::{GuardedSince, LongestSession, ReportOnly};
use shared::invocation::answer;
use shared::next_function::{Invoked, Next, NextFunction};
use shared::random::{FillRandom, RandomError};
use shared::requirements::Requirements;
use shared::settings::{
    AcceptedCognitoMfa, CreateSettings, Enrollment, Issuer, PasscodeDigits, Policy, SignInSettings, TokenGuard,
};
use shared::store::RecordStore;
use shared::store::memory::{MemorySealer, MemoryStore};
use verify_auth_challenge::Verify;

use crate::random;
use crate::settings::Clock;
use crate::triggers::{Trigger, TriggerFailure, TriggerFuture, Triggers};

/// How long a refresh token of an app client is valid where nothing else is set.
const LONGEST_SESSION_DAYS: u64 = 30;
/// The service's name that an authenticator app shows.
const ISSUER: &str = "Local user pool";

pub(crate) fn fill_random(bytes: &mut [u8]) -> Result<(), RandomError> {
    random::fill(bytes).map_err(|_| RandomError)
}

/// The functions that this project deploys, over one store.
pub struct InProcess<S = MemoryStore> {
    create: Create<Arc<S>, Arc<MemorySealer>>,
    verify: Verify<Arc<S>, Arc<MemorySealer>>,
    guard: Guard<Arc<S>, NextInProcess>,
    clock: Clock,
}

/// The team's own Pre Token Generation function: the event with its response, or the error that it ends with.
#[derive(Clone)]
pub struct NextInProcess(Arc<dyn Fn(Value) -> Result<Value, Value> + Send + Sync>);

impl NextInProcess {
    /// The function that answers as `answer` does.
    pub fn new(answer: impl Fn(Value) -> Result<Value, Value> + Send + Sync + 'static) -> Self {
        Self(Arc::new(answer))
    }
}

impl NextFunction for NextInProcess {
    async fn invoke(&self, event: &Value) -> Result<Invoked, InvokeError> {
        let answered = (self.0)(event.clone());
        let failed = answered.is_err();
        let (Ok(payload) | Err(payload)) = answered;
        Ok(Invoked { failed, payload: payload.to_string().into_bytes() })
    }
}

impl InProcess {
    /// Their records.
    pub(crate) fn store(&self) -> &MemoryStore {
        &self.create.store
    }

    /// What seals the secrets in them.
    pub(crate) fn sealer(&self) -> &MemorySealer {
        &self.create.sealer
    }

    /// Their settings, apart from the token guard's.
    pub(crate) fn settings(&self) -> &CreateSettings {
        &self.create.settings
    }

    /// The token guard, with its settings.
    pub(crate) fn guard(&self) -> &Guard<Arc<MemoryStore>, NextInProcess> {
        &self.guard
    }

    /// The functions with the defaults of template.yaml: our second factor is the only one, and users enroll at sign-in.
    pub fn new(clock: Clock) -> Result<Self, HandlerError> {
        let sign_in = SignInSettings::new(AcceptedCognitoMfa::NONE, Enrollment::AtSignIn);
        Self::with_settings(sign_in.map_err(HandlerError::Setting)?, clock)
    }

    /// The functions with other settings.
    pub fn with_settings(sign_in: SignInSettings, clock: Clock) -> Result<Self, HandlerError> {
        Self::over(MemoryStore::default(), sign_in, clock)
    }
}

impl<S: RecordStore> InProcess<S> {
    /// The same, with the records in `store`.
    pub fn over(store: S, sign_in: SignInSettings, clock: Clock) -> Result<Self, HandlerError> {
        Self::sealed_by(MemorySealer::new(fill_random)?, Arc::new(store), sign_in, clock)
    }

    /// The same, with the authenticators' secrets sealed by `sealer`.
    pub fn sealed_by(
        sealer: MemorySealer,
        store: Arc<S>,
        sign_in: SignInSettings,
        clock: Clock,
    ) -> Result<Self, HandlerError> {
        let issuer = Issuer::parse(ISSUER).map_err(HandlerError::Setting)?;
        let settings = CreateSettings { sign_in, issuer, passcode_digits: PasscodeDigits::default() };
        Ok(Self::wired(store, Arc::new(sealer), fill_random, settings, clock))
    }

    /// The same functions, with another PASSCODE_DIGITS.
    #[must_use]
    pub fn with_passcode_digits(mut self, passcode_digits: PasscodeDigits) -> Self {
        self.create.settings.passcode_digits = passcode_digits;
        self
    }

    /// The same records with other settings, as after an operator changed them.
    #[must_use]
    pub fn set_anew(&self, sign_in: SignInSettings) -> Self {
        let Create { store, sealer, random, settings, requirements } = &self.create;
        let settings = CreateSettings { sign_in, ..settings.clone() };
        let anew = Self::wired(Arc::clone(store), Arc::clone(sealer), *random, settings, Arc::clone(&self.clock));
        let anew = anew.with_guard(self.guard.report_only, self.guard.next.clone());
        anew.with_guarded_since(self.guard.guarded_since).with_requirements(requirements.clone())
    }

    /// The same functions, whose token guard only reports for a time, or hands on what it passes.
    #[must_use]
    pub fn with_guard(mut self, report_only: ReportOnly, next: Option<Next<NextInProcess>>) -> Self {
        self.guard = Guard { report_only, next, ..self.guard };
        self
    }

    /// The same functions, whose token guard has refused since that time.
    #[must_use]
    pub fn with_guarded_since(mut self, guarded_since: GuardedSince) -> Self {
        self.guard.guarded_since = guarded_since;
        self
    }

    /// The same functions, which require a second factor of these users whatever the policy is.
    #[must_use]
    pub fn with_requirements(mut self, requirements: Requirements) -> Self {
        self.create.requirements = requirements.clone();
        self.verify.requirements = requirements.clone();
        self.guard.requirements = requirements;
        self
    }

    fn wired(
        store: Arc<S>,
        sealer: Arc<MemorySealer>,
        random: FillRandom,
        settings: CreateSettings,
        clock: Clock,
    ) -> Self {
        let sign_in = settings.sign_in;
        let requirements = Requirements::default();
        let create = Create {
            settings,
            requirements: requirements.clone(),
            store: Arc::clone(&store),
            sealer: Arc::clone(&sealer),
            random,
        };
        // As template.yaml requires: a Cognito factor leaves no grant.
        let setting = match sign_in.accepted_cognito_mfa() {
            AcceptedCognitoMfa::NONE => TokenGuard::Grant,
            _ => TokenGuard::TriggerSource,
        };
        let (enrollment, policy) = (sign_in.enrollment(), sign_in.policy());
        let longest_session = match policy {
            Policy::Required => None,
            Policy::Optional => Some(LongestSession::new(LONGEST_SESSION_DAYS, clock())),
        };
        let guard = Guard { policy, longest_session, ..Guard::new(setting, Arc::clone(&store)) }.handing_on(None);
        Self { create, verify: Verify { enrollment, policy, requirements, store, sealer }, guard, clock }
    }

    async fn handle(&self, trigger: Trigger, event: Value) -> Result<Value, HandlerError> {
        let now = (self.clock)();
        match trigger {
            Trigger::DefineAuthChallenge => define_auth_challenge::handle(event, &self.create.settings.sign_in),
            Trigger::CreateAuthChallenge => self.create.handle(event, now).await,
            Trigger::VerifyAuthChallengeResponse => self.verify.handle(event, now).await,
            Trigger::PreTokenGeneration => self.guard.handle(event, now).await,
        }
    }
}

impl<S: RecordStore> Triggers for InProcess<S> {
    fn call(&self, trigger: Trigger, event: Value) -> TriggerFuture<'_> {
        Box::pin(async move {
            let answered = answer("in-process", event, |event| self.handle(trigger, event)).await;
            answered.map_err(|error| TriggerFailure::Function(error.to_string()))
        })
    }
}
