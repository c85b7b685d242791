//! The functions as they are deployed: their binaries, started and invoked as Lambda does, over ministack's DynamoDB and
//! KMS.

#![expect(clippy::disallowed_methods, reason = "the functions have the real clock")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::SystemTime;

use futures_util::future::join_all;
use rcgen::{CertifiedKey, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::error::ClientError;
use tests::events::{ChallengeTrigger, sample_events};
use tests::lambda::Lambda;
use tests::ministack::Ministack;
use tests::secrets::{Secrets, decisions};
use tests::stores::OnMinistack;
use tests::user_scenario::UserScenario;

const SUB: &str = "plainly-fake-sub";

// ── Answers and logs.

#[tokio::test]
async fn define_answers_every_sample_event_as_its_golden_file_shows() {
    let mut define = Lambda::start(ChallengeTrigger::Define, &SIGN_IN).await;
    for (case, event) in sample_events(ChallengeTrigger::Define) {
        let answer = match define.invoke(event.to_string()).await {
            Ok(answer) => answer,
            Err(error) => json!({ "errorMessage": error["errorMessage"] }),
        };
        let golden = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/golden/define-auth-challenge"));
        let golden = std::fs::read(golden.join(format!("{case}.json"))).unwrap();
        assert_eq!(answer, serde_json::from_slice::<Value>(&golden).unwrap(), "{case}");
    }
}

/// The golden files of these two are for another time, and for users who have a record.
#[tokio::test]
async fn create_and_verify_change_only_the_response_or_return_the_client_error() {
    let settings = Settings::new().await;
    for trigger in [ChallengeTrigger::Create, ChallengeTrigger::Verify] {
        let mut function = Lambda::start(trigger, &settings.all()).await;
        let mut answers = 0;
        for (case, event) in sample_events(trigger) {
            match function.invoke(event.to_string()).await {
                Ok(mut answer) => {
                    assert_ne!(answer["response"], event["response"], "{case}");
                    answer["response"] = event["response"].clone();
                    assert_eq!(answer, event, "{case}");
                    answers += 1;
                }
                Err(error) => assert_eq!(error, the_client_error(), "{case}"),
            }
        }
        assert!(answers > 10, "{answers}");
    }
}

#[tokio::test]
async fn in_a_full_scenario_the_functions_log_every_decision_and_no_secret() {
    let settings = Settings::new().await;
    join_all([("INFO", "plainly-fake-sub-a"), ("TRACE", "plainly-fake-sub-b")].map(async |(level, sub)| {
        let functions = Functions::start(&settings, level).await;
        let scenario = UserScenario::new(sub, async |trigger, event| functions.invoke(trigger, event).await, now);
        scenario.run().await;
        let secrets = scenario.into_secrets();
        let golden = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/golden/log_of_a_full_life.txt"));
        let golden = std::fs::read_to_string(golden).unwrap();
        let mut faults = Vec::new();
        for (trigger, request_ids, log) in functions.stop().await {
            secrets.assert_none_in(&log);
            let lines = decisions(&log, sub, &request_ids);
            assert_eq!(lines.len(), request_ids.len(), "{level}");
            let (fault, decided): (Vec<_>, Vec<_>) = lines.into_iter().partition(|line| is_fault(line));
            faults.extend(fault);
            let own = trigger.name().replace('-', "_");
            let golden = golden.split_inclusive('\n').filter(|line| line.starts_with(&own));
            assert_eq!(in_real_time(decided.iter().map(String::as_str)), in_real_time(golden), "{level}");
        }
        faults.sort();
        let mut expected: Vec<&str> = golden.split_inclusive('\n').filter(|line| is_fault(line)).collect();
        expected.sort_unstable();
        assert_eq!(faults, expected, "{level}");
    }))
    .await;
}

#[tokio::test]
async fn no_log_level_lets_a_secret_into_the_log_and_every_level_has_the_faults() {
    let settings = Settings::new().await;
    let levels = ["ERROR", "WARN", "DEBUG"].into_iter().zip(["plainly-fake-sub-c", "plainly-fake-sub-d", SUB]);
    join_all(levels.map(async |(level, sub)| {
        let functions = Functions::start(&settings, level).await;
        let scenario = UserScenario::new(sub, async |trigger, event| functions.invoke(trigger, event).await, now);
        scenario.run_briefly().await;
        let secrets = scenario.into_secrets();
        for (trigger, request_ids, log) in functions.stop().await {
            secrets.assert_none_in(&log);
            let reason = match trigger {
                ChallengeTrigger::Define | ChallengeTrigger::Create => "not an event of this trigger: triggerSource",
                ChallengeTrigger::Verify => "Create did not issue this challenge",
            };
            let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            assert_eq!(lines.iter().filter(|line| line["message"] == "failed" && line["reason"] == reason).count(), 1);
            assert_eq!(lines.len(), if level == "DEBUG" { request_ids.len() } else { 1 }, "{level}: {log}");
        }
    }))
    .await;
}

#[tokio::test]
async fn a_fault_is_logged_with_request_id_and_sub_at_every_level() {
    let event = &sample_events(ChallengeTrigger::Verify)["passcode-right"];
    let sub = event["request"]["userAttributes"]["sub"].as_str().unwrap();
    for level in ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"] {
        let mut define =
            Lambda::start(ChallengeTrigger::Define, &[&SIGN_IN[..], &[("LOG_LEVEL", level)]].concat()).await;
        assert_eq!(define.invoke(event.to_string()).await, Err(the_client_error()));
        let request_ids = define.request_ids.clone();
        assert_eq!(decisions(&define.stop().await, sub, &request_ids).len(), 1, "{level}");
    }
}

/// The three, started.
struct Functions(Vec<(ChallengeTrigger, tokio::sync::Mutex<Lambda>)>);

impl Functions {
    async fn start(settings: &Settings, level: &str) -> Self {
        let variables = [&settings.all()[..], &[("LOG_LEVEL", level)]].concat();
        let start = async |trigger| (trigger, Lambda::start(trigger, &variables).await.into());
        Self(join_all(ChallengeTrigger::ALL.map(start)).await)
    }

    async fn invoke(&self, trigger: ChallengeTrigger, event: Value) -> Result<Value, ClientError> {
        let (_, function) = self.0.iter().find(|(of, _)| *of == trigger).unwrap();
        function.lock().await.invoke(event.to_string()).await.map_err(|error| {
            assert_eq!(error, the_client_error());
            ClientError::Fixed
        })
    }

    /// For each, the ids of its requests and its log.
    async fn stop(self) -> Vec<(ChallengeTrigger, Vec<String>, String)> {
        let stop = async |(trigger, function): (ChallengeTrigger, tokio::sync::Mutex<Lambda>)| {
            let function = function.into_inner();
            (trigger, function.request_ids.clone(), function.stop().await)
        };
        join_all(self.0.into_iter().map(stop)).await
    }
}

fn is_fault(line: &str) -> bool {
    line.starts_with("shared::invocation: ")
}

/// A used passcode leaves the window, and a wait ends, if the machine stands still for half a minute.
fn in_real_time<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    lines
        .map(|line| line.replace("PasscodeReplayed", "WrongPasscode").replace("RateLimited", "WrongPasscode"))
        .collect()
}

fn now() -> UnixTime {
    SystemTime::now().into()
}

// ── Payloads that are not events.

#[tokio::test]
async fn a_payload_that_is_no_event_fails_and_the_next_event_is_answered() {
    let settings = Settings::new().await;
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    for trigger in ChallengeTrigger::ALL {
        let mut function = Lambda::start(trigger, &settings.all()).await;
        for payload in ["null", "true", "5", "1e999", "\"plainly fake\"", "[]", "{}", "[{}]", &deep] {
            assert_eq!(function.invoke(payload.to_owned()).await, Err(the_client_error()), "{trigger:?} {payload}");
        }
        let request_ids = function.request_ids.clone();
        assert_answers(&mut function, trigger).await;
        let log = function.stop().await;
        for id in request_ids {
            let line = log.lines().find(|line| line.contains(&format!("\"{id}\""))).unwrap();
            let fault = r#""reason":"not an event of this trigger: triggerSource""#;
            assert!(line.contains(fault), "{line}");
        }
    }
}

async fn assert_answers(function: &mut Lambda, trigger: ChallengeTrigger) {
    let case = match trigger {
        ChallengeTrigger::Define => "srp-a",
        ChallengeTrigger::Create => "user-not-found",
        ChallengeTrigger::Verify => "user-not-found",
    };
    let event = &sample_events(trigger)[case];
    assert!(function.invoke(event.to_string()).await.is_ok(), "{trigger:?} {case}");
}

// ── Services that they do not reach.

#[tokio::test]
async fn a_missing_table_or_key_fails_and_the_log_names_the_cause() {
    let settings = Settings::new().await;
    let no_table = Settings { table_name: "plainly-fake".to_owned(), ..settings.clone() };
    let no_key = Settings { key_id: "00000000-0000-4000-8000-000000000000".to_owned(), ..settings };
    for trigger in [ChallengeTrigger::Create, ChallengeTrigger::Verify] {
        assert_fault(trigger, &no_table, &["the store: ", "ResourceNotFoundException"]).await;
        assert_fault(trigger, &no_key, &["the sealing: ", "NotFoundException"]).await;
    }
}

#[tokio::test]
async fn an_endpoint_that_refuses_connections_fails_and_the_log_names_the_cause() {
    // Bound, so that nobody else listens there either.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).unwrap();
    let endpoint = format!("http://{}", socket.local_addr().unwrap());
    for trigger in [ChallengeTrigger::Create, ChallengeTrigger::Verify] {
        assert_fault(trigger, &Settings::of(&endpoint), &["the store: ", "Connection refused"]).await;
    }
}

#[tokio::test]
async fn an_endpoint_that_never_answers_fails_and_the_log_names_the_cause() {
    let silent = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    for trigger in [ChallengeTrigger::Create, ChallengeTrigger::Verify] {
        assert_fault(trigger, &Settings::of(&endpoint), &["the calls of this invocation ran out of time"]).await;
    }
}

#[tokio::test]
async fn connections_are_opened_on_startup_without_credentials_and_then_used() {
    for trigger in [ChallengeTrigger::Create, ChallengeTrigger::Verify] {
        let refusing = Refusing::listen(None);
        let settings = Settings::of(&refusing.endpoint);
        assert_fault(trigger, &settings, &["the store: ", "AccessDeniedException"]).await;
        let received = refusing.received.lock().unwrap();
        let [opened, called] = ["GET / ", "POST / "]
            .map(|line| received.iter().filter(|(_, request)| request.starts_with(line)).collect::<Vec<_>>());
        assert_eq!((opened.len(), called.len()), (2, 1), "{received:?}");
        for (_, request) in opened {
            assert!(!request.to_ascii_lowercase().contains("authorization"), "{request}");
        }
        let (connection, request) = called[0];
        assert!(request.to_ascii_lowercase().contains("authorization"), "{request}");
        assert!(*connection <= 2, "{received:?}");
    }
}

#[tokio::test]
async fn a_server_without_a_certificate_of_a_trusted_root_receives_nothing() {
    let authority = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let bundle = std::env::temp_dir().join(format!("plainly-fake-roots-{}", std::process::id()));
    std::fs::write(&bundle, authority.cert.pem()).unwrap();
    let refusing = Refusing::listen(Some(&authority));
    let settings = Settings::of(&refusing.endpoint);
    for trigger in [ChallengeTrigger::Create, ChallengeTrigger::Verify] {
        assert_fault(trigger, &settings, &["the store: ", "UnknownIssuer"]).await;
        assert_eq!(*refusing.received.lock().unwrap(), [], "{trigger:?}");
    }
    // Named as a root, the same is trusted.
    let trusting = Settings { ca_bundle: bundle.to_str().map(ToOwned::to_owned), ..settings };
    assert_fault(ChallengeTrigger::Verify, &trusting, &["the store: ", "AccessDeniedException"]).await;
    std::fs::remove_file(bundle).unwrap();
}

/// Answers every request with AccessDeniedException.
struct Refusing {
    endpoint: String,
    /// The number of the connection, and the head of the request.
    received: Arc<Mutex<Vec<(usize, String)>>>,
}

impl Refusing {
    /// Over TLS, with a certificate.
    fn listen(certificate: Option<&CertifiedKey<KeyPair>>) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let tls = certificate.map(|certificate| {
            let key = PrivateKeyDer::try_from(certificate.signing_key.serialize_der()).unwrap();
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
            let chain = vec![certificate.cert.der().clone()];
            Arc::new(config.with_no_client_auth().with_single_cert(chain, key).unwrap())
        });
        let scheme = if tls.is_some() { "https" } else { "http" };
        let received = Arc::default();
        let to_receive = Arc::clone(&received);
        std::thread::spawn(move || {
            for (number, stream) in (1..).zip(listener.incoming().flatten()) {
                let (tls, received) = (tls.clone(), Arc::clone(&to_receive));
                std::thread::spawn(move || match tls {
                    None => Self::refuse(stream, number, &received),
                    Some(tls) => {
                        let session = rustls::ServerConnection::new(tls).unwrap();
                        Self::refuse(rustls::StreamOwned::new(session, stream), number, &received);
                    }
                });
            }
        });
        Self { endpoint: format!("{scheme}://localhost:{port}"), received }
    }

    fn refuse(stream: impl Read + Write, number: usize, received: &Mutex<Vec<(usize, String)>>) {
        let mut stream = BufReader::new(stream);
        loop {
            let mut head = String::new();
            while !head.ends_with("\r\n\r\n") {
                // The client has closed the connection, or does not trust this one.
                if stream.read_line(&mut head).unwrap_or(0) == 0 {
                    return;
                }
            }
            let length =
                head.to_ascii_lowercase().lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            stream.read_exact(&mut vec![0; length.unwrap_or(0)]).unwrap();
            received.lock().unwrap().push((number, head));
            let body = r#"{"__type":"AccessDeniedException"}"#;
            let response = format!("HTTP/1.1 400 Bad Request\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            stream.get_mut().write_all(response.as_bytes()).unwrap();
            stream.get_mut().flush().unwrap();
        }
    }
}

/// Asserts why an event that needs the store and the key fails.
async fn assert_fault(trigger: ChallengeTrigger, settings: &Settings, causes: &[&str]) {
    let case = match trigger {
        ChallengeTrigger::Define => panic!("Define calls nothing"),
        ChallengeTrigger::Create => "totp-setup",
        ChallengeTrigger::Verify => "totp-setup-right",
    };
    let mut event = sample_events(trigger).remove(case).unwrap();
    event["userName"] = json!("plainly-fake-user-name");
    event["request"]["userAttributes"]["sub"] = json!(SUB);
    let mut secrets = Secrets::default();
    secrets.note(&event);

    let mut function = Lambda::start(trigger, &settings.all()).await;
    assert_eq!(function.invoke(event.to_string()).await, Err(the_client_error()), "{trigger:?}");
    let request_ids = function.request_ids.clone();
    let log = function.stop().await;
    let lines = decisions(&log, SUB, &request_ids);
    assert_eq!(lines.len(), 1, "{log}");
    assert!(causes.iter().all(|cause| lines[0].contains(cause)), "{log}");
    secrets.assert_none_in(&log);
}

// ── Settings.

#[tokio::test]
async fn a_missing_or_wrong_setting_stops_a_function_on_startup_and_is_named() {
    let settings = Settings::of("http://127.0.0.1:9");
    let sign_in = ["ACCEPTED_COGNITO_MFA", "ENROLLMENT"];
    let store = ["TABLE_NAME", "KEY_ID"];
    for (trigger, required) in [
        (ChallengeTrigger::Define, sign_in.to_vec()),
        (ChallengeTrigger::Create, [&sign_in[..], &["TOTP_ISSUER"], &store].concat()),
        (ChallengeTrigger::Verify, [&["ENROLLMENT"], &store[..]].concat()),
    ] {
        let set = settings.all();
        for variable in &required {
            let others: Vec<_> = set.iter().copied().filter(|(name, _)| name != variable).collect();
            assert_stops(trigger, &others, variable).await;
            for wrong in ["", " "] {
                assert_stops(trigger, &[&others[..], &[(variable, wrong)]].concat(), variable).await;
            }
        }
        assert_stops(trigger, &[&set[..], &[("ENROLLMENT", "at_sign_in")]].concat(), "ENROLLMENT").await;
        if required.contains(&"ACCEPTED_COGNITO_MFA") {
            for (variable, wrong, named) in [
                ("ACCEPTED_COGNITO_MFA", "none", "ACCEPTED_COGNITO_MFA"),
                ("ACCEPTED_COGNITO_MFA", "NONE,SMS_MFA", "ACCEPTED_COGNITO_MFA"),
                ("ACCEPTED_COGNITO_MFA", "SMS_MFA", "ENROLLMENT"),
                ("ENROLLMENT", "AFTER_COGNITO_MFA", "ENROLLMENT"),
            ] {
                assert_stops(trigger, &[&set[..], &[(variable, wrong)]].concat(), named).await;
            }
        }
        if trigger == ChallengeTrigger::Create {
            assert_stops(trigger, &[&set[..], &[("PASSCODE_DIGITS", "7")]].concat(), "PASSCODE_DIGITS").await;
        }
        for wrong in ["VERBOSE", "shared=trace"] {
            assert_stops(trigger, &[&set[..], &[("LOG_LEVEL", wrong)]].concat(), "LOG_LEVEL").await;
        }
        if trigger != ChallengeTrigger::Define {
            for variable in ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] {
                let others: Vec<_> = set.iter().copied().filter(|(name, _)| *name != variable).collect();
                assert_stops(trigger, &others, variable).await;
            }
            let in_aws: Vec<_> = set.iter().copied().filter(|(name, _)| *name != "AWS_ENDPOINT_URL").collect();
            assert_stops(trigger, &[&in_aws[..], &[("AWS_REGION", "no where")]].concat(), "AWS_REGION").await;
            for (variable, wrong) in [
                ("AWS_ENDPOINT_URL", "127.0.0.1:9"),
                ("AWS_ENDPOINT_URL_DYNAMODB", "dynamodb"),
                ("AWS_ENDPOINT_URL_KMS", "ftp://127.0.0.1"),
                ("AWS_ENDPOINT_URL_KMS", "https://"),
                ("AWS_USE_FIPS_ENDPOINT", "yes"),
                ("AWS_USE_DUALSTACK_ENDPOINT", "1"),
                // In addition to the endpoint that is set here.
                ("AWS_USE_FIPS_ENDPOINT", "true"),
                ("AWS_USE_DUALSTACK_ENDPOINT", "TRUE"),
                ("AWS_CA_BUNDLE", "/plainly/fake"),
                ("AWS_CA_BUNDLE", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")),
            ] {
                assert_stops(trigger, &[&set[..], &[(variable, wrong)]].concat(), variable).await;
            }
        }
        // What is required is also enough, and what is empty is not set.
        let enough = [&required[..], &AWS].concat();
        let enough: Vec<_> = set.iter().copied().filter(|(name, _)| enough.contains(name)).collect();
        for empty in ["", " "] {
            let variables = [&enough[..], &OPTIONAL.map(|variable| (variable, empty))].concat();
            assert_eq!(Lambda::start(trigger, &variables).await.stop().await, "", "{trigger:?}");
        }
        assert_eq!(Lambda::start(trigger, &enough).await.stop().await, "", "{trigger:?}");
    }
}

async fn assert_stops(trigger: ChallengeTrigger, variables: &[(&str, &str)], named: &str) {
    let (status, log) = Lambda::start(trigger, variables).await.ended().await;
    assert!(!status.success(), "{trigger:?} {variables:?}");
    assert!(
        log.starts_with(&format!("Error: {named}: must ")) || log.starts_with(&format!("Error: {named}: A")),
        "{log}"
    );
    assert_eq!(log.lines().count(), 1, "{log}");
}

const SIGN_IN: [(&str, &str); 2] = [("ACCEPTED_COGNITO_MFA", "NONE"), ("ENROLLMENT", "AT_SIGN_IN")];
const OPTIONAL: [&str; 7] = [
    "LOG_LEVEL",
    "AWS_SESSION_TOKEN",
    "AWS_ENDPOINT_URL_DYNAMODB",
    "AWS_ENDPOINT_URL_KMS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_CA_BUNDLE",
];
const AWS: [&str; 4] = ["AWS_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL"];

/// Where a function keeps records.
#[derive(Clone)]
struct Settings {
    endpoint: String,
    table_name: String,
    key_id: String,
    ca_bundle: Option<String>,
}

impl Settings {
    /// A new table and a new key, on the one ministack of this process.
    async fn new() -> Self {
        static RUNNING: LazyLock<Ministack> = LazyLock::new(Ministack::start);
        let endpoint = RUNNING.endpoint();
        let aws = OnMinistack::connect_to(&endpoint);
        let ((_, table_name), (_, key_id)) = (aws.new_store().await, aws.new_sealer().await);
        Self { endpoint, table_name, key_id, ca_bundle: None }
    }

    /// An endpoint that has neither.
    fn of(endpoint: &str) -> Self {
        let [table_name, key_id] = ["records", "alias/records"].map(ToOwned::to_owned);
        Self { endpoint: endpoint.to_owned(), table_name, key_id, ca_bundle: None }
    }

    /// Every variable that one of the functions needs.
    fn all(&self) -> Vec<(&str, &str)> {
        let [region, key, secret, endpoint] = AWS;
        let aws =
            [(region, Ministack::REGION), (key, Ministack::KEY), (secret, Ministack::KEY), (endpoint, &self.endpoint)];
        let own = [("TOTP_ISSUER", "Example"), ("TABLE_NAME", &self.table_name), ("KEY_ID", &self.key_id)];
        let ca_bundle = self.ca_bundle.as_deref().map(|bundle| ("AWS_CA_BUNDLE", bundle));
        SIGN_IN.into_iter().chain(aws).chain(own).chain(ca_bundle).collect()
    }
}

fn the_client_error() -> Value {
    json!({ "errorType": "SignInError", "errorMessage": ClientError::SENTENCE })
}
