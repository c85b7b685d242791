//! An account of AWS with a user pool of a team's own: what `second-factor attach` and its kin call, call by call.
//!
//! The pool is the local one, which replaces as Cognito does. Any call can be denied, throttled, or never answered.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_kms::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use local::{Pool, PoolSettings};
use operator::aws::Services;
use operator::cli::{CommandLine, Ended, run};
use operator::terminal::{Stopped, Terminal};
use serde_json::{Value, json};
use shared::settings::Enrollment;
use tokio::net::TcpListener;

use crate::clock::NOW;
use crate::pool::TestPool;
use crate::random::fill_random;

/// What happens to a call instead of its answer, or before it.
#[derive(Clone)]
pub enum Fault {
    /// An error code and a message.
    Refused(&'static str, &'static str),
    /// It is done, and the answer is an error code and a message.
    DoneAndRefused(&'static str, &'static str),
    /// It is not done, and this is the answer.
    Answer(Value),
    /// It is done, and no answer ever comes.
    DoneAndUnanswered,
    /// No answer ever comes.
    Unanswered,
    /// Somebody else calls this first.
    After(&'static str, Value),
    /// Somebody else calls this afterwards.
    Before(&'static str, Value),
}

type Faults = Box<dyn Fn(usize, &str) -> Option<Fault> + Send>;

/// The account.
pub struct Account {
    /// The team's pool.
    pub pool: TestPool,
    /// What `DescribeStacks` says of the stack of the functions.
    pub outputs: Mutex<BTreeMap<&'static str, String>>,
    /// The stack that owns the pool.
    pub owner: Mutex<Option<&'static str>>,
    calls: Mutex<Vec<String>>,
    faults: Mutex<Faults>,
}

/// The functions of the stack, by the last part of their outputs' names.
#[must_use]
pub fn function(name: &str) -> String {
    format!("arn:aws:lambda:us-east-1:123456789012:function:second-factor-{name}")
}

/// The team's own Pre Token Generation function.
pub const CLAIMS: &str = "arn:aws:lambda:us-east-1:123456789012:function:claims:live";

static FOLDERS: AtomicUsize = AtomicUsize::new(0);

impl Account {
    /// One whose pool has a Pre Token Generation trigger of its own.
    pub async fn new() -> Arc<Self> {
        let pool = TestPool::new(Enrollment::AtSignIn, PoolSettings::default());
        let id = pool.settings().user_pool_id.clone();
        let outputs = BTreeMap::from([
            ("UserPoolId", id.clone()),
            ("TableName", "second-factor-SecondFactors".to_owned()),
            ("DefineAuthChallengeArn", function("Define")),
            ("CreateAuthChallengeArn", function("Create")),
            ("VerifyAuthChallengeArn", function("Verify")),
            ("PreTokenGenerationArn", function("Guard")),
            ("TokenGuard", "GRANT".to_owned()),
            ("TokenGuardEvents", "V3_0".to_owned()),
            ("ReportOnlyUntil", "NONE".to_owned()),
            ("NextPreTokenGenerationArn", CLAIMS.to_owned()),
        ]);
        let account = Arc::new(Self {
            pool,
            outputs: Mutex::new(outputs),
            owner: Mutex::default(),
            calls: Mutex::default(),
            faults: Mutex::new(Box::new(|_, _| None)),
        });
        let config = json!({ "LambdaVersion": "V2_0", "LambdaArn": CLAIMS });
        account
            .call(
                "UpdateUserPool",
                json!({ "UserPoolId": id, "LambdaConfig": {
            "PreSignUp": "arn:aws:lambda:us-east-1:123456789012:function:welcome", "PreTokenGenerationConfig": config,
        } }),
            )
            .await;
        account
    }

    /// The pool's id.
    #[must_use]
    pub fn id(&self) -> String {
        self.pool.settings().user_pool_id.clone()
    }

    /// Sets an output of the stack.
    pub fn set(&self, output: &'static str, value: &str) {
        self.outputs.lock().unwrap_or_else(PoisonError::into_inner).insert(output, value.to_owned());
    }

    /// Calls Cognito, as somebody else.
    pub async fn call(&self, operation: &str, request: Value) -> Value {
        let pool: &Pool = &self.pool;
        self.pool.wait(1);
        pool.call(operation, request).await.unwrap_or_else(|error| panic!("{operation}: {error:?}"))
    }

    /// `DescribeUserPool`, without what changes by itself.
    pub async fn described(&self) -> Value {
        let mut pool = self.call("DescribeUserPool", json!({ "UserPoolId": self.id() })).await["UserPool"].take();
        pool["LastModifiedDate"].take();
        pool
    }

    /// `DescribeUserPoolClient`, likewise.
    pub async fn client(&self, id: &str) -> Value {
        let request = json!({ "UserPoolId": self.id(), "ClientId": id });
        let mut client = self.call("DescribeUserPoolClient", request).await["UserPoolClient"].take();
        client["LastModifiedDate"].take();
        client
    }

    /// Creates an app client.
    pub async fn new_client(&self, members: Value) -> String {
        let mut request = json!({ "UserPoolId": self.id() });
        request.as_object_mut().expect("an object").extend(members.as_object().cloned().unwrap_or_default());
        let client = self.call("CreateUserPoolClient", request).await;
        client["UserPoolClient"]["ClientId"].as_str().expect("an id").to_owned()
    }

    /// The calls since this was asked last.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The same, without forgetting them.
    #[must_use]
    pub fn calls_made(&self) -> Vec<String> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many there were.
    #[must_use]
    pub fn calls_so_far(&self) -> usize {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Decides what happens to each call, by how many were before it and its name.
    pub fn fault(&self, fault: impl Fn(usize, &str) -> Option<Fault> + Send + 'static) {
        self.calls();
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(fault);
    }

    async fn answer(self: Arc<Self>, headers: HeaderMap, body: Bytes) -> Response {
        let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
        let text = String::from_utf8_lossy(&body).into_owned();
        let of_query = |name: &str| {
            let pair = text.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
            pair.unwrap_or_default().to_owned()
        };
        let operation =
            target.rsplit('.').next().filter(|name| !name.is_empty()).map_or_else(|| of_query("Action"), str::to_owned);
        let fault = {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            let fault = self.faults.lock().unwrap_or_else(PoisonError::into_inner)(calls.len(), &operation);
            calls.push(operation.clone());
            fault
        };
        match fault.clone() {
            Some(Fault::Refused(code, message)) if target.is_empty() => return xml_error(code, message),
            Some(Fault::Refused(code, message)) => return json_error(code, message),
            Some(Fault::Unanswered) => return std::future::pending().await,
            Some(Fault::Answer(answer)) => return json_answer(&answer),
            Some(Fault::After(call, request)) => drop(self.call(call, request).await),
            Some(Fault::DoneAndUnanswered | Fault::DoneAndRefused(..) | Fault::Before(..)) | None => {}
        }
        let answer = match operation.as_str() {
            "DescribeStacks" => self.stacks(&of_query("StackName")),
            "DescribeStackResources" => self.stack_resources(&of_query("PhysicalResourceId")),
            _ => {
                if operation.starts_with("Update") || operation.starts_with("Set") {
                    self.pool.wait(1);
                }
                let request = serde_json::from_slice(&body).unwrap_or_default();
                match Pool::call(&self.pool, &operation, request).await {
                    Ok(answer) => json_answer(&answer),
                    Err(error) => json_error(error.kind, &error.message),
                }
            }
        };
        match fault {
            Some(Fault::DoneAndUnanswered) => std::future::pending().await,
            Some(Fault::DoneAndRefused(code, message)) => json_error(code, message),
            Some(Fault::Before(call, request)) => {
                self.call(call, request).await;
                answer
            }
            _ => answer,
        }
    }

    fn stacks(&self, name: &str) -> Response {
        if name != "second-factor" {
            return xml_error("ValidationError", &format!("Stack with id {name} does not exist"));
        }
        let mut outputs = String::new();
        for (name, value) in &*self.outputs.lock().unwrap_or_else(PoisonError::into_inner) {
            let _ = write!(outputs, "<member><OutputKey>{name}</OutputKey><OutputValue>{value}</OutputValue></member>");
        }
        xml(&format!(
            "<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>{name}</StackName>\
             <CreationTime>2026-11-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus>\
             <Outputs>{outputs}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>"
        ))
    }

    fn stack_resources(&self, id: &str) -> Response {
        match *self.owner.lock().unwrap_or_else(PoisonError::into_inner) {
            None => xml_error("ValidationError", &format!("Stack for {id} does not exist")),
            Some(owner) => xml(&format!(
                "<DescribeStackResourcesResponse><DescribeStackResourcesResult><StackResources><member>\
                 <StackName>{owner}</StackName><LogicalResourceId>Users</LogicalResourceId>\
                 <PhysicalResourceId>{id}</PhysicalResourceId><ResourceType>AWS::Cognito::UserPool</ResourceType>\
                 <Timestamp>2026-11-01T00:00:00Z</Timestamp><ResourceStatus>CREATE_COMPLETE</ResourceStatus>\
                 </member></StackResources></DescribeStackResourcesResult></DescribeStackResourcesResponse>"
            )),
        }
    }
}

fn xml(text: &str) -> Response {
    ([(header::CONTENT_TYPE, "text/xml")], text.to_owned()).into_response()
}

fn xml_error(code: &str, message: &str) -> Response {
    let text = format!(
        "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
    );
    (StatusCode::BAD_REQUEST, [(header::CONTENT_TYPE, "text/xml")], text).into_response()
}

/// As AWS's JSON protocols have it.
pub(crate) fn json_answer(answer: &Value) -> Response {
    ([(header::CONTENT_TYPE, "application/x-amz-json-1.1")], answer.to_string()).into_response()
}

fn json_error(code: &str, message: &str) -> Response {
    let body = json!({ "__type": code, "message": message });
    (StatusCode::BAD_REQUEST, [("x-amzn-errortype", code)], body.to_string()).into_response()
}

/// An operator at a desk: a folder of their own, and a connection to the account.
pub struct Desk {
    account: Arc<Account>,
    services: Services,
    /// Where state and progress are kept.
    pub folder: PathBuf,
}

impl Desk {
    /// One for this account.
    pub async fn new(account: &Arc<Account>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let answers = Arc::clone(account);
        let handler = move |headers: HeaderMap, body: Bytes| Arc::clone(&answers).answer(headers, body);
        tokio::spawn(async { axum::serve(listener, Router::new().fallback(handler)).await });
        let credentials = Credentials::new("test", "test", None, None, "tests");
        let http =
            aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .endpoint_url(endpoint)
            .http_client(http)
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            .build();
        let number = FOLDERS.fetch_add(1, Ordering::SeqCst);
        let folder = std::env::temp_dir().join(format!("desk-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let services = Services::new(&config).with_first_pause(Duration::from_millis(1));
        Self { account: Arc::clone(account), services, folder }
    }

    /// The state file.
    #[must_use]
    pub fn state(&self) -> String {
        self.folder.join("state.json").display().to_string()
    }

    /// Runs `second-factor`, with what is typed, and returns how it ended and what was printed.
    pub async fn second_factor(&self, arguments: &[&str], typed: &str) -> (Result<Ended, Stopped>, String) {
        use clap::Parser as _;
        let command_line =
            CommandLine::try_parse_from(["second-factor"].iter().chain(arguments)).expect("a command line");
        let (mut output, mut input) = (Vec::new(), typed.as_bytes());
        let mut log = Vec::new();
        let mut terminal = Terminal { output: &mut output, input: &mut input, log: &mut log };
        let ended = run(command_line, &self.services, &|| NOW, fill_random, false, &mut terminal).await;
        (ended, String::from_utf8(output).expect("text"))
    }

    /// `attach PHASE …` without questions.
    pub async fn attach(&self, phase: &str, more: &[&str]) -> (Result<Ended, Stopped>, String) {
        let (id, state) = (self.account.id(), self.state());
        let arguments =
            ["attach", phase, "--user-pool-id", &id, "--stack", "second-factor", "--state", &state, "--yes"];
        self.second_factor(&[&arguments, more].concat(), "").await
    }

    /// `detach …`, confirmed.
    pub async fn detach(&self, more: &[&str]) -> (Result<Ended, Stopped>, String) {
        let (id, state) = (self.account.id(), self.state());
        let arguments = ["detach", "--user-pool-id", &id, "--state", &state, "--confirm", &id];
        self.second_factor(&[&arguments, more].concat(), "").await
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
