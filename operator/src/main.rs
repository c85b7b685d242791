//! The command `second-factor`.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Parser as _;
use operator::aws::Services;
use operator::cli::{CommandLine, Ended, run};
use operator::terminal::{Stopped, Terminal};
use shared::clock::UnixTime;
use shared::random::RandomError;
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let started = Runtime::new().map_err(|error| Stopped::Failed(format!("The runtime cannot start: {error}.")));
    let ended = started.and_then(|runtime| {
        runtime.block_on(async {
            let services = Services::of_region(command_line.user_pool_id().region()).await;
            let (mut output, mut input, mut log) = (io::stdout(), io::stdin().lock(), io::stderr());
            let mut terminal = Terminal { output: &mut output, input: &mut input, log: &mut log };
            run(command_line, &services, &now, fill_random, coloured(), &mut terminal).await
        })
    });
    let (ended, sentence) = match ended {
        Ok(ended) => return ExitCode::from(ended as u8),
        Err(Stopped::NothingChanged(sentence)) => (Ended::Not, sentence),
        Err(Stopped::Failed(sentence)) => (Ended::Failed, sentence),
    };
    // When stderr is gone, the exit status still tells.
    let _ = writeln!(io::stderr(), "{sentence}");
    ExitCode::from(ended as u8)
}

#[expect(clippy::disallowed_methods, reason = "this is where the clock is read")]
fn now() -> UnixTime {
    SystemTime::now().into()
}

#[expect(clippy::disallowed_methods, reason = "this is where random bytes come from")]
fn fill_random(bytes: &mut [u8]) -> Result<(), RandomError> {
    getrandom::fill(bytes).map_err(|_| RandomError)
}

/// On a terminal, unless <https://no-color.org> is asked for.
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
fn coloured() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
