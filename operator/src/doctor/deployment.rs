//! What was read of a deployment, in AWS's words.
//!
//! Invariant: it has no place for an app client's secret, nor for a function's variables beyond [`VARIABLES`].

use std::collections::{BTreeMap, HashMap};

use shared::clock::UnixTime;
use shared::federated::FederatedProviders;
use shared::guard_settings::{
    FunctionArn, GuardedSince, LongestSession, NextFunctionErrors, NoGrantMessage, ReportOnly,
};
use shared::requirements::Requirements;
use shared::settings::{AcceptedCognitoMfa, Enrollment, Issuer, PasscodeDigits, Policy, TokenGuard};

use crate::aws::{CallError, UserPoolId};

/// Something that was asked for.
pub type Read<T> = Result<T, CallError>;

/// Everything that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deployment {
    /// Which pool was asked about.
    pub user_pool_id: UserPoolId,
    /// The pool itself.
    pub pool: Read<Pool>,
    /// `MfaConfiguration`: `OFF`, `OPTIONAL` or `ON`.
    pub mfa_configuration: Read<String>,
    /// The names of the pool's identity providers.
    pub identity_providers: Read<Vec<String>>,
    /// Whether a CloudTrail trail logs the calls of this region.
    pub trail_logs: Read<bool>,
    /// All app clients of the pool.
    pub clients: Read<Vec<ListedClient>>,
    /// `None`: no function names one, nor did the command line.
    pub table: Option<Table>,
    /// `None`: no function names one, nor did the command line.
    pub key: Option<Key>,
    /// The table that the table's own item says it is; `None` where the functions do not look it up.
    pub set_up: Option<Read<Option<String>>>,
    /// Whether the pool has each group of `REQUIRED_GROUPS`.
    pub groups: Vec<(String, Read<bool>)>,
    /// When it was read.
    pub read_at: UnixTime,
    /// What the command line said.
    pub given: Given,
}

/// Names from the command line, which go before those that the functions have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// `--table`
    pub table_name: Option<String>,
    /// `--key`
    pub key_id: Option<String>,
}

/// `DescribeUserPool`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pool {
    /// `Arn`
    pub arn: String,
    /// `DeletionProtection`
    pub deletion_protection: String,
    /// `DeviceConfiguration` is there: with any of its fields, devices are remembered.
    pub remembers_devices: bool,
    /// `Policies.SignInPolicy.AllowedFirstAuthFactors`
    pub first_factors: Vec<String>,
    /// `Domain` and `CustomDomain`
    pub domains: Vec<String>,
    /// `UserPoolTier`
    pub plan: String,
    /// `LambdaConfig`
    pub triggers: Triggers,
}

/// `LambdaConfig`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Triggers {
    /// `DefineAuthChallenge`
    pub define: Option<Function>,
    /// `CreateAuthChallenge`
    pub create: Option<Function>,
    /// `VerifyAuthChallengeResponse`
    pub verify: Option<Function>,
    /// `PreTokenGenerationConfig`, or `PreTokenGeneration`
    pub guard: Option<Function>,
    /// `LambdaVersion` of `PreTokenGenerationConfig`; with `PreTokenGeneration` alone, which has none, it is `V1_0`.
    pub guard_events: String,
    /// Name and ARN of every other.
    pub others: Vec<(&'static str, String)>,
}

impl Triggers {
    /// What is attached at `trigger`.
    #[must_use]
    pub fn at(&self, trigger: PoolTrigger) -> Option<&Function> {
        match trigger {
            PoolTrigger::Define => self.define.as_ref(),
            PoolTrigger::Create => self.create.as_ref(),
            PoolTrigger::Verify => self.verify.as_ref(),
            PoolTrigger::Guard => self.guard.as_ref(),
        }
    }

    /// The variables of the function at `trigger`, where they could be read.
    #[must_use]
    pub fn variables(&self, trigger: PoolTrigger) -> Option<&Variables> {
        self.at(trigger)?.configuration.as_ref().ok()?.variables.as_ref().ok()
    }

    /// `variable` at each function that has it.
    pub fn told<'a>(&'a self, variable: &'a str) -> impl Iterator<Item = (PoolTrigger, &'a str)> {
        PoolTrigger::ALL.into_iter().filter_map(move |trigger| Some((trigger, self.variables(trigger)?.get(variable)?)))
    }
}

/// A trigger of this project, by its name in the pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolTrigger {
    /// `DefineAuthChallenge`
    Define,
    /// `CreateAuthChallenge`
    Create,
    /// `VerifyAuthChallengeResponse`
    Verify,
    /// `PreTokenGeneration`
    Guard,
}

impl PoolTrigger {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Define, Self::Create, Self::Verify, Self::Guard];

    /// Its name in `LambdaConfig`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Define => "DefineAuthChallenge",
            Self::Create => "CreateAuthChallenge",
            Self::Verify => "VerifyAuthChallengeResponse",
            Self::Guard => "PreTokenGeneration",
        }
    }
}

/// A function that a trigger calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// As the pool names it.
    pub arn: String,
    /// `GetFunctionConfiguration`
    pub configuration: Read<Configuration>,
    /// `GetPolicy`: who may call it, as JSON; `None` when nobody was given leave.
    pub policy: Read<Option<String>>,
}

/// `GetFunctionConfiguration`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// `Timeout`
    pub timeout_seconds: Option<i32>,
    /// `State`
    pub state: Option<String>,
    /// Those of `Environment` that are looked at.
    pub variables: Read<Variables>,
}

/// The variables whose values are kept: all that the functions read of what an operator decides.
pub const VARIABLES: [&str; 18] = [
    AcceptedCognitoMfa::VARIABLE,
    Enrollment::VARIABLE,
    FederatedProviders::VARIABLE,
    FunctionArn::VARIABLE,
    GuardedSince::VARIABLE,
    Issuer::VARIABLE,
    KEY_ID,
    LongestSession::VARIABLE,
    NextFunctionErrors::VARIABLE,
    NoGrantMessage::VARIABLE,
    PasscodeDigits::VARIABLE,
    Policy::VARIABLE,
    ReportOnly::VARIABLE,
    Requirements::CLIENTS,
    Requirements::FROM,
    Requirements::GROUPS,
    TABLE_NAME,
    TokenGuard::VARIABLE,
];
/// The KMS key, at Create and Verify.
pub const KEY_ID: &str = "KEY_ID";
/// The table, at Create, Verify and the token guard.
pub const TABLE_NAME: &str = "TABLE_NAME";

/// Values of some of [`VARIABLES`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<&'static str, String>);

impl Variables {
    /// Keeps what is looked at, and drops the rest.
    #[must_use]
    pub fn of(mut all: HashMap<String, String>) -> Self {
        Self(VARIABLES.into_iter().filter_map(|name| Some((name, all.remove(name)?))).collect())
    }

    /// The value of one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

/// An app client as the pool lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedClient {
    /// `ClientName`
    pub name: String,
    /// `ClientId`
    pub id: String,
    /// `DescribeUserPoolClient`
    pub client: Read<Client>,
}

/// `DescribeUserPoolClient`
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// `ExplicitAuthFlows`
    pub flows: Vec<String>,
    /// `AllowedOAuthFlowsUserPoolClient`
    pub oauth_on: bool,
    /// `AllowedOAuthFlows`
    pub oauth_flows: Vec<String>,
    /// `SupportedIdentityProviders`
    pub identity_providers: Vec<String>,
    /// `PreventUserExistenceErrors`
    pub user_existence_errors: Option<String>,
    /// `AuthSessionValidity`
    pub session_minutes: Option<i32>,
    /// `EnableTokenRevocation`
    pub token_revocation: Option<bool>,
    /// `RefreshTokenValidity`
    pub refresh_token: Validity,
    /// `AccessTokenValidity`
    pub access_token: Validity,
    /// `IdTokenValidity`
    pub id_token: Validity,
}

/// What an app client is for, as far as its settings show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Users who sign in by the API, on the app's own screens.
    UsersByApi,
    /// Users who sign in by managed login, some of them with an identity provider.
    UsersByManagedLogin,
    /// Machines, which get tokens for themselves.
    Machines,
}

impl Client {
    const CLIENT_CREDENTIALS: &str = "client_credentials";

    /// What it is for.
    #[must_use]
    pub fn purpose(&self) -> Purpose {
        match (self.allows_machines(), self.allows_managed_login(), self.allows_custom_auth()) {
            (true, false, _) => Purpose::Machines,
            (_, true, false) => Purpose::UsersByManagedLogin,
            (_, true, true) if !self.foreign_identity_providers().is_empty() => Purpose::UsersByManagedLogin,
            (_, true, true) | (false, false, _) => Purpose::UsersByApi,
        }
    }

    /// Whether machines get tokens from it.
    #[must_use]
    pub fn allows_machines(&self) -> bool {
        self.oauth_flows.iter().any(|flow| flow == Self::CLIENT_CREDENTIALS)
    }

    /// Whether users get tokens from it by managed login.
    #[must_use]
    pub fn allows_managed_login(&self) -> bool {
        match self.oauth_flows.as_slice() {
            [] => self.oauth_on,
            flows => flows.iter().any(|flow| flow != Self::CLIENT_CREDENTIALS),
        }
    }

    /// Whether it names `ALLOW_CUSTOM_AUTH`, rather than leaving `ExplicitAuthFlows` to its default.
    #[must_use]
    pub fn allows_custom_auth(&self) -> bool {
        self.flows.iter().any(|flow| flow == "ALLOW_CUSTOM_AUTH")
    }

    /// Where users come from apart from the pool itself.
    #[must_use]
    pub fn foreign_identity_providers(&self) -> Vec<&str> {
        self.identity_providers.iter().map(String::as_str).filter(|name| *name != "COGNITO").collect()
    }
}

/// A token's lifetime.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Validity {
    /// `None`, or 0: Cognito's default.
    pub value: Option<i32>,
    /// `TokenValidityUnits`
    pub unit: Option<String>,
}

/// The table of the records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// `DescribeTable`
    pub description: Read<TableDescription>,
    /// `DescribeContinuousBackups`: `PointInTimeRecoveryStatus`
    pub point_in_time_recovery: Read<String>,
}

/// `DescribeTable`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableDescription {
    /// `TableStatus`
    pub status: String,
    /// `DeletionProtectionEnabled`
    pub deletion_protection: bool,
}

/// The key that seals the authenticators' secrets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// As it was named: an id, an ARN or an alias.
    pub id: String,
    /// `DescribeKey`: `KeyState`
    pub state: Read<String>,
    /// `GetKeyRotationStatus`: `KeyRotationEnabled`
    pub rotation: Read<bool>,
}
