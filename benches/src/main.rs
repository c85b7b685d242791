//! Measures the functions as Lambda would start them, beside a floor and two peers, and writes docs/performance.md.
//! `tests/run bench` builds what it needs and starts it.

mod aws;
mod http;
mod lambda;
mod measure;
mod report;
mod sign_in;
mod subject;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use aws::Aws;
use measure::{Bench, Measured, assert_alike};
use sign_in::Enrolled;
use subject::{Function, Language, Subject};

const SUBJECTS: [(Language, Function); 11] = [
    (Language::Floor, Function::Define),
    (Language::Rust, Function::Define),
    (Language::Node, Function::Define),
    (Language::Python, Function::Define),
    (Language::Rust, Function::Create),
    (Language::Node, Function::Create),
    (Language::Python, Function::Create),
    (Language::Rust, Function::Verify),
    (Language::Node, Function::Verify),
    (Language::Python, Function::Verify),
    (Language::Rust, Function::Guard),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (target, what) = (arguments.next(), arguments.next());
    let (Some(target), None | Some("--without-peers"), None) = (target, what.as_deref(), arguments.next()) else {
        eprintln!("expected: measure TARGET-FOLDER [--without-peers]");
        return ExitCode::from(2);
    };
    let peers = what.is_none();
    let target = std::path::absolute(target).expect("a path");
    let folder = Folder::new();
    let aws = Aws::start(&folder.0);
    let subject = |language, function| Subject::new(language, function, &target, &folder.0, &aws);
    let enrolled = Arc::new(Enrolled::new(subject, &aws));
    let subjects = SUBJECTS.into_iter().filter(|(language, _)| peers || matches!(language, Language::Rust | Language::Floor));
    let mut benches: Vec<(Bench<'_>, Measured)> = subjects
        .map(|(language, function)| {
            let items = enrolled.items(function, &subject(Language::Rust, Function::Verify), &aws);
            (Bench { subject: subject(language, function), aws: &aws, enrolled: Arc::clone(&enrolled), items }, Measured::default())
        })
        .collect();

    for (bench, _) in &benches {
        let ours = benches.iter().find(|(ours, _)| {
            ours.subject.language == Language::Rust && ours.subject.function == bench.subject.function
        });
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
        bench.items = enrolled.items(bench.subject.function, &subject(Language::Rust, Function::Verify), &aws);
        bench.weigh(measured, &folder.0);
        bench.answer(measured, if fast(bench) { 2000 } else { 600 });
        bench.count(measured);
        eprintln!("measured: {} {}", bench.subject.language.name(), bench.subject.function.name());
    }
    let report = report::report(&benches);
    println!("{report}");
    ExitCode::SUCCESS
}

fn fast(bench: &Bench<'_>) -> bool {
    matches!(bench.subject.language, Language::Rust | Language::Floor)
}

/// What is thrown away at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("benches-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _removed = std::fs::remove_dir_all(&self.0);
    }
}
