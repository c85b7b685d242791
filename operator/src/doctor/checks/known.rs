//! What a check needs to know of the whole.

use shared::federated::FederatedProviders;
use shared::settings::{AcceptedCognitoMfa, Enrollment, PasscodeDigits, SettingError, SignInSettings, TokenGuard};

use crate::doctor::deployment::{
    Client, Given, ListedClient, PoolTrigger, REPORT_ONLY_UNTIL, Read, Triggers, Variables,
};

/// What other checks need to know of the whole.
pub(super) struct Known<'a> {
    pub(super) pool_arn: &'a str,
    pub(super) guard: Guard,
    /// `None`: not read, or not understood.
    pub(super) cognito_mfa_is_accepted: Option<bool>,
    /// Some app client lets federated users in, or an app client could not be read.
    pub(super) users_are_federated: bool,
    /// The token guard lets their users pass.
    pub(super) federated: FederatedProviders,
    /// Some function lets users do without a second factor.
    pub(super) is_optional: bool,
    pub(super) longest_session_days: Option<i64>,
    pub(super) table_name: Option<&'a String>,
    pub(super) read_at: &'a str,
    pub(super) given: &'a Given,
}

impl Guard {
    /// Whether it denies the tokens of managed login.
    pub(super) fn denies_managed_login(self) -> bool {
        match self {
            Self::Grant | Self::TriggerSource => true,
            Self::Reporting | Self::Absent | Self::Unread => false,
        }
    }
}

pub(super) fn users_are_federated(clients: &Read<Vec<ListedClient>>) -> bool {
    let of_one = |client: &Client| client.allows_managed_login() && !client.foreign_identity_providers().is_empty();
    clients.as_ref().map_or(true, |clients| clients.iter().any(|listed| listed.client.as_ref().map_or(true, of_one)))
}

/// Which tokens are denied although no trigger of the sign-in was asked.
#[derive(Clone, Copy)]
pub(super) enum Guard {
    /// All that the second factor was not proven for.
    Grant,
    /// Those of managed login, devices and temporary passwords; not those of a flow of the API.
    TriggerSource,
    /// None yet: it only reports which it would deny.
    Reporting,
    /// None: nothing is attached, or it is not the token guard.
    Absent,
    /// What is attached could not be read.
    Unread,
}

pub(super) fn guard(triggers: &Triggers, now: &str) -> Guard {
    let reports = reports_until(triggers).is_some_and(|until| until > now);
    match (&triggers.guard, triggers.variables(PoolTrigger::Guard).map(token_guard)) {
        (None, _) | (Some(_), Some(Err(_))) => Guard::Absent,
        (Some(_), None) => Guard::Unread,
        (Some(_), Some(Ok(_))) if reports => Guard::Reporting,
        (Some(_), Some(Ok(TokenGuard::Grant))) => Guard::Grant,
        (Some(_), Some(Ok(TokenGuard::TriggerSource))) => Guard::TriggerSource,
    }
}

/// `REPORT_ONLY_UNTIL` of the token guard. Two times of this form compare as text.
pub(super) fn reports_until(triggers: &Triggers) -> Option<&str> {
    triggers.variables(PoolTrigger::Guard)?.get(REPORT_ONLY_UNTIL).filter(|until| !until.trim().is_empty())
}

/// Where the guard denies anything; a value that stops the guard lets nobody pass.
pub(super) fn federated_providers(triggers: &Triggers) -> FederatedProviders {
    let variables = triggers.variables(PoolTrigger::Guard);
    let read = |variables: &Variables| {
        FederatedProviders::read(&|variable| variables.get(variable).map(str::to_owned)).unwrap_or_default()
    };
    variables.map(read).unwrap_or_default()
}

pub(super) fn cognito_mfa_is_accepted(triggers: &Triggers) -> Option<bool> {
    let value = triggers.variables(PoolTrigger::Define)?.get(AcceptedCognitoMfa::VARIABLE)?;
    AcceptedCognitoMfa::parse(value).ok().map(|accepted| accepted != AcceptedCognitoMfa::NONE)
}

pub(super) fn sign_in_settings(variables: &Variables) -> Result<SignInSettings, SettingError> {
    SignInSettings::read(&|variable| variables.get(variable).map(str::to_owned))
}

pub(super) fn passcode_digits(variables: &Variables) -> Result<PasscodeDigits, SettingError> {
    PasscodeDigits::read(&|variable| variables.get(variable).map(str::to_owned))
}

pub(super) fn enrollment(variables: &Variables) -> Result<Enrollment, SettingError> {
    Enrollment::read(&|variable| variables.get(variable).map(str::to_owned))
}

pub(super) fn token_guard(variables: &Variables) -> Result<TokenGuard, SettingError> {
    TokenGuard::read(&|variable| variables.get(variable).map(str::to_owned))
}
