//! What a check needs to know of the whole.

use shared::settings::{AcceptedCognitoMfa, Enrollment, SettingError, SignInSettings, TokenGuard};

use crate::doctor::deployment::{Given, Trigger, Triggers, Variables};

/// What other checks need to know of the whole.
pub(super) struct Known<'a> {
    pub(super) pool_arn: &'a str,
    pub(super) guard: Guard,
    /// `None`: not read, or not understood.
    pub(super) cognito_mfa_is_accepted: Option<bool>,
    pub(super) given: &'a Given,
}

/// Which tokens are refused although no trigger of the sign-in was asked.
#[derive(Clone, Copy)]
pub(super) enum Guard {
    /// All that the second factor was not proven for.
    Grant,
    /// Those of managed login, devices and temporary passwords; not those of a flow of the API.
    TriggerSource,
    /// None: nothing is attached, or it is not the token guard.
    Absent,
    /// What is attached could not be read.
    Unread,
}

pub(super) fn guard(triggers: &Triggers) -> Guard {
    match (&triggers.guard, triggers.variables(Trigger::Guard).map(token_guard)) {
        (None, _) | (Some(_), Some(Err(_))) => Guard::Absent,
        (Some(_), None) => Guard::Unread,
        (Some(_), Some(Ok(TokenGuard::Grant))) => Guard::Grant,
        (Some(_), Some(Ok(TokenGuard::TriggerSource))) => Guard::TriggerSource,
    }
}

pub(super) fn cognito_mfa_is_accepted(triggers: &Triggers) -> Option<bool> {
    let value = triggers.variables(Trigger::Define)?.get(AcceptedCognitoMfa::VARIABLE)?;
    AcceptedCognitoMfa::parse(value).ok().map(|accepted| accepted != AcceptedCognitoMfa::NONE)
}

pub(super) fn sign_in_settings(variables: &Variables) -> Result<SignInSettings, SettingError> {
    SignInSettings::read(&|variable| variables.get(variable).map(str::to_owned))
}

pub(super) fn enrollment(variables: &Variables) -> Result<Enrollment, SettingError> {
    Enrollment::read(&|variable| variables.get(variable).map(str::to_owned))
}

pub(super) fn token_guard(variables: &Variables) -> Result<TokenGuard, SettingError> {
    TokenGuard::read(&|variable| variables.get(variable).map(str::to_owned))
}
