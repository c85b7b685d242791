//! The token guard as it is deployed: its binary, over a server that plays DynamoDB and Lambda's Invoke and notes each call.

#![expect(clippy::disallowed_methods, reason = "the guard has the real clock")]

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::error::ClientError;
use shared::guard_settings::NoGrantMessage;
use tests::events::User;
use tests::functions::Functions;
use tests::lambda::Lambda;
use tests::secrets::Secrets;
use tokio::net::TcpListener;

const SIGN_IN: &str = "TokenGeneration_Authentication";
const ARN: &str = "arn:aws:lambda:us-east-1:123456789012:function:our-tokens:live";
const NEXT: (&str, &str) = ("NEXT_PRE_TOKEN_GENERATION", ARN);
const SHOWN: (&str, &str) = ("NEXT_PRE_TOKEN_GENERATION_ERRORS", "SHOWN");
const REPORTING: (&str, &str) = ("REPORT_ONLY_UNTIL", "2999-12-31T00:00:00Z");

// ── In order.

#[tokio::test]
async fn the_grant_is_saved_before_the_function_is_invoked() {
    let (aws, ana) = Aws::with_a_grant(Answer::Event).await;
    let event = ana.token_event(SIGN_IN, "2");
    let (answered, log) = aws.guard(&[NEXT], &event).await;
    let details = &answered.unwrap()["response"]["claimsAndScopeOverrideDetails"];
    assert_eq!(details["accessTokenGeneration"]["claimsToAddOrOverride"]["tenant"], "a");
    assert_eq!(details["accessTokenGeneration"]["claimsToAddOrOverride"]["second_factor"], "totp");
    let calls = aws.calls();
    let names: Vec<&str> = calls.iter().map(|call| &*call.name).collect();
    assert_eq!(names, ["opened", "opened", "GetItem", "PutItem", "Invoke"]);
    let invoke = calls.last().unwrap();
    assert_eq!(invoke.path, format!("/2015-03-31/functions/{}/invocations", ARN.replace(':', "%3A")));
    assert_eq!(serde_json::from_slice::<Value>(&invoke.body).unwrap(), event);
    assert_eq!(invoke.headers["x-amz-invocation-type"], "RequestResponse");
    let authorization = |call: &Call| call.headers.get("authorization").map(|value| value.to_str().unwrap().to_owned());
    assert!(authorization(invoke).unwrap().contains("/us-east-1/lambda/aws4_request"));
    assert!(calls[..2].iter().all(|call| authorization(call).is_none()), "opened without credentials");
    assert_eq!((log.len(), &log[0]["message"]), (1, &json!("passed")));
}

#[tokio::test]
async fn without_a_next_function_nothing_of_lambda_is_called_or_opened() {
    let (aws, ana) = Aws::with_a_grant(Answer::Event).await;
    let (answered, _) = aws.guard(&[], &ana.token_event(SIGN_IN, "2")).await;
    answered.unwrap();
    let calls = aws.calls();
    assert_eq!(calls.iter().map(|call| &*call.name).collect::<Vec<_>>(), ["opened", "GetItem", "PutItem"]);
}

#[tokio::test]
async fn a_function_that_takes_two_seconds_is_waited_for_and_invoked_once() {
    let (aws, ana) = Aws::with_a_grant(Answer::After(Duration::from_secs(2))).await;
    let (answered, _) = aws.guard(&[NEXT], &ana.token_event(SIGN_IN, "2")).await;
    answered.unwrap();
    assert_eq!(aws.calls().iter().filter(|call| call.name == "Invoke").count(), 1);
}

// ── Faults and refusals.

#[tokio::test]
async fn a_function_that_never_answers_is_a_fault_before_cognito_gives_up() {
    let (aws, ana) = Aws::with_a_grant(Answer::Never).await;
    let (answered, log) = aws.guard(&[NEXT, SHOWN], &ana.token_event(SIGN_IN, "2")).await;
    assert_eq!(answered, Err(the_client_error(ClientError::SENTENCE)));
    let reason = "the calls of this invocation ran out of time";
    assert_eq!((log.len(), &log[0]["message"], &log[0]["reason"]), (1, &json!("failed"), &json!(reason)));
    assert_eq!(aws.calls().iter().filter(|call| call.name == "Invoke").count(), 1, "it may still be at work");
}

#[tokio::test]
async fn every_other_way_to_fail_is_the_fixed_sentence_and_named_in_the_log() {
    let too_long = json!({ "response": null, "x": "x".repeat(6 * 1024 * 1024) }).to_string();
    let no_answer = "the next function returned no answer of this trigger";
    for (status, error, body, reason, invocations) in [
        (429, "TooManyRequestsException", "{}", "TooManyRequestsException", 3),
        (403, "AccessDeniedException", "{}", "AccessDeniedException", 1),
        (404, "ResourceNotFoundException", "{}", "ResourceNotFoundException", 1),
        (500, "ServiceException", "{}", "ServiceException", 3),
        (400, "", "not JSON", "the next function could not be invoked", 1),
        (200, "", "not JSON", no_answer, 1),
        (200, "", "", no_answer, 1),
        (200, "", "null", no_answer, 1),
        (200, "", &too_long, no_answer, 1),
    ] {
        let (aws, ana) = Aws::with_a_grant(Answer::Lambda { status, error, body: body.to_owned() }).await;
        let event = ana.token_event(SIGN_IN, "2");
        let (answered, log) = aws.guard(&[NEXT, SHOWN], &event).await;
        assert_eq!(answered, Err(the_client_error(ClientError::SENTENCE)), "{status} {error}");
        assert_eq!((log.len(), &log[0]["message"]), (1, &json!("failed")), "{log:?}");
        assert!(log[0]["reason"].as_str().unwrap().contains(reason), "{log:?}");
        let calls = aws.calls();
        assert_eq!(calls.iter().filter(|call| call.name == "Invoke").count(), invocations, "{status} {error}");
        assert_eq!(calls.iter().filter(|call| call.name == "PutItem").count(), 1, "the grant is spent");
    }
}

#[tokio::test]
async fn a_functions_refusal_is_hidden_unless_it_is_to_be_shown() {
    for (variables, sentence) in [(&[NEXT][..], ClientError::SENTENCE), (&[NEXT, SHOWN], "Your account is suspended.")]
    {
        let (aws, ana) = Aws::with_a_grant(Answer::FunctionError).await;
        let (answered, log) = aws.guard(variables, &ana.token_event(SIGN_IN, "1")).await;
        assert_eq!(answered, Err(the_client_error(sentence)));
        let reason = "the next function refused the tokens: Suspended: Your account is suspended.";
        assert_eq!((log.len(), &log[0]["message"], &log[0]["reason"]), (1, &json!("refused"), &json!(reason)));
    }
}

// ── Report only.

#[tokio::test]
async fn while_reporting_a_silent_table_passes_in_time_for_the_function() {
    let (aws, ana) = Aws::with_a_grant(Answer::Event).await;
    aws.state.lock().unwrap().table_is_silent = true;
    let event = ana.token_event(SIGN_IN, "2");
    let (answered, log) = aws.guard(&[NEXT, REPORTING, ("LOG_LEVEL", "ERROR")], &event).await;
    let claims = &answered.unwrap()["response"]["claimsAndScopeOverrideDetails"]["idTokenGeneration"];
    assert_eq!(claims["claimsToAddOrOverride"], json!({ "tenant": "a" }));
    assert_eq!((log.len(), &log[0]["message"]), (1, &json!("would have failed")), "at every level: {log:?}");
}

#[tokio::test]
async fn the_report_names_source_and_client_and_no_attribute_at_every_level() {
    for level in ["ERROR", "WARN", "INFO", "DEBUG", "TRACE"] {
        let (aws, ana) = Aws::with_a_grant(Answer::Event).await;
        let event = ana.token_event("TokenGeneration_HostedAuth", "2");
        let (answered, log) = aws.guard(&[REPORTING, ("LOG_LEVEL", level)], &event).await;
        assert_eq!(answered, Ok(event));
        assert_eq!(log.len(), 1, "{log:?}");
        assert_eq!(
            json!([log[0]["level"], log[0]["message"], log[0]["reason"], log[0]["source"], log[0]["client_id"]]),
            json!([
                "WARN",
                "would be refused",
                "tokens denied: Source(HostedAuth)",
                "TokenGeneration_HostedAuth",
                "plainlyfakeclientid"
            ])
        );
    }
}

#[tokio::test]
async fn a_time_that_has_passed_refuses() {
    let (aws, ana) = Aws::with_a_grant(Answer::Event).await;
    let event = ana.token_event("TokenGeneration_HostedAuth", "2");
    let (answered, log) = aws.guard(&[("REPORT_ONLY_UNTIL", "2026-01-01T00:00:00Z")], &event).await;
    assert_eq!(answered, Err(the_client_error(ClientError::SENTENCE)));
    assert_eq!((log.len(), &log[0]["message"]), (1, &json!("refused")));
}

// ── Settings.

#[tokio::test]
async fn a_refresh_costs_one_read_where_it_says_since_when_and_none_otherwise() {
    for (variables, calls) in [
        (&[][..], &["opened"][..]),
        (&[("GUARDED_SINCE", "")], &["opened"]),
        (&[("GUARDED_SINCE", "2026-01-01T00:00:00Z")], &["opened", "GetItem"]),
    ] {
        let (aws, ana) = Aws::with_a_grant(Answer::Event).await;
        let (answered, _) = aws.guard(variables, &ana.token_event("TokenGeneration_RefreshTokens", "2")).await;
        let said = answered.unwrap()["response"].to_string().contains("second_factor_since");
        assert_eq!(said, calls.contains(&"GetItem"));
        assert_eq!(aws.calls().iter().map(|call| &*call.name).collect::<Vec<_>>(), calls);
    }
}

#[tokio::test]
async fn a_client_without_a_grant_reads_what_the_operator_wrote() {
    for (variables, sentence) in [
        (&[][..], NoGrantMessage::DEFAULT),
        (&[("NO_GRANT_MESSAGE", "Please install version 7.")], "Please install version 7."),
    ] {
        let (aws, ana) = Aws::with_a_grant(Answer::Event).await;
        let mut event = ana.token_event(SIGN_IN, "2");
        event["callerContext"]["clientId"] = json!("anotherclientid");
        let (answered, log) = aws.guard(variables, &event).await;
        assert_eq!(answered, Err(the_client_error(sentence)));
        assert_eq!((log.len(), &log[0]["message"]), (1, &json!("refused")));
    }
}

#[tokio::test]
async fn a_missing_or_wrong_setting_stops_the_guard_on_startup_and_is_named() {
    let aws = variables("http://127.0.0.1:9");
    let stops = async |variables: &[(&str, &str)], named: &str| {
        let (status, log) = Lambda::start_guard(variables).await.ended().await;
        assert!(!status.success(), "{variables:?}");
        assert!(log.starts_with(&format!("Error: {named}: must ")), "{log}");
        assert_eq!(log.lines().count(), 1, "{log}");
    };
    for required in ["TOKEN_GUARD", "TABLE_NAME", "AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
        let others: Vec<_> = aws.iter().copied().filter(|(name, _)| *name != required).collect();
        stops(&others, required).await;
    }
    let itself = "arn:aws:lambda:us-east-1:123456789012:function:pre-token-generation:live";
    for (set, named) in [
        (&[("REPORT_ONLY_UNTIL", "tomorrow")][..], "REPORT_ONLY_UNTIL"),
        (&[("REPORT_ONLY_UNTIL", "2026-12-24T09:00:00+01:00")], "REPORT_ONLY_UNTIL"),
        (&[("GUARDED_SINCE", "2999-12-31T00:00:00Z")], "GUARDED_SINCE"),
        (&[("GUARDED_SINCE", "2026-01-01T00:00:00Z"), ("TOKEN_GUARD", "TRIGGER_SOURCE")], "GUARDED_SINCE"),
        (&[("GUARDED_SINCE", "2026-01-01T00:00:00Z"), REPORTING], "GUARDED_SINCE"),
        (&[("NO_GRANT_MESSAGE", "<b>no</b>")], "NO_GRANT_MESSAGE"),
        (&[("NEXT_PRE_TOKEN_GENERATION", "our-tokens")], "NEXT_PRE_TOKEN_GENERATION"),
        (&[("NEXT_PRE_TOKEN_GENERATION", itself)], "NEXT_PRE_TOKEN_GENERATION"),
        (&[NEXT, ("AWS_REGION", "eu-west-1")], "NEXT_PRE_TOKEN_GENERATION"),
        (&[SHOWN], "NEXT_PRE_TOKEN_GENERATION_ERRORS"),
        (&[NEXT, ("NEXT_PRE_TOKEN_GENERATION_ERRORS", "shown")], "NEXT_PRE_TOKEN_GENERATION_ERRORS"),
        (&[NEXT, ("AWS_ENDPOINT_URL_LAMBDA", "lambda")], "AWS_ENDPOINT_URL_LAMBDA"),
        (&[NEXT, ("AWS_LAMBDA_FUNCTION_NAME", "")], "AWS_LAMBDA_FUNCTION_NAME"),
    ] {
        stops(&[&aws[..], set].concat(), named).await;
    }
    // What is required is also enough, and what is empty is not set.
    let optional = [
        "REPORT_ONLY_UNTIL",
        "GUARDED_SINCE",
        "NO_GRANT_MESSAGE",
        "NEXT_PRE_TOKEN_GENERATION",
        "NEXT_PRE_TOKEN_GENERATION_ERRORS",
    ];
    for empty in ["", " "] {
        let set = [&aws[..], &optional.map(|variable| (variable, empty))].concat();
        assert_eq!(Lambda::start_guard(&set).await.stop().await, "");
    }
    let hidden = [&aws[..], &[("NEXT_PRE_TOKEN_GENERATION_ERRORS", "HIDDEN")]].concat();
    assert_eq!(Lambda::start_guard(&hidden).await.stop().await, "", "the default, as template.yaml may set it");
}

fn variables(endpoint: &str) -> Vec<(&str, &str)> {
    vec![
        ("TOKEN_GUARD", "GRANT"),
        ("TABLE_NAME", "records"),
        ("AWS_REGION", "us-east-1"),
        ("AWS_ACCESS_KEY_ID", "test"),
        ("AWS_SECRET_ACCESS_KEY", "test"),
        ("AWS_ENDPOINT_URL", endpoint),
    ]
}

fn the_client_error(sentence: &str) -> Value {
    json!({ "errorType": "SignInError", "errorMessage": sentence })
}

// ── DynamoDB with one item, and Lambda with one function.

struct Aws {
    endpoint: String,
    state: Arc<Mutex<Playing>>,
}

struct Playing {
    item: Value,
    table_is_silent: bool,
    answer: Answer,
    calls: Vec<Call>,
}

#[derive(Clone)]
struct Call {
    /// The operation, or `opened` for a connection that is opened ahead.
    name: String,
    path: String,
    headers: HeaderMap,
    body: Bytes,
}

/// What Lambda returns.
#[derive(Clone)]
enum Answer {
    /// The event, with a claim in both tokens.
    Event,
    /// The same, later.
    After(Duration),
    /// The function's own error.
    FunctionError,
    /// Lambda's status, error and body.
    Lambda {
        status: u16,
        error: &'static str,
        body: String,
    },
    Never,
}

impl Aws {
    /// Ana has just proven her second factor.
    async fn with_a_grant(answer: Answer) -> (Self, User) {
        let (functions, ana) = (Functions::default(), User::named("ana", 0xaa));
        functions.clock.set(UnixTime::from(SystemTime::now()));
        functions.enroll(&ana).await;
        let record = functions.stored(&ana).await.record.to_json().unwrap();
        let item =
            json!({ "user": { "S": ana.key().to_string() }, "version": { "N": "5" }, "record": { "S": record } });
        let state = Playing { item, table_is_silent: false, answer, calls: Vec::new() };
        let state = Arc::new(Mutex::new(state));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let api = Router::new().fallback(play).with_state(Arc::clone(&state));
        tokio::spawn(async { axum::serve(listener, api).await });
        (Self { endpoint, state }, ana)
    }

    /// What the guard posts for `event`, and the lines that it logged. None of them may hold what the event does.
    async fn guard(&self, variables: &[(&str, &str)], event: &Value) -> (Result<Value, Value>, Vec<Value>) {
        let mut secrets = Secrets::default();
        let mut noted = event.clone();
        // The report names it.
        noted["callerContext"] = Value::Null;
        // Ana's own would be found anywhere.
        noted["userName"] = Value::Null;
        secrets.note(&noted);
        let mut guard = Lambda::start_guard(&[&self::variables(&self.endpoint)[..], variables].concat()).await;
        let answered = guard.invoke(event.to_string()).await;
        let log = guard.stop().await;
        secrets.assert_none_in(&log);
        (answered, log.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
    }

    fn calls(&self) -> Vec<Call> {
        self.state.lock().unwrap().calls.clone()
    }
}

async fn play(
    State(state): State<Arc<Mutex<Playing>>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let operation = headers.get("x-amz-target").and_then(|target| target.to_str().ok()?.rsplit('.').next());
    let name = match operation {
        Some(operation) => operation.to_owned(),
        None if method == Method::GET => "opened".to_owned(),
        None => "Invoke".to_owned(),
    };
    let path = uri.path().to_owned();
    let (answer, item, is_silent) = {
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        state.calls.push(Call { name: name.clone(), path, headers, body: body.clone() });
        (state.answer.clone(), state.item.clone(), state.table_is_silent)
    };
    match &*name {
        "opened" => StatusCode::NOT_FOUND.into_response(),
        "GetItem" | "PutItem" if is_silent => std::future::pending().await,
        "GetItem" => json!({ "Item": item }).to_string().into_response(),
        "PutItem" => {
            let asked: BTreeMap<String, Value> = serde_json::from_slice(&body).unwrap();
            assert_eq!(asked["ExpressionAttributeValues"][":replacing"], item["version"]);
            "{}".into_response()
        }
        "Invoke" => invoked(answer, &body).await,
        other => panic!("{other}"),
    }
}

async fn invoked(answer: Answer, event: &[u8]) -> Response {
    match answer {
        Answer::Never => std::future::pending().await,
        Answer::After(delay) => tokio::time::sleep(delay).await,
        Answer::Event => {}
        Answer::FunctionError => {
            let error = json!({
                "errorType": "Suspended", "errorMessage": "Your account is suspended.", "trace": ["plainly fake"],
            });
            return ([("x-amz-function-error", "Unhandled")], error.to_string()).into_response();
        }
        Answer::Lambda { status, error, body } => {
            return (StatusCode::from_u16(status).unwrap(), [("x-amzn-errortype", error)], body).into_response();
        }
    }
    let mut event: Value = serde_json::from_slice(event).unwrap();
    let claims = json!({ "claimsToAddOrOverride": { "tenant": "a" } });
    event["response"] = json!({ "claimsAndScopeOverrideDetails": {
        "idTokenGeneration": claims, "accessTokenGeneration": claims,
    } });
    event.to_string().into_response()
}
