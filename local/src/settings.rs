//! What a user pool and its app clients are set to.

use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;

/// Seconds since 1970-01-01T00:00:00Z.
pub type UnixSeconds = u64;

/// Where the pool takes the time from.
pub type Clock = Arc<dyn Fn() -> UnixSeconds + Send + Sync>;

/// One user pool.
pub struct PoolSettings {
    /// Such as `us-east-1`; the first part of a pool id.
    pub region: String,
    /// The region, an underscore, and letters and digits: clients take it apart.
    pub user_pool_id: String,
    /// Where the pool is reached. Tokens are issued by `<endpoint>/<user pool id>`, so that their verifier finds the
    /// keys beside it as it does at Cognito.
    pub endpoint: String,
    /// At least one.
    pub clients: Vec<ClientSettings>,
    /// How long a trigger may take.
    pub trigger_time_out: Duration,
    /// How often a trigger is called that gives no answer, with the first time.
    pub trigger_deliveries: u32,
    /// Whether the `ClientMetadata` of `RespondToAuthChallenge` reaches `CreateAuthChallenge`. Cognito documents that it
    /// does; one user reports that it does not.
    pub client_metadata_reaches_create: bool,
    /// Whether `DefineAuthChallenge` is called after a wrong password. Nobody has published what Cognito does. If not,
    /// the client is told at once; if so, what Define says is done.
    pub define_sees_wrong_password: bool,
    /// `PreTokenGenerationConfig`: the event that the trigger is sent before any token leaves; `None` where it is not
    /// attached.
    pub pre_token_generation: Option<PreTokenGenerationVersion>,
    /// Who asks for a new password in place of a temporary one, inside of `CUSTOM_AUTH`.
    pub temporary_passwords: Takeover,
    /// Cognito's own MFA at the start; `SetUserPoolMfaConfig` changes it.
    pub mfa_configuration: MfaConfiguration,
    /// What follows a factor of Cognito's own inside of `CUSTOM_AUTH`.
    pub after_cognito_mfa: Takeover,
}

/// `MfaConfiguration`
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MfaConfiguration {
    /// Asked of nobody.
    #[value(name = "OFF")]
    Off,
    /// Asked of who has enabled a factor.
    #[value(name = "OPTIONAL")]
    Optional,
    /// Asked of everyone.
    #[value(name = "ON")]
    On,
}

impl MfaConfiguration {
    pub(crate) fn read(word: &str) -> Option<Self> {
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

/// What Cognito does inside of `CUSTOM_AUTH` with a challenge of its own: its documentation and its users disagree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Takeover {
    /// `DefineAuthChallenge` is asked what comes next, as documented.
    #[value(name = "DEFINE")]
    DefineIsAsked,
    /// Tokens follow, as users reported.
    #[value(name = "TOKENS")]
    TokensFollow,
}

/// `LambdaVersion` of `PreTokenGenerationConfig`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PreTokenGenerationVersion {
    /// It changes the ID token's claims.
    #[value(name = "V1_0")]
    V1,
    /// It changes both tokens' claims.
    #[value(name = "V2_0")]
    V2,
    /// The same, and it is asked for machines' tokens, which this pool has none of.
    #[value(name = "V3_0")]
    V3,
}

impl PreTokenGenerationVersion {
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
            trigger_time_out: Duration::from_secs(5),
            trigger_deliveries: 3,
            client_metadata_reaches_create: true,
            define_sees_wrong_password: false,
            pre_token_generation: Some(PreTokenGenerationVersion::V2),
            temporary_passwords: Takeover::DefineIsAsked,
            mfa_configuration: MfaConfiguration::Off,
            after_cognito_mfa: Takeover::DefineIsAsked,
        }
    }
}

/// One app client.
#[derive(Clone)]
pub struct ClientSettings {
    /// The app client's id.
    pub client_id: String,
    /// `ExplicitAuthFlows`. Any but the two of [`ExplicitAuthFlow::AS_DEPLOYED`] is a door beside the second factor.
    pub explicit_auth_flows: Vec<ExplicitAuthFlow>,
    /// With a secret, every call has to carry the matching `SECRET_HASH`.
    pub client_secret: Option<String>,
    /// Whether callers can learn that a user does not exist.
    pub prevent_user_existence_errors: PreventUserExistenceErrors,
    /// How long the answer to a challenge is waited for.
    pub auth_session_validity: AuthSessionValidity,
    /// The lifetime of access and ID tokens.
    pub token_validity: Duration,
    /// The lifetime of refresh tokens.
    pub refresh_token_validity: Duration,
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
            refresh_token_validity: Duration::from_secs(30 * 24 * 60 * 60),
        }
    }
}

impl ClientSettings {
    /// The lifetimes of the app client in template.yaml.
    pub fn as_deployed() -> Self {
        Self {
            auth_session_validity: AuthSessionValidity::LONGEST,
            refresh_token_validity: Duration::from_secs(24 * 60 * 60),
            ..Self::default()
        }
    }
}

/// A way to authenticate that an app client allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExplicitAuthFlow {
    /// `CUSTOM_AUTH`: Define decides.
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
}

impl ExplicitAuthFlow {
    /// Those of the app client in template.yaml.
    pub const AS_DEPLOYED: [Self; 2] = [Self::CustomAuth, Self::RefreshToken];
    /// What `ExplicitAuthFlows` means where it is left out.
    pub const LEFT_OUT: [Self; 3] = [Self::CustomAuth, Self::RefreshToken, Self::UserSrp];
}

/// An app client's setting of that name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PreventUserExistenceErrors {
    /// An unknown user is asked for a password like any other; the triggers are told.
    Enabled,
    /// `UserNotFoundException`; the triggers are not told anything.
    Legacy,
}

/// Three to fifteen minutes: Cognito takes nothing else.
#[derive(Clone, Copy)]
pub struct AuthSessionValidity(u8);

impl AuthSessionValidity {
    /// Cognito's default.
    pub const SHORTEST: Self = Self(3);
    /// Time to install an authenticator.
    pub const LONGEST: Self = Self(15);

    /// `None` outside of three to fifteen.
    pub fn minutes(minutes: u8) -> Option<Self> {
        (3..=15).contains(&minutes).then_some(Self(minutes))
    }

    pub(crate) fn seconds(self) -> UnixSeconds {
        UnixSeconds::from(self.0).saturating_mul(60)
    }
}
