//! The arithmetic, against the vectors of the RFCs.

use shared::clock::UnixTime;
use shared::totp::{Algorithm, Digits, Match, Parameters, Passcode, SharedSecret, match_passcode, passcode_at};

const SHA1_SECRET: &[u8] = b"12345678901234567890";
const SHA256_SECRET: &[u8] = b"12345678901234567890123456789012";
const SHA512_SECRET: &[u8] = b"1234567890123456789012345678901234567890123456789012345678901234";

fn secret(bytes: &[u8]) -> SharedSecret {
    SharedSecret::new(bytes.to_vec())
}

#[test]
fn rfc_4226_appendix_d() {
    let passcodes =
        ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"];
    for (counter, passcode) in (0..).zip(passcodes) {
        let time = UnixTime(counter * 30);
        assert_eq!(passcode_at(&secret(SHA1_SECRET), Parameters::default(), time).as_deref(), Some(passcode));
    }
}

#[test]
fn rfc_6238_appendix_b() {
    let rows = [
        (59, "94287082", "46119246", "90693936"),
        (1_111_111_109, "07081804", "68084774", "25091201"),
        (1_111_111_111, "14050471", "67062674", "99943326"),
        (1_234_567_890, "89005924", "91819424", "93441116"),
        (2_000_000_000, "69279037", "90698825", "38618901"),
        (20_000_000_000, "65353130", "77737706", "47863826"),
    ];
    for (time, sha1, sha256, sha512) in rows {
        for (algorithm, bytes, passcode) in [
            (Algorithm::Sha1, SHA1_SECRET, sha1),
            (Algorithm::Sha256, SHA256_SECRET, sha256),
            (Algorithm::Sha512, SHA512_SECRET, sha512),
        ] {
            let parameters = Parameters { algorithm, digits: Digits::Eight, ..Parameters::default() };
            let (secret, time) = (secret(bytes), UnixTime(time));
            assert_eq!(passcode_at(&secret, parameters, time).as_deref(), Some(passcode), "{algorithm:?} {time:?}");
            let typed = Passcode::parse(passcode).unwrap();
            assert!(matches!(match_passcode(&secret, parameters, &typed, time, None), Some(Match::Accepted(_))));
        }
    }
}

#[test]
fn rfc_4648_base32_without_padding() {
    assert_eq!(secret(SHA1_SECRET).to_base32().as_str(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    assert_eq!(secret(b"foobar").to_base32().as_str(), "MZXW6YTBOI");
    assert_eq!(SharedSecret::from_base32("MZXW6YTBOI").unwrap().expose(), b"foobar");
    assert!(SharedSecret::from_base32("MZXW6YTB0I").is_none(), "0 is not in the alphabet");
}

#[test]
fn a_secret_shorter_than_rfc_4226_allows_matches_nothing() {
    let passcode = Passcode::parse("000000").unwrap();
    assert!(match_passcode(&secret(b"short"), Parameters::default(), &passcode, UnixTime(59), None).is_none());
}
