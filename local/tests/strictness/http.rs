//! Cognito's protocol, byte for byte over a socket.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::test_bed::{CLIENT_ID, POOL_ID, TestBed};

/// Sends one request and reads the whole answer.
async fn exchange(bed: &TestBed, head: &str, body: &str) -> (String, Value) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(local::serve(listener, bed.service()));
    let mut stream = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let request = format!("{head}\r\nHost: localhost\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
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
    assert!(head.contains("access-control-allow-origin: *"));
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

#[tokio::test]
async fn a_web_page_may_ask_first() {
    let (head, _) = exchange(&TestBed::new(), "OPTIONS / HTTP/1.1", "").await;
    assert!(head.starts_with("http/1.1 204 "), "{head}");
    assert!(head.contains("access-control-allow-headers: *, authorization"));
}
