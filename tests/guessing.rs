//! An attacker who knows the password and guesses for a year, passcodes or recovery codes: the odds that docs/threat-model.md
//! states, and when an operator is alerted.

use shared::clock::UnixTime;
use shared::passcode_limit::{DECAY_SECONDS, PasscodeLimit, RateLimit, SLOW_DECAY_SECONDS};
use shared::recovery_codes::{CODE_BYTES, CODES};
use shared::totp::WINDOW_STEPS;
use tests::clock::NOW;

const YEAR: u64 = 365 * DECAY_SECONDS;

/// Guesses whenever one is verified, for a year from a clean record.
fn guesses_in_a_year() -> u64 {
    let start = NOW;
    let (mut passcode_limit, mut now, mut guesses) = (PasscodeLimit::default(), start, 0);
    while now.since(start) < YEAR {
        match passcode_limit.rate_limit(now) {
            RateLimit::Allow => {
                passcode_limit = passcode_limit.after_wrong_passcode(now);
                guesses += 1;
            }
            RateLimit::RetryAfter { seconds } | RateLimit::Blocked { seconds } => now = now.plus(seconds),
        }
    }
    guesses
}

#[test]
fn an_attacker_with_the_password_has_at_most_385_guesses_a_year() {
    // 20 until passcodes stop, then one a day as the count falls.
    let guesses = guesses_in_a_year();
    assert!((380..=385).contains(&guesses), "{guesses}");
}

/// The odds that one of so many guesses hits one of the passcodes that are accepted at once.
fn odds(guesses: u64) -> f64 {
    let accepted_at_once = u32::try_from(2 * WINDOW_STEPS + 1).unwrap();
    let miss = 1.0 - f64::from(accepted_at_once) / 1_000_000.0;
    1.0 - miss.powi(i32::try_from(guesses).unwrap())
}

#[test]
fn a_year_of_guessing_succeeds_in_at_most_twelve_of_ten_thousand() {
    let guesses = guesses_in_a_year();
    assert!(odds(guesses) < 0.0012, "{guesses}");
    println!("guesses in a year: {guesses}, odds: {:.4} %", odds(guesses) * 100.0);
}

/// The same against an owner who never runs out of recovery codes, and uses one whenever passcodes have stopped, or `every` so
/// many seconds.
fn guesses_against_an_owner_with_recovery_codes(every: Option<u64>) -> u64 {
    let start = NOW;
    let (mut passcode_limit, mut now, mut used_at, mut guesses) = (PasscodeLimit::default(), start, start, 0);
    while now.since(start) < YEAR {
        if every.is_some_and(|every| now.since(used_at) >= every) {
            (passcode_limit, used_at) = (passcode_limit.after_recovery_code(now), now);
        }
        match passcode_limit.rate_limit(now) {
            RateLimit::Allow => {
                passcode_limit = passcode_limit.after_wrong_passcode(now);
                guesses += 1;
            }
            RateLimit::RetryAfter { seconds } => now = now.plus(seconds),
            RateLimit::Blocked { seconds } => match every {
                Some(every) => now = now.plus(seconds.min(every.saturating_sub(now.since(used_at)).max(1))),
                None => {
                    let lifted = passcode_limit.after_recovery_code(now);
                    if lifted.rate_limit(now) == RateLimit::Allow {
                        passcode_limit = lifted;
                    } else {
                        now = now.plus(seconds);
                    }
                }
            },
        }
    }
    guesses
}

#[test]
fn recovery_codes_in_use_raise_a_years_odds_to_at_most_a_quarter_percent() {
    let day = DECAY_SECONDS;
    let owners = [None, Some(60), Some(3600), Some(day / 2), Some(day), Some(7 * day), Some(30 * day)];
    let worst = owners.map(guesses_against_an_owner_with_recovery_codes).into_iter().max().unwrap();
    // 20 and one a day by themselves, and 40 and one a day that recovery codes forgive.
    assert!((780..=20 + 365 + 40 + 365).contains(&worst), "{worst}");
    assert!(odds(worst) <= 0.0025, "{}", odds(worst));
    println!("guesses in a year against the worst owner: {worst}, odds: {:.4} %", odds(worst) * 100.0);
}

#[test]
fn guessing_below_the_fast_alarm_raises_the_slow_one_within_a_month() {
    let start = NOW;
    // Nine at once, then one a day: the count that falls by one a day never comes to ten.
    let (mut passcode_limit, mut now) = (PasscodeLimit::default(), start);
    let mut guess = |passcode_limit: &mut PasscodeLimit| {
        if let RateLimit::RetryAfter { seconds } = passcode_limit.rate_limit(now) {
            now = now.plus(seconds);
        }
        *passcode_limit = passcode_limit.after_wrong_passcode(now);
        now
    };
    for _ in 0..9 {
        let now = guess(&mut passcode_limit);
        assert!(!passcode_limit.is_alerting(now));
    }
    let mut days = 0;
    loop {
        days += 1;
        let now = start.plus(days * DECAY_SECONDS + DECAY_SECONDS / 2);
        passcode_limit = passcode_limit.after_wrong_passcode(now);
        assert!(passcode_limit.failures(now) < 10);
        if passcode_limit.is_alerting(now) {
            break;
        }
    }
    assert!(days <= 30, "{days}");
    // Neither a recovery code ends the alarm nor silence of a week; without guesses it ends by itself.
    let now = start.plus(days * DECAY_SECONDS + DECAY_SECONDS / 2);
    assert!(passcode_limit.after_recovery_code(now).is_alerting(now));
    assert!(!passcode_limit.is_alerting(now.plus(2 * SLOW_DECAY_SECONDS)));
}

#[test]
fn more_than_a_guess_a_week_raises_an_alarm() {
    let (mut passcode_limit, mut now, mut guesses, start) = (PasscodeLimit::default(), NOW, 0, NOW);
    while now.since(start) < YEAR {
        // An attacker who knows this code waits whenever the next guess would raise the alarm.
        let next = passcode_limit.after_wrong_passcode(now);
        if passcode_limit.rate_limit(now) == RateLimit::Allow && !next.is_alerting(now) {
            (passcode_limit, guesses) = (next, guesses + 1);
        } else {
            now = now.plus(3600);
        }
    }
    assert!(guesses <= 19 + 53, "{guesses}");
}

#[test]
fn a_host_whose_clock_is_years_behind_lowers_no_count() {
    let (today, years) = (NOW, 10 * YEAR);
    for hosts in 0..=0b1_1111_u32 {
        // Five wrong passcodes, each verified by a host with the right clock or by one that is ten years back.
        let mut passcode_limit = PasscodeLimit::default().after_wrong_passcode(today);
        passcode_limit = passcode_limit.after_recovery_code(today);
        for guess in 0..5 {
            let now = if hosts & (1 << guess) == 0 { today } else { UnixTime(today.0 - years) };
            passcode_limit = passcode_limit.after_wrong_passcode(now);
        }
        assert_eq!(passcode_limit.failures(today), 5, "{hosts:05b}");
        assert_eq!(
            passcode_limit.rate_limit(today.plus(29)),
            RateLimit::RetryAfter { seconds: 1 },
            "{hosts:05b}: the wait holds"
        );
    }
}

#[test]
fn no_order_of_pauses_gains_an_attacker_a_guess() {
    // Pauses of every length in between: the count saves up nothing, so waiting is never worth a guess.
    let best = guesses_in_a_year();
    for pause in (1..48).map(|half_hours| half_hours * 1800) {
        let start = NOW;
        let (mut passcode_limit, mut now, mut guesses) = (PasscodeLimit::default(), start, 0);
        while now.since(start) < YEAR {
            match passcode_limit.rate_limit(now) {
                RateLimit::Allow => {
                    passcode_limit = passcode_limit.after_wrong_passcode(now);
                    guesses += 1;
                }
                RateLimit::RetryAfter { .. } | RateLimit::Blocked { .. } => now = now.plus(pause),
            }
        }
        assert!(guesses <= best, "a pause of {pause} s allows {guesses}");
    }
}

/// Answers a second that one region of an AWS account takes from all its users together. None of our limits applies to
/// recovery codes, so this is the only one. Three times the 120 of `UserAuthentication`, unless a higher one was bought.
///
/// Source: <https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html>
const ANSWERS_A_SECOND: u64 = 3 * 120;

#[test]
fn a_year_of_guessing_recovery_codes_has_odds_below_one_in_ten_trillion() {
    let codes = 256_f64.powi(i32::try_from(CODE_BYTES).unwrap());
    assert_eq!(codes.log2(), 80.0);
    let guesses = u32::try_from(ANSWERS_A_SECOND).map(f64::from).unwrap() * u32::try_from(YEAR).map(f64::from).unwrap();
    // No guess is made twice, and none of the ten is ever used.
    let odds = f64::from(u32::try_from(CODES).unwrap()) * guesses / codes;
    assert!(odds < 1e-13, "{odds:e}");
    println!("recovery codes: {guesses:.3e} guesses in a year, odds: {odds:.1e}");
}
