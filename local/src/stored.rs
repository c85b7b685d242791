//! How values are written into a data file whose own types cannot be serialized: secrets, whose types never leave the process by
//! accident, and big numbers. Only what `data_file` writes and reads goes through here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::settings::{AuthSessionValidity, ClientSettings, ExplicitAuthFlow, PreventUserExistenceErrors};

/// [`ClientSettings`] with its secret.
#[derive(Serialize, Deserialize)]
#[serde(remote = "ClientSettings")]
pub(crate) struct StoredClientSettings {
    client_id: String,
    explicit_auth_flows: Vec<ExplicitAuthFlow>,
    client_secret: Option<String>,
    prevent_user_existence_errors: PreventUserExistenceErrors,
    auth_session_validity: AuthSessionValidity,
    token_validity: Duration,
    id_token_validity: Option<Duration>,
    refresh_token_validity: Duration,
    token_revocation: bool,
}

/// The secret of a software token, in base32.
pub(crate) mod shared_secret {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};
    use shared::totp::SharedSecret;

    pub(crate) fn serialize<S: Serializer>(secret: &SharedSecret, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&secret.to_base32())
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SharedSecret, D::Error> {
        let text = String::deserialize(deserializer)?;
        SharedSecret::from_base32(&text).ok_or_else(|| D::Error::custom("not base32"))
    }
}

/// A number of SRP, in hexadecimal.
pub(crate) mod number {
    use num_bigint::BigUint;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(number: &BigUint, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&number.to_str_radix(16))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BigUint, D::Error> {
        let text = String::deserialize(deserializer)?;
        BigUint::parse_bytes(text.as_bytes(), 16).ok_or_else(|| D::Error::custom("not hexadecimal"))
    }
}

/// Bytes, in base64.
pub(crate) mod bytes {
    use base64::Engine as _;
    use base64::prelude::BASE64_STANDARD;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: impl AsRef<[u8]>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, B: TryFrom<Vec<u8>>>(deserializer: D) -> Result<B, D::Error> {
        let bytes =
            BASE64_STANDARD.decode(String::deserialize(deserializer)?).map_err(|_| D::Error::custom("not base64"))?;
        B::try_from(bytes).map_err(|_| D::Error::custom("not of this length"))
    }
}
