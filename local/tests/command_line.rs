//! The command line: what it prints, and how it ends.

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs::File;
    use std::io::{BufRead as _, BufReader, Read, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::process::{Child, ChildStdout, Command, Output, Stdio};
    use std::time::{SystemTime, UNIX_EPOCH};

    use rustix::fs::{Mode, OFlags};
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    use serde_json::{Value, json};
    use shared::clock::UnixTime;
    use shared::totp::{Parameters, SharedSecret, passcode_at};

    fn local(arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_local-pool"));
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn refused(arguments: &[&str]) -> Output {
        local(arguments).output().unwrap()
    }

    fn sentence(output: &Output) -> &str {
        str::from_utf8(&output.stderr).unwrap()
    }

    /// Starts `serve` on a free port and reads its first line.
    fn started(arguments: &[&str]) -> (Child, BufReader<ChildStdout>, String) {
        let mut child = local(&[&["serve", "--port", "0"], arguments].concat()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        (child, stdout, line)
    }

    fn signal(child: &Child, name: &str) {
        let sent = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    // ── The guided sign-in.

    #[test]
    fn the_guided_sign_in_answers_itself_when_asked_to_and_when_nobody_could() {
        for arguments in [&["--auto"][..], &[]] {
            let output = local(arguments).output().unwrap();
            assert_eq!((output.status.code(), sentence(&output)), (Some(0), ""), "{arguments:?}");
            let text = String::from_utf8(output.stdout).unwrap();
            for challenge in ["TOTP_SETUP", "RECOVERY_CODES", "SECOND_FACTOR,"] {
                assert!(text.matches(&format!("challenge: {challenge}")).count() >= 2, "{challenge}: {text}");
            }
            let (before, keys) = text.split_once("type in the key ").unwrap();
            // Light on a dark terminal.
            assert_eq!(scanned(before, 255), key_uri(keys.lines().next().unwrap()));
            let (_, tokens) = text.split_once("── What the tokens say").unwrap();
            for (name, token_use, user_name) in
                [("IdToken", "id", "cognito:username"), ("AccessToken", "access", "username")]
            {
                let (_, claims) = tokens.split_once(&format!("{name} ")).unwrap();
                let claims = serde_json::Deserializer::from_str(claims).into_iter::<Value>().next().unwrap().unwrap();
                assert_eq!((&claims["token_use"], &claims[user_name]), (&json!(token_use), &claims["sub"]));
                assert!(claims["second_factor"].is_string(), "{claims}");
            }
            assert!(!text.contains("? "), "nobody was asked");
        }
    }

    /// The key URI of the guide's one user.
    fn key_uri(secret_code: &str) -> String {
        let issuer = "Local%20user%20pool";
        format!("otpauth://totp/{issuer}:ana@example.com?secret={secret_code}&issuer={issuer}")
    }

    /// What a phone reads from a QR code of half blocks, which are `lit`.
    #[expect(clippy::arithmetic_side_effects, reason = "a screen of text is small")]
    fn scanned(text: &str, lit: u8) -> String {
        const PIXELS: usize = 4;
        let lines: Vec<Vec<char>> = text
            .lines()
            .map(|line| line.trim_end().chars().collect())
            .filter(|line: &Vec<char>| line.len() > 20 && line.iter().all(|c| " ▀▄█".contains(*c)))
            .collect();
        let width = lines.iter().map(Vec::len).max().unwrap();
        let pixel = |x: usize, y: usize| {
            let (column, row) = (x / PIXELS, y / PIXELS);
            let half = if row % 2 == 0 { '▀' } else { '▄' };
            let block = lines[row / 2].get(column).copied().unwrap_or(' ');
            if block == half || block == '█' { lit } else { !lit }
        };
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width * PIXELS, lines.len() * 2 * PIXELS, pixel);
        image.detect_grids().first().expect("a QR code").decode().unwrap().1
    }

    #[test]
    fn in_a_terminal_the_qr_code_has_its_own_colors() {
        let mut person = Person::at_a_terminal();
        let shown = person.is_asked("The passcode that the app shows: ");
        let drawn: Vec<&str> = shown.lines().filter_map(|line| line.strip_prefix("\x1b[38;5;16;48;5;231m")).collect();
        let drawn: Vec<&str> = drawn.iter().map(|line| line.trim_end().strip_suffix("\x1b[0m").unwrap()).collect();
        let (_, keys) = shown.split_once("type in the key ").unwrap();
        // Black on white.
        assert_eq!(scanned(&drawn.join("\n"), 0), key_uri(keys.lines().next().unwrap().trim_end()));
    }

    #[test]
    fn a_person_at_a_terminal_is_asked_and_may_leave_by_ctrl_c() {
        let mut person = Person::watching();
        person.is_asked("The passcode that the app shows: ");
        for empty in ["", "  "] {
            person.types(empty);
            let shown = person.is_asked("The passcode that the app shows: ");
            assert!(!shown.contains("RespondToAuthChallenge"), "an empty line is no answer: {shown}");
        }
        person.types("a typo");
        let shown = person.is_asked("The passcode that the app shows: ");
        assert!(shown.contains("is the phone's clock right? Two attempts are left."), "{shown}");
        for typo in ["another", "a third"] {
            person.types(typo);
        }
        person.is_asked("The passcode that the app shows: ");
        let shown = person.is_asked("The passcode that the app shows: ");
        assert!(shown.contains("Three wrong answers in a row end a sign-in. It starts again"), "{shown}");
        let (_, key) = shown.split_once("type in the key ").unwrap();
        person.types(&passcode(key.lines().next().unwrap()));
        let shown = person.is_asked("One of them, as proof that they were kept: ");
        let (_, codes) = shown.split_once("Ten recovery codes").unwrap();
        person.types(codes.lines().find_map(|line| line.strip_prefix("    ")?.split(' ').next()).unwrap());
        person.is_asked("so wait for the next one if the app still shows the last: ");
        signal(&person.child, "-INT");
        let mut rest = String::new();
        person.screen.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "nothing was asked or claimed after Ctrl-C");
        assert_eq!(person.child.wait().unwrap().code(), Some(0));
    }

    /// Somebody at a terminal.
    struct Person {
        child: Child,
        keyboard: File,
        screen: Box<dyn Read>,
    }

    impl Person {
        fn watching() -> Self {
            Self::start(false)
        }

        /// Whose screen is a terminal, too.
        fn at_a_terminal() -> Self {
            Self::start(true)
        }

        fn start(screen_is_a_terminal: bool) -> Self {
            let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
            grantpt(&keyboard).unwrap();
            unlockpt(&keyboard).unwrap();
            let name = ptsname(&keyboard, Vec::new()).unwrap();
            let terminal = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
            let mut command = local(&[]);
            if screen_is_a_terminal {
                command.stdout(terminal.try_clone().unwrap());
            }
            let mut child = command.stdin(terminal).spawn().unwrap();
            let keyboard = File::from(keyboard);
            let screen: Box<dyn Read> = match child.stdout.take() {
                Some(stdout) => Box::new(BufReader::new(stdout)),
                None => Box::new(BufReader::new(keyboard.try_clone().unwrap())),
            };
            Self { child, keyboard, screen }
        }

        /// What is shown up to and with `question`.
        fn is_asked(&mut self, question: &str) -> String {
            let mut shown = Vec::new();
            while !shown.ends_with(question.as_bytes()) {
                let mut byte = [0];
                let read = self.screen.read(&mut byte).unwrap();
                assert_eq!(read, 1, "the guide ended: {}", String::from_utf8_lossy(&shown));
                shown.extend(byte);
            }
            String::from_utf8(shown).unwrap()
        }

        fn types(&mut self, line: &str) {
            writeln!(self.keyboard, "{line}").unwrap();
        }
    }

    impl Drop for Person {
        fn drop(&mut self) {
            let _ended = self.child.kill();
        }
    }

    #[expect(clippy::disallowed_methods, reason = "an authenticator app goes by the real clock")]
    fn passcode(secret_code: &str) -> String {
        let now = UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs());
        passcode_at(&SharedSecret::from_base32(secret_code).unwrap(), Parameters::default(), now).unwrap()
    }

    // ── `serve`.

    #[test]
    fn what_cognito_would_have_sent_is_printed_and_is_at_messages() {
        let (mut child, mut stdout, line) = started(&["--self-sign-up"]);
        assert!(line.starts_with("The user pool is up."), "{line}");
        let mut lines = stdout.by_ref().lines().map(Result::unwrap);
        let told = |name: &str, line: String| line.strip_prefix(name).map(|told| told.trim().to_owned());
        let endpoint = lines.find_map(|line| told("endpoint ", line)).unwrap();
        let client_id = lines.find_map(|line| told("clientId ", line)).unwrap();
        let messages = lines.find_map(|line| told("messages ", line)).unwrap();

        let sign_up = json!({
            "ClientId": client_id,
            "Username": "ana@example.com",
            "Password": "Plainly-fake-1",
        });
        let target = "X-Amz-Target: AWSCognitoIdentityProviderService.SignUp\r\n";
        exchange(&endpoint, "POST /", target, &sign_up.to_string());
        let sent = exchange(&endpoint, "GET /messages", "", "");
        let code = sent[0]["code"].as_str().unwrap();
        let user_name = &sent[0]["userName"];
        let message = json!({ "to": "ana@example.com", "userName": user_name, "reason": "SIGN_UP", "code": code });
        assert_eq!((messages, &sent), (format!("{endpoint}/messages"), &json!([message])));
        signal(&child, "-TERM");
        let printed: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
        assert_eq!(
            printed,
            [format!("To ana@example.com: the confirmation code of {} is {code}", user_name.as_str().unwrap())]
        );
        assert!(child.wait().unwrap().success());
    }

    /// Sends one request and reads the JSON of the answer.
    fn exchange(endpoint: &str, request: &str, headers: &str, body: &str) -> Value {
        let mut stream = TcpStream::connect(endpoint.strip_prefix("http://").unwrap()).unwrap();
        let length = body.len();
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    #[test]
    fn json_is_one_object_and_nothing_else_on_stdout() {
        let (mut child, mut stdout, line) = started(&["--json"]);
        let connection: Value = serde_json::from_str(&line).unwrap();
        let endpoint = connection["endpoint"].as_str().unwrap();
        assert!(endpoint.starts_with("http://127.0.0.1:"), "{endpoint}");
        let expected = json!({
            "endpoint": endpoint,
            "region": "us-east-1",
            "userPoolId": "us-east-1_LocalPool",
            "clientId": "localpoolclient00000000000",
        });
        assert_eq!(connection, expected);
        signal(&child, "-TERM");
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "");
        assert!(child.wait().unwrap().success());
    }

    /// So that whoever reads the pool is not told of functions that it does not call.
    #[test]
    fn the_functions_at_an_endpoint_are_those_that_the_pool_names() {
        let named = ["--function", "CreateAuthChallenge=stack-Create-1A"];
        let elsewhere = [&["--json", "--lambda-endpoint", "http://127.0.0.1:9"], &named[..]].concat();
        for (arguments, functions) in [
            (&["--json"][..], ["second-factor-DefineAuthChallenge", "second-factor-CreateAuthChallenge"]),
            (&elsewhere, ["define-auth-challenge", "stack-Create-1A"]),
        ] {
            let (mut child, _stdout, line) = started(arguments);
            let connection: Value = serde_json::from_str(&line).unwrap();
            let target = "X-Amz-Target: AWSCognitoIdentityProviderService.DescribeUserPool\r\n";
            let body = json!({ "UserPoolId": connection["userPoolId"] }).to_string();
            let described = exchange(connection["endpoint"].as_str().unwrap(), "POST /", target, &body);
            let attached = &described["UserPool"]["LambdaConfig"];
            let arns = functions.map(|name| json!(format!("arn:aws:lambda:us-east-1:123456789012:function:{name}")));
            assert_eq!([&attached["DefineAuthChallenge"], &attached["CreateAuthChallenge"]], arns.each_ref());
            assert_eq!(attached["PreTokenGenerationConfig"]["LambdaVersion"], "V2_0");
            signal(&child, "-TERM");
            assert!(child.wait().unwrap().success());
        }
    }

    #[test]
    fn ctrl_c_is_a_clean_end() {
        let (mut child, _stdout, line) = started(&[]);
        assert_eq!(line, "The user pool is up. Ctrl-C ends it, and everything in it is forgotten.\n");
        signal(&child, "-INT");
        assert!(child.wait().unwrap().success());
    }

    #[test]
    fn a_port_in_use_is_said_in_one_sentence() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let output = refused(&["serve", "--port", &port.to_string()]);
        assert_eq!(output.status.code(), Some(1));
        let expected = format!("Port {port} is in use. Choose another with --port, or 0 for any free port.\n");
        assert_eq!(sentence(&output), expected);
        assert!(output.stdout.is_empty());
    }

    #[test]
    fn options_that_would_stop_the_functions_stop_the_pool() {
        let output = refused(&["serve", "--accepted-cognito-mfa", "SMS_MFA"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(sentence(&output).contains("ENROLLMENT: AT_SIGN_IN goes with ACCEPTED_COGNITO_MFA=NONE only"));
    }

    #[test]
    fn a_wrong_option_is_a_usage_error() {
        for arguments in [
            &["serve", "--prot", "1"][..],
            &["serve", "--port", "70000"],
            &["swerve"],
            &["serve", "--explicit-auth-flows", "USER_AUTH"],
            &["serve", "--enrollment", "at_sign_in"],
            &["serve", "--accepted-cognito-mfa", ""],
            &["serve", "--no-token-guard", "--token-guard-events", "V1_0"],
        ] {
            let output = refused(arguments);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
            assert!(sentence(&output).contains("error: "));
        }
    }

    #[test]
    fn a_wrong_endpoint_or_function_is_told_what_is_right() {
        let endpoint = ["serve", "--lambda-endpoint", "http://127.0.0.1:9"];
        for (arguments, said) in [
            (
                &["serve", "--lambda-endpoint", "127.0.0.1:9"][..],
                "an address is expected, such as http://127.0.0.1:9000",
            ),
            (&[&endpoint[..], &["--function", "Define=a"]].concat(), "TRIGGER is one of DefineAuthChallenge, "),
            (&["serve", "--function", "DefineAuthChallenge=a"], "--lambda-endpoint <URL>"),
            (&[&endpoint[..], &["--enrollment", "BY_OPERATOR"]].concat(), "cannot be used with '--enrollment <MODE>'"),
        ] {
            let output = refused(arguments);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
            assert!(sentence(&output).contains(said), "{}", sentence(&output));
        }
    }
}
