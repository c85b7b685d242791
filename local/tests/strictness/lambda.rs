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
use local::PoolSettings;
use local::lambda::{Endpoint, LambdaFunctions, NamedFunction};
use serde_json::{Value, json};
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
    let trigger = local::Trigger::ALL.into_iter().find(|trigger| source.starts_with(&trigger.to_string()));
    event["response"] = usual_answer(trigger.unwrap_or(local::Trigger::PreTokenGeneration), &event).unwrap();
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
