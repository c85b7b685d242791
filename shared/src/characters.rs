//! What a character is, by its Unicode properties.
//!
//! Source: the Unicode Character Database, as `icu_properties` has it (Unicode 17).

use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Whether a character can be shown anywhere, takes a place there, and changes nothing around it.
pub(crate) fn is_visible(c: char) -> bool {
    use GeneralCategory::{Control, Format, LineSeparator, ParagraphSeparator, PrivateUse, Surrogate, Unassigned};
    // A letter by its category, and blank.
    const BRAILLE_PATTERN_BLANK: char = '\u{2800}';
    let invisible = matches!(
        CodePointMapData::<GeneralCategory>::new().get(c),
        Control | Format | LineSeparator | ParagraphSeparator | PrivateUse | Surrogate | Unassigned
    );
    !invisible && c != BRAILLE_PATTERN_BLANK && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}
