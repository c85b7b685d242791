//! One program, measured: times by the clock, instructions by callgrind, calls as the stand-in for AWS received them.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::aws::{Asked, Aws};
use crate::lambda::Run;
use crate::program::{Function, Language, Program, Scenario};
use crate::sign_in::{User, assert_answered};

/// What one program showed.
#[derive(Default)]
pub struct Measured {
    /// From the start to the first request for an invocation, once a start.
    pub start: Vec<Duration>,
    /// From the start to the first answer.
    pub first_answer: Vec<Duration>,
    /// From an event to its answer, once warm.
    pub warm: Vec<Duration>,
    /// Time on a processor of one warm answer.
    pub processor: Duration,
    /// The most memory held, KiB.
    pub peak_kib: u64,
    /// Instructions of the start, of the first answer, and of a later one.
    pub instructions: [u64; 3],
    /// Asked of AWS during the start, for the first answer, and for a later one.
    pub asked: [Vec<Asked>; 3],
    /// Bytes logged by one warm answer.
    pub logged: u64,
    /// Bytes of what is deployed, and of its zip.
    pub deployed: Option<(u64, u64)>,
}

/// A program with the record that its events meet.
pub struct Bench<'a> {
    /// The program.
    pub program: Program,
    /// What the user is doing.
    pub scenario: Scenario,
    /// The stand-in that it calls.
    pub aws: &'a Aws,
    /// The user.
    pub user: Arc<User>,
    /// The table that each event finds.
    pub items: HashMap<String, Value>,
}

impl Bench<'_> {
    /// Whether it is our own program for what `other` does.
    pub fn is_ours_of(&self, other: &Self) -> bool {
        let done = |bench: &Self| (bench.program.function, bench.scenario);
        self.program.language == Language::Rust && done(self) == done(other)
    }

    /// Starts it once more, and times its first answer.
    pub fn start(&self, measured: &mut Measured) {
        let run = self.checked(self.program.run(0, self.events(1, None)));
        measured.start.push(run.start);
        // What this program did in between to make the event is not in it.
        measured.first_answer.extend(run.answers.first().map(|answer| run.start + answer.time));
    }

    /// Has it answer often; the first tenth is its warming.
    pub fn answer(&self, measured: &mut Measured, answers: usize) {
        let warming = answers / 10;
        let asked = Arc::new(Mutex::new(Vec::new()));
        self.aws.take_asked();
        let run = self.checked(self.program.run(warming, self.events(answers, Some(Arc::clone(&asked)))));
        measured.warm = run.answers.iter().skip(warming).map(|answer| answer.time).collect();
        measured.processor = run.processor / u32::try_from(answers - warming).expect("a few");
        measured.peak_kib = run.peak_kib;
        measured.logged = run.logged / u64::try_from(answers).expect("a few");
        let asked = std::mem::take(&mut *asked.lock().expect("a lock"));
        measured.asked = [0, 1, asked.len() - 1].map(|at| asked[at].clone());
    }

    /// Counts its instructions: of the start, of the first answer, and the mean of some after so many that are its warming.
    pub fn count(&self, measured: &mut Measured, warming: usize, answers: usize) {
        let opened = [&measured.asked[..1], &measured.asked[..2]].map(|asked| opened(asked.iter().flatten()));
        let [start, first, warm, end] =
            [0, 1, warming, warming + answers].map(|answers| self.counted(answers, opened[answers.min(1)]));
        let counted = u64::try_from(answers).expect("a few");
        measured.instructions = [start, first - start, (end - warm) / counted];
    }

    /// Instructions of all threads, from the start until so many answers have left. Callgrind makes a program fifty times as slow:
    /// one that gives up a connection on startup and opens it again for a call is not what is counted.
    fn counted(&self, answers: usize, expected: [usize; 2]) -> u64 {
        const TRIES: usize = 20;
        for _ in 0..TRIES {
            self.aws.take_asked();
            let run = self.checked(self.program.run_under_callgrind(self.events(answers, None)));
            // The peers open theirs with the first answer, and give none up.
            let gives_up = self.program.language == Language::Rust;
            if opened(&self.aws.take_asked()) == expected || !gives_up {
                let counted = run.errors.lines().find_map(|line| line.split_once("Collected : "));
                let (_, counted) = counted.unwrap_or_else(|| panic!("callgrind said:\n{}", run.errors));
                return counted.trim().parse().expect("a number");
            }
        }
        let (language, function) = (self.program.language.name(), self.program.function.name());
        panic!(
            "under callgrind, {function} ({language}) never opened its connections in time: this machine is too slow, or busy"
        );
    }

    /// No answer but the right one is worth a time.
    fn checked(&self, run: Run) -> Run {
        for answer in &run.answers {
            assert_answered(self.program.function, self.scenario, &serde_json::from_slice(&answer.body).expect("JSON"));
        }
        run
    }

    /// Weighs what is deployed.
    pub fn weigh(&self, measured: &mut Measured, folder: &Path) {
        measured.deployed = self.program.artifact().map(|artifact| {
            let zip = folder.join("deployed.zip");
            let _older = std::fs::remove_file(&zip);
            let zipped = Command::new("python3").args(["-m", "zipfile", "-c"]).args([&zip, &artifact]).status();
            assert!(zipped.expect("python3").success());
            let bytes = |path: &Path| std::fs::metadata(path).expect("a file").len();
            (bytes(&artifact), bytes(&zip))
        });
    }

    /// So many events, each meeting the same table; with what was asked of AWS before each.
    fn events(
        &self,
        mut answers: usize,
        asked: Option<Arc<Mutex<Vec<Vec<Asked>>>>>,
    ) -> impl FnMut() -> Option<Vec<u8>> + Send + use<> {
        let (aws, items, user) = (self.aws.clone(), self.items.clone(), Arc::clone(&self.user));
        let (function, scenario) = (self.program.function, self.scenario);
        move || {
            if let Some(asked) = &asked {
                asked.lock().expect("a lock").push(aws.take_asked());
            }
            answers = answers.checked_sub(1)?;
            aws.set_items(&items);
            Some(user.event(function, scenario).to_string().into_bytes())
        }
    }
}

/// Connections, and requests to no operation, which only open one.
fn opened<'a>(asked: impl IntoIterator<Item = &'a Asked>) -> [usize; 2] {
    asked.into_iter().fold([0, 0], |[connections, requests], asked| match asked {
        Asked::Connection => [connections + 1, requests],
        Asked::Nothing => [connections, requests + 1],
        Asked::Call { .. } => [connections, requests],
    })
}

impl Measured {
    /// The time that so many of a hundred stay below.
    pub fn at(times: &[Duration], percent: usize) -> Duration {
        let mut sorted = times.to_vec();
        sorted.sort_unstable();
        sorted.get(sorted.len() * percent / 100).copied().unwrap_or_default()
    }
}

/// Whether two programs answer one event alike, but for what is drawn at random.
///
/// # Panics
/// When they do not.
pub fn assert_alike(ours: &Bench<'_>, theirs: &Bench<'_>) {
    let event = ours.user.event(ours.program.function, ours.scenario);
    let answer = |bench: &Bench<'_>| {
        bench.aws.set_items(&bench.items);
        let mut answer = bench.program.invoke_once(&event);
        if bench.program.function == Function::Create {
            answer["response"]["privateChallengeParameters"]["nonce"] = Value::Null;
        }
        let mut items = bench.aws.items();
        for item in items.values_mut() {
            // Text with the same members, in whatever order.
            let record: Value = serde_json::from_str(item["record"]["S"].as_str().expect("a record")).expect("JSON");
            item["record"] = without_times(record);
        }
        (answer, items)
    };
    let (ours, language) = (answer(ours), theirs.program.language);
    if language != Language::Rust {
        assert_eq!(ours, answer(theirs), "{}", language.name());
    }
}

/// The two programs ran at different seconds.
fn without_times(mut record: Value) -> Value {
    if let Some(record) = record.get_mut("record") {
        for time in ["/lastProof/at", "/grant/until", "/grant/proof/at"] {
            if let Some(time) = record.pointer_mut(time) {
                *time = Value::Null;
            }
        }
    }
    record
}
