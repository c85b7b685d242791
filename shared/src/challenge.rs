//! Our custom challenges: what Create issues, how it travels to Verify and to the next Create, and what the client sees.
//!
//! Cognito passes `privateChallengeParameters` to Verify, and `challengeMetadata` to every later Define and Create of the same
//! sign-in. Both carry the same words, except that the metadata of a repeated challenge refers to the entry before it. The
//! private parameters also carry a nonce, by which one challenge is verified once however often Cognito delivers it.
//!
//! Invariant: neither holds anything that can be read: secrets are sealed, recovery codes hashed.
//! Source: <https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-create-auth-challenge.html>

use std::collections::HashMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

use crate::authenticator::{FriendlyName, SealedSecret};
use crate::ids::{AuthenticatorId, Generation, Nonce};
use crate::passcode_limit::RateLimit;
use crate::recovery_codes::{CodeSet, RecoveryCode};
use crate::settings::{Entitlement, Issuer, PasscodeDigits};
use crate::totp::{Digits, SharedSecret};

/// Which of our challenges: the first words of `challengeMetadata`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A passcode, or a recovery code in its place.
    SecondFactor {
        /// What is due after any correct answer; the client cannot see it.
        due: Due,
    },
    /// The first passcode of a new authenticator.
    TotpSetup,
    /// One of ten new recovery codes, typed back as proof that they were kept.
    RecoveryCodes,
    /// Whether a user of whom no second factor is required sets one up.
    Offer,
    /// Another passcode, or a recovery code: the user turns the second factor off.
    RemoveAuthenticator,
}

/// What a sign-in requires after a correct answer to the prompt, before there are tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Due {
    /// Nothing.
    Nothing,
    /// New recovery codes.
    RecoveryCodes,
    /// A new authenticator and its recovery codes: an operator has given the user a code.
    Authenticator,
}

impl Due {
    /// One character whatever is due: otherwise the length of the parameters would tell who has an authenticator.
    fn flag(self) -> &'static str {
        match self {
            Self::Nothing => "-",
            Self::RecoveryCodes => "C",
            Self::Authenticator => "A",
        }
    }

    fn from_flag(flag: &str) -> Option<Self> {
        match flag {
            "-" => Some(Self::Nothing),
            "C" => Some(Self::RecoveryCodes),
            "A" => Some(Self::Authenticator),
            _ => None,
        }
    }
}

impl Kind {
    /// The word in `challengeMetadata` and in the public parameter `challenge`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SecondFactor { .. } => "SECOND_FACTOR",
            Self::TotpSetup => "TOTP_SETUP",
            Self::RecoveryCodes => "RECOVERY_CODES",
            Self::Offer => "SECOND_FACTOR_OFFER",
            Self::RemoveAuthenticator => "REMOVE_AUTHENTICATOR",
        }
    }

    /// Reads the first words of `challengeMetadata`.
    #[must_use]
    pub fn from_metadata(metadata: &str) -> Option<Self> {
        let mut words = metadata.split(' ');
        match words.next()? {
            "SECOND_FACTOR" => Some(Self::SecondFactor { due: Due::from_flag(words.next()?)? }),
            "TOTP_SETUP" => Some(Self::TotpSetup),
            "RECOVERY_CODES" => Some(Self::RecoveryCodes),
            "SECOND_FACTOR_OFFER" => Some(Self::Offer),
            "REMOVE_AUTHENTICATOR" => Some(Self::RemoveAuthenticator),
            _ => None,
        }
    }
}

/// What Verify needs to verify the answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// [`Kind::SecondFactor`]
    SecondFactor(Prompt),
    /// [`Kind::TotpSetup`]
    TotpSetup(NewAuthenticator),
    /// [`Kind::RecoveryCodes`]
    RecoveryCodes(NewCodes),
    /// [`Kind::Offer`]
    Offer(Offer),
    /// [`Kind::RemoveAuthenticator`]
    RemoveAuthenticator(Removal),
}

/// The prompt for a passcode or a recovery code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// What is due after any correct answer.
    pub due: Due,
    /// The record's generation; [`Generation::NONE`] where there is no record.
    pub generation: Generation,
}

impl Prompt {
    /// For a user that does not exist.
    pub const FOR_NOBODY: Self = Self { due: Due::Nothing, generation: Generation::NONE };
}

/// The offer of a second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The record's generation that it was issued for.
    pub generation: Generation,
}

/// The answer of a client to an [`Offer`] whose user does without; any other one sets an authenticator up.
pub const SKIP: &str = "SKIP";

/// The removal of an authenticator, which takes a proof of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removal {
    /// The record's generation that it was issued for.
    pub generation: Generation,
    /// The record's generation once there is no authenticator.
    pub next: Generation,
}

/// An authenticator on offer; it is nobody's until its first passcode was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAuthenticator {
    /// What this sign-in had proven.
    pub entitlement: Entitlement,
    /// The record's generation that it was issued for.
    pub generation: Generation,
    /// Its id, which the sealing is bound to.
    pub id: AuthenticatorId,
    /// Its secret.
    pub sealed: SealedSecret,
}

fn entitlement_letter(entitlement: Entitlement) -> &'static str {
    match entitlement {
        Entitlement::Password => "P",
        Entitlement::CognitoFactor => "C",
        Entitlement::SecondFactor => "S",
    }
}

fn entitlement_from_letter(letter: &str) -> Option<Entitlement> {
    match letter {
        "P" => Some(Entitlement::Password),
        "C" => Some(Entitlement::CognitoFactor),
        "S" => Some(Entitlement::SecondFactor),
        _ => None,
    }
}

/// Recovery codes on offer; they are nobody's until one was typed back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCodes {
    /// The record's generation that they were issued for.
    pub generation: Generation,
    /// Their hashes.
    pub codes: CodeSet,
}

impl NewAuthenticator {
    /// The record's generation once this is the user's.
    #[must_use]
    pub fn next_generation(&self) -> Generation {
        Generation::drawn_with(&self.id.0)
    }
}

impl NewCodes {
    /// The record's generation once these are the user's.
    #[must_use]
    pub fn next_generation(&self) -> Generation {
        Generation::drawn_with(self.codes.salt())
    }
}

/// Stands in `challengeMetadata` for the content of an earlier entry of the same session, so that the longest session fits a
/// session string. Private parameters always hold it all, since Verify sees nothing else.
const AGAIN: &str = "AGAIN";

impl Challenge {
    /// Which of them.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::SecondFactor(Prompt { due, .. }) => Kind::SecondFactor { due: *due },
            Self::TotpSetup(_) => Kind::TotpSetup,
            Self::RecoveryCodes(_) => Kind::RecoveryCodes,
            Self::Offer(_) => Kind::Offer,
            Self::RemoveAuthenticator(_) => Kind::RemoveAuthenticator,
        }
    }

    /// `challengeMetadata` of a new challenge, and what the private parameters hold: the kind, then its content.
    #[must_use]
    pub fn metadata(&self) -> String {
        let kind = self.kind().as_str();
        match self {
            Self::SecondFactor(Prompt { due, generation }) => {
                format!("{kind} {} {}", due.flag(), generation.to_text())
            }
            Self::TotpSetup(NewAuthenticator { entitlement, generation, id, sealed }) => {
                format!(
                    "{kind} {} {} {} {}",
                    entitlement_letter(*entitlement),
                    generation.to_text(),
                    id.to_text(),
                    sealed.to_text()
                )
            }
            Self::RecoveryCodes(NewCodes { generation, codes }) => {
                format!("{kind} {} {}", generation.to_text(), codes.to_text())
            }
            Self::Offer(Offer { generation }) => format!("{kind} {}", generation.to_text()),
            Self::RemoveAuthenticator(Removal { generation, next }) => {
                format!("{kind} {} {}", generation.to_text(), next.to_text())
            }
        }
    }

    /// `challengeMetadata` of a repeated challenge: the entry before it was the same one, answered wrongly.
    #[must_use]
    pub fn metadata_again(&self) -> String {
        format!("{} {AGAIN}", self.kind().as_str())
    }

    /// Reads what [`Self::metadata`] wrote.
    #[must_use]
    pub fn from_metadata(metadata: &str) -> Option<Self> {
        let words: Vec<&str> = metadata.split(' ').collect();
        match (Kind::from_metadata(metadata)?, words.as_slice()) {
            (Kind::SecondFactor { due }, [_, _, generation]) => {
                Some(Self::SecondFactor(Prompt { due, generation: Generation::from_text(generation)? }))
            }
            (Kind::TotpSetup, [_, entitlement, generation, id, sealed]) => Some(Self::TotpSetup(NewAuthenticator {
                entitlement: entitlement_from_letter(entitlement)?,
                generation: Generation::from_text(generation)?,
                id: AuthenticatorId::from_text(id)?,
                sealed: SealedSecret::from_text(sealed)?,
            })),
            (Kind::RecoveryCodes, [_, generation, codes]) => Some(Self::RecoveryCodes(NewCodes {
                generation: Generation::from_text(generation)?,
                codes: CodeSet::from_text(codes)?,
            })),
            (Kind::Offer, [_, generation]) => {
                Some(Self::Offer(Offer { generation: Generation::from_text(generation)? }))
            }
            (Kind::RemoveAuthenticator, [_, generation, next]) => Some(Self::RemoveAuthenticator(Removal {
                generation: Generation::from_text(generation)?,
                next: Generation::from_text(next)?,
            })),
            (
                Kind::SecondFactor { .. }
                | Kind::TotpSetup
                | Kind::RecoveryCodes
                | Kind::Offer
                | Kind::RemoveAuthenticator,
                _,
            ) => None,
        }
    }

    /// The challenge that was answered last, from the `challengeMetadata` of the session's entries, the last one first. Only
    /// the first entry of a repeated challenge has its content.
    #[must_use]
    pub fn last_answered<'a>(metadata: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut metadata = metadata.into_iter().peekable();
        let kind = Kind::from_metadata(metadata.peek()?)?;
        let content = metadata.find(|metadata| metadata.split(' ').nth(1) != Some(AGAIN))?;
        Self::from_metadata(content).filter(|challenge| challenge.kind() == kind)
    }

    /// The generation of a record that has changed by nothing but an answer to this challenge.
    #[must_use]
    pub fn generation_after(&self, right: bool) -> Generation {
        match self {
            Self::SecondFactor(Prompt { generation, .. }) | Self::Offer(Offer { generation }) => *generation,
            Self::RemoveAuthenticator(removal) if right => removal.next,
            Self::RemoveAuthenticator(removal) => removal.generation,
            Self::TotpSetup(new) if right => new.next_generation(),
            Self::TotpSetup(new) => new.generation,
            Self::RecoveryCodes(new) if right => new.next_generation(),
            Self::RecoveryCodes(new) => new.generation,
        }
    }
}

/// A challenge as it was issued once: what the private parameters carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuedChallenge {
    /// Tells this issue from every other.
    pub nonce: Nonce,
    /// What was issued.
    pub challenge: Challenge,
}

impl IssuedChallenge {
    /// `privateChallengeParameters`; never empty, which Cognito would refuse.
    #[must_use]
    pub fn private_parameters(&self) -> HashMap<String, String> {
        HashMap::from([("challenge".to_owned(), self.challenge.metadata()), ("nonce".to_owned(), self.nonce.to_text())])
    }

    /// Reads what [`Self::private_parameters`] wrote.
    #[must_use]
    pub fn from_private_parameters<'a>(parameter: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        Some(Self {
            nonce: Nonce::from_text(parameter("nonce")?)?,
            challenge: Challenge::from_metadata(parameter("challenge")?)?,
        })
    }
}

/// What the client sees of a challenge: `publicChallengeParameters`.
pub enum PublicParameters<'a> {
    /// The prompt. All that it tells about the user is the rate limit and the name of the authenticator.
    SecondFactor {
        /// Whether passcodes are checked now.
        rate_limit: RateLimit,
        /// The user's own name for the authenticator.
        name: Option<&'a FriendlyName>,
    },
    /// A new authenticator.
    TotpSetup {
        /// Its secret.
        secret: &'a SharedSecret,
        /// The service's name in the authenticator.
        issuer: &'a Issuer,
        /// The account's name in the authenticator.
        account: &'a str,
    },
    /// Ten new recovery codes.
    RecoveryCodes {
        /// What the user is to keep.
        codes: &'a [RecoveryCode],
        /// How many earlier ones are unused: they work until one of the new ones was typed back.
        earlier_left: usize,
    },
    /// An offer.
    Offer,
    /// The removal of the authenticator, which takes what the prompt takes.
    RemoveAuthenticator {
        /// Whether passcodes are checked now.
        rate_limit: RateLimit,
        /// The user's own name for the authenticator.
        name: Option<&'a FriendlyName>,
    },
    /// A repeated set-up challenge: the client still shows the secret or the codes, and nothing is sent a second time.
    Again(Kind),
}

impl PublicParameters<'_> {
    /// The prompt for a user that does not exist, or who has no authenticator and may not enroll: the same as for anyone else.
    pub const FOR_NOBODY: Self = Self::SecondFactor { rate_limit: RateLimit::Allow, name: None };

    /// As Cognito takes them: strings. `digits` are the pool's, never the user's.
    #[must_use]
    pub fn to_map(&self, attempts_left: u8, digits: PasscodeDigits) -> HashMap<String, String> {
        let kind = match self {
            Self::SecondFactor { .. } => Kind::SecondFactor { due: Due::Nothing },
            Self::TotpSetup { .. } => Kind::TotpSetup,
            Self::RecoveryCodes { .. } => Kind::RecoveryCodes,
            Self::Offer => Kind::Offer,
            Self::RemoveAuthenticator { .. } => Kind::RemoveAuthenticator,
            Self::Again(kind) => *kind,
        };
        let mut parameters = HashMap::from([
            ("challenge".to_owned(), kind.as_str().to_owned()),
            ("attemptsLeft".to_owned(), attempts_left.to_string()),
        ]);
        match kind {
            Kind::SecondFactor { .. } | Kind::TotpSetup | Kind::RemoveAuthenticator => {
                parameters.insert("passcodeDigits".to_owned(), digits.as_str().to_owned());
            }
            Kind::RecoveryCodes | Kind::Offer => {}
        }
        match self {
            Self::SecondFactor { rate_limit, name } | Self::RemoveAuthenticator { rate_limit, name } => {
                let (accepts, retry_after) = match rate_limit {
                    RateLimit::Allow => ("PASSCODE RECOVERY_CODE", 0),
                    RateLimit::RetryAfter { seconds } => ("PASSCODE RECOVERY_CODE", *seconds),
                    RateLimit::Blocked { seconds } => ("RECOVERY_CODE", *seconds),
                };
                parameters.insert("accepts".to_owned(), accepts.to_owned());
                parameters.insert("retryAfterSeconds".to_owned(), retry_after.to_string());
                if let Some(name) = name {
                    parameters.insert("friendlyDeviceName".to_owned(), name.as_str().to_owned());
                }
            }
            Self::TotpSetup { secret, issuer, account } => {
                parameters.insert("secretCode".to_owned(), secret.to_base32().to_string());
                parameters.insert("otpauthUri".to_owned(), otpauth_uri(secret, issuer, account, digits).to_string());
            }
            Self::RecoveryCodes { codes, earlier_left } => {
                let shown: Vec<_> = codes.iter().map(RecoveryCode::show).collect();
                let shown = shown.iter().map(|code| code.as_str()).collect::<Vec<_>>().join(" ");
                parameters.insert("recoveryCodes".to_owned(), shown);
                parameters.insert("earlierCodesLeft".to_owned(), earlier_left.to_string());
            }
            Self::Again(_) | Self::Offer => {}
        }
        parameters
    }
}

/// Bytes of the issuer as it is encoded, up to which the key URI holds it twice: in the label, for old apps, and as a
/// parameter. A longer one would make the QR code wider than a terminal.
const ISSUER_TWICE_BYTES: usize = 48;
/// Bytes of the account's name as it is encoded; the rest is cut, and the cut is shown.
const ACCOUNT_BYTES: usize = 64;
/// "…", as it is encoded.
const ELLIPSIS: &str = "%E2%80%A6";

/// The key URI that authenticators read from a QR code. No parameter repeats a default: some apps refuse what they would
/// otherwise ignore.
///
/// Source: <https://github.com/google/google-authenticator/wiki/Key-Uri-Format>
fn otpauth_uri(secret: &SharedSecret, issuer: &Issuer, account: &str, digits: PasscodeDigits) -> Zeroizing<String> {
    const LABEL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'@');
    let encode = |text: &str| utf8_percent_encode(text, LABEL).to_string();
    let issuer = encode(issuer.as_str());
    // A colon separates the issuer from the account, so the account may not hold one.
    let mut label = encode(&account.replace(':', ""));
    if label.len() > ACCOUNT_BYTES {
        label.clear();
        for c in account.chars().filter(|c| *c != ':') {
            let encoded = encode(c.encode_utf8(&mut [0; 4]));
            if label.len().saturating_add(encoded.len()).saturating_add(ELLIPSIS.len()) > ACCOUNT_BYTES {
                break;
            }
            label.push_str(&encoded);
        }
        label.push_str(ELLIPSIS);
    }
    if issuer.len() <= ISSUER_TWICE_BYTES {
        label = format!("{issuer}:{label}");
    }
    let secret = secret.to_base32();
    let digits = match digits.of_new_authenticators() {
        Digits::Six => "",
        Digits::Eight => "&digits=8",
    };
    Zeroizing::new(format!("otpauth://totp/{label}?secret={}&issuer={issuer}{digits}", secret.as_str()))
}
