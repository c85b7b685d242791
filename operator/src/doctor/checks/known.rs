//! What a check needs to know of the whole.

use shared::clock::UnixTime;
use shared::federated::FederatedProviders;
use shared::settings::{AcceptedCognitoMfa, TokenGuard};

use super::startup::{lookup, report_only, token_guard};
use crate::doctor::deployment::{Client, Given, ListedClient, PoolTrigger, Read, Triggers, Variables};

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
    /// `None`: it is not set, or stops the token guard.
    pub(super) longest_session_days: Option<u64>,
    pub(super) table_name: Option<&'a String>,
    pub(super) read_at: UnixTime,
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

pub(super) fn guard(triggers: &Triggers, now: UnixTime) -> Guard {
    let variables = triggers.variables(PoolTrigger::Guard);
    let reports = variables.is_some_and(|variables| report_only(variables).is_ok_and(|read| read.is_on(now)));
    match (&triggers.guard, variables.map(token_guard)) {
        (None, _) | (Some(_), Some(Err(_))) => Guard::Absent,
        (Some(_), None) => Guard::Unread,
        (Some(_), Some(Ok(_))) if reports => Guard::Reporting,
        (Some(_), Some(Ok(TokenGuard::Grant))) => Guard::Grant,
        (Some(_), Some(Ok(TokenGuard::TriggerSource))) => Guard::TriggerSource,
    }
}

/// Where the guard denies anything; a value that stops the guard lets nobody pass.
pub(super) fn federated_providers(triggers: &Triggers) -> FederatedProviders {
    let variables = triggers.variables(PoolTrigger::Guard);
    let read = |variables: &Variables| FederatedProviders::read(&lookup(variables)).unwrap_or_default();
    variables.map(read).unwrap_or_default()
}

pub(super) fn cognito_mfa_is_accepted(triggers: &Triggers) -> Option<bool> {
    let value = triggers.variables(PoolTrigger::Define)?.get(AcceptedCognitoMfa::VARIABLE)?;
    AcceptedCognitoMfa::parse(value).ok().map(|accepted| accepted != AcceptedCognitoMfa::NONE)
}
