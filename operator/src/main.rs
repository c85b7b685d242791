//! The command `second-factor`.

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use operator::cli::{CommandLine, Outcome, run};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    let command_line = CommandLine::parse();
    let ended = Runtime::new()
        .map_err(|error| format!("The runtime cannot start: {error}."))
        .and_then(|runtime| runtime.block_on(run(command_line, coloured(), &mut io::stdout())));
    let outcome = ended.unwrap_or_else(|sentence| {
        // When stderr is gone, the exit status still tells.
        let _ = writeln!(io::stderr(), "{sentence}");
        Outcome::NotAllSeen
    });
    ExitCode::from(outcome as u8)
}

/// On a terminal, unless <https://no-color.org> is asked for.
#[expect(clippy::disallowed_methods, reason = "this is where the environment is read")]
fn coloured() -> bool {
    io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}
