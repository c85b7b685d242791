//! The command line: what it prints, and how it ends.

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::net::TcpListener;
    use std::process::{Child, ChildStdout, Command, Output, Stdio};

    use serde_json::{Value, json};

    fn local(arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_local"));
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
        let expected = format!("Port {port} is in use. Choose another with --port, or 0 for any that is free.\n");
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
}
