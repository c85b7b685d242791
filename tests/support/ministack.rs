//! ministack: DynamoDB and KMS for the tests, on a free port of 127.0.0.1.
//!
//! Invariant: it ends with the test process, however that ends, and so does what it started.

#![expect(clippy::disallowed_methods, reason = "test support waits by the real clock and passes PATH on")]

use std::{
    env, fs,
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.tools/ministack/bin/python");
const STARTS_WITHIN: Duration = Duration::from_secs(60);
/// Another process may take the free port before ministack does.
const ATTEMPTS: u32 = 3;

/// Standard input ends when the test process is gone, also when it was killed.
const SERVE: &str = "
import os, signal, threading

def end_with_the_test():
    os.read(0, 1)
    os.killpg(os.getpgrp(), signal.SIGKILL)

threading.Thread(target=end_with_the_test, daemon=True).start()

from ministack.app import main
main()
";

/// A running ministack with empty stores.
#[derive(Debug)]
pub struct Ministack {
    process: Child,
    address: SocketAddr,
    folder: PathBuf,
}

impl Ministack {
    /// The region of every request to it.
    pub const REGION: &str = "us-east-1";
    /// The access key id and the secret access key; it accepts any.
    pub const KEY: &str = "test";

    /// Starts one and waits until it answers.
    #[must_use]
    pub fn start() -> Self {
        assert!(Path::new(PYTHON).exists(), "run tests/run tools first: there is no {PYTHON}");
        for _ in 1..ATTEMPTS {
            if let Ok(running) = Self::attempt() {
                return running;
            }
        }
        Self::attempt().unwrap_or_else(|log| panic!("ministack did not start:\n{log}"))
    }

    /// `http://127.0.0.1:port`, for every service.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    fn attempt() -> Result<Self, String> {
        let address = free_address();
        let folder = env::temp_dir().join(format!("ministack-{}-{}", std::process::id(), address.port()));
        fs::create_dir_all(&folder).expect("a temporary folder");
        let log = fs::File::create(folder.join("log")).expect("a log file");
        let process = Command::new(PYTHON)
            .args(["-c", SERVE])
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("HOME", &folder)
            .env("TMPDIR", &folder)
            .env("STATE_DIR", &folder)
            .env("BIND_HOST", address.ip().to_string())
            .env("GATEWAY_PORT", address.port().to_string())
            .env("MINISTACK_HOST", address.ip().to_string())
            .env("MINISTACK_REGION", Self::REGION)
            // It would listen for these on additional ports.
            .env("IOT_MTLS_ENABLED", "0")
            .env("SFTP_ENABLED", "0")
            // The functions that it runs inherit these; without them they would call AWS.
            .env("AWS_ENDPOINT_URL", format!("http://{address}"))
            .env("AWS_REGION", Self::REGION)
            .env("AWS_DEFAULT_REGION", Self::REGION)
            .env("AWS_ACCESS_KEY_ID", Self::KEY)
            .env("AWS_SECRET_ACCESS_KEY", Self::KEY)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::piped())
            .stdout(log.try_clone().expect("a log file"))
            .stderr(log)
            .process_group(0)
            .spawn()
            .expect("the installed Python starts");
        let mut started = Self { process, address, folder };
        started.wait_until_healthy()?;
        Ok(started)
    }

    fn wait_until_healthy(&mut self) -> Result<(), String> {
        let start = Instant::now();
        while start.elapsed() < STARTS_WITHIN {
            if matches!(self.process.try_wait(), Ok(Some(_))) {
                break;
            }
            if is_healthy(self.address).unwrap_or(false) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(fs::read_to_string(self.folder.join("log")).unwrap_or_default())
    }
}

impl Drop for Ministack {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _killed = self.process.wait();
        let _removed = fs::remove_dir_all(&self.folder);
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr()).expect("a free port")
}

fn is_healthy(address: SocketAddr) -> io::Result<bool> {
    let mut connection = TcpStream::connect(address)?;
    connection.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(connection, "GET /_ministack/health HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut status = [0; 12];
    connection.read_exact(&mut status)?;
    Ok(status == *b"HTTP/1.1 200")
}
