//! A user's authenticator as it is kept: its secret is sealed, its name is the user's own.
//!
//! Invariant: nothing here holds a secret that can be read.

use serde::{Deserialize, Serialize};

use crate::characters::visible;
use crate::clock::UnixTime;
use crate::encoding::{decode, encode};
use crate::ids::AuthenticatorId;
use crate::totp::{Parameters, TimeStep};

/// An authenticator that has proven itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Authenticator {
    pub(crate) id: AuthenticatorId,
    pub(crate) sealed: SealedSecret,
    pub(crate) parameters: Parameters,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<FriendlyName>,
    pub(crate) enrolled_at: UnixTime,
    /// The step of the last accepted passcode; it and all before it are dead.
    pub(crate) last_step: TimeStep,
}

impl Authenticator {
    /// One that a user has elsewhere. Whatever it shows now was perhaps just used there: this passcode and the next are dead.
    #[must_use]
    pub fn imported(
        id: AuthenticatorId,
        sealed: SealedSecret,
        parameters: Parameters,
        name: Option<FriendlyName>,
        now: UnixTime,
    ) -> Self {
        let last_step = parameters.period.step_at(now).next();
        Self { id, sealed, parameters, name, enrolled_at: now, last_step }
    }

    /// When it was enrolled.
    #[must_use]
    pub fn enrolled_at(&self) -> UnixTime {
        self.enrolled_at
    }

    /// The time step of the last accepted passcode; `None` for an imported one that was not used here.
    #[must_use]
    pub fn last_used_at(&self) -> Option<UnixTime> {
        let imported = self.parameters.period.step_at(self.enrolled_at).next();
        (self.last_step != imported).then(|| UnixTime(self.parameters.period.start_of(self.last_step)))
    }

    /// The user's own name for it.
    #[must_use]
    pub fn name(&self) -> Option<&FriendlyName> {
        self.name.as_ref()
    }
}

/// The user's own name for an authenticator (`friendlyDeviceName`): printable, and short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FriendlyName(String);

impl FriendlyName {
    /// The key in `clientMetadata`.
    pub const KEY: &str = "friendlyDeviceName";
    /// Characters at most; the rest is cut.
    pub const CHARACTERS: usize = 32;

    /// Keeps what can be shown anywhere: no invisible character, and none that changes the text around it.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        let visible = visible(typed);
        let name: String = visible.trim().chars().take(Self::CHARACTERS).collect();
        // The cut may have left a space at the end.
        let name = name.trim_end();
        (!name.is_empty()).then(|| Self(name.to_owned()))
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An authenticator's secret, sealed for one user, purpose and authenticator.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SealedSecret(pub Vec<u8>);

impl SealedSecret {
    /// As text.
    #[must_use]
    pub fn to_text(&self) -> String {
        encode(&self.0)
    }

    /// From text.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        decode(text).map(Self)
    }
}

impl std::fmt::Debug for SealedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SealedSecret({} bytes)", self.0.len())
    }
}

impl TryFrom<String> for SealedSecret {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_text(&text).ok_or("not a sealed secret")
    }
}

impl From<SealedSecret> for String {
    fn from(sealed: SealedSecret) -> Self {
        sealed.to_text()
    }
}
