//! SRP-6a as Cognito and its clients speak it: both sides.
//!
//! The pool keeps a verifier and never the password. The two sides agree on a key that only someone with the password
//! can reach, and the client signs the pool, the user, the secret block and the time with it.
//!
//! Invariant: a handshake is for one session and one answer; `A % N == 0` never starts one; signatures are compared in
//! constant time.
//!
//! Source: RFC 5054 (SRP-6a; k, u and x here are over SHA-256), RFC 3526 section 4 (the 3072-bit group), RFC 5869 (HKDF).
//! What is specific to Cognito follows amazon-cognito-identity-js and pycognito: numbers are hashed as hexadecimal of whole bytes
//! with a leading zero byte where the highest bit is set, the user in `x` is preceded by the part of the pool id after the
//! underscore, and the key comes out of HKDF with the info "Caldera Derived Key".

use std::fmt;
use std::sync::LazyLock;

use aws_lc_rs::{constant_time, digest, hkdf, hmac};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use num_bigint::BigUint;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::clock::UnixTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;
use time::{OffsetDateTime, PrimitiveDateTime};

use crate::random;

/// What the pool keeps of a user's password.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct PasswordVerifier {
    #[serde(with = "crate::stored::number")]
    salt: BigUint,
    #[serde(with = "crate::stored::number")]
    verifier: BigUint,
}

impl PasswordVerifier {
    pub(crate) fn new(pool_id: &str, user_name: &str, password: &str) -> Result<Self, getrandom::Error> {
        let salt = BigUint::from_bytes_be(&random::bytes::<16>()?);
        let x = password_exponent(&salt, pool_id, user_name, password);
        let verifier = GROUP.g.modpow(&x, &GROUP.n);
        Ok(Self { salt, verifier })
    }

    /// Whether this is the verifier of `password`.
    pub(crate) fn is_of(&self, pool_id: &str, user_name: &str, password: &str) -> bool {
        let x = password_exponent(&self.salt, pool_id, user_name, password);
        let verifier = GROUP.g.modpow(&x, &GROUP.n).to_bytes_be();
        constant_time::verify_slices_are_equal(&verifier, &self.verifier.to_bytes_be()).is_ok()
    }

    /// For a user who does not exist: the salt stays the same each time, as a real user's does, and no password fits.
    pub(crate) fn simulated(key: &SimulationKey, user_name: &str) -> Result<Self, getrandom::Error> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key.0);
        let tag = hmac::sign(&key, user_name.to_lowercase().as_bytes());
        let (salt, _) = tag.as_ref().split_at(16);
        Ok(Self {
            salt: BigUint::from_bytes_be(salt),
            verifier: GROUP.reduce(&BigUint::from_bytes_be(&random::bytes::<384>()?)),
        })
    }
}

/// Derives the salts of users who do not exist.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct SimulationKey(#[serde(with = "crate::stored::bytes")] [u8; 32]);

impl SimulationKey {
    pub(crate) fn generate() -> Result<Self, getrandom::Error> {
        random::bytes().map(Self)
    }
}

/// The client's public value A, fit for a handshake.
pub(crate) struct ClientPublicValue(BigUint);

impl ClientPublicValue {
    /// `None` if it is not a hexadecimal number, or if N divides it: such a number would reveal the key without a password.
    pub(crate) fn parse(hex: &str) -> Option<Self> {
        let a = parse_hex(hex)?;
        (GROUP.reduce(&a) != BigUint::ZERO).then_some(Self(a))
    }
}

/// The pool's side of one handshake: from issuing `PASSWORD_VERIFIER` to the response.
pub(crate) struct Handshake {
    client_public: BigUint,
    private: BigUint,
    public: BigUint,
    password: PasswordVerifier,
    secret_block: [u8; 256],
}

impl Handshake {
    pub(crate) fn new(password: PasswordVerifier, client: ClientPublicValue) -> Result<Self, getrandom::Error> {
        let private = BigUint::from_bytes_be(&random::bytes::<32>()?);
        let public = GROUP.server_public(&private, &password.verifier);
        Ok(Self { client_public: client.0, private, public, password, secret_block: random::bytes()? })
    }

    /// Whether this is its SECRET_BLOCK.
    pub(crate) fn has(&self, secret_block: &str) -> bool {
        BASE64_STANDARD.encode(self.secret_block) == secret_block
    }

    /// The `ChallengeParameters` of `PASSWORD_VERIFIER`.
    pub(crate) fn challenge_parameters(&self, user_name: &str) -> Value {
        json!({
            "SALT": self.password.salt.to_str_radix(16),
            "SRP_B": self.public.to_str_radix(16),
            "SECRET_BLOCK": BASE64_STANDARD.encode(self.secret_block),
            "USERNAME": user_name,
            "USER_ID_FOR_SRP": user_name,
        })
    }

    /// Whether this claim was signed with the password, and for this handshake.
    pub(crate) fn is_proven_by(&self, claim: &PasswordClaim<'_>, pool_id: &str, user_name: &str) -> bool {
        let Ok(secret_block) = BASE64_STANDARD.decode(claim.secret_block) else {
            return false;
        };
        let Ok(signature) = BASE64_STANDARD.decode(claim.signature) else {
            return false;
        };
        if constant_time::verify_slices_are_equal(&secret_block, &self.secret_block).is_err() {
            return false;
        }
        let u = scrambler(&self.client_public, &self.public);
        let secret = GROUP.server_secret(&self.client_public, &self.password.verifier, &u, &self.private);
        let Ok(key) = claim_key(&secret, &u) else {
            return false;
        };
        let message = claim_message(pool_id, user_name, &self.secret_block, claim.timestamp);
        hmac::verify(&key, &message, &signature).is_ok()
    }
}

/// The three members of the response to `PASSWORD_VERIFIER`, as the client sent them.
pub(crate) struct PasswordClaim<'a> {
    pub(crate) secret_block: &'a str,
    pub(crate) signature: &'a str,
    pub(crate) timestamp: &'a str,
}

/// A client's side of one sign-in.
///
/// ```
/// let srp = local::SrpClient::new("us-east-1_LocalPool")?;
/// let auth_parameters = serde_json::json!({
///     "CHALLENGE_NAME": "SRP_A", "USERNAME": "alice", "SRP_A": srp.public_value(),
/// });
/// # assert!(auth_parameters["SRP_A"].is_string());
/// # Ok::<(), local::SrpError>(())
/// ```
pub struct SrpClient {
    pool_id: String,
    private: BigUint,
}

impl SrpClient {
    /// Draws a new private value.
    pub fn new(pool_id: &str) -> Result<Self, SrpError> {
        let private = random::bytes::<32>().map_err(|_| SrpError::NoRandomness)?;
        Ok(Self { pool_id: pool_id.to_owned(), private: BigUint::from_bytes_be(&private) })
    }

    /// What goes to the pool as `SRP_A`.
    pub fn public_value(&self) -> String {
        self.public().to_str_radix(16)
    }

    /// The `ChallengeResponses` to a `PASSWORD_VERIFIER` challenge, made from its `ChallengeParameters`.
    pub fn answer(&self, challenge_parameters: &Value, password: &str, now: UnixTime) -> Result<Value, SrpError> {
        let parameter = |name: &'static str| {
            challenge_parameters.get(name).and_then(Value::as_str).ok_or(SrpError::BadParameter(name))
        };
        let number = |name: &'static str| parse_hex(parameter(name)?).ok_or(SrpError::BadParameter(name));
        let user_name = parameter("USER_ID_FOR_SRP")?;
        let secret_block = parameter("SECRET_BLOCK")?;
        let secret_block_bytes =
            BASE64_STANDARD.decode(secret_block).map_err(|_| SrpError::BadParameter("SECRET_BLOCK"))?;
        let salt = number("SALT")?;
        let server_public = number("SRP_B")?;
        if GROUP.reduce(&server_public) == BigUint::ZERO {
            return Err(SrpError::BadParameter("SRP_B"));
        }

        let u = scrambler(&self.public(), &server_public);
        let x = password_exponent(&salt, &self.pool_id, user_name, password);
        let secret = GROUP.client_secret(&server_public, &x, &u, &self.private);
        let key = claim_key(&secret, &u).map_err(|_| SrpError::NoKey)?;
        let timestamp = claim_timestamp(now).ok_or(SrpError::NoTime)?;
        let message = claim_message(&self.pool_id, user_name, &secret_block_bytes, &timestamp);
        Ok(json!({
            "USERNAME": user_name,
            "PASSWORD_CLAIM_SECRET_BLOCK": secret_block,
            "PASSWORD_CLAIM_SIGNATURE": BASE64_STANDARD.encode(hmac::sign(&key, &message)),
            "TIMESTAMP": timestamp,
        }))
    }

    fn public(&self) -> BigUint {
        GROUP.g.modpow(&self.private, &GROUP.n)
    }
}

/// Why a client could not respond to `PASSWORD_VERIFIER`.
#[derive(Debug, PartialEq, Eq)]
pub enum SrpError {
    /// The challenge lacks this parameter, or its value is unusable.
    BadParameter(&'static str),
    /// The time cannot be written as a timestamp.
    NoTime,
    /// The key could not be derived.
    NoKey,
    /// The system gave no randomness.
    NoRandomness,
}

impl fmt::Display for SrpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadParameter(name) => write!(f, "the PASSWORD_VERIFIER challenge has no usable {name}"),
            Self::NoTime => f.write_str("the time is out of range"),
            Self::NoKey => f.write_str("the key could not be derived"),
            Self::NoRandomness => f.write_str("the system gave no randomness"),
        }
    }
}

impl std::error::Error for SrpError {}

const TIMESTAMP: &[BorrowedFormatItem<'_>] = format_description!(
    "[weekday repr:short] [month repr:short] [day padding:none] [hour]:[minute]:[second] UTC [year]"
);

/// The time as the claim states it: `EEE MMM d HH:mm:ss z yyyy` in Java's notation.
fn claim_timestamp(now: UnixTime) -> Option<String> {
    let now = OffsetDateTime::from_unix_timestamp(i64::try_from(now.0).ok()?).ok()?;
    now.format(TIMESTAMP).ok()
}

/// `None` unless it is written exactly as [`claim_timestamp`] writes it.
pub(crate) fn parse_claim_timestamp(timestamp: &str) -> Option<UnixTime> {
    let time = PrimitiveDateTime::parse(timestamp, TIMESTAMP).ok()?;
    let time = UnixTime(u64::try_from(time.assume_utc().unix_timestamp()).ok()?);
    (claim_timestamp(time)? == timestamp).then_some(time)
}

fn claim_message(pool_id: &str, user_name: &str, secret_block: &[u8], timestamp: &str) -> Vec<u8> {
    [pool_name(pool_id).as_bytes(), user_name.as_bytes(), secret_block, timestamp.as_bytes()].concat()
}

fn claim_key(secret: &BigUint, u: &BigUint) -> Result<hmac::Key, aws_lc_rs::error::Unspecified> {
    let mut key = [0; 16];
    hkdf::Salt::new(hkdf::HKDF_SHA256, &hashed_form(u))
        .extract(&hashed_form(secret))
        .expand(&[b"Caldera Derived Key"], SixteenBytes)?
        .fill(&mut key)?;
    Ok(hmac::Key::new(hmac::HMAC_SHA256, &key))
}

struct SixteenBytes;

impl hkdf::KeyType for SixteenBytes {
    fn len(&self) -> usize {
        16
    }
}

/// u: binds the key to both public values.
fn scrambler(client_public: &BigUint, server_public: &BigUint) -> BigUint {
    hash_to_number(&[&hashed_form(client_public), &hashed_form(server_public)])
}

/// x: the password as an exponent.
fn password_exponent(salt: &BigUint, pool_id: &str, user_name: &str, password: &str) -> BigUint {
    let identity = format!("{}{user_name}:{password}", pool_name(pool_id));
    let identity = digest::digest(&digest::SHA256, identity.as_bytes());
    hash_to_number(&[&hashed_form(salt), identity.as_ref()])
}

/// The part of a pool id after the underscore.
fn pool_name(pool_id: &str) -> &str {
    pool_id.split_once('_').map_or(pool_id, |(_, name)| name)
}

fn hash_to_number(parts: &[&[u8]]) -> BigUint {
    let hash = digest::digest(&digest::SHA256, &parts.concat());
    BigUint::from_bytes_be(hash.as_ref())
}

/// A number as it is hashed: a highest bit that is set is preceded by a zero byte, as in Java's signed numbers.
fn hashed_form(number: &BigUint) -> Vec<u8> {
    let mut bytes = number.to_bytes_be();
    if bytes.first().is_some_and(|first| first & 0x80 != 0) {
        bytes.insert(0, 0);
    }
    bytes
}

fn parse_hex(hex: &str) -> Option<BigUint> {
    let fits = hex.len() <= 1024 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| BigUint::parse_bytes(hex.as_bytes(), 16)).flatten()
}

static GROUP: LazyLock<Group> = LazyLock::new(|| {
    let n = BigUint::new(N.iter().rev().copied().collect());
    let g = BigUint::from(2_u8);
    let k = hash_to_number(&[&hashed_form(&n), &hashed_form(&g)]);
    Group { n, g, k }
});

struct Group {
    n: BigUint,
    g: BigUint,
    k: BigUint,
}

#[expect(
    clippy::arithmetic_side_effects,
    reason = "these numbers are unbounded, N is not zero, and the one subtraction is from N of something below N"
)]
impl Group {
    fn reduce(&self, number: &BigUint) -> BigUint {
        number % &self.n
    }

    /// B = k v + g^b
    fn server_public(&self, private: &BigUint, verifier: &BigUint) -> BigUint {
        self.reduce(&(&self.k * verifier + self.g.modpow(private, &self.n)))
    }

    /// S = (A v^u)^b
    fn server_secret(&self, client_public: &BigUint, verifier: &BigUint, u: &BigUint, private: &BigUint) -> BigUint {
        let base = client_public * verifier.modpow(u, &self.n);
        base.modpow(private, &self.n)
    }

    /// S = (B - k g^x)^(a + u x)
    fn client_secret(&self, server_public: &BigUint, x: &BigUint, u: &BigUint, private: &BigUint) -> BigUint {
        let blinding = self.reduce(&(&self.k * self.g.modpow(x, &self.n)));
        let base = server_public + (&self.n - blinding);
        base.modpow(&(private + u * x), &self.n)
    }
}

/// Source: RFC 3526 section 4.
#[rustfmt::skip]
const N: [u32; 96] = [
    0xFFFF_FFFF, 0xFFFF_FFFF, 0xC90F_DAA2, 0x2168_C234, 0xC4C6_628B, 0x80DC_1CD1, 0x2902_4E08, 0x8A67_CC74,
    0x020B_BEA6, 0x3B13_9B22, 0x514A_0879, 0x8E34_04DD, 0xEF95_19B3, 0xCD3A_431B, 0x302B_0A6D, 0xF25F_1437,
    0x4FE1_356D, 0x6D51_C245, 0xE485_B576, 0x625E_7EC6, 0xF44C_42E9, 0xA637_ED6B, 0x0BFF_5CB6, 0xF406_B7ED,
    0xEE38_6BFB, 0x5A89_9FA5, 0xAE9F_2411, 0x7C4B_1FE6, 0x4928_6651, 0xECE4_5B3D, 0xC200_7CB8, 0xA163_BF05,
    0x98DA_4836, 0x1C55_D39A, 0x6916_3FA8, 0xFD24_CF5F, 0x8365_5D23, 0xDCA3_AD96, 0x1C62_F356, 0x2085_52BB,
    0x9ED5_2907, 0x7096_966D, 0x670C_354E, 0x4ABC_9804, 0xF174_6C08, 0xCA18_217C, 0x3290_5E46, 0x2E36_CE3B,
    0xE39E_772C, 0x180E_8603, 0x9B27_83A2, 0xEC07_A28F, 0xB5C5_5DF0, 0x6F4C_52C9, 0xDE2B_CBF6, 0x9558_1718,
    0x3995_497C, 0xEA95_6AE5, 0x15D2_2618, 0x98FA_0510, 0x1572_8E5A, 0x8AAA_C42D, 0xAD33_170D, 0x0450_7A33,
    0xA855_21AB, 0xDF1C_BA64, 0xECFB_8504, 0x58DB_EF0A, 0x8AEA_7157, 0x5D06_0C7D, 0xB397_0F85, 0xA6E1_E4C7,
    0xABF5_AE8C, 0xDB09_33D7, 0x1E8C_94E0, 0x4A25_619D, 0xCEE3_D226, 0x1AD2_EE6B, 0xF12F_FA06, 0xD98A_0864,
    0xD876_0273, 0x3EC8_6A64, 0x521F_2B18, 0x177B_200C, 0xBBE1_1757, 0x7A61_5D6C, 0x7709_88C0, 0xBAD9_46E2,
    0x08E2_4FA0, 0x74E5_AB31, 0x43DB_5BFC, 0xE0FD_108E, 0x4B82_D120, 0xA93A_D2CA, 0xFFFF_FFFF, 0xFFFF_FFFF,
];

#[cfg(test)]
mod tests {
    use super::*;

    const POOL_ID: &str = "us-east-1_LocalPool";
    const NOW: UnixTime = UnixTime(1_800_000_000);

    /// Signatures that pycognito 2024.5.1 makes for "alice" with "Correct-Horse-7". The numbers of vector i are the SHA-256
    /// of "client i", "server i" and "salt i", its secret block is 256 times the byte i.
    const PYCOGNITO: [&str; 8] = [
        "0Nxj5wbPhs/5UBEVKehRdERHjO7k/18rYIuhzgGfg+g=",
        "lEgpc0NuZi+W0oyykoBDXhoXVqlATtl1TXBJ7vSpa3A=",
        "kcmCdxRwuIEwdeCZdkw9FCZPRCXTDORl69oCszHbfkE=",
        "Ugg7gpV49J+rxgBGXtrV+Rlofr+aD7uQq+nGKjSJrNA=",
        "ugvGJ4Q5044k30YL/Mg2MlT3RUvfrok3Wv0VTqjD0RE=",
        "u63hi8x/qmjRKaqqOEnKfuWKuCsDS7fuWnCFjluYDs4=",
        "5ireEZrNNOsUtxHC/laNznidwh7rb5hNcHsPZ5g1OAc=",
        "S7T5DoDhKBYQqnClVWxe7VNkQZe7EFT+Mdeuki3t7/E=",
    ];

    fn number(seed: &str) -> BigUint {
        hash_to_number(&[seed.as_bytes()])
    }

    #[test]
    fn both_sides_agree_with_pycognito() {
        for (i, signature) in (0_u8..).zip(PYCOGNITO) {
            let client = SrpClient { pool_id: POOL_ID.to_owned(), private: number(&format!("client {i}")) };
            let salt = number(&format!("salt {i}"));
            let x = password_exponent(&salt, POOL_ID, "alice", "Correct-Horse-7");
            let password = PasswordVerifier { salt, verifier: GROUP.g.modpow(&x, &GROUP.n) };
            let private = number(&format!("server {i}"));
            let handshake = Handshake {
                client_public: ClientPublicValue::parse(&client.public_value()).unwrap().0,
                public: GROUP.server_public(&private, &password.verifier),
                private,
                password,
                secret_block: [i; 256],
            };
            let answer = client.answer(&handshake.challenge_parameters("alice"), "Correct-Horse-7", NOW).unwrap();
            assert_eq!(answer["PASSWORD_CLAIM_SIGNATURE"], signature);

            let claim = PasswordClaim {
                secret_block: answer["PASSWORD_CLAIM_SECRET_BLOCK"].as_str().unwrap(),
                signature,
                timestamp: answer["TIMESTAMP"].as_str().unwrap(),
            };
            assert!(handshake.is_proven_by(&claim, POOL_ID, "alice"));
            let elsewhere = "us-east-1_OtherPool";
            assert!(!handshake.is_proven_by(&claim, elsewhere, "alice"));
            assert!(!handshake.is_proven_by(&claim, POOL_ID, "bob"));
            let later = PasswordClaim { timestamp: "Fri Jan 15 08:00:01 UTC 2027", ..claim };
            assert!(!handshake.is_proven_by(&later, POOL_ID, "alice"));
        }
    }

    #[test]
    fn the_multiplier_is_the_one_that_cognitos_clients_carry() {
        let k = "538282c4354742d7cbbde2359fcf67f9f5b3a6b08791e5011b43b8a5b66d9ee6";
        assert_eq!(GROUP.k.to_str_radix(16), k);
    }

    #[test]
    fn numbers_are_hashed_with_a_sign_bit() {
        assert_eq!(hashed_form(&BigUint::from(0x7f_u8)), [0x7f]);
        assert_eq!(hashed_form(&BigUint::from(0x80_u8)), [0, 0x80]);
        assert_eq!(hashed_form(&BigUint::from(0x100_u16)), [1, 0]);
    }

    #[test]
    fn a_client_refuses_a_public_value_that_n_divides() {
        let client = SrpClient::new(POOL_ID).unwrap();
        for server_public in [BigUint::ZERO, GROUP.n.clone()] {
            let parameters = json!({
                "USER_ID_FOR_SRP": "alice",
                "SECRET_BLOCK": "AA==",
                "SALT": "1",
                "SRP_B": server_public.to_str_radix(16),
            });
            let answer = client.answer(&parameters, "Correct-Horse-7", NOW);
            assert_eq!(answer, Err(SrpError::BadParameter("SRP_B")));
        }
    }

    #[test]
    fn a_timestamp_is_read_as_it_is_written_and_in_no_other_form() {
        for now in [UnixTime(0), NOW, UnixTime(1_704_412_800), UnixTime(1_709_164_799)] {
            assert_eq!(parse_claim_timestamp(&claim_timestamp(now).unwrap()), Some(now));
        }
        assert_eq!(claim_timestamp(UnixTime(1_704_412_800)).unwrap(), "Fri Jan 5 00:00:00 UTC 2024");
        assert_eq!(parse_claim_timestamp("Fri Jan 05 00:00:00 UTC 2024"), None);
    }
}
