//! The `otpauth://` URI, as authenticators' exports and people write it.
//!
//! Invariant: what decides which passcodes the authenticator shows is understood or refused, never guessed.
//! Source: <https://github.com/google/google-authenticator/wiki/Key-Uri-Format>

use percent_encoding::percent_decode_str;
use shared::totp::{Parameters, SharedSecret};
use zeroize::Zeroizing;

use super::fields;
use super::problem::Problem;

/// What is kept of a key URI, and the issuer, which is shown to the operator.
#[derive(Debug)]
pub struct KeyUri {
    /// `secret`
    pub secret: SharedSecret,
    /// `algorithm`, `digits` and `period`
    pub parameters: Parameters,
    /// `issuer`, or what stands before the colon in the label.
    pub issuer: Option<String>,
}

impl KeyUri {
    /// Parses one. Parameters come in any order and case, and unknown ones are ignored; one without a value is one that is not
    /// there.
    ///
    /// # Errors
    /// It is another URI, or it means another authenticator than TOTP has.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let (scheme, rest) = text.trim().split_once("://").ok_or(Problem::NotAKeyUri)?;
        match scheme.to_ascii_lowercase().as_str() {
            "otpauth" => {}
            "otpauth-migration" => return Err(Problem::Migration),
            "steam" => return Err(Problem::Steam),
            _ => return Err(Problem::NotAKeyUri),
        }
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (kind, label) = path.split_once('/').unwrap_or((path, ""));
        if kind.trim().is_empty() {
            return Err(Problem::Type);
        }
        fields::is_totp(kind)?;
        let mut found = Found::default();
        for parameter in query.split('&') {
            // Copied out of HTML.
            let parameter = parameter.strip_prefix("amp;").unwrap_or(parameter);
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            found.take(&decoded(name)?.trim().to_ascii_lowercase(), decoded(value)?)?;
        }
        if found.encoder.trim().eq_ignore_ascii_case("steam") {
            return Err(Problem::Steam);
        }
        let of_label = decoded(label)?.split_once(':').map(|(issuer, _)| issuer.to_owned());
        // A form writes a space as a plus.
        let issuer = Some(found.issuer.replace('+', " ")).filter(|issuer| !issuer.trim().is_empty()).or(of_label);
        Ok(Self {
            secret: fields::secret(&found.secret)?,
            parameters: Parameters {
                algorithm: fields::algorithm(&found.algorithm)?,
                digits: fields::digits(&found.digits)?,
                period: fields::period(&found.period)?,
            },
            issuer: issuer.map(|issuer| issuer.trim().to_owned()).filter(|issuer| !issuer.is_empty()),
        })
    }
}

/// The values of the parameters that are known; empty where there is none.
#[derive(Default)]
struct Found {
    secret: Zeroizing<String>,
    algorithm: Zeroizing<String>,
    digits: Zeroizing<String>,
    period: Zeroizing<String>,
    issuer: Zeroizing<String>,
    encoder: Zeroizing<String>,
}

impl Found {
    fn take(&mut self, name: &str, value: Zeroizing<String>) -> Result<(), Problem> {
        let (known, name) = match name {
            "secret" => (&mut self.secret, "secret"),
            "algorithm" => (&mut self.algorithm, "algorithm"),
            "digits" => (&mut self.digits, "digits"),
            "period" => (&mut self.period, "period"),
            "issuer" => (&mut self.issuer, "issuer"),
            "encoder" => (&mut self.encoder, "encoder"),
            _ => return Ok(()),
        };
        match (known.is_empty(), value.is_empty()) {
            (true, _) => *known = value,
            (false, true) => {}
            (false, false) => return Err(Problem::Twice(name)),
        }
        Ok(())
    }
}

fn decoded(text: &str) -> Result<Zeroizing<String>, Problem> {
    let text = percent_decode_str(text).decode_utf8().map_err(|_| Problem::NotUtf8)?;
    let text = Zeroizing::new(text.into_owned());
    if text.contains('\0') { Err(Problem::Nul) } else { Ok(text) }
}
