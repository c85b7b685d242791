//! Why a line cannot be imported.
//!
//! Invariant: nothing of the file's text is in it; a secret may stand in any place of a file.

use std::fmt::{Display, Formatter};

use shared::settings::PasscodeDigits;
use shared::totp::{Digits, SHORTEST_SECRET_BYTES};

/// Seconds of the shortest period.
pub const SHORTEST_PERIOD: u32 = 15;
/// Seconds of the longest period.
pub const LONGEST_PERIOD: u32 = 120;
/// Bytes of the longest secret: a block of HMAC-SHA-512, which hashes a longer one first.
pub const LONGEST_SECRET_BYTES: usize = 128;

/// Why a line cannot be imported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A column of the header, by its place from 1, is none that is known, or is there twice.
    Header(usize),
    /// The header has no column for this.
    NoColumn(&'static str),
    /// More fields or fewer than the header has.
    FieldCount,
    /// Not an object of JSON with known members.
    NotJson,
    /// Longer than any line may be.
    LineTooLong,
    /// It has a NUL, as text in UTF-16 does.
    Nul,
    /// It is not UTF-8.
    NotUtf8,
    /// There is no user.
    NoUser,
    /// There is neither a URI nor a secret.
    NoSecret,
    /// There is a URI, and something that belongs into it.
    UriAndMore,
    /// Not an `otpauth://` URI.
    NotAKeyUri,
    /// A parameter of the URI is there twice.
    Twice(&'static str),
    /// `otpauth-migration://`: what Google Authenticator exports.
    Migration,
    /// HOTP (RFC 4226), which counts instead of looking at a clock.
    Hotp,
    /// Steam's passcodes have letters.
    Steam,
    /// Another type than TOTP.
    Type,
    /// MD5, which RFC 6238 does not have.
    Md5,
    /// An unknown algorithm.
    Algorithm,
    /// Neither 6 nor 8 digits.
    Digits,
    /// A period out of range.
    Period,
    /// An unknown encoding of the secret.
    Encoding,
    /// The secret is not base32.
    NotBase32,
    /// The secret is too short.
    SecretTooShort,
    /// The secret is too long.
    SecretTooLong,
    /// The pool has no authenticators with so many digits.
    NotThePoolsDigits(Digits, PasscodeDigits),
    /// Another line has the same secret.
    SameSecretAs(u64),
    /// Another line is about the same user.
    SameUserAs(u64),
    /// The pool has no such user.
    NoSuchUser,
    /// More than one user of the pool is meant.
    ManyUsers(usize),
    /// The user's email address, which the line names, is not verified.
    UnverifiedEmail,
    /// The user comes from an identity provider, and has no password here that an authenticator could follow.
    Federated,
    /// With `--yes`, a user is named by the `sub`.
    NotASub,
    /// The user is a member of a protected group.
    Protected(String),
    /// The user's record cannot be read.
    UnreadableRecord,
}

impl Problem {
    /// For programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Header(_) => "header",
            Self::NoColumn(_) => "no-column",
            Self::FieldCount => "field-count",
            Self::NotJson => "not-json",
            Self::LineTooLong => "line-too-long",
            Self::Nul => "nul",
            Self::NotUtf8 => "not-utf-8",
            Self::NoUser => "no-user",
            Self::NoSecret => "no-secret",
            Self::UriAndMore => "uri-and-more",
            Self::NotAKeyUri => "not-a-key-uri",
            Self::Twice(_) => "twice",
            Self::Migration => "migration",
            Self::Hotp => "hotp",
            Self::Steam => "steam",
            Self::Type => "type",
            Self::Md5 => "md5",
            Self::Algorithm => "algorithm",
            Self::Digits => "digits",
            Self::Period => "period",
            Self::Encoding => "encoding",
            Self::NotBase32 => "not-base32",
            Self::SecretTooShort => "secret-too-short",
            Self::SecretTooLong => "secret-too-long",
            Self::NotThePoolsDigits(..) => "not-the-pools-digits",
            Self::SameSecretAs(_) => "same-secret",
            Self::SameUserAs(_) => "same-user",
            Self::NoSuchUser => "no-such-user",
            Self::ManyUsers(_) => "many-users",
            Self::UnverifiedEmail => "unverified-email",
            Self::Federated => "federated",
            Self::NotASub => "not-a-sub",
            Self::Protected(_) => "protected",
            Self::UnreadableRecord => "unreadable-record",
        }
    }
}

impl Display for Problem {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Header(column) => write!(f, "column {column} of the header is unknown, or there twice"),
            Self::NoColumn(name) => write!(f, "the header has no column {name}"),
            Self::FieldCount => f.write_str("it has more or fewer fields than the header"),
            Self::NotJson => f.write_str("it is not a JSON object with known members"),
            Self::LineTooLong => f.write_str("it is too long, or a quotation mark is not closed"),
            Self::Nul => f.write_str("it has a NUL; save the file as UTF-8"),
            Self::NotUtf8 => f.write_str("it is not UTF-8"),
            Self::NoUser => f.write_str("it names no user"),
            Self::NoSecret => f.write_str("it has neither a URI nor a secret"),
            Self::UriAndMore => f.write_str("it has a URI, and what belongs into the URI"),
            Self::NotAKeyUri => f.write_str("the URI does not begin with otpauth://"),
            Self::Twice(name) => write!(f, "the URI has {name} twice"),
            Self::Migration => f.write_str("an otpauth-migration:// URI is no key URI: decode it first"),
            Self::Hotp => f.write_str("HOTP is not supported: it counts, and TOTP looks at a clock"),
            Self::Steam => f.write_str("Steam's passcodes are not supported"),
            Self::Type => f.write_str("the type is not TOTP"),
            Self::Md5 => f.write_str("MD5 is not supported: RFC 6238 has SHA1, SHA256 and SHA512"),
            Self::Algorithm => f.write_str("the algorithm is none of SHA1, SHA256 and SHA512"),
            Self::Digits => f.write_str("it has neither 6 nor 8 digits"),
            Self::Period => write!(f, "the period is not between {SHORTEST_PERIOD} and {LONGEST_PERIOD} seconds"),
            Self::Encoding => f.write_str("the encoding of the secret is neither base32 nor text"),
            Self::NotBase32 => f.write_str("the secret is not base32"),
            Self::SecretTooShort => {
                write!(f, "the secret has fewer than {} bits", SHORTEST_SECRET_BYTES.saturating_mul(8))
            }
            Self::SecretTooLong => {
                write!(f, "the secret has more than {} bits", LONGEST_SECRET_BYTES.saturating_mul(8))
            }
            Self::NotThePoolsDigits(digits, pools) => {
                write!(f, "it has {} digits, and PASSCODE_DIGITS is {:?}", u8::from(*digits), pools.as_str())
            }
            Self::SameSecretAs(line) => write!(f, "it has the secret of line {line}"),
            Self::SameUserAs(line) => write!(f, "it is about the user of line {line}"),
            Self::NoSuchUser => f.write_str("the pool has no such user"),
            Self::ManyUsers(count) => write!(f, "{count} users of the pool may be meant"),
            Self::UnverifiedEmail => {
                f.write_str("the user is named by an email address that is not verified: name the sub")
            }
            Self::Federated => {
                f.write_str("the user signs in with an identity provider, and never with a passcode here")
            }
            Self::NotASub => f.write_str("the user is not named by the sub, which --yes requires"),
            Self::Protected(group) => write!(f, "the user is a member of {group}"),
            Self::UnreadableRecord => f.write_str("the user's record cannot be read"),
        }
    }
}
