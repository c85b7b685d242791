//! What a character is, by its Unicode properties.
//!
//! Source: the Unicode Character Database, as `icu_properties` has it (Unicode 17).

use icu_properties::props::{
    BinaryProperty, Dash, DefaultIgnorableCodePoint, GeneralCategory, QuotationMark, WhiteSpace,
};
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

/// The first `longest` characters of `text` on one line: a space for each control character and each end of a line or paragraph.
pub(crate) fn one_line(text: &str, longest: usize) -> String {
    use GeneralCategory::{Control, LineSeparator, ParagraphSeparator};
    let ends_line = |c| matches!(category(c), Control | LineSeparator | ParagraphSeparator);
    let line: String = text.chars().take(longest).map(|c| if ends_line(c) { ' ' } else { c }).collect();
    line.trim().to_owned()
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
    !invisible && !blank && !has::<DefaultIgnorableCodePoint>(c)
}

/// The letters and digits of a code, however it was typed or pasted: what only surrounds or separates them is left out, a
/// decimal digit of any script is its ASCII digit, and a full-width letter is the ASCII letter. Anything else stays what it is.
pub(crate) fn letters_and_digits(typed: &str) -> impl Iterator<Item = char> {
    typed.chars().filter(|c| !surrounds_or_separates(*c)).map(|c| match c {
        _ if c.is_ascii() => c,
        // Letters lie this far above ASCII's (Unicode block "Halfwidth and Fullwidth Forms").
        'Ａ'..='Ｚ' | 'ａ'..='ｚ' => u32::from(c).checked_sub(0xFEE0).and_then(char::from_u32).unwrap_or(c),
        _ => decimal_digit(c).unwrap_or(c),
    })
}

fn surrounds_or_separates(c: char) -> bool {
    use GeneralCategory::{
        ClosePunctuation, ConnectorPunctuation, Control, DashPunctuation, FinalPunctuation, Format, InitialPunctuation,
        OpenPunctuation, OtherPunctuation,
    };
    if c.is_ascii_alphanumeric() {
        return false;
    }
    let punctuation = matches!(
        category(c),
        ClosePunctuation
            | ConnectorPunctuation
            | DashPunctuation
            | FinalPunctuation
            | InitialPunctuation
            | OpenPunctuation
            | OtherPunctuation
    );
    // By their properties symbols, and the long vowel sign that a Japanese keyboard types in place of a hyphen.
    let typed_as_such = matches!(c, '`' | '´' | '|' | '~' | '｀' | '｜' | '～' | 'ー' | 'ｰ');
    punctuation
        || typed_as_such
        || matches!(category(c), Control | Format)
        || has::<WhiteSpace>(c)
        || has::<Dash>(c)
        || has::<QuotationMark>(c)
        || has::<DefaultIgnorableCodePoint>(c)
}

/// The ASCII digit of the same value. Unicode's decimal digits come in runs from 0 to 9, each in ascending order (The Unicode
/// Standard, section 4.6).
fn decimal_digit(c: char) -> Option<char> {
    let is_digit = |code: &u32| char::from_u32(*code).is_some_and(|c| category(c) == GeneralCategory::DecimalNumber);
    let code = u32::from(c);
    if !is_digit(&code) {
        return None;
    }
    // Runs may follow each other without a gap.
    let before = (0..code).rev().take_while(is_digit).count();
    char::from_digit(u32::try_from(before.checked_rem(10)?).ok()?, 10)
}

fn has<P: BinaryProperty>(c: char) -> bool {
    CodePointSetData::new::<P>().contains(c)
}

fn category(c: char) -> GeneralCategory {
    CodePointMapData::<GeneralCategory>::new().get(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The zero of every script: `python3 -c 'import sys, unicodedata as u; print(*[hex(c) for c in range(sys.maxunicode) if
    /// u.digit(chr(c), 1) == 0 and u.category(chr(c)) == "Nd"])'`, which has Unicode 14.
    const ZEROS: &[u32] = &[
        0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50, 0xED0,
        0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40, 0x1C50, 0xA620,
        0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10, 0x104A0, 0x10D30, 0x11066, 0x110F0, 0x11136, 0x111D0,
        0x112F0, 0x11450, 0x114D0, 0x11650, 0x116C0, 0x11730, 0x118E0, 0x11950, 0x11C50, 0x11D50, 0x11DA0, 0x16A60,
        0x16AC0, 0x16B50, 0x1D7CE, 0x1D7D8, 0x1D7E2, 0x1D7EC, 0x1D7F6, 0x1E140, 0x1E2F0, 0x1E950, 0x1FBF0,
    ];

    #[test]
    fn a_decimal_digit_of_any_script_has_its_value() {
        for zero in ZEROS {
            let digits: String = (0..10).filter_map(|value| char::from_u32(zero + value)).collect();
            assert_eq!(letters_and_digits(&digits).collect::<String>(), "0123456789", "{digits}");
        }
    }

    #[test]
    fn decimal_digits_come_in_runs_of_ten() {
        let digits = ('\0'..=char::MAX).filter(|c| category(*c) == GeneralCategory::DecimalNumber);
        let values = digits.enumerate().all(|(place, c)| decimal_digit(c) == char::from_digit(place as u32 % 10, 10));
        assert!(values);
    }

    #[test]
    fn symbols_letters_and_other_numbers_stay() {
        for kept in ["+", "=", "$", "é", "½", "²", "Ⅷ", "八", "①", "😀"] {
            assert_eq!(letters_and_digits(kept).collect::<String>(), kept);
        }
    }
}
