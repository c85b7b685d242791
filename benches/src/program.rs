//! What is measured: our functions, a floor, and the same logic in two other languages.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::aws::{Aws, KEY_ID, TABLE};
use crate::lambda;

/// One of the triggers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// Define Auth Challenge
    Define,
    /// Create Auth Challenge
    Create,
    /// Verify Auth Challenge Response
    Verify,
    /// Pre Token Generation
    Guard,
}

impl Function {
    /// As in the tree.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Define => "define-auth-challenge",
            Self::Create => "create-auth-challenge",
            Self::Verify => "verify-auth-challenge",
            Self::Guard => "pre-token-generation",
        }
    }

    /// `MemorySize` of template.yaml.
    pub const fn memory_mb(self) -> u32 {
        match self {
            Self::Define => 128,
            Self::Create | Self::Verify | Self::Guard => 512,
        }
    }

    /// As the peers call it.
    const fn module(self) -> &'static str {
        match self {
            Self::Define => "define",
            Self::Create => "create",
            Self::Verify => "verify",
            Self::Guard => "guard",
        }
    }
}

/// What the user is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// A sign-in of a user who has an authenticator.
    Later,
    /// The set-up of one.
    SetUp,
    /// The recovery codes that follow.
    Codes,
}

impl Scenario {
    /// As a reader knows it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Later => "",
            Self::SetUp => ", set-up",
            Self::Codes => ", recovery codes",
        }
    }
}

/// Who wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// The bootstraps that are deployed.
    Rust,
    /// Standard networking, serde_json and the same table, and nothing else.
    Floor,
    /// Node.js with the AWS SDK v3, bundled.
    Node,
    /// Python with boto3.
    Python,
}

impl Language {
    /// As a reader knows it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rust => "ours",
            Self::Floor => "floor",
            Self::Node => "Node.js",
            Self::Python => "Python",
        }
    }
}

/// One program.
#[derive(Clone)]
pub struct Program {
    /// Its language.
    pub language: Language,
    /// Its trigger.
    pub function: Function,
    executable: OsString,
    arguments: Vec<OsString>,
    variables: Vec<(&'static str, OsString)>,
    task_root: PathBuf,
    folder: PathBuf,
    slow_clock: PathBuf,
}

impl Program {
    /// The program of one language for one trigger. `target` is cargo's folder, `folder` one for what is thrown away.
    pub fn new(language: Language, function: Function, target: &Path, folder: &Path, aws: &Aws) -> Self {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let release = target.join("release");
        let slow_clock = release.join("slow_clock.so");
        let (executable, arguments, task_root) = match language {
            Language::Rust => (release.join(function.name()).into(), Vec::new(), release),
            Language::Floor => (release.join("floor").into(), Vec::new(), release),
            Language::Node => {
                let client = project.join("benches/peers/node/node_modules/aws-lambda-ric/index.mjs");
                ("node".into(), vec![client.into()], target.join("peers/node"))
            }
            Language::Python => {
                let arguments =
                    vec!["-m".into(), "awslambdaric".into(), format!("{}.handler", function.module()).into()];
                let python = project.join("tests/.tools/peers/bin/python");
                (python.into(), arguments, project.join("benches/peers/python"))
            }
        };
        let roots: OsString = aws.roots.clone().into();
        let mut variables = vec![
            ("PATH", std::env::var_os("PATH").unwrap_or_default()),
            ("HOME", folder.into()),
            ("LANG", "en_US.UTF-8".into()),
            ("TZ", ":UTC".into()),
            ("LAMBDA_TASK_ROOT", task_root.clone().into()),
            ("_HANDLER", format!("{}.handler", function.module()).into()),
            ("AWS_LAMBDA_FUNCTION_NAME", function.name().into()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function.memory_mb().to_string().into()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".into()),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".into()),
            ("AWS_LAMBDA_LOG_GROUP_NAME", "plainly-fake".into()),
            ("AWS_LAMBDA_LOG_STREAM_NAME", "plainly-fake".into()),
            ("AWS_REGION", "us-east-1".into()),
            ("AWS_DEFAULT_REGION", "us-east-1".into()),
            ("AWS_ACCESS_KEY_ID", "test".into()),
            ("AWS_SECRET_ACCESS_KEY", "test".into()),
            ("AWS_SESSION_TOKEN", "test".into()),
            ("AWS_ENDPOINT_URL_DYNAMODB", aws.dynamodb.clone().into()),
            ("AWS_ENDPOINT_URL_KMS", aws.kms.clone().into()),
            // Ours and Python's.
            ("AWS_CA_BUNDLE", roots.clone()),
            ("TABLE_NAME", TABLE.into()),
            ("KEY_ID", KEY_ID.into()),
            ("ACCEPTED_COGNITO_MFA", "NONE".into()),
            ("ENROLLMENT", "AT_SIGN_IN".into()),
            ("TOTP_ISSUER", "Plainly Fake".into()),
            ("TOKEN_GUARD", "GRANT".into()),
        ];
        if language == Language::Node && function != Function::Define {
            // It makes Node.js parse its own roots at the start, where without it the first TLS does. Define has none.
            variables.push(("NODE_EXTRA_CA_CERTS", roots));
        }
        Self { language, function, executable, arguments, variables, task_root, folder: folder.to_owned(), slow_clock }
    }

    /// Starts it and sends it the events of `next`; so many answers are its warming.
    pub fn run(&self, warming: usize, next: impl FnMut() -> Option<Vec<u8>> + Send + 'static) -> lambda::Run {
        lambda::run(self.command(&[]), &self.folder, warming, next)
    }

    /// The same under callgrind, which says on standard error what it counted.
    pub fn run_under_callgrind(&self, next: impl FnMut() -> Option<Vec<u8>> + Send + 'static) -> lambda::Run {
        let callgrind = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"];
        let mut command = self.command(&callgrind);
        if self.language == Language::Rust && self.function != Function::Define {
            // The others give nothing up on startup, and are counted without a library more.
            command.env("LD_PRELOAD", &self.slow_clock);
        }
        lambda::run(command, &self.folder, 0, next)
    }

    /// The answer to one event.
    pub fn invoke_once(&self, event: &Value) -> Value {
        let mut events = vec![event.to_string().into_bytes()];
        let run = self.run(0, move || events.pop());
        serde_json::from_slice(&run.answers.first().expect("an answer").body).expect("JSON")
    }

    /// What is deployed.
    pub fn artifact(&self) -> Option<PathBuf> {
        match self.language {
            Language::Rust | Language::Floor => Some(self.executable.clone().into()),
            Language::Node => Some(self.task_root.join(format!("{}.mjs", self.function.module()))),
            // boto3 is there already, in Lambda's own Python.
            Language::Python => None,
        }
    }

    fn command(&self, under: &[&str]) -> Command {
        let mut words = under.iter().map(OsString::from).chain([self.executable.clone()]).chain(self.arguments.clone());
        let mut command = Command::new(words.next().expect("a program"));
        command.args(words).env_clear().envs(self.variables.iter().cloned()).current_dir(&self.task_root);
        command
    }
}
