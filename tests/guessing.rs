//! A simulated attacker who knows the password and guesses passcodes for a year: the odds that ARCHITECTURE.md states.

use shared::clock::UnixTime;
use shared::lockout::{Admission, FALL_SECONDS, Lockout};
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
