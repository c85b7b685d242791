//! The parts of an authenticator, as people write them.

use shared::totp::{Algorithm, Digits, Period, SHORTEST_SECRET_BYTES, SharedSecret};
use zeroize::Zeroizing;

use super::problem::{LONGEST_PERIOD, LONGEST_SECRET_BYTES, Problem, SHORTEST_PERIOD};

/// Base32 in either case, in groups or not, padded or not. Bits that are left after the last whole byte are dropped, as
/// Google Authenticator drops them: what the user's authenticator shows is what counts.
pub(super) fn secret(text: &str) -> Result<SharedSecret, Problem> {
    let separates = |c: char| c.is_whitespace() || matches!(c, '-' | '+');
    let plain: Zeroizing<String> = Zeroizing::new(text.chars().filter(|c| !separates(*c)).collect());
    let mut digits = plain.as_str();
    while let Some(before) =
        digits.strip_suffix('=').or_else(|| digits.strip_suffix("%3D")).or_else(|| digits.strip_suffix("%3d"))
    {
        digits = before;
    }
    if digits.is_empty() {
        return Err(Problem::NoSecret);
    }
    base32(digits).and_then(within_bounds)
}

/// A secret whose bytes are the key, as Keycloak keeps them.
pub(super) fn secret_as_text(text: &str) -> Result<SharedSecret, Problem> {
    within_bounds(Zeroizing::new(text.as_bytes().to_vec()))
}

fn base32(digits: &str) -> Result<Zeroizing<Vec<u8>>, Problem> {
    // No reallocation, which would leave a copy behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(digits.len()));
    let (mut held, mut bits) = (0_u16, 0_u8);
    for c in digits.bytes() {
        let value = match c.to_ascii_uppercase() {
            letter @ b'A'..=b'Z' => letter.wrapping_sub(b'A'),
            digit @ b'2'..=b'7' => digit.wrapping_sub(b'2').wrapping_add(26),
            _ => return Err(Problem::NotBase32),
        };
        held = (held << 5) | u16::from(value);
        bits = bits.saturating_add(5);
        if let Some(left) = bits.checked_sub(8) {
            let [_, byte] = (held >> left).to_be_bytes();
            bytes.push(byte);
            bits = left;
        }
    }
    Ok(bytes)
}

fn within_bounds(mut bytes: Zeroizing<Vec<u8>>) -> Result<SharedSecret, Problem> {
    match bytes.len() {
        0..SHORTEST_SECRET_BYTES => Err(Problem::SecretTooShort),
        SHORTEST_SECRET_BYTES..=LONGEST_SECRET_BYTES => Ok(SharedSecret::new(std::mem::take(&mut *bytes))),
        _ => Err(Problem::SecretTooLong),
    }
}

/// `totp`, in either case; nothing means the same.
pub(super) fn is_totp(kind: &str) -> Result<(), Problem> {
    match kind.trim().to_ascii_lowercase().as_str() {
        "" | "totp" => Ok(()),
        "hotp" => Err(Problem::Hotp),
        "steam" => Err(Problem::Steam),
        _ => Err(Problem::Type),
    }
}

/// `SHA1`, `SHA-256`, `HmacSHA512` and the like; SHA-1 if nothing is there.
pub(super) fn algorithm(text: &str) -> Result<Algorithm, Problem> {
    let plain: String = text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    match plain.strip_prefix("hmac").unwrap_or(&plain) {
        "" if text.trim().is_empty() => Ok(Algorithm::Sha1),
        "sha1" => Ok(Algorithm::Sha1),
        "sha256" => Ok(Algorithm::Sha256),
        "sha512" => Ok(Algorithm::Sha512),
        "md5" => Err(Problem::Md5),
        _ => Err(Problem::Algorithm),
    }
}

/// 6 or 8; six if nothing is there.
pub(super) fn digits(text: &str) -> Result<Digits, Problem> {
    match text.trim() {
        "" => Ok(Digits::Six),
        text => text.parse().ok().and_then(|digits: u8| Digits::try_from(digits).ok()).ok_or(Problem::Digits),
    }
}

/// Seconds; 30 if nothing is there.
pub(super) fn period(text: &str) -> Result<Period, Problem> {
    match text.trim() {
        "" => Ok(Period::default()),
        text => {
            let seconds = text.parse().ok().filter(|seconds| (SHORTEST_PERIOD..=LONGEST_PERIOD).contains(seconds));
            seconds.and_then(Period::seconds).ok_or(Problem::Period)
        }
    }
}
