//! The arithmetic, against the vectors of the RFCs.

use shared::clock::UnixTime;
use shared::totp::{
    Algorithm, Digits, Match, Parameters, Passcode, Period, SharedSecret, clock_offset, match_passcode, passcode_at,
};

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
fn a_secret_of_80_bits_matches_and_a_shorter_one_matches_nothing() {
    let (parameters, time) = (Parameters::default(), UnixTime(59));
    let eighty_bits = secret(&SHA1_SECRET[..10]);
    let passcode = Passcode::parse(&passcode_at(&eighty_bits, parameters, time).unwrap()).unwrap();
    assert!(matches!(match_passcode(&eighty_bits, parameters, &passcode, time, None), Some(Match::Accepted(_))));
    let shorter = secret(&SHA1_SECRET[..9]);
    assert!(match_passcode(&shorter, parameters, &passcode, time, None).is_none());
    assert!(passcode_at(&shorter, parameters, time).is_none());
    assert!(clock_offset(&shorter, parameters, &passcode, time).is_none());
}

#[test]
fn a_clock_that_is_off_is_found_within_five_minutes_either_side() {
    let (secret, now) = (secret(SHA1_SECRET), UnixTime(1_800_000_010));
    for (seconds, digits) in [(15, Digits::Six), (30, Digits::Eight), (60, Digits::Six), (120, Digits::Eight)] {
        let period = Period::seconds(seconds).unwrap();
        let parameters = Parameters { algorithm: Algorithm::Sha256, digits, period };
        let steps_each_way = i64::from(300 / seconds);
        let found = |steps: i64| {
            let time = UnixTime(now.0.checked_add_signed(steps * i64::from(seconds)).unwrap());
            let typed = Passcode::parse(&passcode_at(&secret, parameters, time).unwrap()).unwrap();
            clock_offset(&secret, parameters, &typed, now)
        };
        for steps in -steps_each_way..=steps_each_way {
            assert_eq!(found(steps), Some(steps * i64::from(seconds)), "{seconds} {steps}");
        }
        assert_eq!(found(steps_each_way + 2), None, "{seconds}");
        assert_eq!(found(-steps_each_way - 2), None, "{seconds}");
    }
}

#[test]
fn a_clock_offset_at_the_beginning_and_the_end_of_time_is_no_panic() {
    let secret = secret(SHA1_SECRET);
    for time in [UnixTime(0), UnixTime(u64::MAX)] {
        for parameters in [Parameters::default(), Parameters { digits: Digits::Eight, ..Parameters::default() }] {
            let typed = Passcode::parse(&passcode_at(&secret, parameters, time).unwrap()).unwrap();
            assert_eq!(clock_offset(&secret, parameters, &typed, time), Some(0));
        }
    }
}

#[test]
fn a_passcode_of_other_digits_has_no_clock_offset() {
    let (secret, now) = (secret(SHA1_SECRET), UnixTime(1_800_000_010));
    let eight = Parameters { digits: Digits::Eight, ..Parameters::default() };
    let typed = Passcode::parse(&passcode_at(&secret, eight, now).unwrap()).unwrap();
    assert_eq!(typed.digits(), Digits::Eight);
    assert_eq!(clock_offset(&secret, Parameters::default(), &typed, now), None);
}
