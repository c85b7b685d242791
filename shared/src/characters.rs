//! What a character is, by its Unicode properties.
//!
//! Source: the Unicode Character Database, as `icu_properties` has it (Unicode 17).

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Marks that one letter may carry: more than any script needs.
const MARKS_ON_A_LETTER: usize = 4;

/// What of `text` can be shown anywhere: no invisible character, none that changes the direction of the text around it, and
/// marks only on something to carry them.
pub(crate) fn visible(text: &str) -> String {
    use GeneralCategory::{EnclosingMark, NonspacingMark, SpacingMark};
    // A text starts as if it had no room for marks.
    let mut marks = MARKS_ON_A_LETTER;
    text.chars()
        .filter(|c| is_visible(*c))
        .filter(|c| {
            let is_mark = matches!(category(*c), EnclosingMark | NonspacingMark | SpacingMark);
            marks = match (is_mark, c.is_whitespace()) {
                (true, _) => marks.saturating_add(1),
                (false, false) => 0,
                (false, true) => MARKS_ON_A_LETTER,
            };
            !is_mark || marks <= MARKS_ON_A_LETTER
        })
        .collect()
}

fn is_visible(c: char) -> bool {
    use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator, PrivateUse, Surrogate, Unassigned};
    let invisible = matches!(
        category(c),
        Control | Format | LineSeparator | ParagraphSeparator | PrivateUse | Surrogate | Unassigned
    );
    // Symbols and letters by their properties, but blank: Braille, hieroglyphs, a note without a head, Khitan's filler, and
    // what stands for an object that is not there.
    let blank = matches!(c, '\u{2800}' | '\u{13441}' | '\u{13442}' | '\u{1D159}' | '\u{16FE4}' | '\u{FFFC}');
    !invisible && !blank && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}
