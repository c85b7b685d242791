//! The key that signs ID and access tokens (RS256).
//!
//! Source: RFC 7515 (the compact form), RFC 7517 and RFC 7518 section 6.3 (the key set).

use aws_lc_rs::digest;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use serde_json::{Value, json};

/// Generated on startup, and kept in memory and in a data file.
pub(crate) struct SigningKey {
    pair: KeyPair,
    key_id: String,
}

impl SigningKey {
    pub(crate) fn generate() -> Result<Self, Unspecified> {
        Ok(Self::of(KeyPair::generate(KeySize::Rsa2048)?))
    }

    /// The private key, in PKCS #8.
    pub(crate) fn to_pkcs8(&self) -> Result<Pkcs8V1Der<'static>, Unspecified> {
        self.pair.as_der()
    }

    /// `None` for what [`Self::to_pkcs8`] did not write.
    pub(crate) fn from_pkcs8(private_key: &[u8]) -> Option<Self> {
        KeyPair::from_pkcs8(private_key).ok().map(Self::of)
    }

    fn of(pair: KeyPair) -> Self {
        let key_id = digest::digest(&digest::SHA256, pair.public_key().as_ref());
        Self { pair, key_id: BASE64_URL_SAFE_NO_PAD.encode(key_id) }
    }

    pub(crate) fn jwks(&self) -> Value {
        let number = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
        let public_key = self.pair.public_key();
        json!({ "keys": [{
            "alg": "RS256",
            "kty": "RSA",
            "use": "sig",
            "kid": self.key_id,
            "n": number(public_key.modulus().big_endian_without_leading_zero()),
            "e": number(public_key.exponent().big_endian_without_leading_zero()),
        }] })
    }

    pub(crate) fn sign(&self, claims: &Value) -> Result<String, Unspecified> {
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let header = json!({ "kid": self.key_id, "alg": "RS256" });
        let signed = format!("{}.{}", part(&header), part(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed.as_bytes(), &mut signature)?;
        Ok(format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature)))
    }

    /// The claims of a token that this key signed; `None` for any other token.
    pub(crate) fn verify(&self, token: &str) -> Option<Value> {
        let (signed, signature) = token.rsplit_once('.')?;
        let signature = BASE64_URL_SAFE_NO_PAD.decode(signature).ok()?;
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.pair.public_key().as_ref())
            .verify(signed.as_bytes(), &signature)
            .ok()?;
        let (_header, claims) = signed.split_once('.')?;
        serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }
}
