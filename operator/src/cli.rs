//! The command line: what it takes, and what it prints.

use std::io::Write;

use clap::builder::NonEmptyStringValueParser;
use clap::{Parser, Subcommand};

use crate::doctor::aws::{Services, read};
use crate::doctor::deployment::{Given, UserPoolId};
use crate::doctor::{findings, nothing_was_read, report};

pub use crate::doctor::report::Outcome;

/// Looks after the second factor of a deployed user pool.
#[derive(Parser)]
#[command(name = "second-factor", version)]
pub struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Reads a deployed user pool and says what is open. It changes nothing.
    ///
    /// OPEN: a way around the second factor, or a way to lose it. BROKEN: sign-ins fail. UNREADABLE: could not be read.
    /// WEAK: worth a look. FINE: as it should be. The last line counts them.
    ///
    /// Exit status: 0, nothing is open or broken; 1, something is; 2, neither was seen, but something could not be read, or
    /// the command line is wrong.
    ///
    /// Credentials are found as the AWS CLI finds them; the region is the pool's.
    Doctor {
        /// The user pool's id.
        #[arg(long, value_name = "ID")]
        user_pool_id: UserPoolId,
        /// The records' table, if not as the functions name it.
        #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
        table: Option<String>,
        /// The sealing key by id, ARN or alias, if not as the functions name it.
        #[arg(long, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
        key: Option<String>,
        /// Print one JSON object for programs, and nothing else.
        #[arg(long)]
        json: bool,
    },
}

/// Does what the command line asks for. An error is a sentence for the person who typed it.
pub async fn run(command_line: CommandLine, coloured: bool, output: &mut impl Write) -> Result<Outcome, String> {
    let Command::Doctor { user_pool_id, table, key, json } = command_line.command;
    let services = Services::of_region(user_pool_id.region()).await;
    let given = Given { table_name: table, key_id: key };
    let findings = match read(&services, user_pool_id.clone(), given).await {
        Ok(deployment) => findings(&deployment),
        Err(unreadable) => vec![nothing_was_read(&unreadable)],
    };
    let printed = match json {
        true => report::json(&user_pool_id, &findings),
        false => report::text(&findings, coloured),
    };
    output.write_all(printed.as_bytes()).map_err(|error| format!("Nothing can be printed: {error}."))?;
    Ok(Outcome::of(&findings))
}
