//! Time-based one-time passwords, over `totp-rs`, with types of our own for what is secret.
//!
//! Invariant: [`match_passcode`] accepts only steps above the last one used, so a passcode and every earlier one are
//! dead once its step is on record.
//! Source: RFC 6238 (§4 the algorithm, §5.2 one use and the window), RFC 4226 §5.3 (truncation), RFC 4648 §6 (base32).

use serde::{Deserialize, Serialize};
use totp_rs::{Builder, Secret, Totp};
use zeroize::Zeroizing;

use crate::characters::letters_and_digits;
use crate::clock::UnixTime;

/// Bytes of a secret that we make (RFC 4226 §4: 160 bits recommended).
pub const SECRET_BYTES: usize = 20;
/// Bytes of the shortest secret. RFC 4226 §4 requires 128 bits, but most authenticators that an operator imports have the 80
/// bits of Google's first key URIs; against guessing passcodes they are no weaker.
pub const SHORTEST_SECRET_BYTES: usize = 10;
/// Steps accepted on either side of the present one (RFC 6238 §5.2).
pub const WINDOW_STEPS: u64 = 1;
/// How far from the present [`clock_offset`] searches, in seconds.
pub const CLOCK_OFFSET_SECONDS: u64 = 300;

/// The secret that an authenticator and its record share. Never printed; wiped when dropped.
pub struct SharedSecret(Zeroizing<Vec<u8>>);

impl SharedSecret {
    /// Takes the raw bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// Reads base32 as [`Self::to_base32`] writes it; `None` when it is none.
    #[must_use]
    pub fn from_base32(text: &str) -> Option<Self> {
        Some(Self::new(Secret::try_from_base32(text).ok()?.as_bytes().to_vec()))
    }

    /// The raw bytes, for sealing.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// Base32 without padding, as authenticators take it by hand (RFC 4648 §6).
    #[must_use]
    pub fn to_base32(&self) -> Zeroizing<String> {
        Zeroizing::new(Secret::new(self.0.as_slice().into()).to_base32())
    }
}

impl std::fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SharedSecret(…)")
    }
}

/// The hash of an authenticator (RFC 6238 §1.2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Algorithm {
    /// HMAC-SHA-1, the one that every authenticator app knows.
    #[default]
    Sha1,
    /// HMAC-SHA-256
    Sha256,
    /// HMAC-SHA-512
    Sha512,
}

/// Digits of a passcode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Digits {
    /// Six, the default everywhere.
    #[default]
    Six,
    /// Eight, where the operator allows it.
    Eight,
}

impl TryFrom<u8> for Digits {
    type Error = &'static str;

    fn try_from(digits: u8) -> Result<Self, Self::Error> {
        match digits {
            6 => Ok(Self::Six),
            8 => Ok(Self::Eight),
            _ => Err("digits must be 6 or 8"),
        }
    }
}

impl From<Digits> for u8 {
    fn from(digits: Digits) -> Self {
        match digits {
            Digits::Six => 6,
            Digits::Eight => 8,
        }
    }
}

/// Length of a time step in seconds (RFC 6238 §4: X, 30 by default).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Period(std::num::NonZeroU32);

impl Period {
    /// A period of so many seconds; `None` for 0.
    #[must_use]
    pub fn seconds(seconds: u32) -> Option<Self> {
        std::num::NonZeroU32::new(seconds).map(Self)
    }

    /// The step that `time` falls into (RFC 6238 §4.2).
    pub(crate) fn step_at(self, time: UnixTime) -> TimeStep {
        TimeStep(time.0 / std::num::NonZeroU64::from(self.0))
    }

    pub(crate) fn start_of(self, step: TimeStep) -> u64 {
        step.0.saturating_mul(u64::from(self.0.get()))
    }
}

impl Default for Period {
    fn default() -> Self {
        const THIRTY: std::num::NonZeroU32 = std::num::NonZeroU32::MIN.saturating_add(29);
        Self(THIRTY)
    }
}

/// What an authenticator was set up with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameters {
    /// The hash.
    pub algorithm: Algorithm,
    /// Digits of a passcode.
    pub digits: Digits,
    /// Length of a time step.
    pub period: Period,
}

/// A count of periods since 1970 (RFC 6238 §4.2: T).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TimeStep(u64);

impl TimeStep {
    /// The step after this one.
    pub(crate) fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// What a user typed, if it has the shape of a passcode: six or eight digits. How many digits the user's authenticator shows
/// does not matter here: otherwise which answers are counted would tell who has one.
pub struct Passcode(Zeroizing<String>);

impl Passcode {
    /// Parses an answer: digits of any script, whatever surrounds or separates them.
    #[must_use]
    pub fn parse(answer: &str) -> Option<Self> {
        let typed: Zeroizing<String> = Zeroizing::new(letters_and_digits(answer).collect());
        let digits = u8::try_from(typed.len()).ok().and_then(|length| Digits::try_from(length).ok());
        (digits.is_some() && typed.bytes().all(|b| b.is_ascii_digit())).then_some(Self(typed))
    }

    /// How many were typed.
    #[must_use]
    pub fn digits(&self) -> Digits {
        if self.0.len() == usize::from(u8::from(Digits::Eight)) { Digits::Eight } else { Digits::Six }
    }
}

/// How a passcode compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// Correct, and its step is above the last one used.
    Accepted(TimeStep),
    /// Correct within the window, but its step or a later one was used before (RFC 6238 §5.2).
    Replayed,
    /// Wrong.
    Wrong,
}

/// Compares a passcode with the steps around `now`: all of them, in constant time each (RFC 6238 §5.2).
///
/// `None` when the secret is too short, which is the record's fault.
///
/// ```
/// use shared::clock::UnixTime;
/// use shared::totp::{Match, Parameters, Passcode, SharedSecret, match_passcode, passcode_at};
///
/// let (secret, now) = (SharedSecret::new(b"plainly fake secret!".to_vec()), UnixTime(1_800_000_000));
/// let shown = passcode_at(&secret, Parameters::default(), now).unwrap();
/// let typed = Passcode::parse(&shown).unwrap();
/// let Some(Match::Accepted(step)) = match_passcode(&secret, Parameters::default(), &typed, now, None) else { panic!() };
/// // The same passcode again, half a minute later:
/// let again = match_passcode(&secret, Parameters::default(), &typed, now.plus(30), Some(step));
/// assert_eq!(again, Some(Match::Replayed));
/// ```
#[must_use]
pub fn match_passcode(
    secret: &SharedSecret,
    parameters: Parameters,
    passcode: &Passcode,
    now: UnixTime,
    last_used: Option<TimeStep>,
) -> Option<Match> {
    let totp = generator(secret, parameters)?;
    let present = parameters.period.step_at(now);
    let window = present.0.saturating_sub(WINDOW_STEPS)..=present.0.saturating_add(WINDOW_STEPS);
    let matched = window.map(TimeStep).fold(Match::Wrong, |so_far, step| {
        // With no skew, `check` compares with this very step, in constant time.
        match totp.check(&passcode.0, parameters.period.start_of(step)) {
            Some(_) if Some(step) > last_used => Match::Accepted(step),
            Some(_) if so_far == Match::Wrong => Match::Replayed,
            Some(_) | None => so_far,
        }
    });
    Some(matched)
}

/// By how many seconds the clock is off that showed a wrong passcode; positive when it is ahead. For the operator, never for a
/// client: a future passcode would be worth something to an attacker.
///
/// Compares all steps within [`CLOCK_OFFSET_SECONDS`] of `now`, in constant time each; if several match, the nearest counts.
///
/// ```
/// use shared::clock::UnixTime;
/// use shared::totp::{Parameters, Passcode, SharedSecret, clock_offset, passcode_at};
///
/// let (secret, now) = (SharedSecret::new(b"plainly fake secret!".to_vec()), UnixTime(1_800_000_000));
/// let shown = passcode_at(&secret, Parameters::default(), now.plus(120)).unwrap();
/// let typed = Passcode::parse(&shown).unwrap();
/// assert_eq!(clock_offset(&secret, Parameters::default(), &typed, now), Some(120));
/// ```
#[must_use]
pub fn clock_offset(secret: &SharedSecret, parameters: Parameters, passcode: &Passcode, now: UnixTime) -> Option<i64> {
    let totp = generator(secret, parameters)?;
    let Parameters { period, .. } = parameters;
    let present = period.step_at(now);
    let earliest = period.step_at(UnixTime(now.0.saturating_sub(CLOCK_OFFSET_SECONDS)));
    let latest = period.step_at(now.plus(CLOCK_OFFSET_SECONDS));
    let nearest = (earliest.0..=latest.0).map(TimeStep).fold(None, |nearest: Option<TimeStep>, step| {
        let is_match = totp.check(&passcode.0, period.start_of(step)).is_some();
        let is_nearer = nearest.is_none_or(|nearest| step.0.abs_diff(present.0) < nearest.0.abs_diff(present.0));
        if is_match && is_nearer { Some(step) } else { nearest }
    })?;
    let offset = i64::try_from(period.start_of(TimeStep(nearest.0.abs_diff(present.0)))).ok()?;
    if nearest < present { offset.checked_neg() } else { Some(offset) }
}

/// The passcode that an authenticator shows at `time`: for the guided sign-in and the tests, which hold one.
#[must_use]
pub fn passcode_at(secret: &SharedSecret, parameters: Parameters, time: UnixTime) -> Option<String> {
    Some(generator(secret, parameters)?.generate(time.0).to_string())
}

/// `None` for a secret that is too short. The types of [`Parameters`] allow nothing that RFC 6238 does not.
fn generator(secret: &SharedSecret, parameters: Parameters) -> Option<Totp> {
    if secret.0.len() < SHORTEST_SECRET_BYTES {
        return None;
    }
    let totp = Builder::new()
        .with_algorithm(match parameters.algorithm {
            Algorithm::Sha1 => totp_rs::Algorithm::SHA1,
            Algorithm::Sha256 => totp_rs::Algorithm::SHA256,
            Algorithm::Sha512 => totp_rs::Algorithm::SHA512,
        })
        .with_digits(parameters.digits.into())
        .with_skew(0)
        .with_step_duration(parameters.period.0.get().into())
        .with_secret(Secret::new(secret.expose().into()))
        // `build` would require 128 bits.
        .build_noncompliant();
    Some(totp)
}
