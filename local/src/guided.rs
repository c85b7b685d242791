//! The guided sign-in: a user's first sign-in, the next one, and one after the phone was lost; where users may do without a second
//! factor, an offer and its end instead. It prints each API call and each trigger in a few lines.
//!
//! It prints secrets, which nothing else here does: they belong to its own user, and are forgotten when it ends.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use qrcode::bits::Bits;
use qrcode::render::unicode::Dense1x2;
use qrcode::{EcLevel, QrCode, Version};
use serde_json::{Value, json};
use shared::challenge::SKIP;
use shared::clock::UnixTime;
use shared::settings::{AcceptedCognitoMfa, Enrollment, Policy, SignInSettings};
use shared::totp::{Parameters, SharedSecret, passcode_at};
use tokio::sync::mpsc;

use crate::error::CognitoError;
use crate::pool::Pool;
use crate::settings::{Clock, PoolSettings};
use crate::srp::SrpClient;
use crate::triggers::in_process::InProcess;
use crate::triggers::{Observer, Trigger, TriggerFailure};

const EMAIL: &str = "ana@example.com";
const PASSWORD: &str = "Demo-password-1";

/// The source of answers to the second factor.
pub(crate) enum AnswerSource {
    /// The program, with its own authenticator.
    Program,
    /// The person at the terminal.
    Person,
}

/// Walks through a few sign-ins. An error is a sentence for the person at the terminal.
pub(crate) async fn walk_through(answers: AnswerSource, policy: Policy, clock: Clock) -> Result<(), String> {
    let pool = pool_as_deployed(policy, &clock)?.observed_by(Arc::new(TriggerPrinter));
    let typed = match answers {
        AnswerSource::Program => None,
        AnswerSource::Person => Some(lines_typed()),
    };
    let mut guide = Guide { pool, clock, typed, phone: None, recovery_codes: Vec::new() };

    say(
        "A user pool in this process, and its four triggers. → is a call of Cognito's API, λ a trigger, ← what comes back.",
    );
    title("A user with a password and nothing else");
    let pool_id = guide.pool.settings().user_pool_id.clone();
    let user = json!({ "UserPoolId": pool_id, "Username": EMAIL, "MessageAction": "SUPPRESS", "UserAttributes": [
        { "Name": "email", "Value": EMAIL }, { "Name": "email_verified", "Value": "true" },
    ] });
    guide.call("AdminCreateUser", user).await?;
    guide
        .call(
            "AdminSetUserPassword",
            json!({ "UserPoolId": pool_id, "Username": EMAIL, "Password": PASSWORD, "Permanent": true }),
        )
        .await?;

    let end = match policy {
        Policy::Required => guide.walk_where_required().await?,
        Policy::Optional => guide.walk_where_optional().await?,
    };
    say(format!("\n{end}"));
    let option = match policy {
        Policy::Required => "",
        Policy::Optional => " --second-factor-policy OPTIONAL",
    };
    say(format!("`cargo run -- serve{option}` runs such a pool for your own client."));
    Ok(())
}

/// A pool with template.yaml's app client: its session strings are valid long enough to install an authenticator app.
fn pool_as_deployed(policy: Policy, clock: &Clock) -> Result<Pool, String> {
    let sign_in = SignInSettings::new(AcceptedCognitoMfa::NONE, Enrollment::AtSignIn);
    let sign_in = sign_in.and_then(|sign_in| sign_in.under(policy)).map_err(|error| error.to_string())?;
    let triggers = InProcess::with_settings(sign_in, Arc::clone(clock)).map_err(|error| error.to_string())?;
    Pool::new(PoolSettings::as_deployed(false), Arc::new(triggers), Arc::clone(clock))
        .map_err(|error| error.to_string())
}

/// What the user is up to in a sign-in.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// The tokens; with an authenticator, if one is offered.
    SignIn,
    /// The tokens, without an authenticator, if one is offered.
    Skip,
    /// Another authenticator: the phone is lost.
    ReplacePhone,
    /// To go on without an authenticator.
    TurnOff,
}

impl Purpose {
    /// `afterSecondFactor` in ClientMetadata.
    fn after_second_factor(self) -> Option<&'static str> {
        match self {
            Self::SignIn | Self::Skip => None,
            Self::ReplacePhone => Some("REPLACE_AUTHENTICATOR"),
            Self::TurnOff => Some("REMOVE_AUTHENTICATOR"),
        }
    }
}

struct Guide {
    pool: Pool,
    clock: Clock,
    /// The lines that the person types; `None` when the program answers.
    typed: Option<mpsc::UnboundedReceiver<String>>,
    /// The program's own authenticator.
    phone: Option<Phone>,
    recovery_codes: Vec<String>,
}

/// An authenticator that never returns a passcode twice.
struct Phone {
    secret: SharedSecret,
    not_before: UnixTime,
}

impl Phone {
    /// The current passcode, or that of the next time step if the current one was used: the window accepts it, and there is
    /// no need to wait.
    fn passcode(&mut self, now: UnixTime) -> Option<String> {
        const PERIOD: u64 = 30;
        let time = if now < self.not_before { self.not_before } else { now };
        let into_step = time.0.checked_rem(PERIOD).unwrap_or_default();
        self.not_before = UnixTime(time.0.saturating_sub(into_step)).plus(PERIOD);
        passcode_at(&self.secret, Parameters::default(), time)
    }
}

impl Guide {
    /// Gives the last sentence.
    async fn walk_where_required(&mut self) -> Result<&'static str, String> {
        title("The first sign-in: password, then an authenticator and recovery codes");
        self.sign_in(Purpose::SignIn).await?;

        title("The next sign-in: password, then a passcode");
        self.sign_in(Purpose::SignIn).await?;

        title("The phone is lost: password, then a recovery code in its place, and a new authenticator");
        self.phone = None;
        let tokens = self.sign_in(Purpose::ReplacePhone).await?;
        say_claims(&tokens)?;
        Ok("The old authenticator and the old recovery codes no longer work, and no operator had to help.")
    }

    /// Gives the last sentence. A person may answer an offer in another way than its title says.
    async fn walk_where_optional(&mut self) -> Result<&'static str, String> {
        title("The first sign-in: password, then the offer of a second factor, which can be skipped");
        let tokens = self.sign_in(Purpose::Skip).await?;
        if self.phone.is_none() {
            say_claims(&tokens)?;
            say("\nThey have no claim second_factor: the password was all it took.");

            title("The next sign-in: the offer again, and now an authenticator and recovery codes");
            let tokens = self.sign_in(Purpose::SignIn).await?;
            if self.phone.is_none() {
                say_claims(&tokens)?;
                return Ok("It was skipped twice, so there is no second factor to turn off.");
            }
        }
        title("Turning it off: password, a passcode, and then a second proof, so that no script can do it in silence");
        self.sign_in(Purpose::TurnOff).await?;
        self.phone = None;

        title("The sign-in after that: the offer again");
        let tokens = self.sign_in(Purpose::Skip).await?;
        say_claims(&tokens)?;
        Ok("A user who has an authenticator is asked for it, and the others sign in with the password alone.")
    }

    /// Sign-ins until one ends in tokens. A person may be wrong three times, and goes on with the same sign-in of the walk.
    async fn sign_in(&mut self, purpose: Purpose) -> Result<Value, String> {
        loop {
            match self.sign_in_once(purpose).await? {
                SignInEnd::Tokens(tokens) => return Ok(tokens),
                SignInEnd::Refused if self.typed.is_none() => return Err("The sign-in was refused.".to_owned()),
                SignInEnd::Refused => {
                    say("\nThree wrong answers in a row end a sign-in. It starts again, with the password.\n");
                }
            }
        }
    }

    /// One sign-in from SRP_A to its end.
    async fn sign_in_once(&mut self, purpose: Purpose) -> Result<SignInEnd, String> {
        let settings = self.pool.settings();
        let client_id = settings.clients.first().map(|client| client.client_id.clone()).unwrap_or_default();
        let srp = SrpClient::new(&settings.user_pool_id).map_err(|error| error.to_string())?;
        let parameters = json!({ "CHALLENGE_NAME": "SRP_A", "USERNAME": EMAIL, "SRP_A": srp.public_value() });
        let request = json!({ "AuthFlow": "CUSTOM_AUTH", "ClientId": client_id, "AuthParameters": parameters });
        let mut answer = self.call("InitiateAuth", request).await?;
        loop {
            let Some(challenge_name) = answer.get("ChallengeName").and_then(Value::as_str) else {
                return Ok(SignInEnd::Tokens(answer));
            };
            let shown = answer.get("ChallengeParameters").cloned().unwrap_or_default();
            let responses = match challenge_name {
                "PASSWORD_VERIFIER" => {
                    srp.answer(&shown, PASSWORD, (self.clock)()).map_err(|error| error.to_string())?
                }
                "CUSTOM_CHALLENGE" => {
                    // The user's own name, which is not the address that was typed.
                    let user_name = shown.get("USERNAME").cloned().unwrap_or_default();
                    json!({ "USERNAME": user_name, "ANSWER": self.second_factor(&shown, purpose).await? })
                }
                other => return Err(format!("The pool issued {other}, which this guide cannot answer.")),
            };
            let mut request = json!({
                "ChallengeName": challenge_name,
                "ClientId": client_id,
                "Session": answer.get("Session"),
                "ChallengeResponses": responses,
            });
            if let (Some(change), Some(request)) = (purpose.after_second_factor(), request.as_object_mut()) {
                request.insert("ClientMetadata".to_owned(), json!({ "afterSecondFactor": change }));
            }
            answer = match self.respond(request).await {
                Ok(answer) => answer,
                // Cognito's error for the third wrong answer.
                Err(error) if error.kind == "NotAuthorizedException" && challenge_name == "CUSTOM_CHALLENGE" => {
                    return Ok(SignInEnd::Refused);
                }
                Err(_) => return Err("The sign-in was refused.".to_owned()),
            };
        }
    }

    /// The ANSWER to one of our challenges.
    async fn second_factor(&mut self, shown: &Value, purpose: Purpose) -> Result<String, String> {
        let parameter = |name: &str| shown.get(name).and_then(Value::as_str);
        if let Some(sentence) = self.typed.as_ref().and_then(|_| about_the_last_answer(parameter)) {
            say(format!("\n{sentence}"));
        }
        match (parameter("challenge"), purpose) {
            (Some("SECOND_FACTOR_OFFER"), _) => {
                say("The user may do without: SKIP leads to the tokens, and any other answer to an authenticator.\n");
                self.phone = None;
                match (&mut self.typed, purpose) {
                    (Some(typed), _) => {
                        let typed = ask(typed, "SKIP, or anything else to set an authenticator up").await?;
                        Ok(if typed.trim().eq_ignore_ascii_case(SKIP) { SKIP.to_owned() } else { typed })
                    }
                    (None, Purpose::Skip) => Ok(SKIP.to_owned()),
                    (None, Purpose::SignIn | Purpose::ReplacePhone | Purpose::TurnOff) => Ok("SET_UP".to_owned()),
                }
            }
            (Some("REMOVE_AUTHENTICATOR"), _) => {
                self.recovery_code("The next passcode, or a recovery code, to turn the second factor off").await
            }
            (Some("TOTP_SETUP"), _) => {
                if let (Some(secret_code), Some(uri)) = (parameter("secretCode"), parameter("otpauthUri")) {
                    say(qr_code(uri, io::stdout().is_terminal()).ok_or("The key URI does not fit into a QR code.")?);
                    say(format!("Scan it with an authenticator app, or type in the key {secret_code}\n"));
                    let secret =
                        SharedSecret::from_base32(secret_code).ok_or("The pool's secretCode is not base32.")?;
                    self.phone = Some(Phone { secret, not_before: UnixTime(0) });
                }
                self.passcode("The passcode that the app shows").await
            }
            (Some("RECOVERY_CODES"), _) => {
                if let Some(codes) = parameter("recoveryCodes") {
                    self.recovery_codes = codes.split(' ').map(str::to_owned).collect();
                    say("Ten recovery codes, to be kept where the phone is not:\n");
                    for pair in self.recovery_codes.chunks(2) {
                        say(format!("    {}", pair.join("    ")));
                    }
                    say("");
                }
                self.recovery_code("One of them, as proof that they were kept").await
            }
            (Some("SECOND_FACTOR"), Purpose::SignIn | Purpose::Skip | Purpose::TurnOff) => {
                self.passcode("A passcode; each works once, so wait for the next one if the app still shows the last")
                    .await
            }
            (Some("SECOND_FACTOR"), Purpose::ReplacePhone) => {
                self.recovery_code("A recovery code, in the place of a passcode").await
            }
            (challenge, _) => Err(format!("The challenge {challenge:?} is not one that this guide can answer.")),
        }
    }

    async fn passcode(&mut self, question: &str) -> Result<String, String> {
        match &mut self.typed {
            Some(typed) => ask(typed, question).await,
            None => {
                let passcode = self.phone.as_mut().and_then(|phone| phone.passcode((self.clock)()));
                passcode.ok_or_else(|| "There is no authenticator to ask.".to_owned())
            }
        }
    }

    async fn recovery_code(&mut self, question: &str) -> Result<String, String> {
        match &mut self.typed {
            Some(typed) => ask(typed, question).await,
            None => self.recovery_codes.first().cloned().ok_or_else(|| "There are no recovery codes.".to_owned()),
        }
    }

    /// Calls the pool's API and prints request and response.
    async fn call(&self, operation: &str, request: Value) -> Result<Value, String> {
        self.try_call(operation, request).await.map_err(|_| "The sign-in was refused.".to_owned())
    }

    async fn respond(&self, request: Value) -> Result<Value, CognitoError> {
        self.try_call("RespondToAuthChallenge", request).await
    }

    async fn try_call(&self, operation: &str, request: Value) -> Result<Value, CognitoError> {
        say(format!("→ {operation}{}", separated(brief(&request, 2))));
        let answered = self.pool.call(operation, request).await;
        match &answered {
            Ok(answer) => say(format!("←{}", separated(brief(answer, 2)))),
            Err(error) => say(format!("← {error}")),
        }
        answered
    }
}

/// How a sign-in ended.
enum SignInEnd {
    Tokens(Value),
    Refused,
}

/// What a person should know before the next answer, by the parameters of the challenge.
fn about_the_last_answer<'a>(parameter: impl Fn(&str) -> Option<&'a str>) -> Option<String> {
    let seconds = parameter("retryAfterSeconds").filter(|seconds| *seconds != "0");
    if let Some(seconds) = seconds {
        let wait = match parameter("accepts") {
            Some("RECOVERY_CODE") => "Passcodes are blocked",
            _ => "Passcodes have to wait",
        };
        return Some(format!("{wait} for {seconds} seconds after too many wrong ones; a recovery code works at once."));
    }
    let left = match parameter("attemptsLeft")? {
        "2" => "Two attempts are left.",
        "1" => "One attempt is left.",
        _ => return None,
    };
    let wrong = match parameter("challenge")? {
        "RECOVERY_CODES" => "That is none of the ten codes.",
        "TOTP_SETUP" => "That is not the passcode of this key now: is the phone's clock right?",
        _ => "That is wrong, or was used before: each passcode and each recovery code works once.",
    };
    Some(format!("{wrong} {left}"))
}

/// Prints each trigger call.
struct TriggerPrinter;

impl Observer for TriggerPrinter {
    fn trigger_called(&self, trigger: Trigger, event: &Value, answer: &Result<Value, TriggerFailure>) {
        let request = |name: &str| event.pointer(&format!("/request/{name}"));
        let asked = match trigger {
            Trigger::DefineAuthChallenge | Trigger::CreateAuthChallenge => {
                format!("session [{}]", request("session").map(session_summary).unwrap_or_default())
            }
            Trigger::VerifyAuthChallengeResponse => {
                format!("challengeAnswer {}", request("challengeAnswer").and_then(Value::as_str).unwrap_or("null"))
            }
            Trigger::PreTokenGeneration => {
                event.get("triggerSource").and_then(Value::as_str).unwrap_or("null").to_owned()
            }
        };
        say(format!("   λ {trigger}  {asked}"));
        match answer {
            Ok(answer) => {
                let response = answer.get("response").map(|response| brief(response, 3)).unwrap_or_default();
                say(response.strip_prefix('\n').map_or(format!("     {response}"), str::to_owned));
            }
            Err(failure) => say(format!("     {failure:?}")),
        }
    }
}

/// `SRP_A ✓, PASSWORD_VERIFIER ✓, TOTP ✗`: our own challenges by the first word of their metadata.
fn session_summary(session: &Value) -> String {
    let word = |entry: &Value| {
        let text = |name: &str| entry.get(name).and_then(Value::as_str);
        let what = text("challengeMetadata").and_then(|metadata| metadata.split(' ').next()).or(text("challengeName"));
        let right = entry.get("challengeResult") == Some(&Value::Bool(true));
        format!("{} {}", what.unwrap_or("null"), if right { '✓' } else { '✗' })
    };
    session.as_array().into_iter().flatten().map(word).collect::<Vec<_>>().join(", ")
}

/// A value for reading, its first line to follow text in column `column`: what is null or empty is left out, what is
/// long is cut, and what does not fit into the line has a line for each member.
fn brief(value: &Value, column: usize) -> String {
    const LINE: usize = 120;
    const TEXT: usize = 40;
    const INDENT: usize = 2;
    match value {
        Value::Object(members) => {
            let shown = || members.iter().filter(|(_, value)| !value.is_null() && *value != &json!({}));
            let members: Vec<String> = shown().map(|(name, value)| format!("{name}: {}", brief(value, 0))).collect();
            let line = if members.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", members.join(", ")) };
            if !line.contains('\n') && column.saturating_add(line.chars().count()) <= LINE {
                return line;
            }
            let inside = column.saturating_add(INDENT);
            let member = |(name, value): (&String, &Value)| {
                let inside_name = inside.saturating_add(name.chars().count()).saturating_add(INDENT);
                let value = if value.is_object() { brief(value, inside) } else { brief(value, inside_name) };
                format!("\n{:inside$}{name}:{}", "", separated(value))
            };
            shown().map(member).collect()
        }
        Value::Array(values) if values.is_empty() => "[]".to_owned(),
        Value::Array(values) => values.iter().map(|value| brief(value, 0)).collect::<Vec<_>>().join(", "),
        Value::String(text) if text.chars().count() > TEXT => {
            format!("{}…", text.chars().take(TEXT).collect::<String>())
        }
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
    }
}

fn separated(text: String) -> String {
    if text.starts_with('\n') { text } else { format!(" {text}") }
}

/// The lowest error correction, since a screen has no scratches: the longest key URI then fits 80 columns.
fn qr_code(uri: &str, colors: bool) -> Option<String> {
    let code = (1..=40).find_map(|version| {
        let mut bits = Bits::new(Version::Normal(version));
        for (text, is_alphanumeric) in qr_segments(uri) {
            if is_alphanumeric {
                bits.push_alphanumeric_data(text.as_bytes()).ok()?;
            } else {
                bits.push_byte_data(text.as_bytes()).ok()?;
            }
        }
        bits.push_terminator(EcLevel::L).ok()?;
        QrCode::with_bits(bits, EcLevel::L).ok()
    })?;
    let mut image = code.render::<Dense1x2>();
    if colors {
        // Black on white whatever the terminal's own colors are, by numbers that no theme changes.
        let line = |line: &str| format!("\x1b[38;5;16;48;5;231m{line}\x1b[0m\n");
        return Some(image.build().lines().map(line).collect());
    }
    // Most terminals are dark: inverted, the code is dark on light, as scanners require.
    Some(image.dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).build())
}

/// Parts of `text`, and whether QR's alphanumeric mode has all their characters: it needs 5.5 bits for each and not 8, so what is
/// percent-encoded, and the secret, are worth a segment.
fn qr_segments(text: &str) -> Vec<(&str, bool)> {
    const WORTH_A_SEGMENT: usize = 16;
    let is_alphanumeric = |c: char| c.is_ascii_digit() || c.is_ascii_uppercase() || " $%*+-./:".contains(c);
    let mut segments = Vec::new();
    let mut rest = text;
    for run in text.split(|c| !is_alphanumeric(c)).filter(|run| run.len() >= WORTH_A_SEGMENT) {
        if let Some((before, after)) = rest.split_once(run) {
            segments.extend([(before, false), (run, true)]);
            rest = after;
        }
    }
    segments.push((rest, false));
    segments.retain(|(text, _)| !text.is_empty());
    segments
}

/// Prints the claims of both tokens.
fn say_claims(tokens: &Value) -> Result<(), String> {
    title("What the tokens say");
    for name in ["IdToken", "AccessToken"] {
        say(format!("{name} {}", claims(tokens, name).ok_or("The pool gave no tokens.")?));
    }
    Ok(())
}

/// The claims of a token, as its verifier would read them.
fn claims(tokens: &Value, name: &str) -> Option<String> {
    let token = tokens.pointer(&format!("/AuthenticationResult/{name}"))?.as_str()?;
    let claims = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    serde_json::to_string_pretty(&claims).ok()
}

/// The lines of standard input. A separate thread waits for them, so that Ctrl-C works meanwhile.
fn lines_typed() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Asks until something is typed: an empty line is no answer.
async fn ask(typed: &mut mpsc::UnboundedReceiver<String>, question: &str) -> Result<String, String> {
    let mut out = io::stdout();
    loop {
        let _ = write!(out, "? {question}: ").and_then(|()| out.flush());
        let line = typed.recv().await.ok_or_else(|| "The input ended before the sign-in did.".to_owned())?;
        if !line.trim().is_empty() {
            return Ok(line);
        }
    }
}

fn title(text: &str) {
    say(format!("\n── {text}\n"));
}

/// Prints a line. When standard output is closed, the guided sign-in still goes on to its end.
fn say(line: impl std::fmt::Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

#[cfg(test)]
mod tests {
    use shared::challenge::PublicParameters;
    use shared::settings::{Issuer, PasscodeDigits};

    use super::*;

    #[test]
    fn the_qr_code_of_the_longest_issuer_of_any_script_fits_80_columns() {
        let secret = SharedSecret::new(vec![7; 20]);
        let account = format!("{}@example.com", "e".repeat(100));
        for character in ["i", "%", "ü", "日", "\u{1F511}"] {
            let issuer = Issuer::parse(&character.repeat(Issuer::LONGEST)).unwrap();
            let shown = PublicParameters::TotpSetup { secret: &secret, issuer: &issuer, account: &account };
            let shown = shown.to_map(3, PasscodeDigits::Eight);
            let drawn = qr_code(&shown["otpauthUri"], false).unwrap();
            let columns = drawn.lines().map(|line| line.chars().count()).max().unwrap();
            assert!(columns <= 80, "{columns} for {character:?}");
        }
    }

    #[test]
    fn what_is_empty_is_printed_as_such() {
        assert_eq!(brief(&json!({ "groups": [], "name": "" }), 0), "{ groups: [], name: \"\" }");
    }

    #[test]
    fn auth_session_validity_is_that_of_template_yaml() {
        let clock: Clock = Arc::new(|| UnixTime(1_800_000_000));
        let pool = pool_as_deployed(Policy::Required, &clock).unwrap();
        let validity = pool.settings().clients.first().unwrap().auth_session_validity;
        let template = include_str!("../../template.yaml");
        assert!(template.contains(&format!("AuthSessionValidity: {}\n", validity.seconds() / 60)));
    }
}
