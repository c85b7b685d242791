//! A way to the local pool on which any call can be refused, or never answered: an operator's command meets every fault.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use crate::account::{Fault, json_answer};

type Faults = Box<dyn Fn(usize, &str) -> Option<Fault> + Send>;
type Rewrites = Box<dyn Fn(&str, String) -> String + Send>;

/// The way.
pub struct Proxy {
    /// Its address.
    pub endpoint: String,
    to: String,
    calls: Mutex<Vec<String>>,
    faults: Mutex<Faults>,
    rewrites: Mutex<Rewrites>,
    unanswered: Notify,
}

impl Proxy {
    /// One to what answers at `endpoint`.
    pub async fn start(endpoint: &str) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let proxy = Arc::new(Self {
            endpoint: format!("http://{}", listener.local_addr().expect("an address")),
            to: endpoint.strip_prefix("http://").expect("HTTP").to_owned(),
            calls: Mutex::default(),
            faults: Mutex::new(Box::new(|_, _| None)),
            rewrites: Mutex::new(Box::new(|_, answer| answer)),
            unanswered: Notify::new(),
        });
        let answers = Arc::clone(&proxy);
        let handler = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
            Arc::clone(&answers).answer(method, uri, headers, body)
        };
        tokio::spawn(async { axum::serve(listener, Router::new().fallback(handler)).await });
        proxy
    }

    /// Decides what happens to each call, by how many were before it and its name.
    pub fn fault(&self, fault: impl Fn(usize, &str) -> Option<Fault> + Send + 'static) {
        self.calls();
        *self.faults.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(fault);
    }

    /// Decides what is made of each answer, by the call's name: what the local pool cannot be set to.
    pub fn rewrite(&self, rewrites: impl Fn(&str, String) -> String + Send + 'static) {
        *self.rewrites.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(rewrites);
    }

    /// The calls since this was asked last.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits until a call is not answered.
    pub async fn unanswered(&self) {
        self.unanswered.notified().await;
    }

    async fn answer(self: Arc<Self>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
        let operation = operation(&uri, &headers, &body);
        let fault = {
            let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
            let fault = self.faults.lock().unwrap_or_else(PoisonError::into_inner)(calls.len(), &operation);
            calls.push(operation.clone());
            fault
        };
        match fault.clone() {
            Some(Fault::Refused(code, message)) => return refused(&headers, code, message),
            Some(Fault::Unanswered) => return self.pending().await,
            Some(Fault::Answer(answer)) => return json_answer(&answer),
            Some(Fault::DoneAndUnanswered | Fault::DoneAndRefused(..) | Fault::After(..) | Fault::Before(..))
            | None => {}
        }
        let answer = self.forward(&operation, method, uri, headers.clone(), body).await;
        match fault {
            Some(Fault::DoneAndUnanswered) => self.pending().await,
            Some(Fault::DoneAndRefused(code, message)) => refused(&headers, code, message),
            _ => answer,
        }
    }

    async fn pending(&self) -> Response {
        self.unanswered.notify_one();
        std::future::pending().await
    }

    async fn forward(&self, operation: &str, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
        let mut request = format!("{method} {uri} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n", self.to);
        for (name, value) in &headers {
            if !["host", "connection"].contains(&name.as_str()) {
                request.push_str(&format!("{name}: {}\r\n", value.to_str().expect("text")));
            }
        }
        let mut stream = TcpStream::connect(&self.to).await.expect("a connection");
        stream.write_all(request.as_bytes()).await.expect("a request");
        stream.write_all(b"\r\n").await.expect("a request");
        stream.write_all(&body).await.expect("a request");
        let mut answered = Vec::new();
        stream.read_to_end(&mut answered).await.expect("an answer");
        let end = answered.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&answered[..end]).into_owned();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let body = String::from_utf8(answered[end + 4..].to_vec()).expect("text");
        let body = self.rewrites.lock().unwrap_or_else(PoisonError::into_inner)(operation, body);
        let mut response = (StatusCode::from_u16(status).expect("a status"), body).into_response();
        for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(": ")) {
            if ["content-type", "x-amzn-errortype"].contains(&name) {
                let name = axum::http::HeaderName::try_from(name).expect("a name");
                response.headers_mut().insert(name, value.parse().expect("a value"));
            }
        }
        response
    }
}

fn operation(uri: &Uri, headers: &HeaderMap, body: &[u8]) -> String {
    let target = headers.get("x-amz-target").and_then(|target| target.to_str().ok()).unwrap_or_default();
    let of_form =
        String::from_utf8_lossy(body).split('&').find_map(|pair| pair.strip_prefix("Action=").map(str::to_owned));
    match target.rsplit('.').next().filter(|name| !name.is_empty()) {
        Some(name) => name.to_owned(),
        None if uri.path().ends_with("/configuration") => "GetFunctionConfiguration".to_owned(),
        None => of_form.unwrap_or_else(|| uri.path().to_owned()),
    }
}

fn refused(headers: &HeaderMap, code: &'static str, message: &str) -> Response {
    let is_form = headers.get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www"));
    if is_form {
        let text = format!(
            "<ErrorResponse><Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error></ErrorResponse>"
        );
        return (StatusCode::BAD_REQUEST, [("content-type", "text/xml")], text).into_response();
    }
    let body = json!({ "__type": code, "message": message }).to_string();
    (StatusCode::BAD_REQUEST, [("x-amzn-errortype", code)], body).into_response()
}
