//! The tables of docs/performance.md.

use std::fmt::Write as _;
use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::aws::Asked;
use crate::measure::{Bench, Measured};
use crate::program::{Function, Language, Scenario};
use crate::scale::{self, Call, Invocation, SignIn};

/// All that was measured.
pub struct Report<'a>(pub &'a [(Bench<'a>, Measured)]);

impl Report<'_> {
    /// When and on what, then the tables, as Markdown: what an adopter asks first, our own targets last.
    pub fn to_text(&self) -> String {
        let sections =
            [self.context(), self.measured(), self.beside_ours(), self.calls(), self.scale(), self.targets()];
        sections.join("\n")
    }

    fn scale(&self) -> String {
        let Some((bench, _)) = self.0.first() else {
            return String::new();
        };
        let item_bytes = bench.user.item_bytes();
        let invocation = |function: Function, scenario| {
            let measured = self.of(Language::Rust, function, scenario).expect("ours");
            let [start, first, warm] = measured.instructions;
            let calls = measured.asked[2].iter().filter_map(|asked| match asked {
                Asked::Call { operation, .. } => Some(match operation.as_str() {
                    "GetItem" => Call::GetItem(item_bytes),
                    "PutItem" => Call::PutItem(item_bytes),
                    "Encrypt" => Call::Encrypt,
                    "Decrypt" => Call::Decrypt,
                    operation => panic!("{operation} has no price here"),
                }),
                Asked::Connection | Asked::Nothing => None,
            });
            Invocation {
                function: function.name(),
                memory_mb: function.memory_mb(),
                instructions: warm,
                cold_instructions: start + first,
                calls: calls.collect(),
                log_bytes: measured.logged,
            }
        };
        let [define, create, verify, guard] = [Function::Define, Function::Create, Function::Verify, Function::Guard]
            .map(|function| invocation(function, Scenario::Later));
        let [set_up, codes] = [Scenario::SetUp, Scenario::Codes]
            .map(|scenario| [Function::Create, Function::Verify].map(|function| invocation(function, scenario)));
        let later = SignIn::later(&define, &create, &verify, &guard);
        let first = SignIn::first(&define, set_up.each_ref(), codes.each_ref(), &guard);
        scale::report(&later, &first, item_bytes, 1)
    }

    /// What was measured of one program.
    pub fn of(&self, language: Language, function: Function, scenario: Scenario) -> Option<&Measured> {
        let asked = (language, function, scenario);
        let found = self.0.iter().find(|(b, _)| (b.program.language, b.program.function, b.scenario) == asked);
        found.map(|(_, measured)| measured)
    }

    fn context(&self) -> String {
        let said = |program: &str, argument: &str| {
            let output = Command::new(program).arg(argument).output();
            output.map_or_else(
                |_| format!("no {program}"),
                |said| String::from_utf8_lossy(&said.stdout).trim().to_owned(),
            )
        };
        let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let model = cpu.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or("an unnamed processor");
        format!(
            "## Measured\n\n\
            Measured on {}, {} cores of {}; {}, Node.js {}, {}, {}.\n\
            Instructions are callgrind's, of all threads, libraries included; its processor has no instructions for SHA-256.\n\
            Times are medians of 20 starts (peers: 5), the programs in turns, and of 1,800 answers (540) after 200 (60) to \
            warm up.\n\
            A warm answer's instructions are the mean of 20, the peers' of 400 after 200.\n",
            said("date", "+%F"),
            std::thread::available_parallelism().map_or(1, Into::into),
            model.trim_start_matches([' ', '\t', ':']),
            said("rustc", "--version").split(" (").next().unwrap_or_default(),
            said("node", "--version").trim_start_matches('v'),
            said(concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/.tools/peers/bin/python"), "--version"),
            said("valgrind", "--version"),
        )
    }

    fn measured(&self) -> String {
        let mut text = String::from(
            "| | start, ms | to first answer, ms | warm p50 / p99, µs | CPU, µs | instructions: start | first answer | warm | \
             peak, MB | deployed / zip, MB |\n\
            |---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n",
        );
        for (bench, measured) in self.0 {
            let [start, first, warm] = measured.instructions.map(millions);
            let deployed = measured
                .deployed
                .map_or("–".to_owned(), |(bytes, zip)| format!("{:.2} / {:.2}", megabytes(bytes), megabytes(zip)));
            line(
                &mut text,
                format_args!(
                    "| {} | {:.2} | {:.2} | {} / {} | {} | {start} M | {first} M | {warm} M | {:.1} | {deployed} |",
                    name(bench),
                    milliseconds(measured.start()),
                    milliseconds(measured.first_answer()),
                    Measured::at(&measured.warm, 50).as_micros(),
                    Measured::at(&measured.warm, 99).as_micros(),
                    measured.processor.as_micros(),
                    megabytes(measured.peak_kib * 1024),
                ),
            );
        }
        text
    }

    fn beside_ours(&self) -> String {
        let mut text = String::from(
            "As a multiple of ours:\n\n\
            | | to first answer, time | start and first answer, instructions | warm, time | warm, processor | warm, instructions | \
             peak memory |\n\
            |---|--:|--:|--:|--:|--:|--:|\n",
        );
        for (bench, measured) in self.0 {
            let ours = self.0.iter().find(|(ours, _)| ours.is_ours_of(bench));
            let Some((_, ours)) = ours.filter(|_| bench.program.language != Language::Rust) else {
                continue;
            };
            let times = |of: fn(&Measured) -> f64| times(of(measured) / of(ours));
            line(
                &mut text,
                format_args!(
                    "| {} | {} | {} | {} | {} | {} | {} |",
                    name(bench),
                    times(Measured::cold_time),
                    times(Measured::cold_instructions),
                    times(Measured::warm_time),
                    times(Measured::warm_processor),
                    times(Measured::warm_instructions),
                    times(|measured| float(measured.peak_kib)),
                ),
            );
        }
        text
    }

    fn calls(&self) -> String {
        let mut text = String::from(
            "Calls of AWS in each answer (bytes of request / response), after the connections that are opened on startup:\n\n\
            | | start | first answer | later ones | log, bytes |\n|---|---|---|---|--:|\n",
        );
        for (bench, measured) in self.0 {
            if bench.program.function != Function::Define {
                let [start, first, later] = measured.asked.each_ref().map(|asked| words(asked));
                let logged = measured.logged;
                line(&mut text, format_args!("| {} | {start} | {first} | {later} | {logged} |", name(bench)));
            }
        }
        text
    }

    fn targets(&self) -> String {
        let mut text = String::from("## Our own targets\n\n| target | allowed | measured | |\n|---|--:|--:|---|\n");
        let mut row = |target: &str, allowed: &str, measured: String, met: bool| {
            let met = if met { "met" } else { "**not met**" };
            line(&mut text, format_args!("| {target} | {allowed} | {measured} | {met} |"));
        };
        let later = |language, function| self.of(language, function, Scenario::Later);
        let define = later(Language::Rust, Function::Define).expect("ours");
        let floor = later(Language::Floor, Function::Define).expect("the floor");
        let warm = define.warm_instructions() / floor.warm_instructions();
        row("Define, warm: instructions of the floor", "≤ 4 ×", times(warm), warm <= 4.0);
        let cold = define.cold_time() / floor.cold_time();
        row("Define, to the first answer: time of the floor", "≤ 1.5 ×", times(cold), cold <= 1.5);
        for function in [Function::Create, Function::Verify] {
            let measured = later(Language::Rust, function).expect("ours");
            let [_, first, warm] = measured.instructions;
            for (what, allowed, instructions) in [
                ("start and first answer", 10.0, measured.cold_instructions()),
                ("first answer after the start", 2.0, float(first)),
                ("warm", 1.6, float(warm)),
            ] {
                let instructions = instructions / 1e6;
                let met = instructions <= allowed;
                row(
                    &format!("{}, {what}", function.name()),
                    &format!("≤ {allowed} M"),
                    format!("{instructions:.2} M"),
                    met,
                );
            }
        }
        for function in [Function::Define, Function::Create, Function::Verify] {
            let ours = later(Language::Rust, function).expect("ours");
            if let Some(node) = later(Language::Node, function) {
                for (what, allowed, of) in [
                    ("to the first answer, time", 40.0, Measured::cold_time as fn(&Measured) -> f64),
                    ("start and first answer, instructions", 40.0, Measured::cold_instructions),
                    ("warm, time", 5.0, Measured::warm_time),
                    ("warm, processor", 5.0, Measured::warm_processor),
                    ("warm, instructions", 5.0, Measured::warm_instructions),
                ] {
                    let ratio = of(node) / of(ours);
                    let target = format!("{}, {what}: Node.js takes", function.name());
                    row(&target, &format!("≥ {allowed} ×"), times(ratio), ratio >= allowed);
                }
            }
        }
        for (function, allowed) in
            [(Function::Define, 1.3), (Function::Create, 6.0), (Function::Verify, 6.0), (Function::Guard, 6.0)]
        {
            let deployed = later(Language::Rust, function).and_then(|measured| measured.deployed);
            let size = megabytes(deployed.expect("a binary").0);
            row(
                &format!("{}, binary", function.name()),
                &format!("≤ {allowed} MB"),
                format!("{size:.2} MB"),
                size <= allowed,
            );
        }
        text
    }
}

impl Measured {
    fn start(&self) -> Duration {
        Self::at(&self.start, 50)
    }

    fn first_answer(&self) -> Duration {
        Self::at(&self.first_answer, 50)
    }

    fn cold_time(&self) -> f64 {
        self.first_answer().as_secs_f64()
    }

    fn cold_instructions(&self) -> f64 {
        let [start, first, _] = self.instructions;
        float(start + first)
    }

    fn warm_time(&self) -> f64 {
        Self::at(&self.warm, 50).as_secs_f64()
    }

    fn warm_processor(&self) -> f64 {
        self.processor.as_secs_f64()
    }

    fn warm_instructions(&self) -> f64 {
        float(self.instructions[2])
    }
}

fn name(bench: &Bench<'_>) -> String {
    format!("{}{}, {}", bench.program.function.name(), bench.scenario.name(), bench.program.language.name())
}

fn words(asked: &[Asked]) -> String {
    let connections = asked.iter().filter(|asked| **asked == Asked::Connection).count();
    let opened = match connections {
        0 => None,
        1 => Some("1 connection".to_owned()),
        connections => Some(format!("{connections} connections")),
    };
    let calls = asked.iter().filter_map(|asked| match asked {
        Asked::Call { operation, request, response } => Some(format!("{operation} {request} / {response}")),
        Asked::Connection | Asked::Nothing => None,
    });
    let words: Vec<String> = opened.into_iter().chain(calls).collect();
    if words.is_empty() { "–".to_owned() } else { words.join(", ") }
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("text");
}

fn millions(instructions: u64) -> String {
    let millions = float(instructions) / 1e6;
    if millions < 1.0 { format!("{millions:.3}") } else { format!("{millions:.2}") }
}

fn times(ratio: f64) -> String {
    if ratio < 10.0 { format!("{ratio:.2} ×") } else { format!("{ratio:.0} ×") }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn megabytes(bytes: u64) -> f64 {
    float(bytes) / 1e6
}

#[expect(clippy::cast_precision_loss, reason = "shown with three digits")]
fn float(number: u64) -> f64 {
    number as f64
}
