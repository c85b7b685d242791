//! The settings of a user pool and of its app clients.

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::{constant_time, hmac};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::clock::UnixTime;

use crate::error::CognitoError;

/// Returns the current time.
pub type Clock = Arc<dyn Fn() -> UnixTime + Send + Sync>;

/// One user pool.
pub struct PoolSettings {
    /// Such as `us-east-1`; the first part of a pool id.
    pub region: String,
    /// The region, an underscore, and letters and digits: clients parse it.
    pub user_pool_id: String,
    /// The address of the pool. The issuer of its tokens is `<endpoint>/<user pool id>`, so a verifier finds the keys below
    /// the issuer as it does with Cognito.
    pub endpoint: String,
    /// At least one.
    pub clients: Vec<ClientSettings>,
    /// How long a trigger may take.
    pub trigger_time_out: Duration,
    /// How often a trigger is called that does not answer, the first call included.
    pub trigger_deliveries: u32,
    /// Whether the `ClientMetadata` of `RespondToAuthChallenge` reaches `CreateAuthChallenge`. Cognito documents that it
    /// does; one user reports that it does not.
    pub client_metadata_reaches_create: bool,
    /// Whether `DefineAuthChallenge` is called after a wrong password. No publication says what Cognito does. If not,
    /// the sign-in fails at once; if so, Define decides.
    pub define_sees_wrong_password: bool,
    /// What `CreateUserPool` would be called with; its `LambdaConfig` follows from the other settings unless it is there.
    pub user_pool: Value,
    /// `PreTokenGenerationConfig`: the version of the event that the trigger receives before tokens are issued; `None` where
    /// the trigger is not attached.
    pub pre_token_generation: Option<PreTokenGenerationVersion>,
    /// What replaces a temporary password in `CUSTOM_AUTH`: with `CallDefine`, Define issues `NEW_PASSWORD_REQUIRED`; with
    /// `IssueTokens`, Cognito does, and issues tokens afterwards.
    pub temporary_passwords: AfterCognitoChallenge,
    /// Cognito's own MFA on startup; `SetUserPoolMfaConfig` changes it.
    pub mfa_configuration: MfaConfiguration,
    /// What follows a Cognito factor in `CUSTOM_AUTH`.
    pub after_cognito_mfa: AfterCognitoChallenge,
}

/// `MfaConfiguration`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub enum MfaConfiguration {
    /// No user is asked for a factor.
    #[value(name = "OFF")]
    Off,
    /// Users who have enabled a factor are asked for it.
    #[value(name = "OPTIONAL")]
    Optional,
    /// Every user is asked for a factor.
    #[value(name = "ON")]
    On,
}

impl MfaConfiguration {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "OFF" => Some(Self::Off),
            "OPTIONAL" => Some(Self::Optional),
            "ON" => Some(Self::On),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Off => "OFF",
            Self::Optional => "OPTIONAL",
            Self::On => "ON",
        }
    }
}

/// What Cognito does in `CUSTOM_AUTH` after one of its own challenges: AWS's documentation and users' reports disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AfterCognitoChallenge {
    /// It calls `DefineAuthChallenge`, as documented.
    #[value(name = "DEFINE")]
    CallDefine,
    /// It issues tokens, as users reported.
    #[value(name = "TOKENS")]
    IssueTokens,
}

/// `LambdaVersion` of `PreTokenGenerationConfig`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PreTokenGenerationVersion {
    /// The trigger can change the ID token's claims.
    #[value(name = "V1_0")]
    V1,
    /// The trigger can change both tokens' claims.
    #[value(name = "V2_0")]
    V2,
    /// The same; Cognito also calls it for machine clients' tokens, which this pool does not issue.
    #[value(name = "V3_0")]
    V3,
}

impl PreTokenGenerationVersion {
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "V1_0" => Some(Self::V1),
            "V2_0" => Some(Self::V2),
            "V3_0" => Some(Self::V3),
            _ => None,
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::V1 => "V1_0",
            Self::V2 => "V2_0",
            Self::V3 => "V3_0",
        }
    }

    /// `version` of the event.
    pub(crate) fn number(self) -> &'static str {
        match self {
            Self::V1 => "1",
            Self::V2 => "2",
            Self::V3 => "3",
        }
    }

    pub(crate) fn reaches_access_tokens(self) -> bool {
        match self {
            Self::V1 => false,
            Self::V2 | Self::V3 => true,
        }
    }

    /// The member of `response` that the trigger fills.
    pub(crate) fn details(self) -> &'static str {
        match self {
            Self::V1 => "claimsOverrideDetails",
            Self::V2 | Self::V3 => "claimsAndScopeOverrideDetails",
        }
    }
}

impl Default for PoolSettings {
    fn default() -> Self {
        Self {
            region: "us-east-1".to_owned(),
            user_pool_id: "us-east-1_LocalPool".to_owned(),
            endpoint: "http://127.0.0.1:9229".to_owned(),
            clients: vec![ClientSettings::default()],
            user_pool: plain_user_pool(),
            trigger_time_out: Duration::from_secs(5),
            trigger_deliveries: 3,
            client_metadata_reaches_create: true,
            define_sees_wrong_password: false,
            pre_token_generation: Some(PreTokenGenerationVersion::V2),
            temporary_passwords: AfterCognitoChallenge::CallDefine,
            mfa_configuration: MfaConfiguration::Off,
            after_cognito_mfa: AfterCognitoChallenge::CallDefine,
        }
    }
}

impl PoolSettings {
    /// The pool and the app client of template.yaml, with sign-up open or not.
    pub fn as_deployed(self_sign_up: bool) -> Self {
        let mut user_pool = plain_user_pool();
        if let Some(members) = user_pool.as_object_mut() {
            let deployed = json!({
                "UsernameAttributes": ["email"],
                "DeletionProtection": "ACTIVE",
                "UserAttributeUpdateSettings": { "AttributesRequireVerificationBeforeUpdate": ["email"] },
                "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": !self_sign_up },
            });
            members.extend(deployed.as_object().cloned().unwrap_or_default());
        }
        Self { user_pool, clients: vec![ClientSettings::as_deployed()], ..Self::default() }
    }
}

/// template.yaml's pool, where users have names of their own and sign up themselves.
fn plain_user_pool() -> Value {
    json!({
        "PoolName": "second-factor",
        "UsernameConfiguration": { "CaseSensitive": false },
        "AutoVerifiedAttributes": ["email"],
        "AccountRecoverySetting": { "RecoveryMechanisms": [{ "Name": "verified_email", "Priority": 1 }] },
        "Policies": { "PasswordPolicy": {
            "MinimumLength": 12,
            "RequireLowercase": false,
            "RequireUppercase": false,
            "RequireNumbers": false,
            "RequireSymbols": false,
            "TemporaryPasswordValidityDays": 3,
        } },
    })
}

/// One app client.
#[derive(Clone)]
pub struct ClientSettings {
    /// The app client's id.
    pub client_id: String,
    /// `ExplicitAuthFlows`. Any other than the two of [`ExplicitAuthFlow::AS_DEPLOYED`] bypasses the second factor unless the
    /// token guard is attached.
    pub explicit_auth_flows: Vec<ExplicitAuthFlow>,
    /// Where there is a secret, every call must carry the matching `SECRET_HASH`.
    pub client_secret: Option<String>,
    /// Whether callers can learn that a user does not exist.
    pub prevent_user_existence_errors: PreventUserExistenceErrors,
    /// How long a session string is valid.
    pub auth_session_validity: AuthSessionValidity,
    /// The lifetime of access tokens.
    pub token_validity: Duration,
    /// The lifetime of ID tokens; `None` where it is the same.
    pub id_token_validity: Option<Duration>,
    /// The lifetime of refresh tokens.
    pub refresh_token_validity: Duration,
    /// `EnableTokenRevocation`
    pub token_revocation: bool,
}

impl Default for ClientSettings {
    fn default() -> Self {
        Self {
            client_id: "localpoolclient00000000000".to_owned(),
            explicit_auth_flows: ExplicitAuthFlow::AS_DEPLOYED.to_vec(),
            client_secret: None,
            prevent_user_existence_errors: PreventUserExistenceErrors::Enabled,
            auth_session_validity: AuthSessionValidity::SHORTEST,
            token_validity: Duration::from_secs(60 * 60),
            id_token_validity: None,
            token_revocation: true,
            refresh_token_validity: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}

impl ClientSettings {
    /// The app client with the lifetimes of template.yaml.
    pub fn as_deployed() -> Self {
        Self {
            auth_session_validity: AuthSessionValidity::LONGEST,
            refresh_token_validity: Duration::from_secs(24 * 60 * 60),
            ..Self::default()
        }
    }

    /// The error for an unknown user: `unknown`, or `hidden` where existence is hidden.
    pub(crate) fn hide(&self, unknown: CognitoError, hidden: impl FnOnce() -> CognitoError) -> CognitoError {
        match self.prevent_user_existence_errors {
            PreventUserExistenceErrors::Enabled => hidden(),
            PreventUserExistenceErrors::Legacy => unknown,
        }
    }

    /// `SECRET_HASH` is base64(HMAC-SHA256(client secret, user name + client id)). A client without a secret must not send it.
    pub(crate) fn check_secret_hash(&self, user_name: &str, presented: Option<&str>) -> Result<(), CognitoError> {
        let id = &self.client_id;
        let matches = match (&self.client_secret, presented) {
            (None, None) => true,
            (None, Some(_)) => false,
            (Some(_), None) => {
                return Err(CognitoError::not_authorized(format!(
                    "Client {id} is configured with secret but SECRET_HASH was not received"
                )));
            }
            (Some(secret), Some(presented)) => {
                let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
                let message = format!("{user_name}{id}");
                BASE64_STANDARD
                    .decode(presented)
                    .is_ok_and(|hash| hmac::verify(&key, message.as_bytes(), &hash).is_ok())
            }
        };
        let mismatch = || CognitoError::not_authorized(format!("Unable to verify secret hash for client {id}"));
        matches.then_some(()).ok_or_else(mismatch)
    }

    /// Whether a request carried the client's secret itself, or none where the client has none.
    pub(crate) fn is_secret(&self, presented: Option<&str>) -> bool {
        let secret = self.client_secret.as_deref().unwrap_or_default();
        constant_time::verify_slices_are_equal(secret.as_bytes(), presented.unwrap_or_default().as_bytes()).is_ok()
    }
}

/// A way to authenticate that an app client allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
pub enum ExplicitAuthFlow {
    /// `CUSTOM_AUTH`: Define decides each step.
    #[value(name = "ALLOW_CUSTOM_AUTH")]
    CustomAuth,
    /// `REFRESH_TOKEN_AUTH`
    #[value(name = "ALLOW_REFRESH_TOKEN_AUTH")]
    RefreshToken,
    /// `USER_SRP_AUTH`
    #[value(name = "ALLOW_USER_SRP_AUTH")]
    UserSrp,
    /// `USER_PASSWORD_AUTH`
    #[value(name = "ALLOW_USER_PASSWORD_AUTH")]
    UserPassword,
    /// `ADMIN_USER_PASSWORD_AUTH`, and `ADMIN_NO_SRP_AUTH`, its older name.
    #[value(name = "ALLOW_ADMIN_USER_PASSWORD_AUTH")]
    AdminUserPassword,
    /// `USER_AUTH`, which this pool does not have: it is described, and refused.
    #[value(skip)]
    UserAuth,
    /// The exchange of tokens on behalf of a user, which this pool does not have: it is described only.
    #[value(skip)]
    TokenExchangeDelegation,
    /// The exchange of tokens in place of a user, likewise.
    #[value(skip)]
    TokenExchangeImpersonation,
}

impl ExplicitAuthFlow {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::CustomAuth => "ALLOW_CUSTOM_AUTH",
            Self::RefreshToken => "ALLOW_REFRESH_TOKEN_AUTH",
            Self::UserSrp => "ALLOW_USER_SRP_AUTH",
            Self::UserPassword => "ALLOW_USER_PASSWORD_AUTH",
            Self::AdminUserPassword => "ALLOW_ADMIN_USER_PASSWORD_AUTH",
            Self::UserAuth => "ALLOW_USER_AUTH",
            Self::TokenExchangeDelegation => "ALLOW_TOKEN_EXCHANGE_DELEGATION",
            Self::TokenExchangeImpersonation => "ALLOW_TOKEN_EXCHANGE_IMPERSONATION",
        }
    }

    /// Takes the names without `ALLOW_`, too, which are older.
    pub(crate) fn parse(word: &str) -> Option<Self> {
        match word {
            "ADMIN_NO_SRP_AUTH" => Some(Self::AdminUserPassword),
            "CUSTOM_AUTH_FLOW_ONLY" => Some(Self::CustomAuth),
            "USER_PASSWORD_AUTH" => Some(Self::UserPassword),
            "ALLOW_CUSTOM_AUTH" => Some(Self::CustomAuth),
            "ALLOW_REFRESH_TOKEN_AUTH" => Some(Self::RefreshToken),
            "ALLOW_USER_SRP_AUTH" => Some(Self::UserSrp),
            "ALLOW_USER_PASSWORD_AUTH" => Some(Self::UserPassword),
            "ALLOW_ADMIN_USER_PASSWORD_AUTH" => Some(Self::AdminUserPassword),
            "ALLOW_USER_AUTH" => Some(Self::UserAuth),
            "ALLOW_TOKEN_EXCHANGE_DELEGATION" => Some(Self::TokenExchangeDelegation),
            "ALLOW_TOKEN_EXCHANGE_IMPERSONATION" => Some(Self::TokenExchangeImpersonation),
            _ => None,
        }
    }

    /// The flows of the app client in template.yaml.
    pub const AS_DEPLOYED: [Self; 2] = [Self::CustomAuth, Self::RefreshToken];
    /// What a client allows whose `ExplicitAuthFlows` is left out.
    pub const LEFT_OUT: [Self; 3] = [Self::CustomAuth, Self::RefreshToken, Self::UserSrp];
}

/// `PreventUserExistenceErrors`
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum PreventUserExistenceErrors {
    /// An unknown user is asked for a password like any other; the triggers receive `userNotFound`.
    Enabled,
    /// `UserNotFoundException`; the triggers do not receive `userNotFound`.
    Legacy,
}

/// Three to fifteen minutes, as Cognito requires.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct AuthSessionValidity(u8);

impl TryFrom<u8> for AuthSessionValidity {
    type Error = &'static str;

    fn try_from(minutes: u8) -> Result<Self, Self::Error> {
        Self::minutes(minutes).ok_or("3 to 15 minutes are possible")
    }
}

impl From<AuthSessionValidity> for u8 {
    fn from(validity: AuthSessionValidity) -> Self {
        validity.0
    }
}

impl PreventUserExistenceErrors {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Enabled => "ENABLED",
            Self::Legacy => "LEGACY",
        }
    }
}

impl AuthSessionValidity {
    /// Cognito's default.
    pub const SHORTEST: Self = Self(3);
    /// Time to install an authenticator.
    pub const LONGEST: Self = Self(15);

    /// `None` outside of three to fifteen.
    pub fn minutes(minutes: u8) -> Option<Self> {
        (3..=15).contains(&minutes).then_some(Self(minutes))
    }

    pub(crate) fn in_minutes(self) -> u8 {
        self.0
    }

    pub(crate) fn seconds(self) -> u64 {
        u64::from(self.0).saturating_mul(60)
    }
}
