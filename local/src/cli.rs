//! The command line: its options, and what it prints.

use std::io::{self, IsTerminal as _, Write as _};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use serde_json::{Value, json};
use shared::guard_settings::GuardedSince;
use shared::requirements::Requirements;
use shared::settings::{AcceptedCognitoMfa, Enrollment, PasscodeDigits, Policy, SettingError, SignInSettings};
use shared::store::memory::MemorySealer;
use tokio::net::TcpListener;

use crate::data_file::DataFile;
use crate::error::CognitoError;
use crate::guided::{AnswerSource, walk_through};
use crate::http::serve;
use crate::pool::{Pool, lambda_config};
use crate::random;
use crate::service::Service;
use crate::settings::{
    AfterCognitoChallenge, ClientSettings, Clock, ExplicitAuthFlow, MfaConfiguration, PoolSettings,
    PreTokenGenerationVersion,
};
use crate::state::message::{Message, MessageReason};
use crate::triggers::by_arn::ByArn;
use crate::triggers::in_process::{InProcess, fill_random};
use crate::triggers::lambda::LambdaOptions;
use crate::triggers::{Observer, Trigger, TriggerFailure, Triggers};
use crate::web_pages::{Origin, WebPages};

/// A Cognito user pool on 127.0.0.1, with the password and second-factor sign-in of this project.
#[derive(Parser)]
#[command(name = "local-pool", version, args_conflicts_with_subcommands = true)]
pub struct CommandLine {
    /// In the guided sign-in, let the program answer; so it does when standard input is not a terminal.
    #[arg(long)]
    auto: bool,
    /// In the guided sign-in, the triggers' SECOND_FACTOR_POLICY: REQUIRED, or OPTIONAL to see an offer and how to turn it off.
    #[arg(long, value_name = "POLICY", default_value = "REQUIRED", value_parser = Policy::parse)]
    second_factor_policy: Policy,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Run the user pool for other clients.
    Serve {
        /// The port on 127.0.0.1; 0 for any free port.
        #[arg(long, default_value_t = 9229)]
        port: u16,
        /// Print only one JSON object, for programs.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerOptions,
        #[command(flatten)]
        pool: PoolOptions,
        #[command(flatten)]
        lambda: LambdaOptions,
    },
}

/// What the server does around the pool.
#[derive(Args)]
struct ServerOptions {
    /// Let web pages of this origin call, such as http://localhost:5173: the app under development. Can be repeated. Pages of
    /// every other origin are refused, and so is every request with a Host that is not this machine.
    #[arg(long, value_name = "ORIGIN")]
    allow_origin: Vec<Origin>,
    /// Keep everything in this file between two starts: pools, app clients, users, groups, tokens, the second factors and all
    /// keys. Sign-ins under way and the list at /messages are lost. What the file holds wins over the options of the pool and its
    /// app client. It holds secrets in the clear; only its owner can read it.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Answer only so many calls a second, and TooManyRequestsException to the others. Calls of all operations, pools and users are
    /// counted together, in each second of the clock; refused ones, GET requests and web pages that may not call are not.
    #[arg(long, value_name = "N")]
    requests_per_second: Option<NonZeroU32>,
}

/// Settings that may differ from those of template.yaml.
#[derive(Args)]
struct PoolOptions {
    /// The flows that the app client allows, separated by commas. Any flow other than these two bypasses the second factor,
    /// unless the token guard denies its tokens.
    #[arg(long, value_delimiter = ',', value_name = "FLOW", default_values = ["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"])]
    explicit_auth_flows: Vec<ExplicitAuthFlow>,
    /// Let anybody sign up, as template.yaml does with SelfSignUp ON.
    #[arg(long)]
    self_sign_up: bool,
    /// Give the app client a secret, as GenerateSecret does; every call then needs the matching SECRET_HASH.
    #[arg(long)]
    client_secret: bool,
    /// The event version that the token guard receives.
    #[arg(long, value_name = "VERSION", default_value = "V2_0")]
    token_guard_events: PreTokenGenerationVersion,
    /// Do not attach the token guard.
    #[arg(long, conflicts_with = "token_guard_events")]
    no_token_guard: bool,
    /// Cognito's own MFA on startup; `set-user-pool-mfa-config` changes it.
    #[arg(long, value_name = "CONFIGURATION", default_value = "OFF")]
    mfa_configuration: MfaConfiguration,
    /// What follows Cognito's own MFA in CUSTOM_AUTH: a call of Define, as Cognito documents, or tokens, as users report.
    #[arg(long, value_name = "WHAT", default_value = "DEFINE")]
    after_cognito_mfa: AfterCognitoChallenge,
    /// What follows a temporary password in CUSTOM_AUTH: Define asks for a new one, as Cognito documents, or Cognito does and
    /// issues tokens, as users report.
    #[arg(long, value_name = "WHAT", default_value = "DEFINE")]
    temporary_passwords: AfterCognitoChallenge,
    /// The triggers' ACCEPTED_COGNITO_MFA.
    #[arg(long, value_name = "FACTORS", default_value = "NONE", value_parser = AcceptedCognitoMfa::parse)]
    accepted_cognito_mfa: AcceptedCognitoMfa,
    /// The triggers' ENROLLMENT: AT_SIGN_IN, BY_OPERATOR or AFTER_COGNITO_MFA.
    #[arg(long, value_name = "MODE", default_value = "AT_SIGN_IN", value_parser = Enrollment::parse)]
    enrollment: Enrollment,
    /// The triggers' PASSCODE_DIGITS: 6, 8 or "6 8".
    #[arg(long, value_name = "DIGITS", default_value = "6", value_parser = PasscodeDigits::parse)]
    passcode_digits: PasscodeDigits,
    #[command(flatten)]
    policy: PolicyOptions,
}

/// Who needs a second factor. The token guard's LONGEST_SESSION_DAYS is 30 under OPTIONAL, and its GUARDED_SINCE the start.
#[derive(Args)]
struct PolicyOptions {
    /// The triggers' SECOND_FACTOR_POLICY: REQUIRED, or OPTIONAL for users who may do without.
    #[arg(long, value_name = "POLICY", default_value = "REQUIRED", value_parser = Policy::parse)]
    second_factor_policy: Policy,
    /// Under OPTIONAL, an app client at which one is required all the same, as in REQUIRED_CLIENTS. Can be repeated.
    #[arg(long, value_name = "CLIENT_ID")]
    required_client: Vec<String>,
    /// Under OPTIONAL, from when one is required of everybody, in UTC, as in REQUIRED_FROM: 2026-12-24T08:00:00Z.
    #[arg(long, value_name = "TIME")]
    required_from: Option<String>,
    /// Under OPTIONAL, a group whose members need one, as in REQUIRED_GROUPS. Can be repeated.
    #[arg(long, value_name = "GROUP")]
    required_group: Vec<String>,
}

impl PolicyOptions {
    /// As the functions read them.
    fn requirements(&self) -> Result<Requirements, SettingError> {
        let value = |variable: &str| match variable {
            Requirements::CLIENTS => Some(self.required_client.join(" ")),
            Requirements::FROM => self.required_from.clone(),
            Requirements::GROUPS => Some(self.required_group.join(" ")),
            _ => None,
        };
        Requirements::read_with_groups(&value, self.second_factor_policy)
    }
}

/// Runs the command. An error is a sentence for the person who typed it.
pub async fn run(command_line: CommandLine, clock: Clock) -> Result<(), String> {
    match command_line.command {
        Some(Command::Serve { port, json, server, pool, lambda }) => {
            run_server(port, json, server, pool, lambda, clock).await
        }
        None => guide(command_line.auto, command_line.second_factor_policy, clock).await,
    }
}

/// The guided sign-in, until its end or Ctrl-C.
async fn guide(auto: bool, policy: Policy, clock: Clock) -> Result<(), String> {
    let by_program = auto || !io::stdin().is_terminal();
    let answers = if by_program { AnswerSource::Program } else { AnswerSource::Person };
    tokio::select! {
        walked = walk_through(answers, policy, clock) => walked,
        () = stop_signal()? => Ok(()),
    }
}

/// `serve`: a pool until Ctrl-C or SIGTERM.
async fn run_server(
    port: u16,
    json: bool,
    server: ServerOptions,
    options: PoolOptions,
    lambda: LambdaOptions,
    clock: Clock,
) -> Result<(), String> {
    let contradiction = |error: SettingError| format!("These options do not go together: {error}.");
    let policy = options.policy.second_factor_policy;
    let sign_in = SignInSettings::new(options.accepted_cognito_mfa, options.enrollment);
    let sign_in = sign_in.and_then(|sign_in| sign_in.under(policy)).map_err(contradiction)?;
    let requirements = options.policy.requirements().map_err(contradiction)?;
    let stopped = stop_signal()?;
    let listener = TcpListener::bind(("127.0.0.1", port)).await.map_err(|error| {
        if error.kind() == io::ErrorKind::AddrInUse {
            format!("Port {port} is in use. Choose another with --port, or 0 for any free port.")
        } else {
            format!("Port {port} of 127.0.0.1 cannot be listened on: {error}.")
        }
    })?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;

    let client_secret = options.client_secret.then(random::alphanumeric::<51>).transpose();
    let mut settings = PoolSettings {
        endpoint: format!("http://{address}"),
        clients: vec![ClientSettings {
            explicit_auth_flows: options.explicit_auth_flows,
            client_secret: client_secret.map_err(|error| error.to_string())?,
            ..ClientSettings::as_deployed()
        }],
        pre_token_generation: (!options.no_token_guard).then_some(options.token_guard_events),
        mfa_configuration: options.mfa_configuration,
        after_cognito_mfa: options.after_cognito_mfa,
        temporary_passwords: options.temporary_passwords,
        ..PoolSettings::as_deployed(options.self_sign_up)
    };
    let (data_file, stored) = match &server.data {
        Some(path) => DataFile::open(path, complain).map(|(file, stored)| (Some(file), stored))?,
        None => (None, Vec::new()),
    };
    let own = match &data_file {
        None => InProcess::with_settings(sign_in, Arc::clone(&clock)),
        Some(file) => {
            let sealer = MemorySealer::with_key(&file.sealing_key().0, fill_random);
            InProcess::sealed_by(sealer, file.records(), sign_in, Arc::clone(&clock))
        }
    };
    let own = own.map_err(|error| error.to_string())?.with_passcode_digits(options.passcode_digits);
    // Where users may do without, the guard needs to know since when it refuses: its records are as old as this start, or it was down.
    let own = match policy {
        Policy::Required => own,
        Policy::Optional => own.with_guarded_since(GuardedSince::new(clock())),
    };
    let own = own.with_requirements(requirements);
    let own = Arc::new(own);
    let elsewhere = lambda.functions();
    if let (Some(functions), Some(members)) = (&elsewhere, settings.user_pool.as_object_mut()) {
        let attached = lambda_config(|trigger| functions.arn(trigger), settings.pre_token_generation);
        members.insert("LambdaConfig".to_owned(), attached);
    }
    let triggers: Arc<dyn Triggers> = Arc::new(ByArn::new(Arc::clone(&own) as Arc<dyn Triggers>, elsewhere));
    let observed = move |pool: Pool| pool.observed_by(Arc::new(Printer { messages: !json }));
    let (mut first, mut others) = (None, Vec::new());
    let mut settings = Some(settings);
    for stored in stored {
        let is_first = settings.as_ref().is_some_and(|settings| settings.user_pool_id == stored.user_pool_id);
        let of_options = if is_first { settings.take() } else { None };
        let of_pool = of_options
            .unwrap_or_else(|| PoolSettings { endpoint: format!("http://{address}"), ..PoolSettings::default() });
        let pool = Pool::restored(of_pool, stored, Arc::clone(&triggers), Arc::clone(&clock)).map(observed);
        let pool = pool.ok_or("The data file holds a signing key that is none. It is left as it is.")?;
        if is_first { first = Some(pool) } else { others.push(pool) }
    }
    let make = move |settings| Pool::new(settings, Arc::clone(&triggers), Arc::clone(&clock)).map(observed);
    let first = match (first, settings) {
        (None, Some(settings)) => make(settings).map_err(|error: CognitoError| error.to_string())?,
        (Some(first), _) => first,
        (None, None) => return Err(CognitoError::internal().to_string()),
    };
    let connection = if json { connection_json(&first) } else { connection_text(&first, server.data.as_deref()) };
    let mut service = Service::new(Arc::new(first), make).with_pools(others).with_functions(own);
    if let Some(file) = data_file {
        service = service.kept_in(file)?;
    }
    if let Some(limit) = server.requests_per_second {
        service = service.limited_to(limit);
    }
    let service = Arc::new(service);
    writeln!(io::stdout(), "{connection}").map_err(|error| format!("Nothing can be printed: {error}."))?;

    let web_pages = WebPages::allowed(server.allow_origin, complain);
    let ended = tokio::select! {
        served = serve(listener, Arc::clone(&service), web_pages) => served.map_err(|error| format!("The user pool stopped: {error}.")),
        () = stopped => Ok(()),
    };
    // What a call changed whose client went away before the answer.
    service.save();
    ended
}

/// Says something on standard error to the person who started the pool.
fn complain(sentence: &str) {
    // When stderr is closed, nobody reads it.
    let _ = writeln!(io::stderr(), "{sentence}");
}

fn connection_json(pool: &Pool) -> String {
    let (settings, client) = (pool.settings(), pool.first_client());
    let client = client.as_ref();
    let mut connection = json!({
        "endpoint": settings.endpoint,
        "region": settings.region,
        "userPoolId": settings.user_pool_id,
        "clientId": client.map(|client| &client.client_id),
    });
    let secret = client.and_then(|client| client.client_secret.as_ref());
    if let (Some(secret), Some(connection)) = (secret, connection.as_object_mut()) {
        connection.insert("clientSecret".to_owned(), json!(secret));
    }
    connection.to_string()
}

fn connection_text(pool: &Pool, data_file: Option<&Path>) -> String {
    let PoolSettings { endpoint, region, user_pool_id, .. } = pool.settings();
    let client = pool.first_client();
    let client = client.as_ref();
    let end = match data_file {
        Some(path) => format!("Ctrl-C ends it, and {} keeps what is in it.", path.display()),
        None => "Ctrl-C ends it, and everything in it is forgotten.".to_owned(),
    };
    let client_id = client.map(|client| client.client_id.as_str()).unwrap_or_default();
    let secret = client.and_then(|client| client.client_secret.as_ref());
    let secret = secret.map(|secret| format!("secret      {secret}\n")).unwrap_or_default();
    format!(
        "The user pool is up. {end}\n\
         \n\
         page        {endpoint}/\n\
         endpoint    {endpoint}\n\
         region      {region}\n\
         userPoolId  {user_pool_id}\n\
         clientId    {client_id}\n\
         {secret}\
         operators   export AWS_ENDPOINT_URL={endpoint} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_DEFAULT_REGION={region}\n\
         {:12}cargo run -p operator -- status --user-pool-id {user_pool_id}\n\
         messages    {endpoint}/messages\n",
        ""
    )
}

/// Prints the messages that Cognito would have sent, and on standard error the triggers that failed.
struct Printer {
    messages: bool,
}

impl Observer for Printer {
    fn trigger_called(&self, trigger: Trigger, _event: &Value, answer: &Result<Value, TriggerFailure>) {
        let problem = match answer {
            Ok(Value::Object(_)) => return,
            // Without the answer itself: it may hold a secret.
            Ok(_) => "answered with no event".to_owned(),
            Err(TriggerFailure::Function(text)) => format!("ended with an error: {text}"),
            Err(TriggerFailure::NotCalled(text)) => format!("could not be called: {text}"),
            Err(TriggerFailure::TimedOut) => "did not answer in time".to_owned(),
        };
        let _ = writeln!(io::stderr(), "{trigger} {problem}");
    }

    fn message_sent(&self, message: &Message) {
        if !self.messages {
            return;
        }
        let what = match message.reason {
            MessageReason::SignUp => "confirmation code",
            MessageReason::TemporaryPassword => "temporary password",
            MessageReason::ForgotPassword => "code for a new password",
            MessageReason::VerifyAttribute => "verification code",
            MessageReason::Mfa => "sign-in code",
        };
        let Message { to, user_name, code, .. } = message;
        // When standard output is closed, the messages are still at /messages.
        let _ = writeln!(io::stdout(), "To {to}: the {what} of {user_name} is {code}");
    }
}

/// Ctrl-C and SIGTERM. Signals are caught from the call on, not only from the first poll.
#[cfg(unix)]
fn stop_signal() -> Result<impl Future<Output = ()>, String> {
    use tokio::signal::unix::{SignalKind, signal};
    let wait = |kind| signal(kind).map_err(|error| format!("Signals cannot be waited for: {error}."));
    let (mut interrupt, mut terminate) = (wait(SignalKind::interrupt())?, wait(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> Result<impl Future<Output = ()>, String> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
