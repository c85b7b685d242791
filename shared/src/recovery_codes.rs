//! Recovery codes: ten of 80 random bits each, for the day the phone is lost.
//!
//! Written as 16 Crockford base32 characters in groups of four. Kept as PBKDF2-HMAC-SHA256 under one salt a set, so an
//! answer costs one hash. 80 bits are not guessed, so the work factor is small and no limit applies to them.
//!
//! Invariant: a set never contains what it was made from; a code that was used is no longer in its set.
//! Source: NIST SP 800-63B-4 §3.1.2 (look-up secrets); <https://www.crockford.com/base32.html>; RFC 8018 §5.2.

use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::characters::letters_and_digits;
use crate::encoding::{decode, encode};

/// Codes in a new set.
pub const CODES: usize = 10;
/// With fewer left, the user is given a new set at the next sign-in.
pub const CODES_DUE_BELOW: usize = 3;
/// Random bytes a code.
pub const CODE_BYTES: usize = 10;
/// PBKDF2 iterations: ten hashes are 69 million instructions where the processor has none of its own for SHA-256
/// (`tests/run cost`).
const ITERATIONS: u32 = 1000;
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
const CODE_CHARACTERS: usize = 16;

/// A recovery code, ours or typed, in the one form that is hashed.
pub struct RecoveryCode(Zeroizing<[u8; CODE_BYTES]>);

impl RecoveryCode {
    /// Makes a code of random bytes.
    #[must_use]
    pub fn new(random: [u8; CODE_BYTES]) -> Self {
        Self(Zeroizing::new(random))
    }

    /// Parses an answer: case, what surrounds or separates the characters, and the look-alikes I, L and O do not matter.
    #[must_use]
    pub fn parse(answer: &str) -> Option<Self> {
        let mut bits: u128 = 0;
        let mut characters: usize = 0;
        for character in letters_and_digits(answer) {
            let plain = match character.to_ascii_uppercase() {
                'O' => '0',
                'I' | 'L' => '1',
                other => other,
            };
            let value = ALPHABET.iter().position(|symbol| char::from(*symbol) == plain)?;
            characters = characters.saturating_add(1);
            if characters > CODE_CHARACTERS {
                return None;
            }
            bits = (bits << 5) | u128::try_from(value).ok()?;
        }
        if characters != CODE_CHARACTERS {
            return None;
        }
        let mut code = Zeroizing::new([0; CODE_BYTES]);
        code.copy_from_slice(bits.to_be_bytes().last_chunk::<CODE_BYTES>()?);
        Some(Self(code))
    }

    /// The code as the user sees it: `XXXX-XXXX-XXXX-XXXX`.
    #[must_use]
    pub fn show(&self) -> Zeroizing<String> {
        let bits = self.0.iter().fold(0_u128, |bits, byte| (bits << 8) | u128::from(*byte));
        let mut shown = Zeroizing::new(String::with_capacity(19));
        for group in (0_u32..16).rev() {
            let value = (bits >> group.saturating_mul(5)) & 0x1f;
            let symbol = usize::try_from(value).ok().and_then(|value| ALPHABET.get(value)).copied().unwrap_or(b'?');
            shown.push(char::from(symbol));
            if group % 4 == 0 && group != 0 {
                shown.push('-');
            }
        }
        shown
    }

    fn hash(&self, salt: &Salt) -> Hash {
        Hash(pbkdf2::pbkdf2_hmac_array::<Sha256, 16>(self.0.as_slice(), &salt.0, ITERATIONS))
    }
}

/// The salt of one set.
#[derive(Clone, PartialEq, Eq)]
struct Salt([u8; 16]);

/// What is kept of a code: 128 bits of PBKDF2.
#[derive(Clone, PartialEq, Eq)]
struct Hash([u8; 16]);

/// A set as it is kept: what is left of it, hashed.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeSet {
    salt: Salt,
    left: Vec<Hash>,
}

impl CodeSet {
    /// Hashes a new set.
    #[must_use]
    pub fn new(codes: &[RecoveryCode], salt: [u8; 16]) -> Self {
        let salt = Salt(salt);
        let left = codes.iter().map(|code| code.hash(&salt)).collect();
        Self { salt, left }
    }

    /// How many codes are unused.
    #[must_use]
    pub fn left(&self) -> usize {
        self.left.len()
    }

    /// The salt: random bytes, so it tells this set from every other.
    #[must_use]
    pub fn salt(&self) -> &[u8; 16] {
        &self.salt.0
    }

    /// Whether `code` is one of the set.
    #[must_use]
    pub fn contains(&self, code: &RecoveryCode) -> bool {
        self.without(code).is_some()
    }

    /// The set after `code` was used; `None` when it is not in the set. Compares with every hash, in constant time each.
    #[must_use]
    pub fn without(&self, code: &RecoveryCode) -> Option<Self> {
        let typed = code.hash(&self.salt);
        let left: Vec<Hash> = self.left.iter().filter(|hash| !bool::from(hash.0.ct_eq(&typed.0))).cloned().collect();
        (left.len() < self.left.len()).then(|| Self { salt: self.salt.clone(), left })
    }

    /// The set as text: the salt, then the hashes, one after the other in base64.
    #[must_use]
    pub fn to_text(&self) -> String {
        let hashes = self.left.iter().flat_map(|hash| hash.0);
        encode(&self.salt.0.into_iter().chain(hashes).collect::<Vec<u8>>())
    }

    /// Reads what [`Self::to_text`] wrote.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        let bytes = decode(text)?;
        let (blocks, rest) = bytes.as_chunks::<16>();
        let (salt, hashes) = blocks.split_first()?;
        let whole = rest.is_empty() && hashes.len() <= CODES;
        whole.then(|| Self { salt: Salt(*salt), left: hashes.iter().copied().map(Hash).collect() })
    }
}

impl std::fmt::Debug for CodeSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "CodeSet({} left)", self.left.len())
    }
}

impl serde::Serialize for CodeSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.to_text())
    }
}

impl<'de> serde::Deserialize<'de> for CodeSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        Self::from_text(&text).ok_or_else(|| serde::de::Error::custom("not a set of recovery codes"))
    }
}
