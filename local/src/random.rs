//! The only place of this crate that draws random bytes, apart from the signing key, which aws-lc-rs generates.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use uuid::{Builder, Uuid};

#[expect(clippy::disallowed_methods, reason = "no decision depends on a random value, so no test needs to choose it")]
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), getrandom::Error> {
    getrandom::fill(bytes)
}

pub(crate) fn bytes<const N: usize>() -> Result<[u8; N], getrandom::Error> {
    let mut bytes = [0; N];
    fill(&mut bytes)?;
    Ok(bytes)
}

/// A string that cannot be guessed and carries no information: session strings, refresh tokens.
pub(crate) fn opaque<const N: usize>() -> Result<String, getrandom::Error> {
    Ok(BASE64_URL_SAFE_NO_PAD.encode(bytes::<N>()?))
}

pub(crate) fn uuid() -> Result<Uuid, getrandom::Error> {
    Ok(Builder::from_random_bytes(bytes()?).into_uuid())
}

/// Lower-case letters and digits, which Cognito makes the ids of its resources of.
pub(crate) fn alphanumeric<const N: usize>() -> Result<String, getrandom::Error> {
    const ALPHABET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
    let symbol = |byte: u8| ALPHABET.get(usize::from(byte & 31)).copied().map_or('0', char::from);
    Ok(bytes::<N>()?.into_iter().map(symbol).collect())
}

/// Six decimal digits, each as likely as the other to within one in 10^13.
pub(crate) fn confirmation_code() -> Result<String, getrandom::Error> {
    let code = u64::from_be_bytes(bytes()?) % 1_000_000;
    Ok(format!("{code:06}"))
}
