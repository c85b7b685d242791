//! The file of an import: CSV with a header, or JSON Lines.
//!
//! Invariant: every line becomes an [`Entry`] or a [`Problem`], and neither shows a secret.

use std::fmt::Formatter;

use csv_core::{ReadRecordResult, ReaderBuilder};
use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use shared::authenticator::FriendlyName;
use shared::totp::{Parameters, SharedSecret};
use zeroize::Zeroizing;

use super::fields;
use super::key_uri::KeyUri;
use super::problem::Problem;

/// Bytes of the longest line.
pub const LONGEST_LINE: usize = 8192;
/// Columns that are looked at; more are too many.
const MOST_COLUMNS: usize = 32;

/// A line of the file.
#[derive(Debug)]
pub struct Line {
    /// Its number in the file, from 1; of a record of several lines, the first one's.
    pub number: u64,
    /// What it says.
    pub entry: Result<Entry, Problem>,
}

/// One user's authenticator.
#[derive(Debug)]
pub struct Entry {
    /// Who: a user name, an email address or a `sub`.
    pub user: String,
    /// The secret.
    pub secret: SharedSecret,
    /// The parameters.
    pub parameters: Parameters,
    /// The user's own name for the authenticator.
    pub name: Option<FriendlyName>,
    /// The service's name in the authenticator. It is shown, and not kept.
    pub issuer: Option<String>,
}

/// Parses a file.
#[must_use]
pub fn parse(file: &[u8]) -> Vec<Line> {
    // Excel writes a byte order mark.
    let file = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file);
    match file.trim_ascii_start().first() {
        Some(b'{') => json_lines(file),
        Some(_) | None => csv(file),
    }
}

fn json_lines(file: &[u8]) -> Vec<Line> {
    let numbered = (1..).zip(file.split(|byte| *byte == b'\n'));
    let lines = numbered.filter(|(_, line)| !line.trim_ascii().is_empty());
    lines.map(|(number, line)| Line { number, entry: of_json(line) }).collect()
}

fn of_json(line: &[u8]) -> Result<Entry, Problem> {
    let line = text(line)?.trim();
    // serde would take an array for the fields in their order.
    if !line.starts_with('{') {
        return Err(Problem::NotJson);
    }
    // serde's error would quote the line.
    let fields: Fields = serde_json::from_str(line).map_err(|_| Problem::NotJson)?;
    fields.entry()
}

fn csv(file: &[u8]) -> Vec<Line> {
    let first_line = file.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let delimiter = [b',', b';', b'\t'].into_iter().find(|delimiter| first_line.contains(delimiter)).unwrap_or(b',');
    let mut records = Records::new(file, delimiter);
    let columns = match records.next() {
        None => return vec![Line { number: 1, entry: Err(Problem::NoColumn("user")) }],
        Some((number, Err(problem))) => return vec![Line { number, entry: Err(problem) }],
        Some((number, Ok(header))) => match columns(&header) {
            Ok(columns) => columns,
            Err(problem) => return vec![Line { number, entry: Err(problem) }],
        },
    };
    let is_blank = |fields: &Vec<Zeroizing<String>>| fields.iter().all(|field| field.trim().is_empty());
    records
        .filter(|(_, record)| !record.as_ref().is_ok_and(is_blank))
        .map(|(number, record)| Line { number, entry: record.and_then(|fields| of_csv(&columns, fields)) })
        .collect()
}

fn columns(header: &[Zeroizing<String>]) -> Result<Vec<Column>, Problem> {
    let mut columns = Vec::new();
    for (place, name) in (1..).zip(header) {
        // The name is not repeated: without a header this is a user's line.
        let column = Column::parse(name).filter(|column| !columns.contains(column)).ok_or(Problem::Header(place))?;
        columns.push(column);
    }
    match (columns.contains(&Column::User), columns.contains(&Column::Uri) || columns.contains(&Column::Secret)) {
        (true, true) => Ok(columns),
        (false, _) => Err(Problem::NoColumn("user")),
        (true, false) => Err(Problem::NoColumn("uri or secret")),
    }
}

fn of_csv(columns: &[Column], record: Vec<Zeroizing<String>>) -> Result<Entry, Problem> {
    if record.len() != columns.len() {
        return Err(Problem::FieldCount);
    }
    let mut fields = Fields::default();
    for (column, field) in columns.iter().zip(record) {
        *fields.column(*column) = Field(field);
    }
    fields.entry()
}

/// A column of CSV, and a member of JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    User,
    Uri,
    Secret,
    Encoding,
    Type,
    Algorithm,
    Digits,
    Period,
    Name,
    Issuer,
}

impl Column {
    fn parse(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "user" | "username" => Some(Self::User),
            "uri" => Some(Self::Uri),
            "secret" => Some(Self::Secret),
            "encoding" => Some(Self::Encoding),
            "type" => Some(Self::Type),
            "algorithm" => Some(Self::Algorithm),
            "digits" => Some(Self::Digits),
            "period" => Some(Self::Period),
            "name" => Some(Self::Name),
            "issuer" => Some(Self::Issuer),
            _ => None,
        }
    }
}

/// The fields of a line as they are written; empty where there is none.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Fields {
    #[serde(alias = "username")]
    user: Field,
    uri: Field,
    secret: Field,
    encoding: Field,
    r#type: Field,
    algorithm: Field,
    digits: Field,
    period: Field,
    name: Field,
    issuer: Field,
}

impl Fields {
    fn column(&mut self, column: Column) -> &mut Field {
        match column {
            Column::User => &mut self.user,
            Column::Uri => &mut self.uri,
            Column::Secret => &mut self.secret,
            Column::Encoding => &mut self.encoding,
            Column::Type => &mut self.r#type,
            Column::Algorithm => &mut self.algorithm,
            Column::Digits => &mut self.digits,
            Column::Period => &mut self.period,
            Column::Name => &mut self.name,
            Column::Issuer => &mut self.issuer,
        }
    }

    fn entry(&self) -> Result<Entry, Problem> {
        let Self { user, uri, secret, encoding, r#type: kind, algorithm, digits, period, name, issuer } = self;
        let all = [user, uri, secret, encoding, kind, algorithm, digits, period, name, issuer];
        if all.iter().any(|field| field.0.contains('\0')) {
            return Err(Problem::Nul);
        }
        let user = user.0.trim();
        if user.is_empty() {
            return Err(Problem::NoUser);
        }
        let name = FriendlyName::parse(&name.0);
        let (secret, parameters, issuer) = match (uri.is_empty(), secret.is_empty()) {
            (true, true) => return Err(Problem::NoSecret),
            (false, true)
                if [encoding, kind, algorithm, digits, period, issuer].iter().all(|field| field.is_empty()) =>
            {
                let KeyUri { secret, parameters, issuer } = KeyUri::parse(&uri.0)?;
                (secret, parameters, issuer)
            }
            (false, _) => return Err(Problem::UriAndMore),
            (true, false) => {
                fields::is_totp(&kind.0)?;
                let parameters = Parameters {
                    algorithm: fields::algorithm(&algorithm.0)?,
                    digits: fields::digits(&digits.0)?,
                    period: fields::period(&period.0)?,
                };
                let issuer = Some(issuer.0.trim().to_owned()).filter(|issuer| !issuer.is_empty());
                let secret = match encoding.0.trim().to_ascii_lowercase().as_str() {
                    "" | "base32" => fields::secret(&secret.0)?,
                    "text" => fields::secret_as_text(&secret.0)?,
                    _ => return Err(Problem::Encoding),
                };
                (secret, parameters, issuer)
            }
        };
        Ok(Entry { user: user.to_owned(), secret, parameters, name, issuer })
    }
}

/// A field, which may hold a secret. In JSON a number is its digits, and null is nothing.
#[derive(Default)]
struct Field(Zeroizing<String>);

impl Field {
    fn is_empty(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl<'de> Deserialize<'de> for Field {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OfJson;
        impl Visitor<'_> for OfJson {
            type Value = Field;

            fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
                f.write_str("text, a number or null")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Field, E> {
                Ok(Field(Zeroizing::new(text.to_owned())))
            }

            fn visit_string<E: Error>(self, text: String) -> Result<Field, E> {
                Ok(Field(Zeroizing::new(text)))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Field, E> {
                Ok(Field(Zeroizing::new(number.to_string())))
            }

            fn visit_unit<E: Error>(self) -> Result<Field, E> {
                Ok(Field::default())
            }
        }
        deserializer.deserialize_any(OfJson)
    }
}

/// The records of CSV, each with the number of its first line. Fields are copied into memory that is wiped, which is why this is
/// csv-core and not csv.
struct Records<'a> {
    reader: csv_core::Reader,
    rest: &'a [u8],
    line: u64,
    fields: Zeroizing<Vec<u8>>,
}

impl<'a> Records<'a> {
    fn new(file: &'a [u8], delimiter: u8) -> Self {
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        Self { reader, rest: file, line: 1, fields: Zeroizing::new(vec![0; LONGEST_LINE]) }
    }

    fn skip(&mut self, bytes: usize) {
        let (skipped, rest) = self.rest.split_at_checked(bytes).unwrap_or((self.rest, &[]));
        let ends = skipped.iter().filter(|byte| **byte == b'\n').count();
        self.line = self.line.saturating_add(u64::try_from(ends).unwrap_or_default());
        self.rest = rest;
    }
}

impl Iterator for Records<'_> {
    type Item = (u64, Result<Vec<Zeroizing<String>>, Problem>);

    fn next(&mut self) -> Option<Self::Item> {
        let blank = self.rest.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        self.skip(blank);
        if self.rest.is_empty() {
            return None;
        }
        let number = self.line;
        let (mut written, mut ended, mut ends) = (0_usize, 0_usize, [0; MOST_COLUMNS]);
        let mut problem = None;
        loop {
            let (fields, ends) = (self.fields.get_mut(written..).unwrap_or_default(), ends.get_mut(ended..));
            let (result, read, wrote, more) = self.reader.read_record(self.rest, fields, ends.unwrap_or_default());
            self.skip(read);
            written = written.saturating_add(wrote);
            ended = ended.saturating_add(more);
            match result {
                ReadRecordResult::InputEmpty => {}
                // The rest of the record is read, and not kept.
                ReadRecordResult::OutputFull => (written, problem) = (0, Some(Problem::LineTooLong)),
                ReadRecordResult::OutputEndsFull => (ended, problem) = (0, problem.or(Some(Problem::FieldCount))),
                ReadRecordResult::Record => break,
                ReadRecordResult::End => return problem.map(|problem| (number, Err(problem))),
            }
        }
        if let Some(problem) = problem {
            return Some((number, Err(problem)));
        }
        let mut begin = 0;
        let fields = ends.iter().take(ended).map(|end| {
            let field = self.fields.get(begin..*end).unwrap_or_default();
            begin = *end;
            text(field).map(|text| Zeroizing::new(text.to_owned()))
        });
        Some((number, fields.collect()))
    }
}

/// The text of a line or of a field.
fn text(bytes: &[u8]) -> Result<&str, Problem> {
    if bytes.len() > LONGEST_LINE {
        return Err(Problem::LineTooLong);
    }
    if bytes.contains(&0) {
        return Err(Problem::Nul);
    }
    std::str::from_utf8(bytes).map_err(|_| Problem::NotUtf8)
}
