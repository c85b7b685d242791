//! The time of the tests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use shared::clock::UnixTime;

/// The time at which sample events happen and a [`TestClock`] starts: a whole number of time steps.
pub const NOW: UnixTime = UnixTime(1_800_000_000);

/// A clock that a test sets; its clones show the same time.
#[derive(Clone, Debug)]
pub struct TestClock(Arc<AtomicU64>);

impl Default for TestClock {
    fn default() -> Self {
        Self(Arc::new(AtomicU64::new(NOW.0)))
    }
}

impl TestClock {
    /// The time.
    #[must_use]
    pub fn now(&self) -> UnixTime {
        UnixTime(self.0.load(Ordering::SeqCst))
    }

    /// Sets the time.
    pub fn set(&self, now: UnixTime) {
        self.0.store(now.0, Ordering::SeqCst);
    }

    /// Lets `seconds` pass.
    pub fn wait(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}
