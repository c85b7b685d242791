//! The command line: its options, and what it prints.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;

use clap::{Args, Parser, Subcommand};
use serde_json::{Value, json};
use shared::settings::{AcceptedCognitoMfa, Enrollment, SignInSettings};
use tokio::net::TcpListener;

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
use crate::triggers::in_process::InProcess;
use crate::triggers::lambda::LambdaOptions;
use crate::triggers::{Observer, Trigger, TriggerFailure, Triggers};

/// A Cognito user pool on 127.0.0.1, with the password and second-factor sign-in of this project.
#[derive(Parser)]
#[command(name = "local-pool", version)]
pub struct CommandLine {
    /// In the guided sign-in, let the program answer; so it does when standard input is not a terminal.
    #[arg(long)]
    auto: bool,
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
        pool: PoolOptions,
        #[command(flatten)]
        lambda: LambdaOptions,
    },
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
}

/// Runs the command. An error is a sentence for the person who typed it.
pub async fn run(command_line: CommandLine, clock: Clock) -> Result<(), String> {
    match command_line.command {
        Some(Command::Serve { port, json, pool, lambda }) => run_server(port, json, pool, lambda, clock).await,
        None => guide(command_line.auto, clock).await,
    }
}

/// The guided sign-in, until its end or Ctrl-C.
async fn guide(auto: bool, clock: Clock) -> Result<(), String> {
    let by_program = auto || !io::stdin().is_terminal();
    let answers = if by_program { AnswerSource::Program } else { AnswerSource::Person };
    tokio::select! {
        walked = walk_through(answers, clock) => walked,
        () = stop_signal()? => Ok(()),
    }
}

/// `serve`: a pool until Ctrl-C or SIGTERM.
async fn run_server(
    port: u16,
    json: bool,
    options: PoolOptions,
    lambda: LambdaOptions,
    clock: Clock,
) -> Result<(), String> {
    let sign_in = SignInSettings::new(options.accepted_cognito_mfa, options.enrollment);
    let sign_in = sign_in.map_err(|error| format!("These options do not go together: {error}."))?;
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
    let connection = if json { connection_json(&settings) } else { connection_text(&settings) };
    let own = InProcess::with_settings(sign_in, Arc::clone(&clock)).map_err(|error| error.to_string())?;
    let own = Arc::new(own);
    let elsewhere = lambda.functions();
    if let (Some(functions), Some(members)) = (&elsewhere, settings.user_pool.as_object_mut()) {
        let attached = lambda_config(|trigger| functions.arn(trigger), settings.pre_token_generation);
        members.insert("LambdaConfig".to_owned(), attached);
    }
    let triggers: Arc<dyn Triggers> = Arc::new(ByArn::new(Arc::clone(&own) as Arc<dyn Triggers>, elsewhere));
    let make = move |settings| {
        let pool = Pool::new(settings, Arc::clone(&triggers), Arc::clone(&clock))?;
        Ok(pool.observed_by(Arc::new(Printer { messages: !json })))
    };
    let pool = make(settings).map_err(|error: CognitoError| error.to_string())?;
    let service = Service::new(Arc::new(pool), make).with_functions(own);
    writeln!(io::stdout(), "{connection}").map_err(|error| format!("Nothing can be printed: {error}."))?;

    tokio::select! {
        served = serve(listener, Arc::new(service)) => served.map_err(|error| format!("The user pool stopped: {error}.")),
        () = stopped => Ok(()),
    }
}

fn connection_json(settings: &PoolSettings) -> String {
    let client = settings.clients.first();
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

fn connection_text(settings: &PoolSettings) -> String {
    let PoolSettings { endpoint, region, user_pool_id, .. } = settings;
    let client = settings.clients.first();
    let client_id = client.map(|client| client.client_id.as_str()).unwrap_or_default();
    let secret = client.and_then(|client| client.client_secret.as_ref());
    let secret = secret.map(|secret| format!("secret      {secret}\n")).unwrap_or_default();
    format!(
        "The user pool is up. Ctrl-C ends it, and everything in it is forgotten.\n\
         \n\
         endpoint    {endpoint}\n\
         region      {region}\n\
         userPoolId  {user_pool_id}\n\
         clientId    {client_id}\n\
         {secret}\
         messages    {endpoint}/messages\n"
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
