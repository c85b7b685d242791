//! What a client can bind a grant to: a random text that it sends with its last answer, and that only it knows.
//!
//! Invariant: the text is not stored. A grant keeps its SHA-256, which is compared in constant time; a text of 16 characters or
//! more that a client draws at random cannot be found from it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::encoding::{decode, encode};

/// The SHA-256 of a client's nonce.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct SignInNonce([u8; 32]);

/// There is a nonce, and it is not one that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANonce;

impl SignInNonce {
    /// The key in `clientMetadata`.
    pub const KEY: &str = "secondFactorNonce";
    /// Characters at least.
    pub const SHORTEST: usize = 16;
    /// Characters at most.
    pub const LONGEST: usize = 128;

    /// Reads what a client sent under [`Self::KEY`], if anything: printable ASCII without spaces.
    ///
    /// # Errors
    /// It is too short, too long, or has another character.
    pub fn parse(sent: Option<&str>) -> Result<Option<Self>, NotANonce> {
        let Some(sent) = sent else { return Ok(None) };
        let fits = (Self::SHORTEST..=Self::LONGEST).contains(&sent.len());
        if !fits || !sent.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(NotANonce);
        }
        Ok(Some(Self(Sha256::digest(sent).into())))
    }

    /// Whether it is the nonce that was sent.
    pub(crate) fn is(&self, sent: Option<&Self>) -> bool {
        sent.is_some_and(|sent| self.0.ct_eq(&sent.0).into())
    }
}

impl std::fmt::Debug for SignInNonce {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SignInNonce(…)")
    }
}

impl TryFrom<String> for SignInNonce {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        decode(&text).and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or("not a nonce's hash")
    }
}

impl From<SignInNonce> for String {
    fn from(nonce: SignInNonce) -> Self {
        encode(&nonce.0)
    }
}
