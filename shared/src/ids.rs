//! Random bytes that tell one thing from every other, and travel as text.

use serde::{Deserialize, Serialize};

use crate::encoding::{decode, encode};

/// Defines a type over random bytes that travels as base64url.
macro_rules! random_id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(pub [u8; $bytes]);

        impl $name {
            /// As text.
            #[must_use]
            pub fn to_text(&self) -> String {
                encode(&self.0)
            }

            /// From text; `None` when it is something else.
            #[must_use]
            pub fn from_text(text: &str) -> Option<Self> {
                Some(Self(decode(text)?.try_into().ok()?))
            }
        }

        impl TryFrom<String> for $name {
            type Error = &'static str;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::from_text(&text).ok_or(concat!("not a ", stringify!($name)))
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_text()
            }
        }
    };
}

random_id! {
    /// Tells one issued challenge from every other.
    Nonce, 16
}

random_id! {
    /// Names an authenticator; the sealing of its secret is bound to it.
    AuthenticatorId, 16
}

random_id! {
    /// Changed by each enrollment, code set, import and reset, to bytes that nobody can know before. So a set-up challenge that
    /// was held back meanwhile changes nothing, and a sign-in that proved something about an older record goes no further.
    Generation, 8
}

impl Generation {
    /// The generation of a user without a record.
    pub const NONE: Self = Self([0; 8]);

    /// Takes eight of sixteen bytes that Create drew.
    pub(crate) fn drawn_with(drawn: &[u8; 16]) -> Self {
        let [.., a, b, c, d, e, f, g, h] = *drawn;
        Self([a, b, c, d, e, f, g, h])
    }
}

impl Default for Generation {
    fn default() -> Self {
        Self::NONE
    }
}
