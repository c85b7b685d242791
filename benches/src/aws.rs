//! DynamoDB and KMS over TLS, for programs that are measured: as fast as can be, in memory, and every call is counted.
//!
//! It knows the calls that the functions make, keeps what they put, holds PutItem to its condition and opens what it sealed
//! for the same encryption context only. It checks no signature.

use std::collections::HashMap;
use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};

use crate::http;

/// The key's id.
pub const KEY_ID: &str = "plainly-fake-key";
/// The table's name.
pub const TABLE: &str = "plainly-fake-table";

/// As many as KMS makes of 20.
const SEALED_BYTES: usize = 172;

/// What was asked of AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A connection was opened.
    Connection,
    /// A request that names no operation, which is how a connection is opened ahead of its use.
    Nothing,
    /// An operation, and the bytes of its request and response.
    Call { operation: String, request: usize, response: usize },
}

/// A running stand-in.
#[derive(Clone)]
pub struct Aws {
    state: Arc<Mutex<State>>,
    /// `https://localhost:port` of DynamoDB.
    pub dynamodb: String,
    /// `https://localhost:port` of KMS.
    pub kms: String,
    /// The certificates to trust, PEM: Amazon's, as many as a function trusts in AWS, and the stand-in's own.
    pub roots: PathBuf,
}

#[derive(Default)]
struct State {
    items: HashMap<String, Value>,
    /// Encryption context and plaintext.
    sealings: Vec<Value>,
    asked: Vec<Asked>,
}

impl Aws {
    /// Starts one; it ends with the process.
    pub fn start(folder: &Path) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("a certificate");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Plainly Fake Root");
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a root");
        let key = KeyPair::generate().expect("a key");
        let leaf = CertificateParams::new(vec!["localhost".to_owned()]).expect("a certificate");
        let leaf = leaf.signed_by(&key, &authority).expect("a certificate");
        let roots = folder.join("roots.pem");
        let pem = [shared_roots(), authority.pem()].concat();
        std::fs::write(&roots, pem).expect("a file");

        // AWS sends the intermediate's certificate with its own; here the root has signed.
        let chain = vec![CertificateDer::from(leaf.der().to_vec())];
        let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("versions").with_no_client_auth().with_single_cert(chain, key);
        let mut config = config.expect("a key pair");
        // Both services have one name here: a session of one would be resumed with the other.
        config.send_tls13_tickets = 0;
        let config = Arc::new(config);
        let state = Arc::default();
        let listen = || {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
            let port = listener.local_addr().expect("an address").port();
            let (config, state) = (Arc::clone(&config), Arc::clone(&state));
            thread::spawn(move || {
                for stream in listener.incoming().flatten() {
                    let (config, state) = (Arc::clone(&config), Arc::clone(&state));
                    thread::spawn(move || serve(stream, config, &state));
                }
            });
            format!("https://localhost:{port}")
        };
        Self { dynamodb: listen(), kms: listen(), roots, state: Arc::clone(&state) }
    }

    /// The table's items.
    pub fn items(&self) -> HashMap<String, Value> {
        self.state.lock().expect("a lock").items.clone()
    }

    /// Puts the table back to what it was.
    pub fn set_items(&self, items: &HashMap<String, Value>) {
        self.state.lock().expect("a lock").items.clone_from(items);
    }

    /// What was asked since this was called last.
    pub fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.state.lock().expect("a lock").asked)
    }
}

/// What the functions trust in AWS.
fn shared_roots() -> String {
    include_str!("../../shared/src/store/amazon_roots.pem").to_owned()
}

fn serve(stream: TcpStream, config: Arc<ServerConfig>, state: &Mutex<State>) {
    stream.set_nodelay(true).expect("a socket");
    let connection = ServerConnection::new(config).expect("a connection");
    let mut reader = BufReader::new(StreamOwned::new(connection, stream));
    state.lock().expect("a lock").asked.push(Asked::Connection);
    // A client that goes away ends its connection in one way or another.
    while let Ok(Some(request)) = http::read(&mut reader) {
        let (status, body) = match &request.target {
            None => ("200 OK", b"healthy".to_vec()),
            Some(target) => {
                let asked: Value = serde_json::from_slice(&request.body).expect("JSON");
                match answer(target, &asked, &mut state.lock().expect("a lock")) {
                    Ok(body) => ("200 OK", body.to_string().into_bytes()),
                    Err(kind) => ("400 Bad Request", json!({ "__type": kind }).to_string().into_bytes()),
                }
            }
        };
        let head = format!(
            "HTTP/1.1 {status}\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\
            x-amzn-RequestId: plainly-fake-request\r\n\r\n",
            body.len()
        );
        let response = [head.as_bytes(), &body].concat();
        state.lock().expect("a lock").asked.push(match &request.target {
            None => Asked::Nothing,
            Some(target) => Asked::Call {
                operation: target.rsplit('.').next().unwrap_or_default().to_owned(),
                request: request.bytes,
                response: response.len(),
            },
        });
        if reader.get_mut().write_all(&response).and_then(|()| reader.get_mut().flush()).is_err() {
            return;
        }
    }
}

fn answer(target: &str, asked: &Value, state: &mut State) -> Result<Value, &'static str> {
    let State { items, sealings, .. } = state;
    match target {
        "DynamoDB_20120810.GetItem" => {
            assert_eq!(asked["ConsistentRead"], true);
            Ok(items.get(key(&asked["Key"])).map_or_else(|| json!({}), |item| json!({ "Item": item })))
        }
        "DynamoDB_20120810.PutItem" => {
            let key = key(&asked["Item"]).to_owned();
            if !holds(asked, items.get(&key)) {
                return Err("com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException");
            }
            items.insert(key, asked["Item"].clone());
            Ok(json!({}))
        }
        "TrentService.Encrypt" => {
            let mut sealed = vec![0; SEALED_BYTES - size_of::<u64>()];
            sealed.extend(u64::try_from(sealings.len()).expect("a few").to_be_bytes());
            sealings.push(json!([asked["EncryptionContext"], asked["Plaintext"]]));
            let sealed = STANDARD.encode(sealed);
            Ok(json!({ "CiphertextBlob": sealed, "KeyId": KEY_ID, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT" }))
        }
        "TrentService.Decrypt" => {
            let sealed = STANDARD.decode(asked["CiphertextBlob"].as_str().expect("a blob")).expect("base64");
            let number = sealed.last_chunk().copied().map(u64::from_be_bytes).expect("our sealing");
            let sealing = &sealings[usize::try_from(number).expect("a few")];
            if sealing[0] != asked["EncryptionContext"] {
                return Err("InvalidCiphertextException");
            }
            Ok(json!({ "Plaintext": sealing[1], "KeyId": KEY_ID, "EncryptionAlgorithm": "SYMMETRIC_DEFAULT" }))
        }
        _ => panic!("{target} is none of the functions' calls"),
    }
}

fn key(attributes: &Value) -> &str {
    attributes["user"]["S"].as_str().expect("a key")
}

/// Whether PutItem's condition holds: one of the two that a save has.
fn holds(asked: &Value, item: Option<&Value>) -> bool {
    let condition = asked["ConditionExpression"].as_str().expect("a condition");
    let name = |name: &str| asked["ExpressionAttributeNames"][name].as_str().expect("a name").to_owned();
    if let Some(of) = condition.strip_prefix("attribute_not_exists(") {
        return item.is_none_or(|item| item.get(name(of.trim_end_matches(')'))).is_none());
    }
    let (attribute, value) = condition.split_once(" = ").expect("a comparison");
    item.is_some_and(|item| item[name(attribute)] == asked["ExpressionAttributeValues"][value])
}
