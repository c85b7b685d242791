//! The triggers behind Lambda's Invoke API: a server on the loopback interface answers as AWS does, and the SDK calls it.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use local::by_arn::ByArn;
use local::in_process::InProcess;
use local::lambda::{Endpoint, LambdaFunctions, NamedFunction};
use local::{Clock, CognitoError, Pool, PoolSettings, Service, SrpClient, Trigger, own_function};
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::totp::{Parameters, SharedSecret, passcode_at};
use tokio::net::TcpListener;

use crate::test_bed::{PASSWORD, TestBed, assert_error, usual_answer};

const FUNCTIONS: [&str; 4] =
    ["define-auth-challenge", "create-auth-challenge", "verify-auth-challenge", "pre-token-generation"];
const VERIFY: &str = "verify-auth-challenge";

/// Lambda with the four functions, until one has a fault.
#[derive(Default)]
struct Lambda {
    fault: Mutex<Option<(&'static str, LambdaFault)>>,
    invoked: Mutex<Vec<(String, HeaderMap)>>,
}

#[derive(Clone, Copy)]
enum LambdaFault {
    /// Status, headers, body.
    Answers(u16, &'static [(&'static str, &'static str)], &'static str),
    NeverAnswers,
}

impl Lambda {
    async fn start() -> (Arc<Self>, Endpoint) {
        let lambda = Arc::new(Self::default());
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let api = Router::new().route("/2015-03-31/functions/{name}/invocations", post(invoke));
        let api = api.with_state(Arc::clone(&lambda));
        tokio::spawn(async { axum::serve(listener, api).await });
        (lambda, endpoint)
    }

    fn set_fault(&self, fault: Option<(&'static str, LambdaFault)>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    /// The names of the functions that were invoked since the last time.
    fn take_invoked(&self) -> Vec<String> {
        std::mem::take(&mut *self.invoked.lock().unwrap()).into_iter().map(|(name, _)| name).collect()
    }
}

async fn invoke(
    State(lambda): State<Arc<Lambda>>,
    Path(name): Path<String>,
    headers: HeaderMap,
    event: Bytes,
) -> Response {
    lambda.invoked.lock().unwrap().push((name.clone(), headers));
    let fault = *lambda.fault.lock().unwrap();
    match fault.filter(|(faulty, _)| *faulty == name) {
        None => {}
        Some((_, LambdaFault::NeverAnswers)) => std::future::pending().await,
        Some((_, LambdaFault::Answers(status, headers, body))) => {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            return response;
        }
    }
    let mut event: Value = serde_json::from_slice(&event).unwrap();
    let source = event["triggerSource"].as_str().unwrap();
    let trigger = Trigger::ALL.into_iter().find(|trigger| source.starts_with(&trigger.to_string()));
    event["response"] = usual_answer(trigger.unwrap_or(Trigger::PreTokenGeneration), &event).unwrap();
    event.to_string().into_response()
}

fn short() -> PoolSettings {
    PoolSettings { trigger_time_out: Duration::from_millis(200), ..PoolSettings::default() }
}

async fn bed(settings: PoolSettings) -> (Arc<Lambda>, TestBed) {
    let (lambda, endpoint) = Lambda::start().await;
    let bed = TestBed::over(settings, Arc::new(LambdaFunctions::at(&endpoint)));
    bed.add_user("alice").await;
    (lambda, bed)
}

#[tokio::test]
async fn each_trigger_is_the_function_with_the_name_of_its_package() {
    let (lambda, bed) = bed(PoolSettings::default()).await;
    assert!(bed.sign_in("alice").await["AccessToken"].is_string());
    let [define, create, verify, guard] = FUNCTIONS;
    assert_eq!(lambda.take_invoked(), [define, define, create, verify, define, guard]);
}

#[tokio::test]
async fn a_function_that_is_called_otherwise_is_called_so() {
    let (lambda, endpoint) = Lambda::start().await;
    let named = |text: &str| text.parse::<NamedFunction>().unwrap();
    let functions = LambdaFunctions::at(&endpoint)
        .named(named("CreateAuthChallenge=stack-CreateAuthChallenge-4A"))
        .named(named("PreTokenGeneration=guard"));
    let bed = TestBed::over(PoolSettings::default(), Arc::new(functions));
    bed.add_user("alice").await;
    bed.sign_in("alice").await;
    let [define, _, verify, _] = FUNCTIONS;
    let create = "stack-CreateAuthChallenge-4A";
    assert_eq!(lambda.take_invoked(), [define, define, create, verify, define, "guard"]);
}

#[tokio::test]
async fn the_calls_are_signed_with_made_up_credentials() {
    let (lambda, bed) = bed(PoolSettings::default()).await;
    bed.sign_in("alice").await;
    for (_, headers) in lambda.invoked.lock().unwrap().iter() {
        let authorization = headers["authorization"].to_str().unwrap();
        assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=test/"), "{authorization}");
        assert_eq!(headers.get("x-amz-security-token"), None);
    }
}

#[tokio::test]
async fn each_lambda_error_reads_as_in_cognito_and_the_next_sign_in_works() {
    let (lambda, bed) = bed(PoolSettings::default()).await;
    let failed = |text: &str| {
        ("UserLambdaValidationException", format!("VerifyAuthChallengeResponse failed with error {text}."))
    };
    let not_called = |text: &str| {
        let message = format!("VerifyAuthChallengeResponse invocation failed due to error {text}.");
        ("UnexpectedLambdaException", message)
    };
    let unrecognizable = ("InvalidLambdaResponseException", "Unrecognizable lambda output".to_owned());
    let unhandled: &[_] = &[("x-amz-function-error", "Unhandled")];
    let no_headers: &[_] = &[];
    for (fault, (kind, message)) in [
        // The function's own error, its time-out, its crash; an error without a message.
        (
            LambdaFault::Answers(200, unhandled, r#"{"errorType":"SignInError","errorMessage":"Please start again"}"#),
            failed("Please start again"),
        ),
        (
            LambdaFault::Answers(
                200,
                unhandled,
                r#"{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: 1 Error: Task timed out after 5.00 seconds"}"#,
            ),
            failed("RequestId: 1 Error: Task timed out after 5.00 seconds"),
        ),
        (
            LambdaFault::Answers(
                200,
                unhandled,
                r#"{"errorType":"Runtime.ExitError","errorMessage":"RequestId: 1 Error: Runtime exited with error: exit status 1"}"#,
            ),
            failed("RequestId: 1 Error: Runtime exited with error: exit status 1"),
        ),
        (LambdaFault::Answers(200, unhandled, "null"), failed("Unhandled")),
        // Lambda's.
        (
            LambdaFault::Answers(
                429,
                &[("x-amzn-errortype", "TooManyRequestsException")],
                r#"{"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#,
            ),
            not_called("TooManyRequestsException"),
        ),
        (
            LambdaFault::Answers(
                404,
                &[(
                    "x-amzn-errortype",
                    "ResourceNotFoundException:http://internal.amazon.com/coral/com.amazonaws.awsgirapi/",
                )],
                r#"{"Message":"Function not found: arn:aws:lambda:us-east-1:000000000000:function:verify-auth-challenge","Type":"User"}"#,
            ),
            not_called("ResourceNotFoundException"),
        ),
        (
            LambdaFault::Answers(
                403,
                &[("x-amzn-errortype", "AccessDeniedException")],
                r#"{"Message":"not authorized"}"#,
            ),
            not_called("AccessDeniedException"),
        ),
        (
            LambdaFault::Answers(
                500,
                &[("x-amzn-errortype", "ServiceException")],
                r#"{"Type":"Service","Message":"busy"}"#,
            ),
            not_called("ServiceException"),
        ),
        // Somebody else's.
        (LambdaFault::Answers(404, no_headers, "<html>nothing here</html>"), not_called("HTTP 404")),
        (LambdaFault::Answers(502, no_headers, ""), not_called("HTTP 502")),
        // Answers that are no event.
        (LambdaFault::Answers(200, no_headers, "null"), unrecognizable.clone()),
        (LambdaFault::Answers(200, no_headers, ""), unrecognizable.clone()),
        (LambdaFault::Answers(200, no_headers, "plainly no JSON"), unrecognizable.clone()),
        (LambdaFault::Answers(200, no_headers, "[]"), unrecognizable),
    ] {
        let asked = bed.prove_password("alice", PASSWORD).await.unwrap();
        lambda.take_invoked();
        lambda.set_fault(Some((VERIFY, fault)));
        assert_error(bed.answer(&asked, "42").await, kind, &message);
        assert_eq!(lambda.take_invoked(), [VERIFY], "{message}: called once");
        lambda.set_fault(None);
        assert!(bed.sign_in("alice").await["AccessToken"].is_string(), "{message}");
    }
}

#[tokio::test]
async fn a_silent_function_is_called_three_times_and_the_next_sign_in_works() {
    let (lambda, bed) = bed(short()).await;
    let asked = bed.prove_password("alice", PASSWORD).await.unwrap();
    lambda.take_invoked();
    lambda.set_fault(Some((VERIFY, LambdaFault::NeverAnswers)));
    let silence =
        "VerifyAuthChallengeResponse invocation failed due to error Socket timeout while invoking Lambda function.";
    assert_error(bed.answer(&asked, "42").await, "UnexpectedLambdaException", silence);
    assert_eq!(lambda.take_invoked(), [VERIFY; 3]);
    lambda.set_fault(None);
    assert!(bed.sign_in("alice").await["AccessToken"].is_string());
}

#[tokio::test]
async fn an_endpoint_where_nobody_listens_is_a_function_that_cannot_be_called() {
    // Bound, so that nobody else listens there either.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let endpoint = format!("http://{}", socket.local_addr().unwrap()).parse().unwrap();
    let bed = TestBed::over(PoolSettings::default(), Arc::new(LambdaFunctions::at(&endpoint)));
    let error = bed.initiate_with(json!({ "USERNAME": "alice" })).await.expect_err("no function");
    assert_eq!(error.kind, "UnexpectedLambdaException");
    let start = "DefineAuthChallenge invocation failed due to error Connection refused";
    assert!(error.message.starts_with(start), "{error}");
}

// ── Functions that a LambdaConfig names.

const NOW: UnixTime = UnixTime(1_800_000_000);

/// Pools as `serve` makes them.
fn service(elsewhere: Option<LambdaFunctions>) -> Service {
    let clock: Clock = Arc::new(|| NOW);
    let own = Arc::new(InProcess::new(Arc::clone(&clock)).unwrap());
    let triggers = Arc::new(ByArn::new(own, elsewhere));
    let make = move |settings| Pool::new(settings, triggers.clone(), Arc::clone(&clock));
    Service::new(Arc::new(make(PoolSettings::default()).unwrap()), make)
}

/// A client of one pool, with one user.
struct OtherPool {
    service: Service,
    user_pool_id: String,
    client_id: String,
}

impl OtherPool {
    async fn new(service: Service, lambda_config: Value) -> Self {
        let mut pool = Self { service, user_pool_id: String::new(), client_id: String::new() };
        let made = pool.call("CreateUserPool", json!({ "PoolName": "other", "LambdaConfig": lambda_config })).await;
        pool.user_pool_id = made.unwrap()["UserPool"]["Id"].as_str().unwrap().to_owned();
        let client =
            json!({ "ClientName": "web", "ExplicitAuthFlows": ["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"] });
        let made = pool.call("CreateUserPoolClient", client).await.unwrap();
        pool.client_id = made["UserPoolClient"]["ClientId"].as_str().unwrap().to_owned();
        pool.call("AdminCreateUser", json!({ "Username": "alice", "MessageAction": "SUPPRESS" })).await.unwrap();
        let password = json!({ "Username": "alice", "Password": PASSWORD, "Permanent": true });
        pool.call("AdminSetUserPassword", password).await.unwrap();
        pool
    }

    async fn call(&self, operation: &str, mut body: Value) -> Result<Value, CognitoError> {
        if operation != "CreateUserPool" {
            body["UserPoolId"] = json!(self.user_pool_id);
        }
        self.service.call("us-east-1", operation, body).await
    }

    async fn prove_password(&self) -> Result<Value, CognitoError> {
        let srp = SrpClient::new(&self.user_pool_id).unwrap();
        let parameters = json!({ "CHALLENGE_NAME": "SRP_A", "USERNAME": "alice", "SRP_A": srp.public_value() });
        let body = json!({ "ClientId": self.client_id, "AuthFlow": "CUSTOM_AUTH", "AuthParameters": parameters });
        let asked = self.call("InitiateAuth", body).await?;
        let claim = srp.answer(&asked["ChallengeParameters"], PASSWORD, NOW).unwrap();
        self.respond(&asked, claim).await
    }

    async fn answer(&self, asked: &Value, answer: &str) -> Value {
        let responses = json!({ "USERNAME": asked["ChallengeParameters"]["USERNAME"], "ANSWER": answer });
        self.respond(asked, responses).await.unwrap()
    }

    async fn respond(&self, asked: &Value, responses: Value) -> Result<Value, CognitoError> {
        let body = json!({
            "ClientId": self.client_id,
            "ChallengeName": asked["ChallengeName"],
            "Session": asked["Session"],
            "ChallengeResponses": responses,
        });
        self.call("RespondToAuthChallenge", body).await
    }
}

fn foreign(function: &str) -> String {
    format!("arn:aws:lambda:eu-central-1:210987654321:function:{function}")
}

/// `LambdaConfig` with three functions, and the fourth in its old form.
fn attached(function: impl Fn(Trigger) -> String) -> Value {
    Trigger::ALL.into_iter().map(|trigger| (trigger.to_string(), json!(function(trigger)))).collect()
}

#[tokio::test]
async fn a_function_that_a_lambda_config_names_is_called_by_its_arn() {
    let (lambda, endpoint) = Lambda::start().await;
    let old_form = attached(|trigger| foreign(&trigger.to_string()));
    let mut new_form = old_form.clone();
    let config = json!({ "LambdaArn": old_form["PreTokenGeneration"], "LambdaVersion": "V2_0" });
    new_form["PreTokenGeneration"] = Value::Null;
    new_form["PreTokenGenerationConfig"] = config;
    for lambda_config in [old_form, new_form] {
        let pool = OtherPool::new(service(Some(LambdaFunctions::at(&endpoint))), lambda_config).await;
        let asked = pool.prove_password().await.unwrap();
        assert!(pool.answer(&asked, "42").await["AuthenticationResult"]["AccessToken"].is_string());
        let arns = Trigger::ALL.map(|trigger| foreign(&trigger.to_string()));
        let [define, create, verify, guard] = arns.each_ref().map(String::as_str);
        assert_eq!(lambda.take_invoked(), [define, define, create, verify, define, guard]);
    }
}

#[tokio::test]
async fn our_functions_run_in_this_process_whatever_the_endpoint() {
    let (lambda, endpoint) = Lambda::start().await;
    for elsewhere in [None, Some(LambdaFunctions::at(&endpoint))] {
        let pool = OtherPool::new(service(elsewhere), attached(own_function)).await;
        let asked = pool.prove_password().await.unwrap();
        let secret = asked["ChallengeParameters"]["secretCode"].as_str().unwrap();
        let secret = SharedSecret::from_base32(secret).unwrap();
        let passcode = passcode_at(&secret, Parameters::default(), NOW).unwrap();
        let asked = pool.answer(&asked, &passcode).await;
        let code = asked["ChallengeParameters"]["recoveryCodes"].as_str().unwrap().split(' ').next().unwrap();
        assert!(pool.answer(&asked, code).await["AuthenticationResult"]["AccessToken"].is_string());
        assert_eq!(lambda.take_invoked(), [""; 0]);
    }
}

#[tokio::test]
async fn ours_and_others_can_be_attached_to_one_pool() {
    let (lambda, endpoint) = Lambda::start().await;
    let mixed = attached(|trigger| match trigger {
        Trigger::DefineAuthChallenge => own_function(trigger),
        Trigger::CreateAuthChallenge => foreign("create"),
        Trigger::VerifyAuthChallengeResponse | Trigger::PreTokenGeneration => foreign("others"),
    });
    let pool = OtherPool::new(service(Some(LambdaFunctions::at(&endpoint))), mixed).await;
    assert_eq!(pool.prove_password().await.unwrap()["ChallengeName"], "CUSTOM_CHALLENGE");
    assert_eq!(lambda.take_invoked(), [foreign("create")]);
}

#[tokio::test]
async fn without_an_endpoint_no_other_function_is_called_and_why_is_said() {
    let pool = OtherPool::new(service(None), attached(|_| foreign("any"))).await;
    let message = format!(
        "DefineAuthChallenge invocation failed due to error {} is not a function of the local pool, \
         and --lambda-endpoint names no other place.",
        foreign("any")
    );
    assert_error(pool.prove_password().await, "UnexpectedLambdaException", &message);
}

#[tokio::test]
async fn a_function_of_ours_at_the_wrong_trigger_refuses_the_event() {
    let pool = OtherPool::new(service(None), attached(|_| own_function(Trigger::PreTokenGeneration))).await;
    let error = pool.prove_password().await.expect_err("no event of the token guard");
    assert_eq!(error.kind, "UserLambdaValidationException", "{error}");
}

#[test]
fn an_endpoint_is_the_root_of_an_http_server() {
    for good in ["http://127.0.0.1:9000", "http://localhost:9000/", "http://[::1]:9000", "https://lambda.test"] {
        assert!(good.parse::<Endpoint>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "9000",
        "localhost:9000",
        "127.0.0.1",
        "ftp://localhost",
        "http://",
        "http://a/functions",
        "http://a?b=c",
        "http://me:word@a",
        "http://a b",
    ] {
        assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
    }
}

#[test]
fn a_name_is_given_to_one_of_the_four_triggers() {
    for good in
        ["DefineAuthChallenge=a", "VerifyAuthChallengeResponse=arn:aws:lambda:us-east-1:000000000000:function:a=b"]
    {
        assert!(good.parse::<NamedFunction>().is_ok(), "{good}");
    }
    for bad in [
        "",
        "=",
        "DefineAuthChallenge",
        "DefineAuthChallenge=",
        "=a",
        "define-auth-challenge=a",
        "VerifyAuthChallenge=a",
    ] {
        assert!(bad.parse::<NamedFunction>().is_err(), "{bad}");
    }
}
