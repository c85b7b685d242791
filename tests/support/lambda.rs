//! AWS Lambda for one function: starts its bootstrap as Lambda does and serves the Runtime API that the bootstrap calls.
//!
//! Invariant: the bootstrap sees none of this process's environment, and ends with its [`Lambda`].
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::env;
use std::io::Read;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::thread;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

use crate::events::ChallengeTrigger;

/// A started function. It must be used on the runtime that it was started on.
pub struct Lambda {
    bootstrap: Child,
    happened: mpsc::UnboundedReceiver<Happened>,
    /// The ids of its invocations so far.
    pub request_ids: Vec<String>,
}

enum Happened {
    /// The bootstrap asks for an invocation.
    Asked(oneshot::Sender<Response>),
    /// It posted a body to a path.
    Posted(String, Bytes),
    /// It ended, and this is what it wrote to standard output and standard error.
    Ended(String),
}

type Tell = mpsc::UnboundedSender<Happened>;

/// The token guard's name.
const GUARD: &str = "pre-token-generation";
const INVOCATION: &str = "/2018-06-01/runtime/invocation";

impl Lambda {
    /// Starts the function of `trigger` with `variables` and what Lambda itself sets.
    pub async fn start(trigger: ChallengeTrigger, variables: &[(&str, &str)]) -> Self {
        Self::start_bootstrap(&bootstrap(trigger.name()), trigger.name(), variables).await
    }

    /// Starts the token guard.
    pub async fn start_guard(variables: &[(&str, &str)]) -> Self {
        Self::start_bootstrap(&bootstrap(GUARD), GUARD, variables).await
    }

    /// The same of the older commit that tests/tools/older.txt names; `tests/run` builds it.
    pub async fn start_older(trigger: ChallengeTrigger, variables: &[(&str, &str)]) -> Self {
        Self::start_bootstrap(&older(trigger.name()), trigger.name(), variables).await
    }

    /// The token guard of that commit.
    pub async fn start_older_guard(variables: &[(&str, &str)]) -> Self {
        Self::start_bootstrap(&older(GUARD), GUARD, variables).await
    }

    async fn start_bootstrap(bootstrap: &Path, name: &str, variables: &[(&str, &str)]) -> Self {
        let (tell, happened) = mpsc::unbounded_channel();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let api = Router::new()
            .route(&format!("{INVOCATION}/next"), get(next))
            .route(&format!("{INVOCATION}/{{id}}/{{kind}}"), post(posted))
            .with_state(tell.clone());
        tokio::spawn(async { axum::serve(listener, api).await });

        let (mut output, input) = std::io::pipe().expect("a pipe");
        let bootstrap = Command::new(bootstrap)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", name)
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")
            .env("_HANDLER", "bootstrap")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(input.try_clone().expect("a pipe"))
            .stderr(input)
            .spawn()
            .expect("a bootstrap");
        thread::spawn(move || {
            let mut log = Vec::new();
            let _read = output.read_to_end(&mut log);
            let _told = tell.send(Happened::Ended(String::from_utf8_lossy(&log).into_owned()));
        });
        Self { bootstrap, happened, request_ids: Vec::new() }
    }

    /// What the function returns for `payload`, or the body that it posts as its error.
    pub async fn invoke(&mut self, payload: impl Into<Bytes>) -> Result<Value, Value> {
        // Without digits: see tests/support/user_scenario.rs.
        let number = self.request_ids.len().to_string();
        let letters: String = number.bytes().map(|digit| char::from(digit + (b'a' - b'0'))).collect();
        let id = format!("plainly-fake-request-{letters}");
        let headers = [
            ("lambda-runtime-aws-request-id", id.as_str()),
            ("lambda-runtime-deadline-ms", "4102444800000"),
            ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:plainly-fake"),
        ];
        let invocation = (headers, payload.into()).into_response();
        let _asking = self.asks().await.send(invocation);
        let (path, body) = match self.happened.recv().await.expect("a bootstrap") {
            Happened::Posted(path, body) => (path, body),
            Happened::Asked(_) => panic!("an invocation was left unanswered"),
            Happened::Ended(log) => panic!("the bootstrap ended:\n{log}"),
        };
        let body = serde_json::from_slice(&body).expect("JSON");
        let answered = match path.strip_prefix(&format!("{INVOCATION}/{id}/")) {
            Some("response") => Ok(body),
            Some("error") => Err(body),
            Some(_) | None => panic!("{path}: {body}"),
        };
        self.request_ids.push(id);
        answered
    }

    /// Ends the function once it waits for another invocation. All that it has written.
    pub async fn stop(mut self) -> String {
        let _waiting = self.asks().await;
        self.bootstrap.kill().expect("a bootstrap");
        self.ended().await.1
    }

    /// How a function ends that is not invoked, and all that it has written.
    pub async fn ended(&mut self) -> (ExitStatus, String) {
        match self.happened.recv().await.expect("a bootstrap") {
            Happened::Ended(log) => (self.bootstrap.wait().expect("an end"), log),
            Happened::Asked(_) | Happened::Posted(..) => panic!("the bootstrap has not ended"),
        }
    }

    async fn asks(&mut self) -> oneshot::Sender<Response> {
        match self.happened.recv().await.expect("a bootstrap") {
            Happened::Asked(asking) => asking,
            Happened::Posted(path, body) => panic!("{path} without an invocation: {body:?}"),
            Happened::Ended(log) => panic!("the bootstrap ended:\n{log}"),
        }
    }
}

impl Drop for Lambda {
    fn drop(&mut self) {
        let _killed = self.bootstrap.kill();
        let _ended = self.bootstrap.wait();
    }
}

async fn next(State(tell): State<Tell>) -> Response {
    let (asking, invocation) = oneshot::channel();
    let _told = tell.send(Happened::Asked(asking));
    invocation.await.unwrap_or_else(|_| StatusCode::GONE.into_response())
}

async fn posted(State(tell): State<Tell>, path: Uri, body: Bytes) -> StatusCode {
    let _told = tell.send(Happened::Posted(path.path().to_owned(), body));
    StatusCode::ACCEPTED
}

fn older(name: &str) -> PathBuf {
    let older = Path::new(env!("CARGO_MANIFEST_DIR")).join(".tools/older").join(name);
    assert!(older.exists(), "{} is not there: `tests/run test` builds it", older.display());
    older
}

/// The binary, built as this test was: in the same folder, by the same profile, and of the whole workspace, so that the
/// features of its dependencies are those that the tests have.
fn bootstrap(name: &str) -> PathBuf {
    static FOLDER: LazyLock<PathBuf> = LazyLock::new(|| {
        let test = env::current_exe().expect("this test");
        // target/<profile>/deps/<test>
        let folder = test.ancestors().nth(2).expect("a folder");
        let profile = folder.file_name().and_then(|name| name.to_str()).expect("a profile");
        let mut cargo = Command::new(env!("CARGO"));
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            // What cargo sets for this package would make it run the build scripts of others again.
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                cargo.env_remove(&name);
            }
        }
        let built = cargo
            .args(["build", "--locked", "--quiet", "--workspace"])
            .args(["--profile", if profile == "debug" { "dev" } else { profile }])
            .args(
                ChallengeTrigger::ALL
                    .map(ChallengeTrigger::name)
                    .iter()
                    .chain([&GUARD])
                    .map(|name| format!("--bin={name}")),
            )
            .env("CARGO_TARGET_DIR", folder.parent().expect("a target folder"))
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
            .status();
        assert!(built.expect("cargo").success(), "the bootstraps were not built");
        folder.to_owned()
    });
    FOLDER.join(name)
}
