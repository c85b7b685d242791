//! Measures the functions as Lambda would start them, alongside a floor and two peers, and writes docs/performance.md.
//! `tests/run bench` builds what it needs and starts it. With `--without-peers` it only prints, which is what one wants while
//! one changes something.

#![expect(clippy::disallowed_methods, reason = "what is measured has the real clock")]

mod aws;
mod http;
mod lambda;
mod measure;
mod program;
mod report;
mod scale;
mod sign_in;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use aws::Aws;
use measure::{Bench, Measured, assert_alike};
use program::{Function, Language, Program, Scenario};
use report::Report;
use sign_in::User;

/// A sign-in of a user who has an authenticator, in every language; the first one, in ours.
const MEASURED: [(Language, Function, Scenario); 15] = [
    (Language::Floor, Function::Define, Scenario::Later),
    (Language::Rust, Function::Define, Scenario::Later),
    (Language::Node, Function::Define, Scenario::Later),
    (Language::Python, Function::Define, Scenario::Later),
    (Language::Rust, Function::Create, Scenario::Later),
    (Language::Node, Function::Create, Scenario::Later),
    (Language::Python, Function::Create, Scenario::Later),
    (Language::Rust, Function::Verify, Scenario::Later),
    (Language::Node, Function::Verify, Scenario::Later),
    (Language::Python, Function::Verify, Scenario::Later),
    (Language::Rust, Function::Guard, Scenario::Later),
    (Language::Rust, Function::Create, Scenario::SetUp),
    (Language::Rust, Function::Verify, Scenario::SetUp),
    (Language::Rust, Function::Create, Scenario::Codes),
    (Language::Rust, Function::Verify, Scenario::Codes),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (target, what) = (arguments.next(), arguments.next());
    let (Some(target), None | Some("--without-peers"), None) = (target, what.as_deref(), arguments.next()) else {
        eprintln!("expected: benches TARGET-FOLDER [--without-peers]");
        return ExitCode::from(2);
    };
    let peers = what.is_none();
    let target = std::path::absolute(target).expect("a path");
    let folder = Folder::new();
    let aws = Aws::start(&folder.0);
    let program = |language, function| Program::new(language, function, &target, &folder.0, &aws);
    let user = Arc::new(User::enroll(program, &aws));
    let items = |function, scenario| user.items(function, scenario, &program(Language::Rust, Function::Verify), &aws);
    let mut benches = Vec::new();
    for (language, function, scenario) in MEASURED {
        if peers || matches!(language, Language::Rust | Language::Floor) {
            let (program, items) = (program(language, function), items(function, scenario));
            benches.push((Bench { program, scenario, aws: &aws, user: Arc::clone(&user), items }, Measured::default()));
        }
    }

    for (bench, _) in &benches {
        let ours = benches.iter().find(|(ours, _)| ours.is_ours_of(bench));
        assert_alike(&ours.expect("ours").0, bench);
    }
    eprintln!("all answer alike");
    // In turns, so that whatever else the machine does falls on all.
    for round in 0..20 {
        for (bench, measured) in &mut benches {
            if fast(bench) || round % 4 == 0 {
                bench.start(measured);
            }
        }
    }
    for (bench, measured) in &mut benches {
        bench.items = items(bench.program.function, bench.scenario);
        bench.weigh(measured, &folder.0);
        bench.answer(measured, if fast(bench) { 2000 } else { 600 });
        // What compiles and collects garbage while it runs is warm later, and differs more from run to run.
        let (warming, answers) = if fast(bench) { (1, 20) } else { (200, 400) };
        bench.count(measured, warming, answers);
        eprintln!("measured: {} {}", bench.program.language.name(), bench.program.function.name());
    }
    let report = Report(&benches);
    let text = report.to_text();
    println!("{text}");
    if peers {
        write(&text);
    }
    ExitCode::SUCCESS
}

/// Puts the tables into the document, after the words that a person wrote.
fn write(tables: &str) {
    const DOCUMENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/performance.md");
    const FROM_HERE: &str = "<!-- From here on written by tests/run bench. -->\n";
    let document = std::fs::read_to_string(DOCUMENT).expect("the document");
    let (words, _) = document.split_once(FROM_HERE).expect("the mark in the document");
    std::fs::write(DOCUMENT, format!("{words}{FROM_HERE}\n{tables}")).expect("the document");
}

fn fast(bench: &Bench<'_>) -> bool {
    matches!(bench.program.language, Language::Rust | Language::Floor)
}

/// What is thrown away at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        // In memory where that is to be had: a log line should not cost a write to a disk.
        let memory = PathBuf::from("/dev/shm");
        let folder = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let folder = folder.join(format!("benches-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _removed = std::fs::remove_dir_all(&self.0);
    }
}
