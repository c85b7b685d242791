//! The tables.

use std::fmt::Write as _;

use crate::aws::Asked;
use crate::measure::{Bench, Measured};

/// All of it, as Markdown.
pub fn report(benches: &[(Bench<'_>, Measured)]) -> String {
    let mut text = String::new();
    for (bench, measured) in benches {
        let micros = |times, percent| Measured::at(times, percent).as_micros();
        writeln!(
            text,
            "{:8} {:24} start {:>7} first {:>7} warm {:>5}/{:>5} cpu {:>5} peak {:>6} {:?} {:?} log {}",
            bench.subject.language.name(),
            bench.subject.function.name(),
            micros(&measured.start, 50),
            micros(&measured.first_answer, 50),
            micros(&measured.warm, 50),
            micros(&measured.warm, 99),
            measured.processor.as_micros(),
            measured.peak_kib,
            measured.instructions,
            measured.deployed,
            measured.logged,
        )
        .expect("text");
        for asked in &measured.asked {
            let words: Vec<String> = asked
                .iter()
                .map(|asked| match asked {
                    Asked::Connection => "connection".to_owned(),
                    Asked::Nothing => "nothing".to_owned(),
                    Asked::Call { operation, request, response } => format!("{operation} {request}/{response}"),
                })
                .collect();
            writeln!(text, "    {}", words.join(", ")).expect("text");
        }
    }
    text
}
