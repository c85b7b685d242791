//! The checks over plain values: nothing is wrong with a sound deployment, and each fault is found by its own check.

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashMap};

    use operator::aws::{CallError as NotRead, Cause};
    use operator::doctor::Severity::{Broken, Fine, Open, Unreadable, Weak};
    use operator::doctor::deployment::{
        Client, Configuration, Deployment, Function, Given, Key, ListedClient, Pool, Purpose, Table, TableDescription,
        Triggers, VARIABLES, Validity, Variables,
    };
    use operator::doctor::report::{self, Outcome};
    use operator::doctor::{Finding, Severity, Subject, findings};
    use serde_json::{Value, json};
    use shared::clock::UnixTime;

    const POOL: &str = "arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_Example12";
    const CLIENT: &str = "client web (1example)";
    /// 2026-11-26T08:00:00Z
    const NOW: UnixTime = UnixTime(1_795_680_000);
    const ISSUER: (&str, &str) = ("TOTP_ISSUER", "Example");

    /// As template.yaml deploys it.
    fn sound() -> Deployment {
        let sign_in = [("ACCEPTED_COGNITO_MFA", "NONE"), ("ENROLLMENT", "AT_SIGN_IN")];
        let store = [("TABLE_NAME", "records"), ("KEY_ID", "key-1")];
        let enrollment = [("ENROLLMENT", "AT_SIGN_IN")];
        let guard = [("TABLE_NAME", "records"), ("TOKEN_GUARD", "GRANT")];
        Deployment {
            user_pool_id: "us-east-1_Example12".parse().unwrap(),
            pool: Ok(Pool {
                arn: POOL.to_owned(),
                deletion_protection: "ACTIVE".to_owned(),
                remembers_devices: false,
                first_factors: vec!["PASSWORD".to_owned()],
                domains: Vec::new(),
                plan: "ESSENTIALS".to_owned(),
                triggers: Triggers {
                    define: Some(function("define", &sign_in)),
                    create: Some(function("create", &[&sign_in[..], &store, &[ISSUER]].concat())),
                    verify: Some(function("verify", &[&enrollment[..], &store].concat())),
                    guard: Some(function("guard", &guard)),
                    guard_events: "V2_0".to_owned(),
                    others: Vec::new(),
                },
            }),
            mfa_configuration: Ok("OFF".to_owned()),
            identity_providers: Ok(Vec::new()),
            trail_logs: Ok(true),
            read_at: NOW,
            clients: Ok(vec![ListedClient {
                name: "web".to_owned(),
                id: "1example".to_owned(),
                client: Ok(Client {
                    flows: texts(&["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]),
                    identity_providers: texts(&["COGNITO"]),
                    user_existence_errors: Some("ENABLED".to_owned()),
                    session_minutes: Some(15),
                    token_revocation: Some(true),
                    refresh_token: lasts(24, "hours"),
                    access_token: lasts(60, "minutes"),
                    id_token: lasts(60, "minutes"),
                    ..Client::default()
                }),
            }]),
            table: Some(Table {
                name: "records".to_owned(),
                description: Ok(TableDescription { status: "ACTIVE".to_owned(), deletion_protection: true }),
                point_in_time_recovery: Ok("ENABLED".to_owned()),
            }),
            key: Some(Key { id: "key-1".to_owned(), state: Ok("Enabled".to_owned()), rotation: Ok(true) }),
            set_up: None,
            groups: Vec::new(),
            given: Given::default(),
        }
    }

    fn function(name: &str, variables: &[(&str, &str)]) -> Function {
        Function {
            arn: format!("arn:aws:lambda:us-east-1:111122223333:function:{name}"),
            configuration: Ok(Configuration {
                timeout_seconds: Some(5),
                state: Some("Active".to_owned()),
                variables: Ok(told(variables)),
            }),
            policy: policy(&json!([for_cognito(json!({ "ArnLike": { "AWS:SourceArn": POOL } }))])),
        }
    }

    fn told(variables: &[(&str, &str)]) -> Variables {
        let all: HashMap<_, _> = variables.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Variables::of(all)
    }

    fn for_cognito(condition: Value) -> Value {
        let principal = json!({ "Service": "cognito-idp.amazonaws.com" });
        json!({ "Effect": "Allow", "Principal": principal, "Action": "lambda:InvokeFunction", "Condition": condition })
    }

    fn policy(statements: &Value) -> Result<Option<String>, NotRead> {
        Ok(Some(json!({ "Version": "2012-10-17", "Statement": statements }).to_string()))
    }

    fn texts(of: &[&str]) -> Vec<String> {
        of.iter().map(|&text| text.to_owned()).collect()
    }

    fn lasts(value: i32, unit: &str) -> Validity {
        Validity { value: Some(value), unit: Some(unit.to_owned()) }
    }

    fn refused<T>(call: &'static str) -> Result<T, NotRead> {
        Err(NotRead { call, cause: Cause::Denied, reason: "AccessDeniedException: not authorized".to_owned() })
    }

    // Ways into a deployment, for the rows below.

    fn pool(deployment: &mut Deployment) -> &mut Pool {
        deployment.pool.as_mut().unwrap()
    }

    fn client(deployment: &mut Deployment) -> &mut Client {
        deployment.clients.as_mut().unwrap()[0].client.as_mut().unwrap()
    }

    fn verify(deployment: &mut Deployment) -> &mut Function {
        pool(deployment).triggers.verify.as_mut().unwrap()
    }

    fn verify_configuration(deployment: &mut Deployment) -> &mut Configuration {
        verify(deployment).configuration.as_mut().unwrap()
    }

    fn tell(function: &mut Option<Function>, variables: &[(&str, &str)]) {
        function.as_mut().unwrap().configuration.as_mut().unwrap().variables = Ok(told(variables));
    }

    fn tell_guard_until(deployment: &mut Deployment, until: &str) {
        let variables = [("TABLE_NAME", "records"), ("TOKEN_GUARD", "GRANT"), ("REPORT_ONLY_UNTIL", until)];
        tell(&mut pool(deployment).triggers.guard, &variables);
    }

    fn tell_guard(deployment: &mut Deployment, token_guard: &str) {
        tell(&mut pool(deployment).triggers.guard, &[("TABLE_NAME", "records"), ("TOKEN_GUARD", token_guard)]);
    }

    /// Settings for a pool whose users move over from Cognito's own MFA.
    fn accept_cognito_mfa(deployment: &mut Deployment) {
        let sign_in = [("ACCEPTED_COGNITO_MFA", "SOFTWARE_TOKEN_MFA"), ("ENROLLMENT", "AFTER_COGNITO_MFA")];
        let store = [("TABLE_NAME", "records"), ("KEY_ID", "key-1")];
        let triggers = &mut pool(deployment).triggers;
        tell(&mut triggers.define, &sign_in);
        tell(&mut triggers.create, &[&sign_in[..], &store, &[ISSUER]].concat());
        tell(&mut triggers.verify, &[&sign_in[1..], &store].concat());
    }

    fn above_fine(deployment: &Deployment) -> Vec<(Severity, &'static str, String)> {
        let above = findings(deployment).into_iter().filter(|finding| finding.severity != Fine);
        above.map(|Finding { severity, id, subject, .. }| (severity, id, subject.to_string())).collect()
    }

    type Fault = fn(&mut Deployment);
    type Found = (Severity, &'static str, &'static str);

    const VERIFY: &str = "VerifyAuthChallengeResponse";
    const GUARD: &str = "PreTokenGeneration";

    /// One fault a row, and all that is found then.
    #[rustfmt::skip]
    const FAULTS: &[(Fault, &[Found])] = &[
        // The pool.
        (|d| pool(d).deletion_protection = "INACTIVE".to_owned(),       &[(Weak, "pool-deletion-protection", "pool")]),
        (|d| pool(d).deletion_protection = String::new(),               &[(Weak, "pool-deletion-protection", "pool")]),
        (|d| pool(d).remembers_devices = true,                          &[(Weak, "pool-devices", "pool")]),
        (|d| pool(d).first_factors = texts(&["PASSWORD", "WEB_AUTHN"]), &[(Weak, "pool-first-factors", "pool")]),
        (|d| { pool(d).domains = texts(&["example"]); pool(d).triggers.guard = None; }, &[(Open, "trigger-attached", GUARD), (Weak, "pool-domain", "pool")]),
        (|d| d.mfa_configuration = Ok("ON".to_owned()),                 &[(Weak, "pool-mfa", "pool")]),
        (|d| d.mfa_configuration = Ok("OPTIONAL".to_owned()),           &[(Weak, "pool-mfa", "pool")]),
        (|d| { d.identity_providers = Ok(texts(&["Google"])); d.clients = refused("ListUserPoolClients"); }, &[(Broken, "pool-identity-providers", "pool"), (Unreadable, "unreadable", "app clients")]),
        // An app client; with the token guard attached, its doors are worth a look.
        (|d| client(d).flows = Vec::new(),                              &[(Weak, "client-flows", CLIENT)]),
        (|d| client(d).oauth_on = true,                                 &[(Weak, "client-oauth", CLIENT)]),
        (|d| client(d).oauth_flows = texts(&["implicit"]),              &[(Weak, "client-oauth", CLIENT)]),
        (|d| client(d).oauth_flows = texts(&["client_credentials"]),    &[(Weak, "client-machines", CLIENT)]),
        (|d| client(d).identity_providers.push("Google".to_owned()),    &[(Weak, "client-identity-providers", CLIENT)]),
        (|d| client(d).user_existence_errors = Some("LEGACY".to_owned()), &[(Weak, "client-user-existence", CLIENT)]),
        (|d| client(d).user_existence_errors = None,                    &[(Weak, "client-user-existence", CLIENT)]),
        (|d| client(d).session_minutes = Some(14),                      &[(Weak, "client-session", CLIENT)]),
        (|d| client(d).session_minutes = None,                          &[(Weak, "client-session", CLIENT)]),
        (|d| client(d).refresh_token = lasts(25, "hours"),              &[(Weak, "client-refresh-token", CLIENT)]),
        (|d| client(d).refresh_token = Validity { value: Some(2), unit: None }, &[(Weak, "client-refresh-token", CLIENT)]),
        (|d| client(d).refresh_token = lasts(0, "hours"),               &[(Weak, "client-refresh-token", CLIENT)]),
        (|d| client(d).refresh_token = lasts(1, "fortnights"),          &[(Weak, "client-refresh-token", CLIENT)]),
        (|d| client(d).access_token = lasts(61, "minutes"),             &[(Weak, "client-tokens", CLIENT)]),
        (|d| client(d).id_token = lasts(2, "hours"),                    &[(Weak, "client-tokens", CLIENT)]),
        (|d| client(d).token_revocation = Some(false),                  &[(Weak, "client-token-revocation", CLIENT)]),
        // The triggers.
        (|d| pool(d).triggers.define = None,                            &[(Broken, "trigger-attached", "DefineAuthChallenge")]),
        (|d| pool(d).triggers.create = None,                            &[(Broken, "trigger-attached", "CreateAuthChallenge")]),
        (|d| pool(d).triggers.verify = None,                            &[(Broken, "trigger-attached", VERIFY)]),
        (|d| pool(d).triggers.guard = None,                             &[(Open, "trigger-attached", GUARD)]),
        (|d| verify(d).arn = "arn:aws:lambda:us-east-1:444455556666:function:verify".to_owned(), &[(Open, "trigger-attached", VERIFY)]),
        (|d| verify_configuration(d).timeout_seconds = Some(6),         &[(Weak, "trigger-timeout", VERIFY)]),
        (|d| verify_configuration(d).timeout_seconds = Some(4),         &[(Weak, "trigger-timeout", VERIFY)]),
        (|d| verify_configuration(d).timeout_seconds = None,            &[(Weak, "trigger-timeout", VERIFY)]),
        (|d| verify_configuration(d).state = Some("Failed".to_owned()), &[(Broken, "trigger-state", VERIFY)]),
        (|d| verify_configuration(d).state = Some("Pending".to_owned()), &[(Weak, "trigger-state", VERIFY)]),
        (|d| verify(d).policy = Ok(None),                               &[(Broken, "trigger-permission", VERIFY)]),
        (|d| verify(d).policy = policy(&json!([])),                     &[(Broken, "trigger-permission", VERIFY)]),
        (|d| verify(d).policy = Ok(Some("no JSON".to_owned())),         &[(Unreadable, "trigger-permission", VERIFY)]),
        (|d| pool(d).triggers.guard_events = "V1_0".to_owned(),         &[(Weak, "trigger-events", GUARD)]),
        (|d| pool(d).triggers.guard_events = "V4_0".to_owned(),         &[(Broken, "trigger-events", GUARD)]),
        // The settings of the functions.
        (|d| tell(&mut pool(d).triggers.define, &[]),                   &[(Broken, "settings-define", "settings")]),
        (|d| tell(&mut pool(d).triggers.define, &[("ACCEPTED_COGNITO_MFA", "NONE"), ("ENROLLMENT", "AFTER_COGNITO_MFA")]), &[(Broken, "settings-define", "settings")]),
        (|d| tell(&mut pool(d).triggers.define, &[("ACCEPTED_COGNITO_MFA", "NONE"), ("ENROLLMENT", "BY_OPERATOR")]), &[(Broken, "settings-agree", "settings")]),
        (|d| tell(&mut pool(d).triggers.verify, &[("ENROLLMENT", "BY_OPERATOR"), ("TABLE_NAME", "records"), ("KEY_ID", "key-1")]), &[(Broken, "settings-agree", "settings")]),
        (|d| tell(&mut pool(d).triggers.verify, &[("ENROLLMENT", "at_sign_in"), ("TABLE_NAME", "records"), ("KEY_ID", "key-1")]), &[(Broken, "settings-verify", "settings")]),
        (|d| tell(&mut pool(d).triggers.verify, &[("TABLE_NAME", "records"), ("KEY_ID", "key-1")]), &[(Broken, "settings-verify", "settings")]),
        (|d| tell(&mut pool(d).triggers.create, &[("TABLE_NAME", "records"), ("KEY_ID", "key-1")]), &[(Broken, "settings-create", "settings")]),
        (|d| tell(&mut pool(d).triggers.create, &[("ACCEPTED_COGNITO_MFA", "NONE"), ("ENROLLMENT", "AT_SIGN_IN"), ("TABLE_NAME", "records"), ("KEY_ID", "key-1")]), &[(Broken, "settings-create", "settings")]),
        (|d| add(&mut pool(d).triggers.create, ("TOTP_ISSUER", "a:b")), &[(Broken, "settings-create", "settings")]),
        (|d| add(&mut pool(d).triggers.create, ("PASSCODE_DIGITS", "6,7")), &[(Broken, "settings-create", "settings")]),
        (|d| add(&mut pool(d).triggers.create, ("PASSCODE_DIGITS", "6,8")), &[]),
        (|d| tell_guard(d, "TRIGGER_SOURCE"),                                  &[(Weak, "settings-guard", "settings")]),
        (|d| tell_guard(d, "paid"),                                     &[(Broken, "settings-guard", "settings")]),
        (|d| tell(&mut pool(d).triggers.guard, &[("TABLE_NAME", "records")]), &[(Open, "settings-guard", "settings")]),
        (|d| tell(&mut pool(d).triggers.verify, &[("ENROLLMENT", "AT_SIGN_IN"), ("TABLE_NAME", "other"), ("KEY_ID", "key-1")]), &[(Broken, "settings-table", "settings")]),
        (|d| tell(&mut pool(d).triggers.verify, &[("ENROLLMENT", "AT_SIGN_IN"), ("KEY_ID", "key-1")]), &[(Broken, "settings-table", "settings")]),
        (|d| d.given.table_name = Some("other".to_owned()),             &[(Weak, "settings-table", "settings")]),
        (|d| tell(&mut pool(d).triggers.verify, &[("ENROLLMENT", "AT_SIGN_IN"), ("TABLE_NAME", "records"), ("KEY_ID", "key-2")]), &[(Broken, "settings-key", "settings")]),
        (|d| tell(&mut pool(d).triggers.verify, &[("ENROLLMENT", "AT_SIGN_IN"), ("TABLE_NAME", "records"), ("KEY_ID", "alias/sealing")]), &[(Weak, "settings-key", "settings")]),
        (|d| d.given.key_id = Some("alias/sealing".to_owned()),         &[(Weak, "settings-key", "settings")]),
        // What stops the token guard on startup.
        (|d| add(guard_of(d), ("FEDERATED_PROVIDERS", "Google COGNITO")), &[(Broken, "settings-guard", "settings")]),
        (|d| add(guard_of(d), ("NO_GRANT_MESSAGE", "<b>no</b>")),       &[(Broken, "settings-guard", "settings")]),
        (|d| add(guard_of(d), ("NEXT_PRE_TOKEN_GENERATION", "claims")), &[(Broken, "settings-next", "settings")]),
        (|d| add(guard_of(d), ("NEXT_PRE_TOKEN_GENERATION", "arn:aws:lambda:us-east-1:111122223333:function:guard:live")), &[(Broken, "settings-next", "settings")]),
        (|d| add(guard_of(d), ("NEXT_PRE_TOKEN_GENERATION", "arn:aws:lambda:eu-west-1:111122223333:function:claims")), &[(Broken, "settings-next", "settings")]),
        (|d| add(guard_of(d), ("NEXT_PRE_TOKEN_GENERATION", "arn:aws:lambda:us-east-1:111122223333:function:claims")), &[]),
        (|d| add(guard_of(d), ("NEXT_PRE_TOKEN_GENERATION_ERRORS", "SHOWN")), &[(Broken, "settings-next", "settings")]),
        (|d| add(guard_of(d), ("REPORT_ONLY_UNTIL", "2026-12-24")),     &[(Broken, "settings-report-only", "settings")]),
        (|d| add(guard_of(d), ("REPORT_ONLY_UNTIL", "2026-12-24T08:00:00+01:00")), &[(Broken, "settings-report-only", "settings")]),
        (|d| add(guard_of(d), ("GUARDED_SINCE", "2026-11-26T08:01:00Z")), &[]),
        (|d| add(guard_of(d), ("GUARDED_SINCE", "2026-11-26T08:01:01Z")), &[(Broken, "settings-guarded-since", "settings")]),
        (|d| add(guard_of(d), ("GUARDED_SINCE", "yesterday")),          &[(Broken, "settings-guarded-since", "settings")]),
        (|d| { tell_guard_until(d, "2026-11-26T08:00:00Z"); add(guard_of(d), SINCE); }, &[(Broken, "settings-guarded-since", "settings")]),
        (|d| { tell_guard(d, "TRIGGER_SOURCE"); add(guard_of(d), SINCE); }, &[(Broken, "settings-guarded-since", "settings"), (Weak, "settings-guard", "settings")]),
        (|d| add(guard_of(d), ("LONGEST_SESSION_DAYS", "30")),          &[(Broken, "settings-longest-session", "settings")]),
        (|d| { add(guard_of(d), ("LONGEST_SESSION_DAYS", "1")); add(guard_of(d), SINCE); }, &[]),
        (|d| { tell_guard_until(d, "2026-11-26T08:00:00Z"); add(guard_of(d), ("LONGEST_SESSION_DAYS", "1")); }, &[]),
        (|d| { tell_guard(d, "TRIGGER_SOURCE"); add(guard_of(d), ("LONGEST_SESSION_DAYS", "30")); }, &[(Broken, "settings-longest-session", "settings"), (Weak, "settings-guard", "settings")]),
        // While users move over from Cognito's own MFA.
        (|d| { accept_cognito_mfa(d); tell_guard(d, "TRIGGER_SOURCE"); d.mfa_configuration = Ok("OPTIONAL".to_owned()); }, &[(Weak, "pool-mfa", "pool")]),
        (|d| { accept_cognito_mfa(d); tell_guard(d, "TRIGGER_SOURCE"); },      &[(Weak, "pool-mfa", "pool")]),
        (|d| { accept_cognito_mfa(d); d.mfa_configuration = Ok("OPTIONAL".to_owned()); }, &[(Broken, "settings-guard", "settings"), (Weak, "pool-mfa", "pool")]),
        // The table and the key.
        (|d| d.table.as_mut().unwrap().description.as_mut().unwrap().status = "DELETING".to_owned(), &[(Broken, "table-status", "table records")]),
        (|d| d.table.as_mut().unwrap().description.as_mut().unwrap().deletion_protection = false, &[(Open, "table-deletion-protection", "table records")]),
        (|d| d.table.as_mut().unwrap().point_in_time_recovery = Ok("DISABLED".to_owned()), &[(Open, "table-point-in-time-recovery", "table records")]),
        (|d| d.key.as_mut().unwrap().state = Ok("Disabled".to_owned()), &[(Broken, "key-state", "key key-1")]),
        (|d| d.key.as_mut().unwrap().state = Ok("PendingDeletion".to_owned()), &[(Broken, "key-state", "key key-1")]),
        (|d| d.key.as_mut().unwrap().rotation = Ok(false),              &[(Weak, "key-rotation", "key key-1")]),
        // A token guard that only reports, until the second at which it denies.
        (|d| tell_guard_until(d, "2026-11-26T08:00:01Z"),               &[(Open, "settings-report-only", "settings")]),
        (|d| tell_guard_until(d, "2026-11-26T08:00:00Z"),               &[]),
        (|d| { tell_guard_until(d, "2026-11-26T08:00:01Z"); client(d).flows.push("ALLOW_USER_SRP_AUTH".to_owned()); }, &[(Open, "client-flows", CLIENT), (Open, "settings-report-only", "settings")]),
        (|d| d.trail_logs = Ok(false),                                  &[(Weak, "pool-trail", "pool")]),
        // What could not be read.
        (|d| d.trail_logs = refused("DescribeTrails"),                  &[(Unreadable, "unreadable", "pool")]),
        (|d| d.mfa_configuration = refused("GetUserPoolMfaConfig"),     &[(Unreadable, "unreadable", "pool")]),
        (|d| d.identity_providers = refused("ListIdentityProviders"),   &[(Unreadable, "unreadable", "pool")]),
        (|d| d.clients = refused("ListUserPoolClients"),                &[(Unreadable, "unreadable", "app clients")]),
        (|d| d.clients.as_mut().unwrap()[0].client = refused("DescribeUserPoolClient"), &[(Unreadable, "unreadable", CLIENT)]),
        (|d| verify(d).configuration = refused("GetFunctionConfiguration"), &[(Unreadable, "unreadable", VERIFY)]),
        (|d| verify_configuration(d).variables = refused("GetFunctionConfiguration"), &[(Unreadable, "unreadable", VERIFY)]),
        (|d| verify(d).policy = refused("GetPolicy"),                   &[(Unreadable, "unreadable", VERIFY)]),
        (|d| d.table = None,                                            &[(Unreadable, "unreadable", "table")]),
        (|d| d.table.as_mut().unwrap().description = refused("DescribeTable"), &[(Unreadable, "unreadable", "table records")]),
        (|d| d.table.as_mut().unwrap().point_in_time_recovery = refused("DescribeContinuousBackups"), &[(Unreadable, "unreadable", "table records")]),
        (|d| d.key = None,                                              &[(Unreadable, "unreadable", "key")]),
        (|d| d.key.as_mut().unwrap().state = refused("DescribeKey"),    &[(Unreadable, "unreadable", "key key-1")]),
        (|d| d.key.as_mut().unwrap().rotation = refused("GetKeyRotationStatus"), &[(Unreadable, "unreadable", "key key-1")]),
    ];

    #[test]
    fn nothing_is_wrong_with_what_the_template_deploys() {
        assert_eq!(above_fine(&sound()), []);
        assert_eq!(Outcome::of(&findings(&sound())), Outcome::NothingOpen);
    }

    #[test]
    fn each_fault_is_found_by_its_own_check_and_no_other() {
        for (row, (fault, found)) in FAULTS.iter().enumerate() {
            let mut deployment = sound();
            fault(&mut deployment);
            let expected: Vec<_> =
                found.iter().map(|&(severity, id, subject)| (severity, id, subject.to_owned())).collect();
            assert_eq!(above_fine(&deployment), expected, "row {row}");
        }
    }

    #[test]
    fn every_check_is_among_the_faults() {
        let faults = FAULTS.iter().chain(FAULTS_UNDER_OPTIONAL);
        let found: BTreeSet<_> = faults.flat_map(|(_, found)| *found).map(|(_, id, _)| *id).collect();
        let all = findings(&sound()).into_iter().chain(findings(&optional()));
        let checks: BTreeSet<_> = all.map(|finding| finding.id).collect();
        // Its table is its own, below.
        let missing: Vec<_> = checks.difference(&found).filter(|id| **id != "trigger-other-callers").collect();
        assert_eq!(missing, [&""; 0]);
    }

    /// A reader that misses its variable reads that it is not set.
    #[test]
    fn every_variable_of_the_template_is_kept_but_for_the_log() {
        let template = include_str!("../../template.yaml");
        let names = template.lines().filter_map(|line| line.strip_prefix("          ")?.split_once(':'));
        let is_variable = |name: &&str| !name.is_empty() && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
        let set: BTreeSet<_> = names.map(|(name, _)| name).filter(is_variable).collect();
        assert_eq!(set, VARIABLES.into_iter().chain(["LOG_LEVEL"]).collect());
    }

    #[test]
    fn what_is_not_fine_says_what_to_do() {
        let sound = FAULTS.iter().map(|(fault, _)| (fault, sound()));
        let optional = FAULTS_UNDER_OPTIONAL.iter().map(|(fault, _)| (fault, optional()));
        for (fault, mut deployment) in sound.chain(optional) {
            fault(&mut deployment);
            for finding in findings(&deployment) {
                assert_eq!(finding.remedy.is_none(), finding.severity == Fine, "{finding:?}");
            }
        }
    }

    #[test]
    fn every_flow_but_two_is_a_way_around_the_second_factor() {
        let foreign = [
            "ALLOW_USER_SRP_AUTH",
            "ALLOW_USER_PASSWORD_AUTH",
            "ALLOW_ADMIN_USER_PASSWORD_AUTH",
            "ALLOW_USER_AUTH",
            "ALLOW_SOMETHING_NEW",
            "ADMIN_NO_SRP_AUTH",
            "CUSTOM_AUTH_FLOW_ONLY",
            "USER_PASSWORD_AUTH",
        ];
        for flow in foreign {
            let mut deployment = sound();
            pool(&mut deployment).triggers.guard = None;
            client(&mut deployment).flows = texts(&["ALLOW_CUSTOM_AUTH", flow]);
            assert!(above_fine(&deployment).contains(&(Open, "client-flows", CLIENT.to_owned())), "{flow}");
        }
        for flows in [&["ALLOW_CUSTOM_AUTH"][..], &["ALLOW_REFRESH_TOKEN_AUTH"]] {
            let mut deployment = sound();
            client(&mut deployment).flows = texts(flows);
            assert_eq!(above_fine(&deployment), []);
        }
    }

    /// A row a guard: what a flow of the API is with it, and what managed login, federation and devices are.
    #[test]
    fn another_flow_is_open_unless_the_token_guard_refuses_its_tokens() {
        type Guard = fn(&mut Deployment);
        #[rustfmt::skip]
        let guards: [(&str, Guard, Severity, Severity); 5] = [
            ("GRANT",       |_| {},                                              Weak, Weak),
            ("TRIGGER_SOURCE",    |d| tell_guard(d, "TRIGGER_SOURCE"),                        Open, Weak),
            ("missing",    |d| pool(d).triggers.guard = None,                   Open, Open),
            ("foreign",    |d| tell(&mut pool(d).triggers.guard, &[]),          Open, Open),
            ("unreadable", |d| pool(d).triggers.guard.as_mut().unwrap().configuration = refused("GetFunctionConfiguration"), Open, Open),
        ];
        let doors: [(&str, Fault, bool); 5] = [
            ("client-flows", |d| client(d).flows = Vec::new(), true),
            ("client-flows", |d| client(d).flows.push("ALLOW_USER_SRP_AUTH".to_owned()), true),
            ("client-oauth", |d| client(d).oauth_on = true, false),
            ("client-identity-providers", |d| client(d).identity_providers.push("Google".to_owned()), false),
            ("pool-devices", |d| pool(d).remembers_devices = true, false),
        ];
        for (name, guard, of_the_api, by_source) in guards {
            for (id, door, is_of_the_api) in doors {
                let mut deployment = sound();
                guard(&mut deployment);
                door(&mut deployment);
                let found = findings(&deployment).into_iter().find(|finding| finding.id == id).unwrap();
                assert_eq!(found.severity, if is_of_the_api { of_the_api } else { by_source }, "{name} {id}");
            }
        }
    }

    /// A client whose only OAuth flow is `client_credentials`, as the console makes it.
    fn make_machine(client: &mut Client) {
        client.flows = texts(&["ALLOW_REFRESH_TOKEN_AUTH"]);
        (client.oauth_on, client.oauth_flows) = (true, texts(&["client_credentials"]));
        client.session_minutes = Some(3);
        (client.refresh_token, client.access_token) = (lasts(30, "days"), lasts(12, "hours"));
    }

    fn make_managed_login(client: &mut Client) {
        client.flows = texts(&["ALLOW_REFRESH_TOKEN_AUTH"]);
        (client.oauth_on, client.oauth_flows) = (true, texts(&["code"]));
    }

    fn finding_of(deployment: &Deployment, id: &str) -> Finding {
        findings(deployment).into_iter().find(|finding| finding.id == id).unwrap()
    }

    #[test]
    fn what_a_client_is_for_shows_in_its_flows_and_identity_providers() {
        type Names = &'static [&'static str];
        const CUSTOM: Names = &["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"];
        const OTHER: Names = &["ALLOW_USER_SRP_AUTH"];
        #[rustfmt::skip]
        let rows: [(Names, bool, Names, Names, Purpose); 12] = [
            (CUSTOM, false, &[],                             &["COGNITO"],           Purpose::UsersByApi),
            (OTHER,  false, &[],                             &["COGNITO"],           Purpose::UsersByApi),
            (&[],    false, &[],                             &[],                    Purpose::UsersByApi),
            (CUSTOM, true,  &["code"],                       &["COGNITO"],           Purpose::UsersByApi),
            (OTHER,  true,  &["code"],                       &["COGNITO"],           Purpose::UsersByManagedLogin),
            (&[],    true,  &[],                             &["COGNITO"],           Purpose::UsersByManagedLogin),
            (CUSTOM, true,  &["code"],                       &["COGNITO", "Google"], Purpose::UsersByManagedLogin),
            (OTHER,  true,  &["client_credentials", "code"], &[],                    Purpose::UsersByManagedLogin),
            (OTHER,  true,  &["client_credentials"],         &[],                    Purpose::Machines),
            (CUSTOM, true,  &["client_credentials"],         &["COGNITO"],           Purpose::Machines),
            (&[],    true,  &["client_credentials"],         &[],                    Purpose::Machines),
            (&[],    false, &["client_credentials"],         &[],                    Purpose::Machines),
        ];
        for (flows, oauth_on, oauth_flows, identity_providers, purpose) in rows {
            let client = Client {
                flows: texts(flows),
                oauth_on,
                oauth_flows: texts(oauth_flows),
                identity_providers: texts(identity_providers),
                ..Client::default()
            };
            assert_eq!(client.purpose(), purpose, "{client:?}");
        }
    }

    /// No advice for a client of machines takes `client_credentials` away, or lets users in.
    #[test]
    fn a_client_of_machines_is_named_and_keeps_what_it_needs() {
        let guards: [Fault; 3] = [|_| {}, |d| tell_guard(d, "TRIGGER_SOURCE"), |d| pool(d).triggers.guard = None];
        for guard in guards {
            for flows in [&["ALLOW_REFRESH_TOKEN_AUTH"][..], &["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"], &[]]
            {
                let mut deployment = sound();
                make_machine(client(&mut deployment));
                client(&mut deployment).flows = texts(flows);
                guard(&mut deployment);
                let named = finding_of(&deployment, "client-machines");
                assert_eq!((named.severity, named.subject.to_string().as_str()), (Weak, CLIENT));
                assert!(named.sentence.contains("the client secret is their only factor"), "{named:?}");
                for finding in findings(&deployment) {
                    let advice = finding.remedy.unwrap_or_default();
                    assert!(!advice.contains("OAuthFlows") && !advice.contains("ALLOW_CUSTOM_AUTH"), "{finding:?}");
                }
            }
        }
    }

    #[test]
    fn a_client_of_machines_alone_is_not_asked_for_what_users_need() {
        let mut deployment = sound();
        make_machine(client(&mut deployment));
        assert_eq!(above_fine(&deployment), [(Weak, "client-machines", CLIENT.to_owned())]);
        client(&mut deployment).flows.push("ALLOW_USER_SRP_AUTH".to_owned());
        let checks: Vec<_> = above_fine(&deployment).into_iter().map(|(_, id, _)| id).collect();
        let expected = ["client-flows", "client-machines", "client-session", "client-refresh-token", "client-tokens"];
        assert_eq!(checks, expected);
    }

    #[test]
    fn users_of_trusted_providers_pass_and_nobody_else_who_comes_that_way() {
        for (trusted, supported, severity) in [
            ("Google", &["Google"][..], Weak),
            ("Okta Google", &["Google"], Weak),
            ("Google", &["Google", "Okta"], Broken),
            ("COGNITO", &["Google"], Broken),
            ("", &["Google"], Broken),
        ] {
            let mut deployment = sound();
            make_managed_login(client(&mut deployment));
            deployment.identity_providers = Ok(texts(supported));
            client(&mut deployment).identity_providers = texts(supported);
            let variables = [("FEDERATED_PROVIDERS", trusted), ("TABLE_NAME", "records"), ("TOKEN_GUARD", "GRANT")];
            tell(&mut pool(&mut deployment).triggers.guard, &variables);
            for id in ["pool-identity-providers", "client-oauth", "client-identity-providers"] {
                let finding = finding_of(&deployment, id);
                assert_eq!(finding.severity, severity, "{trusted}: {finding:?}");
            }
            // The pool's own users come that way too, and are denied.
            client(&mut deployment).identity_providers.push("COGNITO".to_owned());
            assert_eq!(finding_of(&deployment, "client-oauth").severity, Broken);
        }
    }

    #[test]
    fn users_of_managed_login_get_no_tokens_and_no_advice_that_ends_it() {
        let federated: Fault = |d| {
            d.identity_providers = Ok(texts(&["Google"]));
            client(d).identity_providers.push("Google".to_owned());
        };
        let rows: [(Fault, &[&str]); 2] = [
            (|_| {}, &["client-oauth"]),
            (federated, &["pool-identity-providers", "client-oauth", "client-identity-providers"]),
        ];
        for (users, checks) in rows {
            let mut deployment = sound();
            make_managed_login(client(&mut deployment));
            pool(&mut deployment).domains = texts(&["example"]);
            users(&mut deployment);
            let above: Vec<_> = above_fine(&deployment).into_iter().map(|(severity, id, _)| (severity, id)).collect();
            assert_eq!(above, checks.iter().map(|id| (Broken, *id)).collect::<Vec<_>>());
            for id in checks {
                let finding = finding_of(&deployment, id);
                assert!(finding.sentence.contains("the token guard denies the tokens of users"), "{finding:?}");
                assert!(
                    finding.remedy.unwrap().starts_with("No setting lets the pool's own users pass"),
                    "{finding:?}"
                );
            }
            let domain = finding_of(&deployment, "pool-domain");
            assert_eq!(domain.sentence, "has managed login at example, and the token guard denies its users' tokens");

            pool(&mut deployment).triggers.guard = None;
            for id in checks {
                let finding = finding_of(&deployment, id);
                assert_eq!(finding.severity, Open, "{finding:?}");
                assert!(finding.remedy.unwrap().contains("before the token guard denies"), "{finding:?}");
            }
            for finding in findings(&deployment) {
                assert!(!finding.remedy.unwrap_or_default().contains("Delete"), "{finding:?}");
            }
        }
    }

    #[test]
    fn identity_providers_that_no_client_supports_are_fine() {
        let mut deployment = sound();
        deployment.identity_providers = Ok(texts(&["Google", "Okta"]));
        assert_eq!(above_fine(&deployment), []);
        deployment.clients.as_mut().unwrap()[0].client = refused("DescribeUserPoolClient");
        assert_eq!(finding_of(&deployment, "pool-identity-providers").severity, Broken);
    }

    #[test]
    fn a_pool_that_could_not_be_read_is_not_taken_for_one_without_triggers() {
        let mut deployment = sound();
        deployment.pool = refused("DescribeUserPool");
        assert_eq!(above_fine(&deployment), [(Unreadable, "unreadable", "pool".to_owned())]);
        client(&mut deployment).flows = Vec::new();
        let found = findings(&deployment);
        assert_eq!((found[0].severity, found[0].id), (Open, "client-flows"));
        assert!(found[0].sentence.ends_with("whether a token guard denies them could not be read"));
    }

    #[test]
    fn every_app_client_is_checked() {
        let mut deployment = sound();
        let clients = deployment.clients.as_mut().unwrap();
        let mut second = clients[0].clone();
        second.name = "old".to_owned();
        second.client.as_mut().unwrap().flows = texts(&["USER_PASSWORD_AUTH"]);
        clients.push(second);
        assert_eq!(above_fine(&deployment), [(Weak, "client-flows", "client old (1example)".to_owned())]);
    }

    #[test]
    fn a_key_or_table_is_the_same_by_its_name_and_by_its_arn() {
        let key = "arn:aws:kms:us-east-1:111122223333:key/key-1";
        let table = "arn:aws:dynamodb:us-east-1:111122223333:table/records";
        let mut deployment = sound();
        tell(
            &mut pool(&mut deployment).triggers.verify,
            &[("ENROLLMENT", "AT_SIGN_IN"), ("TABLE_NAME", table), ("KEY_ID", key)],
        );
        assert_eq!(above_fine(&deployment), []);
        deployment.given = Given { table_name: Some(table.to_owned()), key_id: Some(key.to_owned()) };
        assert_eq!(above_fine(&deployment), []);
        let elsewhere = "arn:aws:kms:eu-west-1:111122223333:key/key-1";
        let triggers = &mut pool(&mut deployment).triggers;
        let sign_in = [("ACCEPTED_COGNITO_MFA", "NONE"), ("ENROLLMENT", "AT_SIGN_IN")];
        let store = [("TABLE_NAME", "records"), ("KEY_ID", elsewhere)];
        tell(&mut triggers.create, &[&sign_in[..], &store, &[ISSUER]].concat());
        assert_eq!(above_fine(&deployment), [(Broken, "settings-key", "settings".to_owned())]);
    }

    #[test]
    fn triggers_that_are_not_ours_are_named() {
        let mut deployment = sound();
        pool(&mut deployment).triggers.others.push(("UserMigration", "arn:aws:lambda:::function:migrate".to_owned()));
        let found = findings(&deployment);
        let other = found.iter().find(|finding| finding.id == "trigger-other").unwrap();
        assert_eq!((other.severity, &other.subject), (Fine, &"UserMigration".into()));
        assert_eq!(other.sentence, "calls arn:aws:lambda:::function:migrate");
    }

    /// A row a policy: what it is for Cognito, and what for everybody else.
    #[test]
    fn only_cognito_may_call_a_function_and_only_for_this_pool() {
        let like = |arn: &str| for_cognito(json!({ "ArnLike": { "AWS:SourceArn": arn } }));
        let by = |principal: Value, action: &str| json!([like(POOL), { "Effect": "Allow", "Principal": principal, "Action": action }]);
        let account = |account: &str| {
            for_cognito(
                json!({ "StringEquals": { "AWS:SourceAccount": account }, "ArnLike": { "aws:SourceArn": POOL } }),
            )
        };
        #[rustfmt::skip]
        let policies = [
            (json!([like(POOL)]),                                                                  Fine,   Fine),
            (like(POOL),                                                                           Fine,   Fine),
            (json!([account("111122223333")]),                                                     Fine,   Fine),
            (json!([account("444455556666")]),                                                     Broken, Fine),
            (json!([for_cognito(json!({ "StringEquals": { "aws:sourcearn": POOL } }))]),           Fine,   Fine),
            (json!([for_cognito(json!({ "StringEquals": { "aws:sourcearn": "*" } }))]),            Broken, Fine),
            (json!([for_cognito(json!({ "StringEquals": { "AWS:SourceAccount": "111122223333" } }))]), Weak, Fine),
            (json!([for_cognito(json!({}))]),                                                      Weak,   Fine),
            (json!([like("arn:aws:cognito-idp:us-east-1:111122223333:userpool/*")]),               Weak,   Fine),
            (json!([like("arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_Example1?")]), Weak, Fine),
            (json!([like("arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_Other")]), Broken, Fine),
            (json!([like("arn:aws:cognito-idp:us-east-1:111122223333:userpool/us-east-1_Other"), like(POOL)]), Fine, Fine),
            (json!([for_cognito(json!({ "Bool": { "aws:SecureTransport": "true" } }))]),           Broken, Weak),
            (json!([like(POOL), { "Effect": "Deny", "Principal": "*", "Action": "*" }]),           Fine,   Weak),
            (json!([like(POOL), { "Effect": "Allow", "NotPrincipal": "*", "Action": "*" }]),       Fine,   Weak),
            (by(json!("*"), "lambda:InvokeFunction"),                                              Fine,   Open),
            (by(json!({ "AWS": "*" }), "lambda:*"),                                                Fine,   Open),
            (by(json!({ "AWS": ["arn:aws:iam::444455556666:root"] }), "*"),                        Fine,   Open),
            (by(json!({ "Service": "apigateway.amazonaws.com" }), "lambda:InvokeFunction"),        Fine,   Open),
            (by(json!("*"), "lambda:InvokeFunctionUrl"),                                           Fine,   Open),
            (by(json!("*"), "lambda:GetFunction"),                                                 Fine,   Fine),
        ];
        for (statements, permission, other_callers) in policies {
            let mut deployment = sound();
            verify(&mut deployment).policy = policy(&statements);
            let found = findings(&deployment);
            let of = |id| found.iter().find(|one| one.id == id && one.subject == VERIFY.into()).unwrap().severity;
            let severities = (of("trigger-permission"), of("trigger-other-callers"));
            assert_eq!(severities, (permission, other_callers), "{statements}");
        }
    }

    #[test]
    fn who_may_call_a_function_is_said_of_its_policy_alone() {
        let finding = finding_of(&sound(), "trigger-other-callers");
        assert_eq!(finding.severity, Fine);
        assert!(finding.sentence.ends_with("by its policy; roles of the account that may call it were not read"));
    }

    #[test]
    fn the_version_of_the_guards_events_is_said_with_what_it_means() {
        for (version, plan, severity, said) in [
            ("V1_0", "LITE", Fine, "all that the plan LITE has: its claims reach the ID token only"),
            ("V1_0", "PLUS", Weak, "its claims reach the ID token only, not the access token"),
            ("V2_0", "ESSENTIALS", Fine, "gets V2_0 events: its claims reach the ID token and the access token"),
            ("V3_0", "PLUS", Fine, "those of machines too: its claims reach the ID token and the access token"),
        ] {
            let mut deployment = sound();
            let pool = pool(&mut deployment);
            (pool.triggers.guard_events, pool.plan) = (version.to_owned(), plan.to_owned());
            let finding = finding_of(&deployment, "trigger-events");
            assert_eq!((finding.severity, &finding.subject), (severity, &GUARD.into()), "{version} {plan}");
            assert!(finding.sentence.ends_with(said), "{}", finding.sentence);
        }
    }

    const TABLE: &str = "table records";
    const POLICY: (&str, &str) = ("SECOND_FACTOR_POLICY", "OPTIONAL");
    const SINCE: (&str, &str) = ("GUARDED_SINCE", "2026-11-01T08:00:00Z");

    /// Adds a variable to those of a function.
    fn add(function: &mut Option<Function>, (name, value): (&str, &str)) {
        let kept = function.as_ref().unwrap().configuration.as_ref().unwrap().variables.as_ref().unwrap().clone();
        let kept = VARIABLES.iter().filter(|&&kept| kept != name).filter_map(|&name| Some((name, kept.get(name)?)));
        let all: Vec<(&str, &str)> = kept.chain([(name, value)]).collect();
        let variables = told(&all);
        function.as_mut().unwrap().configuration.as_mut().unwrap().variables = Ok(variables);
    }

    fn add_at_all(deployment: &mut Deployment, variable: (&str, &str)) {
        let triggers = &mut pool(deployment).triggers;
        for function in [&mut triggers.define, &mut triggers.create, &mut triggers.verify, &mut triggers.guard] {
            add(function, variable);
        }
    }

    fn guard_of(deployment: &mut Deployment) -> &mut Option<Function> {
        &mut pool(deployment).triggers.guard
    }

    /// Users may do without, as docs/configuration.md has it.
    fn optional() -> Deployment {
        let mut deployment = sound();
        add_at_all(&mut deployment, POLICY);
        add(guard_of(&mut deployment), ("LONGEST_SESSION_DAYS", "1"));
        add(guard_of(&mut deployment), SINCE);
        deployment.set_up = Some(Ok(Some("records".to_owned())));
        deployment
    }

    /// One fault a row where users may do without, and all that is found then.
    #[rustfmt::skip]
    const FAULTS_UNDER_OPTIONAL: &[(Fault, &[Found])] = &[
        (|_| {},                                                        &[]),
        (|d| add(&mut pool(d).triggers.define, ("SECOND_FACTOR_POLICY", "REQUIRED")), &[(Broken, "settings-policy", "settings")]),
        (|d| add(&mut pool(d).triggers.create, ("SECOND_FACTOR_POLICY", "optional")), &[(Broken, "settings-create", "settings"), (Broken, "settings-policy", "settings")]),
        (|d| add(&mut pool(d).triggers.verify, ("REQUIRED_FROM", "2027-03-01T00:00:00Z")), &[(Broken, "settings-required", "settings")]),
        (|d| add_at_all(d, ("REQUIRED_FROM", "2027-03-01T00:00:00Z")),  &[]),
        (|d| add_at_all(d, ("REQUIRED_FROM", "2027-03-01")),            &[(Broken, "settings-required", "settings")]),
        (|d| add_at_all(d, ("REQUIRED_CLIENTS", "1example")),     &[(Weak, "settings-required-clients", "settings")]),
        (|d| add_at_all(d, ("REQUIRED_CLIENTS", "none")),               &[(Open, "settings-required-clients", "settings")]),
        (|d| add(guard_of(d), ("REQUIRED_CLIENTS", "1example")),  &[(Broken, "settings-required", "settings"), (Weak, "settings-required-clients", "settings")]),
        (|d| d.groups = vec![("admins".to_owned(), Ok(true))],          &[]),
        (|d| d.groups = vec![("admin".to_owned(), Ok(false))],          &[(Open, "settings-required-groups", "settings")]),
        (|d| d.groups = vec![("admins".to_owned(), refused("GetGroup"))], &[(Unreadable, "settings-required-groups", "settings")]),
        (|d| { add(guard_of(d), ("REPORT_ONLY_UNTIL", "2999-01-01T00:00:00Z")); add(guard_of(d), ("GUARDED_SINCE", "")); }, &[(Open, "settings-report-only", "settings"), (Open, "settings-optional", "settings")]),
        (|d| { add(guard_of(d), ("TOKEN_GUARD", "TRIGGER_SOURCE")); add(guard_of(d), ("GUARDED_SINCE", "")); }, &[(Open, "settings-optional", "settings"), (Broken, "settings-policy", "settings"), (Broken, "settings-longest-session", "settings"), (Weak, "settings-guard", "settings")]),
        (|d| add(&mut pool(d).triggers.verify, ("ENROLLMENT", "BY_OPERATOR")), &[(Broken, "settings-agree", "settings"), (Broken, "settings-policy", "settings")]),
        (|d| *guard_of(d) = None,                                       &[(Open, "trigger-attached", GUARD), (Open, "settings-optional", "settings")]),
        (|d| add(guard_of(d), ("LONGEST_SESSION_DAYS", "")),            &[(Broken, "settings-longest-session", "settings")]),
        (|d| add(guard_of(d), ("LONGEST_SESSION_DAYS", "a month")),     &[(Broken, "settings-longest-session", "settings")]),
        (|d| add(guard_of(d), ("LONGEST_SESSION_DAYS", "3651")),        &[(Broken, "settings-longest-session", "settings")]),
        (|d| add(guard_of(d), ("LONGEST_SESSION_DAYS", "3650")),        &[]),
        (|d| add(guard_of(d), ("GUARDED_SINCE", "")),                   &[(Broken, "settings-longest-session", "settings")]),
        (|d| client(d).refresh_token = lasts(25, "hours"),              &[(Open, "client-longest-session", CLIENT), (Weak, "client-refresh-token", CLIENT)]),
        (|d| client(d).flows = texts(&["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH", "ALLOW_USER_SRP_AUTH"]), &[(Open, "client-optional", CLIENT), (Weak, "client-flows", CLIENT)]),
        (|d| client(d).flows = Vec::new(),                              &[(Open, "client-optional", CLIENT), (Weak, "client-flows", CLIENT)]),
        (|d| client(d).flows = texts(&["ALLOW_USER_SRP_AUTH"]),         &[(Weak, "client-flows", CLIENT)]),
        (|d| d.set_up = Some(Ok(None)),                                 &[(Broken, "table-set-up", TABLE)]),
        (|d| d.set_up = Some(Ok(Some("older".to_owned()))),             &[(Broken, "table-set-up", TABLE)]),
        (|d| d.set_up = Some(refused("GetItem")),                       &[(Unreadable, "unreadable", TABLE)]),
    ];

    #[test]
    fn each_fault_is_found_where_users_may_do_without() {
        for (number, (fault, expected)) in FAULTS_UNDER_OPTIONAL.iter().enumerate() {
            let mut deployment = optional();
            fault(&mut deployment);
            let expected: Vec<_> = expected.iter().map(|&(severity, id, of)| (severity, id, of.to_owned())).collect();
            assert_eq!(above_fine(&deployment), expected, "row {number}");
        }
    }

    #[test]
    fn the_worst_comes_first() {
        let mut deployment = sound();
        deployment.table.as_mut().unwrap().point_in_time_recovery = Ok("DISABLED".to_owned());
        deployment.key.as_mut().unwrap().state = Ok("Disabled".to_owned());
        deployment.mfa_configuration = refused("GetUserPoolMfaConfig");
        pool(&mut deployment).deletion_protection = "INACTIVE".to_owned();
        let severities: Vec<_> = findings(&deployment).into_iter().map(|finding| finding.severity).collect();
        assert_eq!(severities[..5], [Open, Broken, Unreadable, Weak, Fine]);
        assert!(severities.is_sorted());
    }

    #[test]
    fn what_is_open_goes_before_what_was_not_seen() {
        let finding =
            |severity| Finding { severity, id: "id", subject: "".into(), sentence: String::new(), remedy: None };
        #[rustfmt::skip]
        let table: [(&[Severity], Outcome); 7] = [
            (&[],                 Outcome::NothingOpen),
            (&[Fine, Weak],       Outcome::NothingOpen),
            (&[Unreadable, Weak], Outcome::NotAllSeen),
            (&[Open],             Outcome::Open),
            (&[Broken],           Outcome::Open),
            (&[Open, Unreadable], Outcome::Open),
            (&[Unreadable, Broken], Outcome::Open),
        ];
        for (severities, outcome) in table {
            let findings: Vec<_> = severities.iter().copied().map(finding).collect();
            assert_eq!(Outcome::of(&findings), outcome, "{severities:?}");
        }
    }

    #[test]
    fn a_line_each_is_aligned_and_only_the_word_is_coloured() {
        let findings = [
            Finding {
                severity: Open,
                id: "client-flows",
                subject: Subject::Client { name: "web".to_owned(), id: "1".to_owned() },
                sentence: "allows much".to_owned(),
                remedy: Some("Allow less."),
            },
            Finding {
                severity: Broken,
                id: "key-state",
                subject: "key 1".into(),
                sentence: "is off".to_owned(),
                remedy: None,
            },
        ];
        let plain = "OPEN    client-flows  client web (1)  allows much. Allow less.\n\
                     BROKEN  key-state     key 1           is off.\n\
                     1 open, 1 broken, 0 unreadable, 0 weak, 0 fine.\n";
        let coloured = "\x1b[1;31mOPEN  \x1b[0m  client-flows  client web (1)  allows much. Allow less.\n\
                        \x1b[31mBROKEN\x1b[0m  key-state     key 1           is off.\n\
                        1 open, 1 broken, 0 unreadable, 0 weak, 0 fine.\n";
        assert_eq!(report::text(&findings, false), plain);
        assert_eq!(report::text(&findings, true), coloured);
    }

    #[test]
    fn a_long_name_does_not_push_the_other_lines_apart() {
        let arn = "arn:aws:kms:us-east-1:111122223333:key/00000000-1111-2222-3333-444444444444";
        let finding = |subject: &str| Finding {
            severity: Fine,
            id: "id",
            subject: subject.into(),
            sentence: "is so".to_owned(),
            remedy: None,
        };
        let printed = report::text(&[finding("pool"), finding(arn)], false);
        let lines: Vec<_> = printed.lines().collect();
        assert_eq!(lines[0], format!("FINE  id  {:40}  is so.", "pool"));
        assert_eq!(lines[1], format!("FINE  id  {arn}  is so."));
    }

    /// `sound`, with `number` app clients more that allow ALLOW_USER_SRP_AUTH.
    fn with_clients_that_share_a_fault(number: usize) -> Deployment {
        let mut deployment = sound();
        let clients = deployment.clients.as_mut().unwrap();
        for number in 0..number {
            let mut other = clients[0].clone();
            (other.name, other.id) = (format!("old {number}"), format!("{number}example"));
            other.client.as_mut().unwrap().flows.push("ALLOW_USER_SRP_AUTH".to_owned());
            clients.push(other);
        }
        deployment
    }

    #[test]
    fn what_many_clients_share_is_one_line() {
        let of_one = report::text(&findings(&with_clients_that_share_a_fault(1)), false);
        assert!(of_one.contains("  client old 0 (0example)  "), "{of_one}");
        for number in [2, 5, 6, 60] {
            let found = findings(&with_clients_that_share_a_fault(number));
            let printed = report::text(&found, false);
            assert_eq!(printed.lines().count(), of_one.lines().count(), "{printed}");
            let line = printed.lines().next().unwrap();
            assert!(line.contains(&format!("  each of {number} clients  ")), "{line}");
            let end = match number {
                2 => "Clients: old 0 (0example), old 1 (1example).",
                5 => "old 3 (3example), old 4 (4example).",
                6 => "old 4 (4example), and 1 more (--json names them).",
                _ => "old 4 (4example), and 55 more (--json names them).",
            };
            assert!(line.ends_with(end), "{line}");
            let counts = format!("0 open, 0 broken, 0 unreadable, {number} weak, {} fine.", found.len() - number);
            assert_eq!(printed.lines().last(), Some(counts.as_str()));
        }
    }

    #[test]
    fn json_keeps_apart_what_many_clients_share() {
        let deployment = with_clients_that_share_a_fault(60);
        let printed = report::json(&deployment.user_pool_id, &findings(&deployment));
        let printed: Value = serde_json::from_str(&printed).unwrap();
        let of_flows = |finding: &&Value| finding["id"] == "client-flows" && finding["severity"] == "WEAK";
        let weak: Vec<_> = printed["findings"].as_array().unwrap().iter().filter(of_flows).collect();
        let ids: BTreeSet<_> = weak.iter().map(|finding| finding["clientId"].as_str().unwrap()).collect();
        assert_eq!((weak.len(), ids.len()), (60, 60));
        assert_eq!(printed["counts"]["weak"], 60);
    }

    #[test]
    fn clients_that_differ_are_not_grouped() {
        let mut deployment = with_clients_that_share_a_fault(2);
        deployment.clients.as_mut().unwrap()[1].client.as_mut().unwrap().flows.push("ALLOW_USER_AUTH".to_owned());
        let printed = report::text(&findings(&deployment), false);
        let weak = printed.lines().filter(|line| line.starts_with("WEAK"));
        assert!(weak.clone().all(|line| line.contains("client old ")) && weak.count() == 2, "{printed}");
    }

    #[test]
    fn one_is_counted_in_the_singular() {
        let mut deployment = sound();
        let client = client(&mut deployment);
        (client.refresh_token, client.access_token) = (lasts(1, "days"), lasts(1, "hours"));
        client.id_token = lasts(1, "minutes");
        verify_configuration(&mut deployment).timeout_seconds = Some(1);
        let printed = report::text(&findings(&deployment), false);
        for one in ["for 1 day.", "access tokens for 1 hour and ID tokens for 1 minute.", "cut off after 1 second,"] {
            assert!(printed.contains(one), "{one}: {printed}");
        }
    }

    #[test]
    fn a_name_cannot_forge_a_line_or_command_the_terminal() {
        let mut deployment = sound();
        deployment.clients.as_mut().unwrap()[0].name = "web\nFINE  \x1b[2J".to_owned();
        let printed = report::text(&findings(&deployment), false);
        assert_eq!(printed.lines().count(), findings(&deployment).len() + 1);
        assert!(!printed.contains('\x1b'));
        assert!(printed.contains("client web\\nFINE  \\u{1b}[2J (1example)"));
    }

    #[test]
    fn a_pool_id_names_its_region() {
        let region = |id: &str| id.parse().map(|id: operator::aws::UserPoolId| id.region().to_owned());
        assert_eq!(region("us-gov-west-1_Example12"), Ok("us-gov-west-1".to_owned()));
        for wrong in ["", "_", "us-east-1", "us-east-1_", "_Example12", "us-east-1_Exam ple", "us-east-1_a_b", "US_a"] {
            assert!(region(wrong).is_err(), "{wrong}");
        }
    }
}
