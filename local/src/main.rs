//! The guided sign-in, and `serve`: a user pool for other clients.

use std::io::{self, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::SystemTime;

use clap::Parser as _;
use local::Clock;
use local::cli::{CommandLine, run};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let ended = Runtime::new()
        .map_err(|error| format!("The runtime cannot start: {error}."))
        .and_then(|runtime| runtime.block_on(run(command_line, system_clock())));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(sentence) => {
            // When stderr is closed, the exit status still reports the failure.
            let _ = writeln!(io::stderr(), "{sentence}");
            ExitCode::FAILURE
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
fn system_clock() -> Clock {
    Arc::new(|| SystemTime::now().into())
}
