//! An attacker who knows the password and guesses for a year, passcodes or recovery codes: the odds that ARCHITECTURE.md
//! states.

use shared::clock::UnixTime;
use shared::lockout::{Admission, FALL_SECONDS, Lockout};
use shared::recovery_codes::{CODE_BYTES, CODES};
use shared::totp::WINDOW_STEPS;

const YEAR: u64 = 365 * FALL_SECONDS;

/// Guesses whenever one is judged, for a year from a clean record.
fn guesses_in_a_year() -> u64 {
    let start = UnixTime(1_800_000_000);
    let (mut lockout, mut now, mut guesses) = (Lockout::default(), start, 0);
    while now.since(start) < YEAR {
        match lockout.admission(now) {
            Admission::Open => {
                lockout = lockout.after_wrong_passcode(now);
                guesses += 1;
            }
            Admission::Wait { seconds } | Admission::Stopped { seconds } => now = now.plus(seconds),
        }
    }
    guesses
}

#[test]
fn a_password_knower_has_at_most_385_guesses_a_year() {
    // 20 until passcodes stop, then one a day as the count falls.
    let guesses = guesses_in_a_year();
    assert!((380..=385).contains(&guesses), "{guesses}");
}

#[test]
fn a_year_of_guessing_succeeds_in_at_most_twelve_of_ten_thousand() {
    let accepted_at_once = u32::try_from(2 * WINDOW_STEPS + 1).unwrap();
    let miss = 1.0 - f64::from(accepted_at_once) / 1_000_000.0;
    let odds = 1.0 - miss.powi(i32::try_from(guesses_in_a_year()).unwrap());
    assert!(odds < 0.0012, "{odds}");
    println!("guesses in a year: {}, odds: {:.4} %", guesses_in_a_year(), odds * 100.0);
}

#[test]
fn whatever_order_of_pauses_an_attacker_chooses_gains_nothing() {
    // Pauses of every length in between: the count saves up nothing, so waiting is never worth a guess.
    let best = guesses_in_a_year();
    for pause in (1..48).map(|half_hours| half_hours * 1800) {
        let start = UnixTime(1_800_000_000);
        let (mut lockout, mut now, mut guesses) = (Lockout::default(), start, 0);
        while now.since(start) < YEAR {
            match lockout.admission(now) {
                Admission::Open => {
                    lockout = lockout.after_wrong_passcode(now);
                    guesses += 1;
                }
                Admission::Wait { .. } | Admission::Stopped { .. } => now = now.plus(pause),
            }
        }
        assert!(guesses <= best, "a pause of {pause} s allows {guesses}");
    }
}

/// Answers a second that one region of an AWS account takes from all its users together. No limit of ours applies to
/// recovery codes, so this is the only one. Three times the 120 of `UserAuthentication`, unless a higher one was bought.
///
/// Source: <https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html>
const ANSWERS_A_SECOND: u64 = 3 * 120;

#[test]
fn a_year_of_guessing_recovery_codes_succeeds_in_less_than_one_of_ten_trillion() {
    let codes = 256_f64.powi(i32::try_from(CODE_BYTES).unwrap());
    assert_eq!(codes.log2(), 80.0);
    let guesses = u32::try_from(ANSWERS_A_SECOND).map(f64::from).unwrap() * u32::try_from(YEAR).map(f64::from).unwrap();
    // No guess is made twice, and none of the ten is ever used.
    let odds = f64::from(u32::try_from(CODES).unwrap()) * guesses / codes;
    assert!(odds < 1e-13, "{odds:e}");
    println!("recovery codes: {guesses:.3e} guesses in a year, odds: {odds:.1e}");
}
