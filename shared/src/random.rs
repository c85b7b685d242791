//! Randomness as an argument: only `main.rs` has the operating system's.

/// Fills a slice with random bytes.
pub type FillRandom = fn(&mut [u8]) -> Result<(), RandomError>;

/// The source of randomness failed.
#[derive(Debug)]
pub struct RandomError;

impl std::fmt::Display for RandomError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the source of randomness failed")
    }
}

impl std::error::Error for RandomError {}

/// Draws `N` random bytes.
///
/// # Errors
/// The source failed.
pub fn draw<const N: usize>(random: FillRandom) -> Result<[u8; N], RandomError> {
    let mut bytes = [0; N];
    random(&mut bytes)?;
    Ok(bytes)
}
