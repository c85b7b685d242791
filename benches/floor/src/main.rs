//! The smallest bootstrap that can answer for Define: standard networking, serde_json and the table; no runtime, no log.

#![expect(clippy::disallowed_methods, reason = "main.rs reads the environment")]

use std::env;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Write};
use std::net::TcpStream;

use serde_json::{Value, json};
use shared::settings::SignInSettings;
use shared::sign_in::{AfterSecondFactor, ChallengeResult, DefineContext, NextStep, SessionState, next_step};

const INVOCATION: &str = "/2018-06-01/runtime/invocation";

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::var("AWS_LAMBDA_RUNTIME_API")?;
    let settings = SignInSettings::read(&|variable| env::var(variable).ok()).map_err(|error| error.to_string())?;
    let mut writer = TcpStream::connect(&address)?;
    writer.set_nodelay(true)?;
    let mut reader = BufReader::new(writer.try_clone()?);
    loop {
        writer.write_all(format!("GET {INVOCATION}/next HTTP/1.1\r\nHost: {address}\r\n\r\n").as_bytes())?;
        let (request_id, event) = read(&mut reader)?;
        let answer = answer(serde_json::from_slice(&event)?, &settings).to_string();
        let head = format!(
            "POST {INVOCATION}/{request_id}/response HTTP/1.1\r\nHost: {address}\r\nContent-Length: {}\r\n\r\n",
            answer.len()
        );
        writer.write_all((head + &answer).as_bytes())?;
        read(&mut reader)?;
    }
}

/// A response of the Runtime API: the id of the request, where it has one, and the body.
fn read(reader: &mut impl BufRead) -> io::Result<(String, Vec<u8>)> {
    let (mut line, mut id, mut length) = (String::new(), String::new(), 0);
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let header = line.trim_end();
        if header.is_empty() {
            break;
        }
        match header.split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("lambda-runtime-aws-request-id") => {
                value.trim().clone_into(&mut id);
            }
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().map_err(io::Error::other)?;
            }
            Some(_) | None => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok((id, body))
}

fn answer(mut event: Value, settings: &SignInSettings) -> Value {
    let text = |value: &Value, place: &str| value.pointer(place).and_then(Value::as_str).map(str::to_owned);
    let session = event.pointer("/request/session").and_then(Value::as_array);
    let entries = session.into_iter().flatten().map(|entry| {
        let right = entry.pointer("/challengeResult").and_then(Value::as_bool).unwrap_or_default();
        let (name, metadata) = (text(entry, "/challengeName"), text(entry, "/challengeMetadata"));
        ChallengeResult::classify(name.as_deref(), right, metadata.as_deref(), settings)
    });
    let state = SessionState::of(entries);
    let context = DefineContext {
        user_not_found: event.pointer("/request/userNotFound").and_then(Value::as_bool).unwrap_or_default(),
        must_change_password: text(&event, "/request/userAttributes/cognito:user_status").as_deref()
            == Some("FORCE_CHANGE_PASSWORD"),
        after_second_factor: AfterSecondFactor::parse(
            text(&event, "/request/clientMetadata/afterSecondFactor").as_deref(),
            settings.policy(),
        ),
    };
    let challenge = |name: &str| json!({ "challengeName": name, "issueTokens": false, "failAuthentication": false });
    let response = match next_step(&state, context) {
        NextStep::PasswordVerifier => challenge("PASSWORD_VERIFIER"),
        NextStep::NewPasswordRequired => challenge("NEW_PASSWORD_REQUIRED"),
        NextStep::CustomChallenge => challenge("CUSTOM_CHALLENGE"),
        NextStep::IssueTokens => json!({ "challengeName": null, "issueTokens": true, "failAuthentication": false }),
        NextStep::FailAuthentication(_) => {
            json!({ "challengeName": null, "issueTokens": false, "failAuthentication": true })
        }
    };
    if let Some(event) = event.as_object_mut() {
        event.insert("response".to_owned(), response);
    }
    event
}
