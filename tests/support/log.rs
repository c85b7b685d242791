//! What the code under test logs, for tests that run on one thread.

use std::future::Future;
use std::io::{Error, Write};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

/// Runs `run`: its outcome, and each line that it logs, whatever its level.
pub async fn logged<T>(run: impl Future<Output = T>) -> (T, Vec<Value>) {
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_max_level(tracing::Level::TRACE);
    let lines = lines.with_writer(move || writer.clone()).finish();
    let subscriber = tracing::subscriber::set_default(lines);
    let outcome = run.await;
    drop(subscriber);
    let log = std::mem::take(&mut *log.0.lock().unwrap_or_else(PoisonError::into_inner));
    let lines = String::from_utf8(log).expect("text");
    (outcome, lines.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect())
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, written: &[u8]) -> Result<usize, Error> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).write(written)
    }

    fn flush(&mut self) -> Result<(), Error> {
        Ok(())
    }
}
