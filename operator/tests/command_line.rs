//! The command: what it prints, and its exit status.

#[cfg(test)]
mod recorded;

#[cfg(test)]
mod tests {
    use std::process::{Command, Output, Stdio};

    use serde_json::{Value, json};

    use crate::recorded::{Answer, SECRETS, USER_POOL_ID, changed, refused, serve, sound};

    fn second_factor(arguments: &[&str], endpoint: &str) -> Output {
        Command::new(env!("CARGO_BIN_EXE_second-factor"))
            .args(arguments)
            .env_clear()
            .env("HOME", env!("CARGO_TARGET_TMPDIR"))
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
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
        assert!(printed.lines().skip(1).all(|line| line.starts_with("FINE  ")), "{printed}");
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
            "sentence": "can be deleted by one call, and without it the password alone enrolls",
            "remedy": "Set DeletionProtectionEnabled to true.",
        });
        assert_eq!(printed["findings"][0], expected);
        assert_eq!(printed["findings"][1]["remedy"], Value::Null);
        assert_eq!(printed.as_object().unwrap().len(), 2);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn no_secret_is_printed() {
        for further in [&[][..], &["--json"]] {
            let output = doctor(further, sound).await;
            let printed = [text(&output.stdout), text(&output.stderr)].concat();
            assert!(printed.contains("1exampleclient0000000000002"));
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

    #[test]
    fn a_wrong_command_line_says_what_was_expected() {
        for (arguments, expected) in [
            (&[][..], "Usage: second-factor <COMMAND>"),
            (&["doctor"], "--user-pool-id <ID>"),
            (&["doctor", "--user-pool-id", "web"], "a user pool id looks like us-east-1_Example12"),
            (&["doctor", "--user-pool-id", USER_POOL_ID, "--tabel", "records"], "a similar argument exists: '--table'"),
            (&["docter"], "a similar subcommand exists: 'doctor'"),
        ] {
            let output = second_factor(arguments, "http://127.0.0.1:1");
            assert_eq!(output.status.code(), Some(2), "{arguments:?}");
            assert!(text(&output.stderr).contains(expected), "{}", text(&output.stderr));
            assert_eq!(text(&output.stdout), "");
        }
    }
}
