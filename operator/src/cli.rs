//! The command line: what it takes, and what it prints.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Parser, Subcommand};
use shared::clock::UnixTime;
use shared::operator_code::OPERATOR_CODE_HOURS;
use shared::random::FillRandom;

use crate::attach::plan::{Obstacle, Phase};
use crate::attach::{self, attach};
use crate::aws::{Services, UserPoolId};
use crate::code::{For, give_code, withdraw_code};
use crate::desk::{Desk, Options};
use crate::detach::{self, detach};
use crate::doctor::deployment::Given;
use crate::doctor::read::read;
use crate::doctor::report::Outcome;
use crate::doctor::{findings, nothing_was_read, report};
use crate::forget::forget;
use crate::import::{self, import};
use crate::init::init;
use crate::prune::prune;
use crate::reset::reset;
use crate::sign_out::sign_out;
use crate::sign_out_all::{self, sign_out_all};
use crate::status;
use crate::terminal::{Stopped, Terminal};
use crate::unlock::unlock;

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
    /// Sets the triggers of a user pool that exists, phase by phase.
    ///
    /// It shows what is and what will be, and asks. A state file keeps what was there, for detach. docs/existing-pool.md goes
    /// through the phases.
    ///
    /// Exit status: 0, done, or there was nothing to do; 1, something is in the way, or you did not say yes, and nothing was
    /// changed; 2, a call failed, and the last line says how far it went, or the command line is wrong.
    Attach {
        /// How far.
        phase: Phase,
        /// The user pool's id.
        #[arg(long, value_name = "ID")]
        user_pool_id: UserPoolId,
        /// The stack of template.yaml that was deployed with ExistingUserPoolId.
        #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
        stack: String,
        /// An app client's id, for `clients` and `flows`; may be given several times.
        #[arg(long = "client", value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
        clients: Vec<String>,
        /// Go on although this is in the way; may be given several times.
        #[arg(long = "accept", value_name = "NAME")]
        accepted: Vec<Obstacle>,
        /// Replace triggers that the pool has of its own.
        #[arg(long)]
        replace_triggers: bool,
        /// The state file; second-factor-ID.json in the current folder if not given.
        #[arg(long, value_name = "FILE")]
        state: Option<PathBuf>,
        /// Show what would be changed, and change nothing.
        #[arg(long)]
        dry_run: bool,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Puts a user pool back as attach found it.
    ///
    /// Exit status: as for attach.
    Detach {
        /// The user pool's id.
        #[arg(long, value_name = "ID")]
        user_pool_id: UserPoolId,
        /// The state file; second-factor-ID.json in the current folder if not given.
        #[arg(long, value_name = "FILE")]
        state: Option<PathBuf>,
        /// The last phase that stays; without it nothing stays.
        #[arg(long, value_name = "PHASE")]
        to: Option<Phase>,
        /// Show what would be changed, and change nothing.
        #[arg(long)]
        dry_run: bool,
        /// The pool's id once more, instead of typing it when asked.
        #[arg(long, value_name = "ID")]
        confirm: Option<String>,
    },
    /// Ends every session of every user of a pool: everyone has to sign in again.
    ///
    /// Each record notes it. Users whose record was saved meanwhile are named at the end: run `sign-out` for each.
    /// It can be stopped, and goes on where it was. Exit status: as for attach.
    SignOutAll {
        /// The user pool's id.
        #[arg(long, value_name = "ID")]
        user_pool_id: UserPoolId,
        /// The records' table, if not as the functions name it.
        #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
        table: Option<String>,
        /// Calls a second. The account has 25, for these and for the users' own changes.
        #[arg(long, value_name = "NUMBER", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=25))]
        per_second: u32,
        /// The progress file; second-factor-ID.sign-out.json in the current folder if not given.
        #[arg(long, value_name = "FILE")]
        progress: Option<PathBuf>,
        /// Show how many there are, and sign nobody out.
        #[arg(long)]
        dry_run: bool,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Notes in the records' table which pool and table it is, so that under SECOND_FACTOR_POLICY=OPTIONAL the functions take a
    /// user without a record for one who has no authenticator.
    ///
    /// Run it before the policy, and after each restore of the table. Run again, it changes nothing. Exit status: as for unlock.
    Init {
        /// Go on although the table says that it is a copy of another: you have restored it, and will use it.
        #[arg(long)]
        restored: bool,
        #[command(flatten)]
        changing: Changing,
    },
    /// Says what is kept about a user, or, without one, how many users have what. It changes nothing and prints no secret.
    ///
    /// Without a user it reads the whole table.
    ///
    /// Exit status: 0, done; 1, there is not exactly one such user; 2, a call failed, or the command line is wrong.
    Status {
        /// A sub, a user name, or a verified email address.
        user: Option<String>,
        #[command(flatten)]
        common: Common,
    },
    /// Ends every session of a user, and notes it in the record: what may refresh from then on has signed in since.
    ///
    /// Run it after a promotion to a group that needs a second factor. Exit status: as for unlock.
    SignOut {
        /// A sub, a user name, or a verified email address.
        user: String,
        #[command(flatten)]
        changing: Changing,
    },
    /// Takes wrong passcodes off a user's count, as a recovery code does and within the same bounds.
    ///
    /// Exit status: 0, done; 1, nothing was changed, and the last line says why; 2, a call failed, and the last line says
    /// whether something was changed, or the command line is wrong.
    Unlock {
        /// A sub, a user name, or a verified email address.
        user: String,
        #[command(flatten)]
        changing: Changing,
    },
    /// Gives a code to a user who has lost the authenticator and the recovery codes.
    ///
    /// It is good for one sign-in, which must set up a new authenticator. Make sure that the user is who they say.
    ///
    /// Exit status: as for unlock.
    OperatorCode {
        /// A sub, a user name, or a verified email address.
        user: String,
        /// For how long it is good.
        #[arg(long, value_name = "HOURS", default_value_t = OPERATOR_CODE_HOURS, value_parser = clap::value_parser!(u64).range(1..=OPERATOR_CODE_HOURS))]
        hours: u64,
        /// Take an outstanding code back instead.
        #[arg(long, conflicts_with = "hours")]
        withdraw: bool,
        #[command(flatten)]
        changing: Changing,
    },
    /// Gives a code to a user who has no authenticator, so that the next sign-in sets one up.
    ///
    /// Exit status: as for unlock.
    Enroll {
        /// A sub, a user name, or a verified email address.
        user: String,
        /// For how long it is good.
        #[arg(long, value_name = "HOURS", default_value_t = OPERATOR_CODE_HOURS, value_parser = clap::value_parser!(u64).range(1..=OPERATOR_CODE_HOURS))]
        hours: u64,
        #[command(flatten)]
        changing: Changing,
    },
    /// Takes an account back: removes the authenticator, sets a random password, ends all sessions, and gives a code.
    ///
    /// Exit status: as for unlock.
    Reset {
        /// A sub, a user name, or a verified email address.
        user: String,
        /// For how long the code is good.
        #[arg(long, value_name = "HOURS", default_value_t = OPERATOR_CODE_HOURS, value_parser = clap::value_parser!(u64).range(1..=OPERATOR_CODE_HOURS))]
        hours: u64,
        /// Print the random password, for a user who cannot choose a new one alone.
        #[arg(long)]
        print_password: bool,
        #[command(flatten)]
        changing: Changing,
    },
    /// Removes what is kept about a user who was deleted in Cognito.
    ///
    /// Exit status: as for unlock.
    Forget {
        /// The user's sub.
        sub: String,
        #[command(flatten)]
        changing: Changing,
    },
    /// Finds users who were deleted in Cognito, and forgets those who were missing 15 days before as well.
    ///
    /// It reads the whole table and lists the whole pool. Exit status: as for unlock.
    Prune {
        /// Go on even if more than a tenth of the users with a record are missing.
        #[arg(long)]
        many: bool,
        #[command(flatten)]
        changing: Changing,
    },
    /// Gives users the authenticators that they have elsewhere, from a file that docs/import.md describes.
    ///
    /// Every line is checked first, and while one has a problem nothing is written. It can be stopped, and run again with the same
    /// file. Exit status: as for unlock.
    Import {
        /// CSV with a header, or JSON Lines.
        file: PathBuf,
        /// Replace the authenticators that users have; otherwise these users are left alone.
        #[arg(long)]
        replace: bool,
        /// Refuse lines about members of this group; may be given several times.
        #[arg(long = "protect-group", value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
        protected_groups: Vec<String>,
        #[command(flatten)]
        changing: Changing,
    },
}

/// What the commands for users' records have in common.
#[derive(Args)]
struct Common {
    /// The user pool's id.
    #[arg(long, value_name = "ID")]
    user_pool_id: UserPoolId,
    /// The records' table, if not as the functions name it.
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    table: Option<String>,
    /// Print one JSON object for programs, and nothing else; what changes something then needs --yes or --dry-run.
    #[arg(long)]
    json: bool,
}

/// The same, and how a change goes on.
#[derive(Args)]
struct Changing {
    #[command(flatten)]
    common: Common,
    /// Show what would be changed, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do not ask; the user is named by sub.
    #[arg(long)]
    yes: bool,
}

impl Changing {
    fn options(self) -> Options {
        let Self { common: Common { user_pool_id, table, json }, dry_run, yes } = self;
        Options { user_pool_id, table, json, dry_run, yes }
    }
}

impl CommandLine {
    /// The pool that it is about.
    #[must_use]
    pub fn user_pool_id(&self) -> &UserPoolId {
        match &self.command {
            Command::Doctor { user_pool_id, .. }
            | Command::Attach { user_pool_id, .. }
            | Command::Detach { user_pool_id, .. }
            | Command::SignOutAll { user_pool_id, .. }
            | Command::Status { common: Common { user_pool_id, .. }, .. } => user_pool_id,
            Command::Init { changing, .. }
            | Command::SignOut { changing, .. }
            | Command::Unlock { changing, .. }
            | Command::OperatorCode { changing, .. }
            | Command::Enroll { changing, .. }
            | Command::Reset { changing, .. }
            | Command::Forget { changing, .. }
            | Command::Prune { changing, .. }
            | Command::Import { changing, .. } => &changing.common.user_pool_id,
        }
    }
}

/// How a command ends; its exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// 0
    Well = 0,
    /// 1: something is open, or stood in the way.
    Not = 1,
    /// 2: something could not be read, or a call failed.
    Failed = 2,
}

/// Does what the command line asks for. An error goes to the person who typed it.
///
/// # Errors
/// See [`Stopped`].
pub async fn run(
    command_line: CommandLine,
    services: &Services,
    clock: &(dyn Fn() -> UnixTime + Sync),
    random: FillRandom,
    coloured: bool,
    terminal: &mut Terminal<'_>,
) -> Result<Ended, Stopped> {
    match command_line.command {
        Command::Doctor { user_pool_id, table, key, json } => {
            let given = Given { table_name: table, key_id: key };
            let findings = match read(services, user_pool_id.clone(), given, clock()).await {
                Ok(deployment) => findings(&deployment),
                Err(unreadable) => vec![nothing_was_read(&unreadable)],
            };
            let printed = match json {
                true => report::json(&user_pool_id, &findings),
                false => report::text(&findings, coloured),
            };
            let written = terminal.output.write_all(printed.as_bytes());
            written.map_err(|error| Stopped::Failed(format!("Nothing can be printed: {error}.")))?;
            return Ok(match Outcome::of(&findings) {
                Outcome::NothingOpen => Ended::Well,
                Outcome::Open => Ended::Not,
                Outcome::NotAllSeen => Ended::Failed,
            });
        }
        Command::Attach { phase, user_pool_id, stack, clients, accepted, replace_triggers, state, dry_run, yes } => {
            if phase.changes_clients() == clients.is_empty() {
                let usage = if clients.is_empty() { "needs --client" } else { "takes no --client" };
                return Err(Stopped::Failed(format!("Nothing was changed: this phase {usage}.")));
            }
            let asked =
                attach::Asked { phase, user_pool_id, stack, clients, accepted, replace_triggers, state, dry_run, yes };
            attach(services, &asked, clock(), terminal).await?;
        }
        Command::Detach { user_pool_id, state, to, dry_run, confirm } => {
            let asked = detach::Asked { user_pool_id, state, to, dry_run, confirmed: confirm };
            detach(services, &asked, terminal).await?;
        }
        Command::SignOutAll { user_pool_id, table, per_second, progress, dry_run, yes } => {
            let options = Options { user_pool_id, table, json: false, dry_run, yes };
            let desk = Desk::new(services, options, clock, random, terminal, "sign-out-all");
            sign_out_all(desk, &sign_out_all::Asked { per_second, progress }).await?;
        }
        Command::Status { user, common: Common { user_pool_id, table, json } } => {
            let options = Options { user_pool_id, table, json, dry_run: true, yes: false };
            let desk = Desk::new(services, options, clock, random, terminal, "status").that_only_reads();
            match user {
                Some(user) => status::of_user(desk, &user).await?,
                None => status::of_all(desk).await?,
            }
        }
        Command::Init { restored, changing } => {
            init(Desk::new(services, changing.options(), clock, random, terminal, "init"), restored).await?;
        }
        Command::SignOut { user, changing } => {
            sign_out(Desk::new(services, changing.options(), clock, random, terminal, "sign-out"), &user).await?;
        }
        Command::Unlock { user, changing } => {
            unlock(Desk::new(services, changing.options(), clock, random, terminal, "unlock"), &user).await?;
        }
        Command::OperatorCode { user, hours, withdraw, changing } => {
            let name = if withdraw { "operator-code --withdraw" } else { "operator-code" };
            let desk = Desk::new(services, changing.options(), clock, random, terminal, name);
            match withdraw {
                true => withdraw_code(desk, &user).await?,
                false => give_code(desk, &user, For::LostPhone, hours).await?,
            }
        }
        Command::Enroll { user, hours, changing } => {
            let desk = Desk::new(services, changing.options(), clock, random, terminal, "enroll");
            give_code(desk, &user, For::Enrollment, hours).await?;
        }
        Command::Reset { user, hours, print_password, changing } => {
            let desk = Desk::new(services, changing.options(), clock, random, terminal, "reset");
            reset(desk, &user, hours, print_password).await?;
        }
        Command::Forget { sub, changing } => {
            forget(Desk::new(services, changing.options(), clock, random, terminal, "forget"), &sub).await?;
        }
        Command::Prune { many, changing } => {
            prune(Desk::new(services, changing.options(), clock, random, terminal, "prune"), many).await?;
        }
        Command::Import { file, replace, protected_groups, changing } => {
            let desk = Desk::new(services, changing.options(), clock, random, terminal, "import");
            import(desk, &import::Asked { file, replace, protected_groups }).await?;
        }
    }
    Ok(Ended::Well)
}
