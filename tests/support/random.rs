//! Randomness for the tests: the operating system's, and one that anyone can see to be fake.

#![expect(clippy::disallowed_methods, reason = "test support draws real randomness")]

use std::cell::Cell;

use shared::random::{RandomError, draw};
use shared::totp::SECRET_BYTES;

/// Every secret that [`plainly_fake`] draws.
pub const FAKE_SECRET: &[u8; SECRET_BYTES] = b"plainly fake secret!";

/// The operating system's randomness.
pub fn fill_random(bytes: &mut [u8]) -> Result<(), RandomError> {
    getrandom::fill(bytes).map_err(|_| RandomError)
}

/// Random bytes.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    draw(fill_random).expect("randomness")
}

/// No randomness: secrets, codes and keys that anyone can see to be fake, and that sample events can therefore hold.
/// Nonces and ids differ within a thread and are the same in each; ten codes in a row differ too.
pub fn plainly_fake(bytes: &mut [u8]) -> Result<(), RandomError> {
    thread_local! {
        static DRAWN: Cell<u32> = const { Cell::new(0) };
    }
    let number = DRAWN.replace(DRAWN.get().wrapping_add(1));
    let text = match bytes.len() {
        SECRET_BYTES => String::from_utf8_lossy(FAKE_SECRET).into_owned(),
        // A recovery code.
        10 => format!("fake code{}", number % 10),
        // A nonce, an id or a salt.
        16 => format!("fake {number:010} "),
        // A key, or the nonce of a sealing.
        _ => "plainly fake ".to_owned(),
    };
    bytes.iter_mut().zip(text.bytes().cycle()).for_each(|(byte, fake)| *byte = fake);
    Ok(())
}
