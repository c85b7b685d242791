//! AWS Lambda for one process: starts a program as Lambda starts a function and is the Runtime API that it asks.
//!
//! One thread a connection serves it from the first byte to the last, so no hand-over between threads is in the times.
//! Source: <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::fs::{self, File};
use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::http;

/// Longer than the slowest peer takes under callgrind.
const PATIENCE: Duration = Duration::from_secs(900);

/// What a program was asked, and what became of it.
pub struct Run {
    /// From its start to its first request for an invocation.
    pub start: Duration,
    /// The invocations.
    pub answers: Vec<Answer>,
    /// Time on a processor, of all threads, from the answer that ends the warming to the last.
    pub processor: Duration,
    /// The most memory that it held (`VmHWM`), in KiB.
    pub peak_kib: u64,
    /// What it wrote to standard error.
    pub errors: String,
    /// Bytes that it wrote to standard output.
    pub logged: u64,
}

/// One invocation.
pub struct Answer {
    /// From the event to the whole answer.
    pub time: Duration,
    /// What was answered.
    pub body: Vec<u8>,
}

struct Shared<N> {
    next: N,
    warming: usize,
    asked_first: Option<Instant>,
    sent: Option<Instant>,
    answers: Vec<Answer>,
    processor: Duration,
    finished: Option<Result<(), String>>,
}

/// Starts `program` and sends it what `next` gives it, each time that it asks, until that is `None`. So many answers are
/// its warming.
///
/// # Panics
/// When the program fails, answers with an error or is stuck.
pub fn run(
    mut program: Command,
    folder: &Path,
    warming: usize,
    next: impl FnMut() -> Option<Vec<u8>> + Send + 'static,
) -> Run {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("an address");
    let [output, errors] = ["stdout", "stderr"].map(|name| folder.join(name));
    program
        .env("AWS_LAMBDA_RUNTIME_API", address.to_string())
        .stdin(Stdio::null())
        .stdout(File::create(&output).expect("a file"))
        .stderr(File::create(&errors).expect("a file"));
    let shared = Arc::new((
        Mutex::new(Shared {
            next,
            warming,
            asked_first: None,
            sent: None,
            answers: Vec::new(),
            processor: Duration::ZERO,
            finished: None,
        }),
        Condvar::new(),
    ));
    let started = Instant::now();
    let mut child = program.spawn().unwrap_or_else(|error| panic!("{program:?}: {error}"));
    let pid = child.id();
    let accepting = Arc::clone(&shared);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let shared = Arc::clone(&accepting);
            thread::spawn(move || serve(&stream, pid, &shared));
        }
    });

    let (state, changed) = &*shared;
    let mut state = state.lock().expect("a lock");
    let deadline = started + PATIENCE;
    let said = || [&errors, &output].map(|file| fs::read_to_string(file).unwrap_or_default()).concat();
    while state.finished.is_none() {
        (state, _) = changed.wait_timeout(state, Duration::from_millis(200)).expect("a lock");
        let ended = child.try_wait().expect("a process");
        if state.finished.is_none() && (ended.is_some() || Instant::now() > deadline) {
            panic!("{program:?} ended or is stuck ({ended:?}):\n{}", said());
        }
    }
    if let Some(Err(error)) = &state.finished {
        panic!("{program:?}: {error}\n{}", said());
    }
    let peak_kib = peak_kib(pid);
    end(&mut child);
    Run {
        start: state.asked_first.map(|at| at - started).expect("a first request"),
        answers: std::mem::take(&mut state.answers),
        processor: state.processor,
        peak_kib,
        errors: fs::read_to_string(&errors).expect("a file"),
        logged: fs::metadata(&output).expect("a file").len(),
    }
}

/// Serves one connection.
fn serve<N: FnMut() -> Option<Vec<u8>>>(stream: &TcpStream, pid: u32, shared: &(Mutex<Shared<N>>, Condvar)) {
    stream.set_nodelay(true).expect("a socket");
    let mut reader = BufReader::new(stream);
    let mut writer = stream;
    while let Ok(Some(request)) = http::read(&mut reader) {
        let now = Instant::now();
        let (state, changed) = shared;
        let mut state = state.lock().expect("a lock");
        match request.path.rsplit('/').next() {
            Some("next") => {
                if state.answers.len() == state.warming {
                    state.processor = processor(pid);
                }
                state.asked_first.get_or_insert(now);
                let Some(payload) = (state.next)() else {
                    state.processor = processor(pid).saturating_sub(state.processor);
                    state.finished = Some(Ok(()));
                    changed.notify_all();
                    drop(state);
                    // It waits for an invocation until it is ended, as a function does.
                    thread::sleep(PATIENCE);
                    return;
                };
                let mut response = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
                    Lambda-Runtime-Aws-Request-Id: plainly-fake-request-{}\r\nLambda-Runtime-Deadline-Ms: 4102444800000\r\n\
                    Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:plainly-fake\r\n\r\n",
                    payload.len(),
                    state.answers.len()
                )
                .into_bytes();
                response.extend_from_slice(&payload);
                state.sent = Some(Instant::now());
                writer.write_all(&response).expect("a connection");
            }
            Some("response") => {
                let sent = state.sent.take().expect("an invocation");
                state.answers.push(Answer { time: now - sent, body: request.body });
                writer.write_all(b"HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n").expect("a connection");
            }
            _ => {
                let error = format!("{} {}", request.path, String::from_utf8_lossy(&request.body));
                state.finished = Some(Err(error));
                changed.notify_all();
                return;
            }
        }
    }
}

/// By SIGTERM, so that callgrind says what it counted.
fn end(child: &mut Child) {
    let told = Command::new("kill").args(["-TERM", &child.id().to_string()]).status().expect("kill");
    assert!(told.success());
    child.wait().expect("an end");
}

fn peak_kib(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("a process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// Time that all threads of a process have spent on a processor.
fn processor(pid: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let nanoseconds = tasks.filter_map(|task| {
        let schedstat = fs::read_to_string(task.path().join("schedstat")).ok()?;
        schedstat.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanoseconds.sum())
}
