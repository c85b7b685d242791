//! The command: what it prints, and its exit status.

#[cfg(test)]
mod recorded;

#[cfg(test)]
mod tests {
    use std::process::{Command, Output, Stdio};

    use serde_json::{Value, json};

    use crate::recorded::{Answer, SECRETS, USER_POOL_ID, changed, refused, serve, sound};

    type Variables = &'static [(&'static str, &'static str)];

    const CREDENTIALS: Variables = &[("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test")];

    fn second_factor(arguments: &[&str], endpoint: &str) -> Output {
        second_factor_with(CREDENTIALS, arguments, endpoint)
    }

    fn second_factor_with(credentials: Variables, arguments: &[&str], endpoint: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_second-factor"))
            .args(arguments)
            .env_clear()
            .env("HOME", env!("CARGO_TARGET_TMPDIR"))
            .envs(credentials.iter().copied())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL", endpoint)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    async fn doctor(
        further: &'static [&'static str],
        answer: impl Fn(&str, &str) -> Answer + Clone + Send + Sync + 'static,
    ) -> Output {
        let (endpoint, _) = serve(answer).await;
        let asked = move || second_factor(&[&["doctor", "--user-pool-id", USER_POOL_ID], further].concat(), &endpoint);
        tokio::task::spawn_blocking(asked).await.unwrap()
    }

    fn text(bytes: &[u8]) -> &str {
        str::from_utf8(bytes).unwrap()
    }

    fn no_recovery(operation: &str, of: &str) -> Answer {
        match operation {
            "DescribeTable" => changed(operation, of, "/Table/DeletionProtectionEnabled", json!(false)),
            _ => sound(operation, of),
        }
    }

    fn not_allowed(operation: &str, of: &str) -> Answer {
        match operation {
            "DescribeKey" => refused("AccessDeniedException", "not authorized"),
            _ => sound(operation, of),
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn the_exit_status_says_whether_something_is_open() {
        let both = |operation: &str, of: &str| match operation {
            "DescribeTable" => no_recovery(operation, of),
            _ => not_allowed(operation, of),
        };
        assert_eq!(doctor(&[], sound).await.status.code(), Some(0));
        assert_eq!(doctor(&[], no_recovery).await.status.code(), Some(1));
        assert_eq!(doctor(&[], not_allowed).await.status.code(), Some(2));
        assert_eq!(doctor(&[], both).await.status.code(), Some(1));
        assert_eq!(doctor(&["--json"], no_recovery).await.status.code(), Some(1));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_line_each_without_colour_in_a_pipe() {
        let output = doctor(&[], no_recovery).await;
        let printed = text(&output.stdout);
        let first = printed.lines().next().unwrap();
        assert!(first.starts_with("OPEN  table-deletion-protection"), "{first}");
        assert!(
            first.ends_with("without it the password alone enrolls. Set DeletionProtectionEnabled to true."),
            "{first}"
        );
        let lines: Vec<_> = printed.lines().skip(1).collect();
        let (last, others) = lines.split_last().unwrap();
        assert!(others.iter().all(|line| line.starts_with("FINE  ")), "{printed}");
        assert!(last.starts_with("1 open, 0 broken, 0 unreadable, 0 weak, "), "{last}");
        assert!(!printed.contains('\x1b'));
        assert_eq!(text(&output.stderr), "");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn json_is_one_object_and_nothing_else() {
        let output = doctor(&["--json"], no_recovery).await;
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(printed["userPoolId"], USER_POOL_ID);
        let expected = json!({
            "severity": "OPEN",
            "id": "table-deletion-protection",
            "subject": "table second-factor-SecondFactors-EXAMPLE",
            "clientId": null,
            "sentence": "can be deleted by one call, and without it the password alone enrolls",
            "remedy": "Set DeletionProtectionEnabled to true.",
        });
        assert_eq!(printed["findings"][0], expected);
        assert_eq!(printed["findings"][1]["remedy"], Value::Null);
        let found = printed["findings"].as_array().unwrap();
        assert!(found.iter().any(|finding| finding["clientId"] == "1exampleclient0000000000002"));
        let counts = json!({ "open": 1, "broken": 0, "unreadable": 0, "weak": 0, "fine": found.len() - 1 });
        assert_eq!(printed["counts"], counts);
        assert_eq!(printed.as_object().unwrap().len(), 3);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_secret_is_printed() {
        for further in [&[][..], &["--json"]] {
            let output = doctor(further, sound).await;
            let printed = [text(&output.stdout), text(&output.stderr)].concat();
            assert!(printed.contains("each of 2 clients") || printed.contains("1exampleclient0000000000002"));
            for secret in SECRETS {
                assert!(!printed.contains(secret), "{further:?}");
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn table_and_key_can_be_named() {
        let not_found = |operation: &str, of: &str| match operation {
            "GetFunctionConfiguration" => refused("AccessDeniedException", "not authorized"),
            _ => sound(operation, of),
        };
        let printed = doctor(&[], not_found).await.stdout;
        assert!(text(&printed).contains("no function that could be read names it. Name it with --table."));
        let printed = doctor(&["--table", "records", "--key", "alias/sealing"], not_found).await.stdout;
        assert!(text(&printed).contains("table records") && text(&printed).contains("key alias/sealing"));
        assert!(!text(&printed).contains("Name it with"));
    }

    const DENIED: &str = "User: arn:aws:iam::111122223333:user/example is not authorized.";

    /// A row a cause that is in the way of everything: the pool's id, the endpoint's answer to every call, the credentials, and
    /// what is said. Without an answer, the endpoint is a port that nobody listens on.
    #[tokio::test(flavor = "multi_thread")]
    async fn one_cause_that_hides_everything_is_one_finding_with_what_to_do() {
        type Refusal = (&'static str, &'static str);
        const NONE: Variables = &[];
        const FAILING: Variables = &[(
            "AWS_CONFIG_FILE",
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded/profile-whose-command-fails.ini"),
        )];
        const ELSEWHERE: &str = "eu-west-1_Example12";
        const EXPIRED: Refusal = ("ExpiredTokenException", "The security token included in the request is expired");
        const UNKNOWN: Refusal =
            ("UnrecognizedClientException", "The security token included in the request is invalid.");
        const LATE: Refusal = ("InvalidSignatureException", "Signature expired: 20261125T000000Z is now earlier");
        const NO_POOL: Refusal = ("ResourceNotFoundException", "User pool us-east-1_Example12 does not exist.");
        const NO_POOL_THERE: Refusal = ("ResourceNotFoundException", "User pool eu-west-1_Example12 does not exist.");
        const REFUSED: Refusal = ("AccessDeniedException", DENIED);
        const INVALID: Refusal = ("InvalidParameterException", "1 validation error detected");
        const FAULT: Refusal = ("InternalErrorException", "Try again later.");
        #[rustfmt::skip]
        let rows: [(&str, Option<Refusal>, Variables, &str, &str); 11] = [
            (USER_POOL_ID, None,                NONE,        "no AWS credentials were found", "Sign in as for the AWS CLI"),
            (USER_POOL_ID, None,                FAILING,     "could not be loaded: Error retrieving credentials: external process", "correct the profile"),
            (USER_POOL_ID, None,                CREDENTIALS, "AWS was not reached: Connection refused", "Check the network"),
            (USER_POOL_ID, Some(EXPIRED),       CREDENTIALS, "the AWS credentials have expired", "Sign in to AWS"),
            (USER_POOL_ID, Some(UNKNOWN),       CREDENTIALS, "AWS refuses the credentials: UnrecognizedClientException", "the account has enabled the region"),
            (USER_POOL_ID, Some(LATE),          CREDENTIALS, "AWS refuses the credentials: InvalidSignatureException", "the computer's clock"),
            (USER_POOL_ID, Some(NO_POOL),       CREDENTIALS, "User pool us-east-1_Example12 does not exist", "the account of the credentials"),
            (ELSEWHERE,    Some(NO_POOL_THERE), CREDENTIALS, "User pool eu-west-1_Example12 does not exist", "the region"),
            (USER_POOL_ID, Some(REFUSED),       CREDENTIALS, "DescribeUserPool: AccessDeniedException: User: arn:aws:iam::111122223333:user/example is not authorized", "Allow the actions"),
            (USER_POOL_ID, Some(INVALID),       CREDENTIALS, "InvalidParameterException: 1 validation error detected", "Run it again."),
            (USER_POOL_ID, Some(FAULT),         CREDENTIALS, "InternalErrorException: Try again later", "Run it again."),
        ];
        for (pool, answer, credentials, cause, remedy) in rows {
            let endpoint = match answer {
                Some((code, message)) => serve(move |_, _| refused(code, message)).await.0,
                None => "http://127.0.0.1:1".to_owned(),
            };
            for further in [None, Some("--json")] {
                let arguments: Vec<&str> = ["doctor", "--user-pool-id", pool].into_iter().chain(further).collect();
                let output = tokio::task::block_in_place(|| second_factor_with(credentials, &arguments, &endpoint));
                let printed = text(&output.stdout);
                assert_eq!(output.status.code(), Some(2), "{printed}");
                assert_eq!(text(&output.stderr), "");
                assert_eq!(printed.matches("could not be read, so nothing was checked: ").count(), 1, "{printed}");
                assert_eq!(printed.matches("could not be read").count(), 1, "{printed}");
                assert!(printed.contains(cause) && printed.contains(remedy), "{cause}: {printed}");
                assert!(!printed.contains("Attempted") && !printed.contains("may be open"), "{printed}");
            }
        }
    }

    /// The same causes stop a command that would change something, before it changes anything.
    #[tokio::test(flavor = "multi_thread")]
    async fn a_cause_that_is_in_the_way_of_all_ends_a_command_that_changes() {
        const NONE: Variables = &[];
        const NO_POOL: (&str, &str) = ("ResourceNotFoundException", "User pool us-east-1_Example12 does not exist.");
        let attach = ["attach", "challenges", "--user-pool-id", USER_POOL_ID, "--stack", "second-factor", "--yes"];
        let sign_out = ["sign-out-all", "--user-pool-id", USER_POOL_ID, "--yes"];
        for arguments in [&attach[..], &sign_out] {
            for (answer, credentials, cause) in [
                (None, NONE, "no AWS credentials were found"),
                (None, CREDENTIALS, "AWS was not reached"),
                (Some(NO_POOL), CREDENTIALS, "User pool us-east-1_Example12 does not exist"),
            ] {
                let endpoint = match answer {
                    Some((code, message)) => serve(move |_, _| refused(code, message)).await.0,
                    None => "http://127.0.0.1:1".to_owned(),
                };
                let output = tokio::task::block_in_place(|| second_factor_with(credentials, arguments, &endpoint));
                assert_eq!(output.status.code(), Some(2), "{cause}");
                let said = text(&output.stderr);
                let unchanged =
                    said.starts_with("Nothing was changed: ") || said.starts_with("Nobody was signed out: ");
                assert!(unchanged && said.contains(cause) && said.lines().count() == 1, "{said}");
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn after_a_cause_that_hides_everything_no_further_call_is_made() {
        for code in ["ExpiredTokenException", "UnrecognizedClientException", "ResourceNotFoundException"] {
            let (endpoint, calls) = serve(move |_, _| refused(code, "message")).await;
            let arguments = ["doctor", "--user-pool-id", USER_POOL_ID, "--table", "records", "--key", "key-1"];
            tokio::task::block_in_place(|| second_factor(&arguments, &endpoint));
            assert_eq!(*calls.lock().unwrap(), ["DescribeUserPool".to_owned()].into(), "{code}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_pool_of_which_a_part_can_be_read_is_checked() {
        let output = doctor(&[], |operation, of| match operation {
            "DescribeUserPool" => refused("AccessDeniedException", DENIED),
            _ => sound(operation, of),
        })
        .await;
        let printed = text(&output.stdout);
        assert_eq!(output.status.code(), Some(2));
        assert!(printed.contains("could not be read: DescribeUserPool: AccessDeniedException"), "{printed}");
        assert!(printed.contains("Allow the actions of this command, which docs/policies lists"), "{printed}");
        assert!(printed.contains("has Cognito's own MFA off"), "{printed}");
    }

    #[test]
    fn a_wrong_command_line_says_what_was_expected() {
        for (arguments, expected) in [
            (&[][..], "Usage: second-factor <COMMAND>"),
            (&["doctor"], "--user-pool-id <ID>"),
            (&["doctor", "--user-pool-id", "web"], "a user pool id looks like us-east-1_Example12"),
            (&["doctor", "--user-pool-id", USER_POOL_ID, "--tabel", "records"], "a similar argument exists: '--table'"),
            (&["doctor", "--user-pool-id", USER_POOL_ID, "--table", ""], "a value is required for '--table <NAME>'"),
            (&["doctor", "--user-pool-id", USER_POOL_ID, "--key", ""], "a value is required for '--key <ID>'"),
            (&["doctor", "--user-pool-id", USER_POOL_ID, "--json=yes"], "unexpected value 'yes' for '--json'"),
            (&["doctor", "--user-pool-id", USER_POOL_ID, "more"], "unexpected argument 'more' found"),
            (&["docter"], "a similar subcommand exists: 'doctor'"),
        ] {
            let output = second_factor(arguments, "http://127.0.0.1:1");
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
            assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
            assert_eq!(text(&output.stdout), "");
        }
    }
}
