//! The command line: what it prints, and how it ends.

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::fs::{self, File};
    use std::io::{BufRead as _, BufReader, Read, Write as _};
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::path::{Path, PathBuf};
    use std::process::{Child, ChildStdout, Command, Output, Stdio};
    use std::time::{SystemTime, UNIX_EPOCH};

    use local::SrpClient;
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
            for challenge in ["TOTP_SETUP", "RECOVERY_CODES", "SECOND_FACTOR"] {
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

    const OPTIONAL: [&str; 2] = ["--second-factor-policy", "OPTIONAL"];

    #[test]
    fn where_users_may_do_without_the_guide_skips_sets_up_and_turns_off() {
        let output = local(&[&["--auto"], &OPTIONAL[..]].concat()).output().unwrap();
        assert_eq!((output.status.code(), sentence(&output)), (Some(0), ""));
        let text = String::from_utf8(output.stdout).unwrap();
        let of_challenge = |rest: &str| rest.chars().take_while(|c| c.is_ascii_uppercase() || *c == '_').collect();
        let mut issued: Vec<String> = text.split("challenge: ").skip(1).map(of_challenge).collect();
        issued.dedup();
        let [offer, changes] = ["SECOND_FACTOR_OFFER", "SECOND_FACTOR REMOVE_AUTHENTICATOR"];
        assert_eq!(issued.join(" "), format!("{offer} TOTP_SETUP RECOVERY_CODES {changes} {offer}"));
        assert_eq!(text.matches("challengeAnswer SKIP").count(), 2);
        assert_eq!(text.matches("challengeAnswer SET_UP").count(), 1);
        assert_eq!(text.matches("── What the tokens say").count(), 2);
        assert_eq!(text.matches("\"second_factor_enrolled\": \"false\"").count(), 2, "{text}");
        assert!(!text.contains("\"second_factor\": "), "{text}");
        assert!(
            text.ends_with(
                "`cargo run -- serve --second-factor-policy OPTIONAL` runs such a pool for your own client.\n"
            )
        );
    }

    #[test]
    fn a_person_who_skips_twice_has_nothing_to_turn_off() {
        let mut person = Person::start(false, &OPTIONAL);
        for typed in ["SKIP", " skip "] {
            person.is_asked("SKIP, or anything else to set an authenticator up: ");
            person.types(typed);
        }
        let mut rest = String::new();
        person.screen.read_to_string(&mut rest).unwrap();
        assert!(rest.contains("It was skipped twice, so there is no second factor to turn off."), "{rest}");
        assert_eq!(person.child.wait().unwrap().code(), Some(0));
    }

    #[test]
    fn a_person_who_sets_up_at_once_is_shown_how_to_turn_it_off() {
        let mut person = Person::start(false, &OPTIONAL);
        person.is_asked("SKIP, or anything else to set an authenticator up: ");
        person.types("yes, please");
        let shown = person.is_asked("The passcode that the app shows: ");
        let (_, key) = shown.split_once("type in the key ").unwrap();
        person.types(&passcode(key.lines().next().unwrap()));
        let shown = person.is_asked("One of them, as proof that they were kept: ");
        let (_, codes) = shown.split_once("Ten recovery codes").unwrap();
        let codes: Vec<&str> = codes.lines().filter_map(|line| line.strip_prefix("    ")?.split(' ').next()).collect();
        person.types(codes[0]);
        let shown = person.is_asked("so wait for the next one if the app still shows the last: ");
        assert!(shown.contains("── Turning it off"), "{shown}");
        person.types(codes[0]);
        person.is_asked("The next passcode, or a recovery code, to turn the second factor off: ");
        person.types(codes[1]);
        let shown = person.is_asked("SKIP, or anything else to set an authenticator up: ");
        assert!(shown.contains("── The sign-in after that: the offer again"), "{shown}");
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
            Self::start(false, &[])
        }

        /// Whose screen is a terminal, too.
        fn at_a_terminal() -> Self {
            Self::start(true, &[])
        }

        fn start(screen_is_a_terminal: bool, arguments: &[&str]) -> Self {
            let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
            grantpt(&keyboard).unwrap();
            unlockpt(&keyboard).unwrap();
            let name = ptsname(&keyboard, Vec::new()).unwrap();
            let terminal = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
            let mut command = local(arguments);
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

    fn passcode(secret_code: &str) -> String {
        passcode_at(&SharedSecret::from_base32(secret_code).unwrap(), Parameters::default(), now()).unwrap()
    }

    #[expect(clippy::disallowed_methods, reason = "an authenticator app goes by the real clock")]
    fn now() -> UnixTime {
        UnixTime(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
    }

    // ── `serve`.

    #[test]
    fn what_cognito_would_have_sent_is_printed_and_is_at_messages() {
        let (mut child, mut stdout, line) = started(&["--self-sign-up"]);
        assert!(line.starts_with("The user pool is up."), "{line}");
        let mut lines = stdout.by_ref().lines().map(Result::unwrap);
        let told = |name: &str, line: String| line.strip_prefix(name).map(|told| told.trim().to_owned());
        let page = lines.find_map(|line| told("page ", line)).unwrap();
        let endpoint = lines.find_map(|line| told("endpoint ", line)).unwrap();
        assert_eq!(page, format!("{endpoint}/"));
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
        let answer = answer(endpoint, request, headers, body);
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
    }

    /// Sends one request and reads the answer.
    fn answer(endpoint: &str, request: &str, headers: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(endpoint.strip_prefix("http://").unwrap()).unwrap();
        let length = body.len();
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
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
    fn requests_above_the_limit_of_the_option_are_too_many() {
        let (mut child, _stdout, line) = started(&["--json", "--requests-per-second", "1"]);
        let connection: Value = serde_json::from_str(&line).unwrap();
        let endpoint = connection["endpoint"].as_str().unwrap();
        let target = "X-Amz-Target: AWSCognitoIdentityProviderService.ListUserPools\r\n";
        let list = || answer(endpoint, "POST /", target, "{\"MaxResults\":1}");
        let refused = (0..1000).map(|_| list()).find(|answer| !answer.starts_with("HTTP/1.1 200 ")).unwrap();
        assert!(refused.starts_with("HTTP/1.1 400 "), "{refused}");
        assert!(refused.ends_with(r#"{"__type":"TooManyRequestsException","message":"Rate exceeded"}"#), "{refused}");
        exchange(endpoint, "GET /messages", "", "");
        signal(&child, "-TERM");
        assert!(child.wait().unwrap().success());
    }

    #[test]
    fn a_page_that_is_not_allowed_is_named_on_stderr() {
        let (mut child, _stdout, line) = started(&["--json", "--allow-origin", "http://localhost:5173"]);
        let connection: Value = serde_json::from_str(&line).unwrap();
        let endpoint = connection["endpoint"].as_str().unwrap();
        let messages = exchange(endpoint, "GET /messages", "Origin: http://localhost:5173\r\n", "");
        assert_eq!(messages, json!([]));
        let refused = answer(endpoint, "GET /messages", "Origin: http://localhost:3000\r\n", "");
        assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
        signal(&child, "-TERM");
        let mut complaint = String::new();
        child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
        let expected = "Web pages of the origin \"http://localhost:3000\" may not call this pool. \
                        To let them, start it with --allow-origin http://localhost:3000\n";
        assert_eq!(complaint, expected);
        assert!(child.wait().unwrap().success());
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
        let by_operator = [&OPTIONAL[..], &["--enrollment", "BY_OPERATOR"]].concat();
        let long = "g".repeat(129);
        for (options, said) in [
            (&by_operator[..], "SECOND_FACTOR_POLICY: OPTIONAL goes with ENROLLMENT AT_SIGN_IN only"),
            (
                &["--required-from", "2026-12-24T08:00:00Z"],
                "REQUIRED_FROM: must not be set with SECOND_FACTOR_POLICY REQUIRED",
            ),
            (&[&OPTIONAL[..], &["--required-from", "tomorrow"]].concat(), "REQUIRED_FROM: must be a time in UTC"),
            (&[&OPTIONAL[..], &["--required-client", &long]].concat(), "REQUIRED_CLIENTS: must be names"),
            (&[&OPTIONAL[..], &["--required-group", &long]].concat(), "REQUIRED_GROUPS: must be names"),
        ] {
            let output = refused(&[&["serve"], options].concat());
            assert_eq!(output.status.code(), Some(1), "{options:?}");
            assert!(sentence(&output).contains("These options do not go together: "), "{}", sentence(&output));
            assert!(sentence(&output).contains(said), "{}", sentence(&output));
        }
    }

    /// The variables of the four functions, in the order of a sign-in.
    fn environments(arguments: &[&str]) -> [Value; 4] {
        let (child, _stdout, line) = started(&[&["--json"], arguments].concat());
        let connection: Value = serde_json::from_str(&line).unwrap();
        let functions =
            ["DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse", "PreTokenGeneration"];
        let variables = functions.map(|function| {
            let path = format!("GET /2015-03-31/functions/second-factor-{function}/configuration");
            exchange(connection["endpoint"].as_str().unwrap(), &path, "", "")["Environment"]["Variables"].take()
        });
        signal(&child, "-TERM");
        variables
    }

    #[test]
    fn the_functions_are_described_with_the_policy_of_the_options() {
        let options = [
            &OPTIONAL[..],
            &["--required-client", "one", "--required-client", "two", "--required-from", "2030-01-31T08:00:00Z"],
            &["--required-group", "admins", "--required-group", "R&D,Legal"],
        ];
        let [define, create, verify, guard] = environments(&options.concat());
        for variables in [&define, &create, &verify, &guard] {
            assert_eq!(variables["SECOND_FACTOR_POLICY"], "OPTIONAL");
        }
        for variables in [&create, &verify, &guard] {
            assert_eq!(variables["REQUIRED_CLIENTS"], "one two");
            assert_eq!(variables["REQUIRED_FROM"], "2030-01-31T08:00:00Z");
        }
        assert_eq!(
            (&guard["REQUIRED_GROUPS"], &guard["LONGEST_SESSION_DAYS"]),
            (&json!("admins R&D,Legal"), &json!("30"))
        );
        assert!(guard["GUARDED_SINCE"].as_str().unwrap().ends_with('Z'), "{guard}");
        for name in ["REQUIRED_CLIENTS", "REQUIRED_FROM", "REQUIRED_GROUPS", "LONGEST_SESSION_DAYS"] {
            assert_eq!(define[name], Value::Null, "{name}");
        }
    }

    #[test]
    fn without_the_options_everybody_needs_a_second_factor() {
        for variables in environments(&[]) {
            let of_policy: Vec<&String> = variables.as_object().unwrap().keys().collect();
            assert_eq!(variables["SECOND_FACTOR_POLICY"], "REQUIRED", "{of_policy:?}");
            let others = ["REQUIRED_", "LONGEST_", "GUARDED_"];
            assert!(!of_policy.iter().any(|name| others.iter().any(|other| name.starts_with(other))), "{of_policy:?}");
        }
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
            &["serve", "--passcode-digits", "7"],
            &["serve", "--second-factor-policy", "optional"],
            &["--second-factor-policy", "optional"],
            // Settings of the guided sign-in, which `serve` would not have.
            &["--second-factor-policy", "OPTIONAL", "serve"],
            &["serve", "--allow-origin", "*"],
            &["serve", "--requests-per-second", "0"],
            &["serve", "--allow-origin", "localhost:5173"],
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
            (
                &[&endpoint[..], &["--passcode-digits", "8"]].concat(),
                "cannot be used with '--passcode-digits <DIGITS>'",
            ),
            (
                &[&endpoint[..], &["--second-factor-policy", "OPTIONAL"]].concat(),
                "cannot be used with '--second-factor-policy <POLICY>'",
            ),
            (
                &[&endpoint[..], &["--required-group", "admins"]].concat(),
                "cannot be used with '--required-group <GROUP>'",
            ),
        ] {
            let output = refused(arguments);
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
            assert!(sentence(&output).contains(said), "{}", sentence(&output));
        }
    }

    // ── `serve --data`.

    /// An empty folder for one test.
    fn folder(name: &str) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _missing = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).unwrap();
        folder
    }

    /// `serve --data`, until it is dropped.
    struct Kept {
        child: Child,
        connection: Value,
    }

    impl Kept {
        fn in_file(file: &Path, arguments: &[&str]) -> Self {
            let (child, _stdout, line) = started(&[&["--json", "--data", file.to_str().unwrap()], arguments].concat());
            Self { child, connection: serde_json::from_str(&line).unwrap() }
        }

        fn endpoint(&self) -> &str {
            self.connection["endpoint"].as_str().unwrap()
        }

        fn answer(&self, operation: &str, body: &Value) -> String {
            let target = format!("X-Amz-Target: AWSCognitoIdentityProviderService.{operation}\r\n");
            answer(self.endpoint(), "POST /", &target, &body.to_string())
        }

        fn call(&self, operation: &str, body: Value) -> Value {
            let answer = self.answer(operation, &body);
            assert!(answer.starts_with("HTTP/1.1 200 "), "{operation}: {answer}");
            serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
        }

        /// Proves the password: the custom challenge that follows.
        fn prove_password(&self, user_name: &str) -> Value {
            let srp = SrpClient::new(POOL_ID).unwrap();
            let parameters = json!({ "CHALLENGE_NAME": "SRP_A", "USERNAME": user_name, "SRP_A": srp.public_value() });
            let body = json!({ "ClientId": CLIENT_ID, "AuthFlow": "CUSTOM_AUTH", "AuthParameters": parameters });
            let asked = self.call("InitiateAuth", body);
            self.respond(&asked, srp.answer(&asked["ChallengeParameters"], PASSWORD, now()).unwrap())
        }

        fn respond(&self, asked: &Value, responses: Value) -> Value {
            let body = json!({
                "ClientId": CLIENT_ID,
                "ChallengeName": asked["ChallengeName"],
                "Session": asked["Session"],
                "ChallengeResponses": responses,
            });
            self.call("RespondToAuthChallenge", body)
        }

        fn respond_with(&self, asked: &Value, answer: &str) -> Value {
            self.respond(asked, json!({ "USERNAME": asked["ChallengeParameters"]["USERNAME"], "ANSWER": answer }))
        }

        fn prove_password_wrongly(&self, user_name: &str) {
            let srp = SrpClient::new(POOL_ID).unwrap();
            let parameters = json!({ "CHALLENGE_NAME": "SRP_A", "USERNAME": user_name, "SRP_A": srp.public_value() });
            let body = json!({ "ClientId": CLIENT_ID, "AuthFlow": "CUSTOM_AUTH", "AuthParameters": parameters });
            let asked = self.call("InitiateAuth", body);
            let responses = srp.answer(&asked["ChallengeParameters"], "Wrong-Horse-7", now()).unwrap();
            let body = json!({
                "ClientId": CLIENT_ID,
                "ChallengeName": "PASSWORD_VERIFIER",
                "Session": asked["Session"],
                "ChallengeResponses": responses,
            });
            assert!(self.answer("RespondToAuthChallenge", &body).contains("Incorrect username or password."));
        }

        /// Ends it by a signal: what it wrote to stderr.
        fn ends(mut self, signal_name: &str) -> String {
            signal(&self.child, signal_name);
            let mut complaint = String::new();
            self.child.stderr.take().unwrap().read_to_string(&mut complaint).unwrap();
            self.child.wait().unwrap();
            complaint
        }
    }

    impl Drop for Kept {
        fn drop(&mut self) {
            let _ended = self.child.kill();
            let _status = self.child.wait();
        }
    }

    const POOL_ID: &str = "us-east-1_LocalPool";
    const CLIENT_ID: &str = "localpoolclient00000000000";
    const PASSWORD: &str = "Correct-Horse-7";

    fn add_user(pool: &Kept, user_name: &str) {
        let verified = json!([{ "Name": "email_verified", "Value": "true" }]);
        let user = json!({ "UserPoolId": POOL_ID, "Username": user_name, "UserAttributes": verified });
        pool.call("AdminCreateUser", user);
        let password = json!({ "UserPoolId": POOL_ID, "Username": user_name, "Password": PASSWORD, "Permanent": true });
        pool.call("AdminSetUserPassword", password);
    }

    fn mode(file: &Path) -> u32 {
        fs::metadata(file).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn what_a_data_file_holds_wins_over_the_options() {
        let file = folder("options").join("pool.json");
        let secret_of = |pool: &Kept| pool.connection["clientSecret"].clone();
        let secret = secret_of(&Kept::in_file(&file, &["--client-secret"]));
        assert!(secret.is_string());
        assert_eq!(secret_of(&Kept::in_file(&file, &[])), secret);
        let pool = Kept::in_file(&file, &["--client-secret"]);
        assert_eq!(secret_of(&pool), secret);
    }

    #[test]
    fn what_an_operator_writes_into_the_table_is_kept_too() {
        let file = folder("operator").join("pool.json");
        let key = json!({ "user": { "S": format!("{POOL_ID}#plainly-fake-sub") } });
        let of_table = |pool: &Kept, operation: &str, members: Value| {
            let mut body = json!({ "TableName": "second-factor-SecondFactors" });
            body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
            let target = format!("X-Amz-Target: DynamoDB_20120810.{operation}\r\n");
            exchange(pool.endpoint(), "POST /", &target, &body.to_string())
        };
        let record = r#"{"format":1,"record":{"generation":"AAAAAAAAAAE","passcodeLimit":{"asOf":0,"retryAt":0},"outcomes":[]}}"#;
        let mut item = key.clone();
        item["version"] = json!({ "N": "1" });
        item["record"] = json!({ "S": record });
        let pool = Kept::in_file(&file, &[]);
        of_table(&pool, "PutItem", json!({ "Item": item }));
        drop(pool);
        let kept = of_table(&Kept::in_file(&file, &[]), "GetItem", json!({ "Key": key }));
        assert_eq!(kept["Item"], item);
    }

    #[test]
    fn a_restart_changes_nothing_in_a_data_file() {
        let file = folder("unchanged").join("pool.json");
        let flows = "ALLOW_ADMIN_USER_PASSWORD_AUTH,ALLOW_CUSTOM_AUTH";
        let options =
            ["--mfa-configuration", "OPTIONAL", "--self-sign-up", "--no-token-guard", "--explicit-auth-flows", flows];
        let pool = Kept::in_file(&file, &options);
        add_user(&pool, "ana@example.com");
        let sign_up = json!({ "ClientId": CLIENT_ID, "Username": "ben@example.com", "Password": PASSWORD });
        pool.call("SignUp", sign_up);
        let parameters = json!({ "USERNAME": "ana@example.com", "PASSWORD": PASSWORD });
        let flow = "ADMIN_USER_PASSWORD_AUTH";
        let body =
            json!({ "UserPoolId": POOL_ID, "ClientId": CLIENT_ID, "AuthFlow": flow, "AuthParameters": parameters });
        let token = &pool.call("AdminInitiateAuth", body)["AuthenticationResult"]["AccessToken"];
        let secret = pool.call("AssociateSoftwareToken", json!({ "AccessToken": token }));
        let code = passcode(secret["SecretCode"].as_str().unwrap());
        let verify = json!({ "AccessToken": token, "UserCode": code, "FriendlyDeviceName": "phone" });
        pool.call("VerifySoftwareToken", verify);
        let preferred = json!({ "Enabled": true, "PreferredMfa": true });
        pool.call("SetUserMFAPreference", json!({ "AccessToken": token, "SoftwareTokenMfaSettings": preferred }));
        let new_address = json!([{ "Name": "email", "Value": "eva@example.com" }]);
        pool.call("UpdateUserAttributes", json!({ "AccessToken": token, "UserAttributes": new_address }));
        pool.call("ForgotPassword", json!({ "ClientId": CLIENT_ID, "Username": "ana@example.com" }));
        pool.prove_password_wrongly("ana@example.com");
        let attribute = json!([{ "Name": "plan", "AttributeDataType": "Number", "NumberAttributeConstraints": { "MaxValue": "9" } }]);
        pool.call("AddCustomAttributes", json!({ "UserPoolId": POOL_ID, "CustomAttributes": attribute }));
        for (operation, mut body) in [
            ("CreateGroup", json!({ "GroupName": "staff", "Description": "All", "Precedence": 3 })),
            ("AdminAddUserToGroup", json!({ "GroupName": "staff", "Username": "ana@example.com" })),
            ("CreateResourceServer", json!({ "Identifier": "api", "Name": "api" })),
            ("CreateUserPoolDomain", json!({ "Domain": "app" })),
            ("CreateIdentityProvider", json!({ "ProviderName": "idp", "ProviderType": "OIDC", "ProviderDetails": {} })),
            ("CreateUserPoolClient", json!({ "ClientName": "app", "GenerateSecret": true, "IdTokenValidity": 2 })),
            (
                "SetUserPoolSessionConfiguration",
                json!({ "UserSessionTracking": "ENABLED", "TokenSession": { "MaxPerUser": 5 } }),
            ),
            (
                "SetUserPoolClientSessionConfiguration",
                json!({ "ClientId": CLIENT_ID, "SSOSession": { "MaxValidityMinutes": 5 } }),
            ),
            ("UpdateUserPool", json!({ "MfaConfiguration": "OPTIONAL", "FutureConfiguration": { "Some": [1.5] } })),
        ] {
            body["UserPoolId"] = json!(POOL_ID);
            pool.call(operation, body);
        }
        pool.call("CreateUserPool", json!({ "PoolName": "other", "AliasAttributes": ["email", "phone_number"] }));
        let kept = fs::read_to_string(&file).unwrap();
        drop(pool);
        let pool = Kept::in_file(&file, &[]);
        assert_eq!(fs::read_to_string(&file).unwrap(), kept);
        drop(pool);
    }

    #[test]
    fn users_tokens_keys_and_second_factors_are_there_after_a_restart() {
        let file = folder("restart").join("pool.json");
        let pool = Kept::in_file(&file, &[]);
        add_user(&pool, "ana@example.com");
        pool.call("CreateGroup", json!({ "UserPoolId": POOL_ID, "GroupName": "staff" }));
        let member = json!({ "UserPoolId": POOL_ID, "Username": "ana@example.com", "GroupName": "staff" });
        pool.call("AdminAddUserToGroup", member);
        let other = pool.call("CreateUserPool", json!({ "PoolName": "other" }))["UserPool"]["Id"].clone();
        let client = json!({ "UserPoolId": other, "ClientName": "app", "GenerateSecret": true });
        let client = pool.call("CreateUserPoolClient", client)["UserPoolClient"].clone();
        let asked = pool.prove_password("ana@example.com");
        let passcode = passcode(asked["ChallengeParameters"]["secretCode"].as_str().unwrap());
        let asked = pool.respond_with(&asked, &passcode);
        let codes = asked["ChallengeParameters"]["recoveryCodes"].as_str().unwrap().to_owned();
        let code = |number: usize| codes.split(' ').nth(number).unwrap();
        let tokens = pool.respond_with(&asked, code(0))["AuthenticationResult"].clone();
        let keys_at = format!("GET /{POOL_ID}/.well-known/jwks.json");
        let keys = exchange(pool.endpoint(), &keys_at, "", "");
        let salt_of = |pool: &Kept| {
            let srp = SrpClient::new(POOL_ID).unwrap();
            let parameters = json!({ "CHALLENGE_NAME": "SRP_A", "USERNAME": "nobody", "SRP_A": srp.public_value() });
            let body = json!({ "ClientId": CLIENT_ID, "AuthFlow": "CUSTOM_AUTH", "AuthParameters": parameters });
            pool.call("InitiateAuth", body)["ChallengeParameters"]["SALT"].clone()
        };
        let salt = salt_of(&pool);
        // Not even a sudden end loses what was answered.
        assert_eq!(pool.ends("-KILL"), "");

        let pool = Kept::in_file(&file, &[]);
        assert_eq!(exchange(pool.endpoint(), &keys_at, "", ""), keys);
        assert_eq!(salt_of(&pool), salt);
        let user = pool.call("GetUser", json!({ "AccessToken": tokens["AccessToken"] }));
        assert_eq!(user["UserAttributes"][1], json!({ "Name": "email", "Value": "ana@example.com" }));
        let refresh = json!({ "ClientId": CLIENT_ID, "RefreshToken": tokens["RefreshToken"] });
        let refreshed = pool.call("GetTokensFromRefreshToken", refresh);
        assert!(refreshed["AuthenticationResult"]["IdToken"].is_string());
        let groups = json!({ "UserPoolId": POOL_ID, "Username": "ana@example.com" });
        assert_eq!(pool.call("AdminListGroupsForUser", groups)["Groups"][0]["GroupName"], "staff");
        let described = json!({ "UserPoolId": other, "ClientId": client["ClientId"] });
        assert_eq!(pool.call("DescribeUserPoolClient", described)["UserPoolClient"], client);
        let asked = pool.prove_password("ana@example.com");
        assert_eq!(asked["ChallengeParameters"]["challenge"], "SECOND_FACTOR", "{asked}");
        let tokens = pool.respond_with(&asked, code(1));
        assert!(tokens["AuthenticationResult"]["IdToken"].is_string());
    }

    #[test]
    fn a_data_file_is_its_owners_and_is_written_only_by_changes() {
        let folder = folder("written");
        let file = folder.join("pool.json");
        let pool = Kept::in_file(&file, &[]);
        let version = || (fs::metadata(&file).unwrap().ino(), fs::read(&file).unwrap());
        let empty = version();
        add_user(&pool, "ana@example.com");
        let user = json!({ "UserPoolId": POOL_ID, "Username": "ana@example.com" });
        let written = version();
        assert_ne!(written, empty);
        pool.call("AdminGetUser", user.clone());
        pool.answer("AdminGetUser", &json!({ "UserPoolId": POOL_ID, "Username": "nobody" }));
        assert_eq!(version(), written);
        pool.call("AdminDisableUser", user);
        let disabled = version();
        assert_ne!(disabled.0, written.0, "another file took its place");
        pool.prove_password_wrongly("ana@example.com");
        assert_ne!(version(), disabled, "a refused call counted a wrong password");
        assert_eq!((mode(&file), mode(&folder.join("pool.json.lock"))), (0o600, 0o600));
        let mut names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["pool.json", "pool.json.lock"]);
    }

    #[test]
    fn without_a_data_file_nothing_is_written() {
        let folder = folder("without");
        let mut command = local(&["serve", "--port", "0", "--json"]);
        let mut child = command.current_dir(&folder).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let pool = Kept { connection: serde_json::from_str(&line).unwrap(), child };
        add_user(&pool, "ana@example.com");
        pool.ends("-TERM");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn a_broken_file_or_one_of_another_version_is_left_as_it_is() {
        let folder = folder("broken");
        let whole = folder.join("whole.json");
        drop(Kept::in_file(&whole, &[]));
        let whole = fs::read_to_string(whole).unwrap();
        let half: String = whole.chars().take(whole.len() / 2).collect();
        let damaged = whole.replace("\"sealingKey\": \"", "\"sealingKey\": \"!");
        let other_key = whole.replace("\"signingKey\": \"", "\"signingKey\": \"AAAA");
        let newer = whole.replace("\"version\": 2", "\"version\": 3");
        assert!(whole != damaged && whole != newer && whole != other_key);
        for (contents, said) in [
            ("", "is not one of this program, or is damaged"),
            ("{}", "is not one of this program, or is damaged"),
            (&half, "is not one of this program, or is damaged"),
            (&damaged, "is not one of this program, or is damaged"),
            (&other_key, "holds a signing key that is none"),
            (&newer, "has version 3, and this program reads version 2"),
        ] {
            let file = folder.join("pool.json");
            fs::write(&file, contents).unwrap();
            let output = refused(&["serve", "--port", "0", "--data", file.to_str().unwrap()]);
            assert_eq!(output.status.code(), Some(1), "{said}");
            assert!(sentence(&output).contains(said), "{}", sentence(&output));
            assert!(sentence(&output).contains("It is left as it is"), "{}", sentence(&output));
            assert_eq!(sentence(&output).lines().count(), 1);
            assert!(output.stdout.is_empty());
            assert_eq!(fs::read_to_string(&file).unwrap(), contents);
        }
    }

    #[test]
    fn a_second_process_does_not_get_the_same_data_file() {
        let file = folder("locked").join("pool.json");
        let pool = Kept::in_file(&file, &[]);
        let output = refused(&["serve", "--port", "0", "--data", file.to_str().unwrap()]);
        assert_eq!(output.status.code(), Some(1));
        let expected =
            format!("Another local pool has the data file {}. Stop it, or choose another file.\n", file.display());
        assert_eq!(sentence(&output), expected);
        drop(pool);
        drop(Kept::in_file(&file, &[]));
    }

    #[test]
    fn a_data_file_that_cannot_be_written_is_said_once() {
        let folder = folder("unwritable");
        let file = folder.join("pool.json");
        let pool = Kept::in_file(&file, &[]);
        // In the way of the new file; permissions would not stop an administrator.
        let in_the_way = folder.join("pool.json.new");
        fs::create_dir(&in_the_way).unwrap();
        add_user(&pool, "ana@example.com");
        add_user(&pool, "ben@example.com");
        fs::remove_dir(&in_the_way).unwrap();
        add_user(&pool, "eva@example.com");
        let complaint = pool.ends("-TERM");
        let start = format!("The data file {} cannot be written: ", file.canonicalize().unwrap().display());
        assert!(complaint.starts_with(&start) && complaint.lines().count() == 1, "{complaint}");
        let kept = fs::read_to_string(&file).unwrap();
        assert!(["ana", "ben", "eva"].iter().all(|name| kept.contains(&format!("{name}@example.com"))));

        fs::create_dir(&in_the_way).unwrap();
        for file in [&file, &folder.join("missing").join("pool.json"), &folder] {
            let output = refused(&["serve", "--port", "0", "--data", file.to_str().unwrap()]);
            assert_eq!(output.status.code(), Some(1));
            assert!(sentence(&output).starts_with("The data file "), "{}", sentence(&output));
        }
    }
}
