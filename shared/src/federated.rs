//! Federated users: which identity providers are trusted to have asked for a second factor.
//!
//! Managed login calls no challenge triggers, so nothing here can ask these users for anything. Their event is judged alone: no
//! record is read, and their tokens carry no claim.
//!
//! Invariant: a user who has a password in this pool never passes here. A local user who is linked to a provider is `CONFIRMED`,
//! and comes the same way whether by the provider or by the password.
//! Source: <https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-identity-federation-consolidate-users.html>

use serde::Deserialize;

use crate::settings::{Lookup, SettingError, optional};

/// `cognito:user_status` of a user whom an identity provider has made, and who has no password here.
const EXTERNAL_PROVIDER: &str = "EXTERNAL_PROVIDER";

/// The attribute with the providers that a user is linked to, as JSON.
pub const IDENTITIES: &str = "identities";

/// Names of identity providers that are trusted to have asked for a second factor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FederatedProviders(Vec<String>);

/// An element of [`IDENTITIES`].
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity {
    provider_name: String,
}

impl FederatedProviders {
    /// The environment variable: names as the pool has them, separated by white space.
    pub const VARIABLE: &str = "FEDERATED_PROVIDERS";
    /// Characters of a name at most (service model, `ProviderNameType`).
    const LONGEST: usize = 32;

    /// Reads [`Self::VARIABLE`]; without it nobody is trusted.
    ///
    /// # Errors
    /// A name that no provider can have, or `COGNITO`, which is the pool itself.
    pub fn read(lookup: Lookup<'_>) -> Result<Self, SettingError> {
        optional(lookup, Self::VARIABLE).map_or(Ok(Self::default()), |value| Self::parse(&value))
    }

    /// Reads the value of [`Self::VARIABLE`].
    ///
    /// # Errors
    /// The same.
    pub fn parse(value: &str) -> Result<Self, SettingError> {
        let names: Vec<String> = value.split_whitespace().map(str::to_owned).collect();
        let wrong = names.iter().find(|name| name.chars().count() > Self::LONGEST || name.as_str() == "COGNITO");
        match wrong {
            None => Ok(Self(names)),
            Some(name) => Err(SettingError {
                variable: Self::VARIABLE,
                problem: format!("must be names of identity providers, separated by spaces; {name:?} is none"),
            }),
        }
    }

    /// Whether `name` is one of them.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|trusted| trusted == name)
    }

    /// Whether a user with this status comes from an identity provider.
    #[must_use]
    pub fn is_federated(status: Option<&str>) -> bool {
        status == Some(EXTERNAL_PROVIDER)
    }

    /// Whether every provider of a federated user is trusted. `status` and `identities` are the user's attributes.
    #[must_use]
    pub fn vouch_for(&self, status: Option<&str>, identities: Option<&str>) -> bool {
        let identities = identities.and_then(|text| serde_json::from_str::<Vec<Identity>>(text).ok());
        // The list has every provider that is linked, and not only the one that was used.
        Self::is_federated(status)
            && identities.is_some_and(|identities| {
                !identities.is_empty() && identities.iter().all(|identity| self.contains(&identity.provider_name))
            })
    }
}
