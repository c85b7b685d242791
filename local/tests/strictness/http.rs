//! Cognito's protocol, byte for byte over a socket.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use local::{Origin, WebPages};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::test_bed::{CLIENT_ID, POOL_ID, TestBed};

/// Sends one request as a program does and reads the whole answer.
async fn exchange(bed: &TestBed, head: &str, body: &str) -> (String, Value) {
    exchange_with(bed, WebPages::default(), &format!("{head}\r\nHost: localhost"), body).await
}

/// The same, with a Host in the head, where these web pages may call.
async fn exchange_with(bed: &TestBed, web_pages: WebPages, head: &str, body: &str) -> (String, Value) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(local::serve(listener, bed.service(), web_pages));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!("{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(Duration::from_secs(10), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    server.abort();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_ascii_lowercase(), serde_json::from_str(body).unwrap_or(Value::Null))
}

fn post(operation: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nContent-Type: application/x-amz-json-1.1\r\n\
         X-Amz-Target: AWSCognitoIdentityProviderService.{operation}"
    )
}

#[tokio::test]
async fn an_operation_is_named_by_its_target() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let body = json!({ "UserPoolId": POOL_ID, "Username": "alice" }).to_string();
    let (head, answer) = exchange(&bed, &post("AdminGetUser"), &body).await;
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    assert!(head.contains("content-type: application/x-amz-json-1.1"));
    assert!(head.contains("x-amzn-requestid: "));
    assert_eq!(answer["Username"], "alice");
}

#[tokio::test]
async fn an_error_is_a_400_with_type_and_message() {
    let body = json!({ "ClientId": CLIENT_ID, "AuthFlow": "USER_SRP_AUTH" }).to_string();
    let (head, answer) = exchange(&TestBed::new(), &post("InitiateAuth"), &body).await;
    assert!(head.starts_with("http/1.1 400 "), "{head}");
    assert!(head.contains("x-amzn-errortype: invalidparameterexception"));
    let message = "USER_SRP_AUTH is not enabled for the client.";
    assert_eq!(answer, json!({ "__type": "InvalidParameterException", "message": message }));
}

#[tokio::test]
async fn a_body_that_is_no_json_and_a_target_that_is_not_cognitos_are_refused() {
    let bed = TestBed::new();
    let (_, answer) = exchange(&bed, &post("InitiateAuth"), "{").await;
    assert_eq!(answer["__type"], "SerializationException");
    let (_, answer) = exchange(&bed, "POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.GetItem", "{}").await;
    assert_eq!(answer["__type"], "UnknownOperationException");
}

#[tokio::test]
async fn a_body_of_more_than_256_kib_is_refused() {
    let body = format!("{{\"ClientId\":\"{}\"}}", "x".repeat(256 * 1024));
    let (head, _) = exchange(&TestBed::new(), &post("InitiateAuth"), &body).await;
    assert!(head.starts_with("http/1.1 413 "), "{head}");
}

#[tokio::test]
async fn the_key_set_is_at_cognitos_path() {
    let bed = TestBed::new();
    let (_, answer) = exchange(&bed, &format!("GET /{POOL_ID}/.well-known/jwks.json HTTP/1.1"), "").await;
    assert_eq!(answer, bed.pool.jwks());
    assert_eq!(answer["keys"][0]["alg"], "RS256");
    let (head, _) = exchange(&bed, "GET /us-east-1_Other/.well-known/jwks.json HTTP/1.1", "").await;
    assert!(head.starts_with("http/1.1 400 "), "{head}");
}

#[tokio::test]
async fn what_was_sent_to_users_is_read_at_messages() {
    let bed = TestBed::new();
    bed.add_user("alice").await;
    let code = bed.pool.messages().pop().unwrap().code;
    let (_, answer) = exchange(&bed, "GET /messages HTTP/1.1", "").await;
    let message =
        json!({ "to": "alice@example.com", "userName": "alice", "reason": "TEMPORARY_PASSWORD", "code": code });
    assert_eq!(answer, json!([message]));
}

// ── Web pages.

#[tokio::test]
async fn the_page_is_served_and_may_load_and_call_only_its_own_origin() {
    let bed = TestBed::new();
    for path in
        ["/", "/app.js", "/app.css", "/qr.js", "/messages.js", "/en.js", "/de.js", "/ja.js", "/zh.js", "/licenses.md"]
    {
        let (head, _) = exchange(&bed, &format!("GET {path} HTTP/1.1"), "").await;
        assert!(head.starts_with("http/1.1 200 "), "{path}: {head}");
        let policy = "content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
                      require-trusted-types-for 'script'; trusted-types 'none'\r\n";
        for header in
            [policy, "x-content-type-options: nosniff", "referrer-policy: no-referrer", "cache-control: no-store"]
        {
            assert!(head.contains(header), "{path}: {head}");
        }
    }
    let (head, _) = exchange(&bed, "GET /index.html HTTP/1.1", "").await;
    assert!(head.starts_with("http/1.1 404 "), "{head}");
}

#[tokio::test]
async fn the_page_is_told_which_pool_it_signs_in_to() {
    let (_, config) = exchange(&TestBed::new(), "GET /config.json HTTP/1.1", "").await;
    let expected = json!({
        "userPoolId": POOL_ID,
        "userPoolClientId": CLIENT_ID,
        "userPoolEndpoint": "/",
        "support": "support@example.com",
        "selfSignUp": true,
        "passwordLength": 12,
        "optional": false,
        "local": true,
    });
    assert_eq!(config, expected);
}

const GET_MESSAGES: &str = "GET /messages HTTP/1.1";

fn app() -> WebPages {
    WebPages::allowed(vec!["http://localhost:5173".parse().unwrap()], |_| {})
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_is_answered_as_by_cognito() {
    let bed = TestBed::new();
    for (request, status) in [(GET_MESSAGES, "200"), ("OPTIONS / HTTP/1.1", "204"), (&post("GetUser"), "400")] {
        let head = format!("{request}\r\nHost: 127.0.0.1:9229\r\nOrigin: http://localhost:5173");
        let (head, _) = exchange_with(&bed, app(), &head, "{}").await;
        assert!(head.starts_with(&format!("http/1.1 {status} ")), "{head}");
        for header in [
            "access-control-allow-origin: http://localhost:5173\r",
            "access-control-allow-headers: *, authorization\r",
            "access-control-expose-headers: x-amzn-requestid, x-amzn-errortype, x-amzn-errormessage, date\r",
            "vary: origin\r",
        ] {
            assert!(head.contains(header), "{header}: {head}");
        }
    }
}

#[tokio::test]
async fn a_page_of_the_pool_itself_may_call() {
    for host in ["127.0.0.1:9229", "localhost:9229", "[::1]:9229", "pool.localhost:9229"] {
        let head = format!("{GET_MESSAGES}\r\nHost: {host}\r\nOrigin: http://{host}");
        let (head, _) = exchange_with(&TestBed::new(), WebPages::default(), &head, "").await;
        assert!(head.starts_with("http/1.1 200 "), "{head}");
        assert!(head.contains(&format!("access-control-allow-origin: http://{host}\r")), "{head}");
    }
}

#[tokio::test]
async fn a_page_of_another_origin_is_refused_and_told_the_option() {
    let bed = TestBed::new();
    for origin in [
        "https://evil.example",
        "null",
        "http://localhost:5174",
        "https://localhost:5173",
        "http://localhost:5173.evil.example",
        "http://127.0.0.1",
        "",
    ] {
        for request in [GET_MESSAGES, "OPTIONS / HTTP/1.1", &post("SignUp")] {
            let head = format!("{request}\r\nHost: 127.0.0.1:9229\r\nOrigin: {origin}");
            let (head, answer) = exchange_with(&bed, app(), &head, "{}").await;
            assert!(head.starts_with("http/1.1 403 "), "{origin}: {head}");
            assert!(!head.contains("access-control-"), "{head}");
            assert_eq!(answer["__type"], "ForbiddenException");
            let message = answer["message"].as_str().unwrap();
            let start = format!("Web pages of the origin \"{origin}\" may not call this pool. ");
            let end = match origin {
                "" | "null" => "with its origin as --allow-origin".to_owned(),
                _ => format!("To let them, start it with --allow-origin {origin}"),
            };
            assert!(message.starts_with(&start) && message.ends_with(&end), "{message}");
        }
    }
}

#[tokio::test]
async fn a_host_that_is_not_this_machine_is_refused_with_any_origin() {
    for host in
        ["evil.example", "evil.example:9229", "127.0.0.1.evil.example", "192.168.1.7:9229", "localhost@evil", ""]
    {
        for origin in ["", "\r\nOrigin: http://localhost:5173", &format!("\r\nOrigin: http://{host}")] {
            let head = format!("{GET_MESSAGES}\r\nHost: {host}{origin}");
            let (head, answer) = exchange_with(&TestBed::new(), app(), &head, "").await;
            assert!(head.starts_with("http/1.1 403 "), "{host}: {head}");
            let message = answer["message"].as_str().unwrap();
            assert!(message.starts_with(&format!("The Host \"{host}\" is not this machine.")), "{message}");
        }
    }
}

#[tokio::test]
async fn a_refusal_is_reported_once_for_each_origin() {
    let reported = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&reported);
    let web_pages = WebPages::allowed(Vec::new(), move |why| told.lock().unwrap().push(why.to_owned()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(local::serve(listener, TestBed::new().service(), web_pages));
    for origin in ["http://a.example", "http://b.example", "http://a.example"] {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("{GET_MESSAGES}\r\nHost: {address}\r\nOrigin: {origin}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    }
    server.abort();
    let reported = reported.lock().unwrap();
    assert_eq!(reported.len(), 2, "{reported:?}");
}

#[test]
fn an_origin_is_a_scheme_a_host_and_a_port() {
    let origin = |text: &str| text.parse::<Origin>();
    assert_eq!(origin("HTTP://Localhost:5173"), origin("http://localhost:5173"));
    assert_eq!(origin("https://app.example:443"), origin("https://app.example"));
    for wrong in ["*", "null", "localhost:5173", "http://localhost:5173/", "http://a/b", "ftp://a", "http://u@a", ""] {
        assert!(origin(wrong).is_err(), "{wrong}");
    }
}
