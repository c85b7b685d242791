//! AWS's own shapes through the real SDK: what the doctor makes of them.

#[cfg(test)]
mod recorded;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_sdk_kms::config::{Credentials, SharedCredentialsProvider};
    use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
    use operator::aws::Services;
    use operator::doctor::Severity::{Broken, Fine, Open, Unreadable, Weak};
    use operator::doctor::deployment::Given;
    use operator::doctor::read::read;
    use operator::doctor::{Deployment, Severity, findings};
    use serde_json::json;
    use shared::clock::UnixTime;

    use crate::recorded::{Answer, SECRETS, USER_POOL_ID, changed, refused, serve, sound};

    /// 2026-11-26T08:00:00Z
    const NOW: UnixTime = UnixTime(1_795_680_000);

    async fn read_from(endpoint: &str, given: Given) -> Deployment {
        let http =
            aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::from_static("us-east-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new("test", "test", None, None, "tests")))
            .endpoint_url(endpoint)
            .http_client(http)
            .build();
        read(&Services::new(&config), USER_POOL_ID.parse().unwrap(), given, NOW).await.unwrap()
    }

    async fn deployment(answer: impl Fn(&str, &str) -> Answer + Clone + Send + Sync + 'static) -> Deployment {
        let (endpoint, _) = serve(answer).await;
        read_from(&endpoint, Given::default()).await
    }

    fn above_fine(deployment: &Deployment) -> Vec<(Severity, &'static str, String)> {
        let above = findings(deployment).into_iter().filter(|finding| finding.severity != Fine);
        above.map(|finding| (finding.severity, finding.id, finding.subject.to_string())).collect()
    }

    #[tokio::test]
    async fn what_the_template_deploys_is_read_whole_and_nothing_is_open() {
        let (endpoint, calls) = serve(sound).await;
        let deployment = read_from(&endpoint, Given::default()).await;
        assert_eq!(above_fine(&deployment), []);
        let called = calls.lock().unwrap().clone();
        // The actions that README.md asks an operator for.
        let expected = BTreeSet::from(
            [
                "DescribeContinuousBackups",
                "DescribeKey",
                "DescribeTable",
                "DescribeTrails",
                "DescribeUserPool",
                "DescribeUserPoolClient",
                "GetFunctionConfiguration",
                "GetKeyRotationStatus",
                "GetPolicy",
                "GetTrailStatus",
                "GetUserPoolMfaConfig",
                "ListIdentityProviders",
                "ListUserPoolClients",
            ]
            .map(str::to_owned),
        );
        assert_eq!(called, expected);
        let read_me = include_str!("../../docs/doctor.md");
        for operation in expected {
            assert!(read_me.contains(&format!(":{operation}`")), "{operation}");
        }
    }

    /// Only where users may do without, or groups are named.
    #[tokio::test]
    async fn under_optional_the_tables_item_and_the_groups_are_read() {
        let (endpoint, calls) = serve(|operation, of| {
            let (status, mut body) = match operation {
                "GetItem" => {
                    let record = json!({ "S": r#"{"tableName":"second-factor-SecondFactors-EXAMPLE"}"# });
                    (200, json!({ "Item": { "record": record } }))
                }
                "GetGroup" if of == "admins" => (200, json!({ "Group": { "GroupName": "admins" } })),
                "GetGroup" => refused("ResourceNotFoundException", "Group not found."),
                _ => sound(operation, of),
            };
            if operation == "GetFunctionConfiguration" && of == "guard" {
                body["Environment"]["Variables"]["SECOND_FACTOR_POLICY"] = json!("OPTIONAL");
                body["Environment"]["Variables"]["REQUIRED_GROUPS"] = json!("admins  adminz");
            }
            (status, body)
        })
        .await;
        let deployment = read_from(&endpoint, Given::default()).await;
        assert_eq!(deployment.set_up, Some(Ok(Some("second-factor-SecondFactors-EXAMPLE".to_owned()))));
        assert_eq!(deployment.groups, [("admins".to_owned(), Ok(true)), ("adminz".to_owned(), Ok(false))]);
        let called = calls.lock().unwrap().clone();
        let policy: serde_json::Value = serde_json::from_str(include_str!("../../docs/policies/doctor.json")).unwrap();
        let statements = policy["Statement"].as_array().unwrap().iter();
        let actions = statements.flat_map(|statement| statement["Action"].as_array().unwrap());
        let allowed = actions.map(|action| action.as_str().unwrap().split_once(':').unwrap().1.to_owned());
        assert_eq!(called, allowed.collect());
    }

    #[tokio::test]
    async fn the_second_page_of_app_clients_is_read() {
        let server = |operation: &str, of: &str| match (operation, of) {
            ("DescribeUserPoolClient", "1exampleclient0000000000002") => {
                changed(operation, of, "/UserPoolClient/ExplicitAuthFlows", json!(["ALLOW_USER_SRP_AUTH"]))
            }
            _ => sound(operation, of),
        };
        let subject = "client server (1exampleclient0000000000002)".to_owned();
        assert_eq!(above_fine(&deployment(server).await), [(Weak, "client-flows", subject)]);
    }

    #[tokio::test]
    async fn secrets_are_neither_kept_nor_said() {
        let deployment = deployment(sound).await;
        let said = format!("{deployment:?} {:?}", findings(&deployment));
        for secret in SECRETS {
            assert!(!said.contains(secret));
        }
        // The answers had them, and were read.
        assert!(said.contains("1exampleclient0000000000002") && said.contains("TABLE_NAME"));
    }

    /// A row a member of an answer as AWS sends it, and all that is found then.
    #[tokio::test]
    async fn each_member_is_read_from_where_aws_puts_it() {
        const WEB: &str = "client web (1exampleclient0000000000001)";
        const WEB_ID: &str = "1exampleclient0000000000001";
        const KEY: &str = "key arn:aws:kms:us-east-1:111122223333:key/00000000-1111-2222-3333-444444444444";
        const TABLE: &str = "table second-factor-SecondFactors-EXAMPLE";
        let devices = json!({ "ChallengeRequiredOnNewDevice": false, "DeviceOnlyRememberedOnUserPrompt": true });
        let disabled = json!({ "PointInTimeRecoveryStatus": "DISABLED" });
        let no_variables = json!({ "Error": { "ErrorCode": "AccessDeniedException", "Message": "no kms:Decrypt" } });
        #[rustfmt::skip]
        let rows = [
            ("DescribeUserPool", "", "/UserPool/DeletionProtection", json!("INACTIVE"), Weak, "pool-deletion-protection", "pool"),
            ("DescribeUserPool", "", "/UserPool/DeviceConfiguration", devices, Weak, "pool-devices", "pool"),
            ("DescribeUserPool", "", "/UserPool/Policies/SignInPolicy", json!({ "AllowedFirstAuthFactors": ["PASSWORD", "EMAIL_OTP"] }), Weak, "pool-first-factors", "pool"),
            ("DescribeUserPool", "", "/UserPool/LambdaConfig/DefineAuthChallenge", json!(null), Broken, "trigger-attached", "DefineAuthChallenge"),
            ("DescribeUserPool", "", "/UserPool/LambdaConfig/CreateAuthChallenge", json!(null), Broken, "trigger-attached", "CreateAuthChallenge"),
            ("DescribeUserPool", "", "/UserPool/LambdaConfig/VerifyAuthChallengeResponse", json!(null), Broken, "trigger-attached", "VerifyAuthChallengeResponse"),
            ("DescribeUserPool", "", "/UserPool/LambdaConfig/PreTokenGenerationConfig/LambdaVersion", json!("V1_0"), Weak, "trigger-events", "PreTokenGeneration"),
            ("DescribeUserPool", "", "/UserPool/LambdaConfig/PreTokenGenerationConfig/LambdaVersion", json!("V4_0"), Broken, "trigger-events", "PreTokenGeneration"),
            ("GetUserPoolMfaConfig", "", "/MfaConfiguration", json!("OPTIONAL"), Weak, "pool-mfa", "pool"),
            ("DescribeUserPoolClient", WEB_ID, "/UserPoolClient/ExplicitAuthFlows", json!(null), Weak, "client-flows", WEB),
            ("DescribeUserPoolClient", WEB_ID, "/UserPoolClient/ExplicitAuthFlows", json!(["ALLOW_SOMETHING_NEW"]), Weak, "client-flows", WEB),
            ("DescribeUserPoolClient", WEB_ID, "/UserPoolClient/AllowedOAuthFlowsUserPoolClient", json!(true), Weak, "client-oauth", WEB),
            ("DescribeUserPoolClient", WEB_ID, "/UserPoolClient/AllowedOAuthFlows", json!(["code"]), Weak, "client-oauth", WEB),
            ("DescribeUserPoolClient", WEB_ID, "/UserPoolClient/AllowedOAuthFlows", json!(["client_credentials"]), Weak, "client-machines", WEB),
            ("DescribeUserPoolClient", WEB_ID, "/UserPoolClient/SupportedIdentityProviders", json!(["COGNITO", "Google"]), Weak, "client-identity-providers", WEB),
            ("DescribeUserPoolClient", WEB_ID, "/UserPoolClient/PreventUserExistenceErrors", json!(null), Weak, "client-user-existence", WEB),
            ("DescribeUserPoolClient", WEB_ID, "/UserPoolClient/AuthSessionValidity", json!(3), Weak, "client-session", WEB),
            ("DescribeUserPoolClient", WEB_ID, "/UserPoolClient/TokenValidityUnits/RefreshToken", json!("days"), Weak, "client-refresh-token", WEB),
            ("DescribeUserPoolClient", WEB_ID, "/UserPoolClient/RefreshTokenValidity", json!(null), Weak, "client-refresh-token", WEB),
            ("DescribeUserPoolClient", WEB_ID, "/UserPoolClient/TokenValidityUnits/AccessToken", json!("hours"), Weak, "client-tokens", WEB),
            ("DescribeUserPoolClient", WEB_ID, "/UserPoolClient/IdTokenValidity", json!(1440), Weak, "client-tokens", WEB),
            ("DescribeUserPoolClient", WEB_ID, "/UserPoolClient/EnableTokenRevocation", json!(false), Weak, "client-token-revocation", WEB),
            ("GetFunctionConfiguration", "guard", "/Timeout", json!(30), Weak, "trigger-timeout", "PreTokenGeneration"),
            ("GetFunctionConfiguration", "guard", "/State", json!("Failed"), Broken, "trigger-state", "PreTokenGeneration"),
            ("GetFunctionConfiguration", "guard", "/Environment/Variables/TOKEN_GUARD", json!("TRIGGER_SOURCE"), Weak, "settings-guard", "settings"),
            ("GetFunctionConfiguration", "guard", "/Environment", json!(null), Open, "settings-guard", "settings"),
            ("GetFunctionConfiguration", "verify", "/Environment", no_variables, Unreadable, "unreadable", "VerifyAuthChallengeResponse"),
            ("GetFunctionConfiguration", "define", "/Environment/Variables/ENROLLMENT", json!("BY_OPERATOR"), Broken, "settings-agree", "settings"),
            ("GetFunctionConfiguration", "verify", "/Environment/Variables/TABLE_NAME", json!("other"), Broken, "settings-table", "settings"),
            ("GetPolicy", "guard", "/Policy", json!("{\"Statement\":[]}"), Broken, "trigger-permission", "PreTokenGeneration"),
            ("DescribeTable", "", "/Table/TableStatus", json!("INACCESSIBLE_ENCRYPTION_CREDENTIALS"), Broken, "table-status", TABLE),
            ("DescribeTable", "", "/Table/DeletionProtectionEnabled", json!(false), Open, "table-deletion-protection", TABLE),
            ("DescribeContinuousBackups", "", "/ContinuousBackupsDescription/PointInTimeRecoveryDescription", disabled, Open, "table-point-in-time-recovery", TABLE),
            ("DescribeKey", "arn:aws:kms:us-east-1:111122223333:key/00000000-1111-2222-3333-444444444444", "/KeyMetadata/KeyState", json!("PendingDeletion"), Broken, "key-state", KEY),
            ("GetKeyRotationStatus", "arn:aws:kms:us-east-1:111122223333:key/00000000-1111-2222-3333-444444444444", "/KeyRotationEnabled", json!(false), Weak, "key-rotation", KEY),
        ];
        for (operation, of, pointer, value, severity, id, subject) in rows {
            let sent = value.clone();
            let answer = move |called: &str, about: &str| {
                if (called, about) == (operation, of) {
                    changed(called, about, pointer, sent.clone())
                } else {
                    sound(called, about)
                }
            };
            let found = above_fine(&deployment(answer).await);
            assert!(found.contains(&(severity, id, subject.to_owned())), "{operation} {pointer} {value}: {found:?}");
            // Two settings that depend on one variable may fail together; nothing else does.
            assert!(
                found.iter().all(|(_, found, _)| *found == id || found.starts_with("settings-")),
                "{pointer}: {found:?}"
            );
        }
    }

    #[tokio::test]
    async fn domains_and_identity_providers_are_read_by_their_names() {
        let named = deployment(|operation, of| {
            let (status, mut body) = sound(operation, of);
            match operation {
                "DescribeUserPool" => {
                    body["UserPool"]["Domain"] = json!("example");
                    body["UserPool"]["CustomDomain"] = json!("auth.example.com");
                }
                "ListIdentityProviders" => {
                    let created = 1_790_000_000.0;
                    body["Providers"] =
                        json!([{ "ProviderName": "Google", "ProviderType": "Google", "CreationDate": created }]);
                }
                _ => {}
            }
            (status, body)
        })
        .await;
        assert_eq!(named.pool.unwrap().domains, ["example", "auth.example.com"]);
        assert_eq!(named.identity_providers.unwrap(), ["Google"]);
    }

    #[tokio::test]
    async fn the_old_form_of_the_guards_trigger_has_v1_events() {
        fn old(operation: &str, of: &str) -> Answer {
            match operation {
                "DescribeUserPool" => {
                    changed(operation, of, "/UserPool/LambdaConfig/PreTokenGenerationConfig", json!(null))
                }
                _ => sound(operation, of),
            }
        }
        let expected = [(Weak, "trigger-events", "PreTokenGeneration".to_owned())];
        assert_eq!(above_fine(&deployment(old).await), expected);
        let lite = |operation: &str, of: &str| {
            let (status, mut body) = old(operation, of);
            if operation == "DescribeUserPool" {
                body["UserPool"]["UserPoolTier"] = json!("LITE");
            }
            (status, body)
        };
        assert_eq!(above_fine(&deployment(lite).await), []);
        let none = |operation: &str, of: &str| match operation {
            "DescribeUserPool" => changed(operation, of, "/UserPool/LambdaConfig", json!(null)),
            _ => sound(operation, of),
        };
        let found = above_fine(&deployment(none).await);
        assert!(found.contains(&(Open, "trigger-attached", "PreTokenGeneration".to_owned())), "{found:?}");
    }

    #[tokio::test]
    async fn an_alias_is_asked_for_its_key_before_the_rotation() {
        let (endpoint, _) = serve(|operation, of| match (operation, of) {
            ("GetKeyRotationStatus", "alias/second-factor-sealing") => refused("InvalidArnException", "an alias"),
            _ => sound(operation, of),
        })
        .await;
        let given = Given { table_name: None, key_id: Some("alias/second-factor-sealing".to_owned()) };
        let deployment = read_from(&endpoint, given).await;
        assert_eq!(deployment.key.unwrap().rotation, Ok(true));
    }

    /// Each call in turn is refused; each time that is said, with AWS's words.
    #[tokio::test]
    async fn a_refused_call_is_a_finding() {
        for refusal in [
            "DescribeUserPool",
            "GetUserPoolMfaConfig",
            "ListIdentityProviders",
            "ListUserPoolClients",
            "DescribeUserPoolClient",
            "GetFunctionConfiguration",
            "GetPolicy",
            "DescribeTable",
            "DescribeContinuousBackups",
            "DescribeKey",
            "GetKeyRotationStatus",
        ] {
            let answer = move |operation: &str, of: &str| match operation == refusal {
                true => {
                    refused("AccessDeniedException", "User: arn:aws:iam::111122223333:user/example is not authorized.")
                }
                false => sound(operation, of),
            };
            let expected = format!(
                "could not be read: {refusal}: AccessDeniedException: \
                 User: arn:aws:iam::111122223333:user/example is not authorized"
            );
            let found = findings(&deployment(answer).await);
            let said = found.iter().find(|finding| finding.sentence == expected);
            assert_eq!(said.map(|finding| finding.severity), Some(Unreadable), "{refusal}: {found:#?}");
        }
    }

    #[tokio::test]
    async fn a_table_or_key_that_the_functions_name_and_aws_has_not_is_broken() {
        let gone = |operation: &str, of: &str| match operation {
            "DescribeTable" => refused("ResourceNotFoundException", "Requested resource not found"),
            "DescribeContinuousBackups" => refused("TableNotFoundException", "Table not found"),
            "DescribeKey" | "GetKeyRotationStatus" => refused("NotFoundException", "Key does not exist"),
            _ => sound(operation, of),
        };
        let found = |deployment| above_fine(&deployment).into_iter().map(|(severity, id, _)| (severity, id));
        let expected = [(Broken, "table-status"), (Broken, "key-state")];
        assert_eq!(found(deployment(gone).await).collect::<Vec<_>>(), expected);

        // A name from the command line may be a slip.
        let (endpoint, _) = serve(gone).await;
        let given = Given { table_name: Some("recrods".to_owned()), key_id: None };
        let mistyped: Vec<_> = found(read_from(&endpoint, given).await).collect();
        assert!(mistyped.contains(&(Unreadable, "unreadable")) && !mistyped.contains(&(Broken, "table-status")));
    }

    #[tokio::test]
    async fn a_function_without_permission_for_any_caller_has_no_policy() {
        let answer = |operation: &str, of: &str| match (operation, of) {
            ("GetPolicy", "verify") => {
                refused("ResourceNotFoundException", "No policy is associated with the given resource.")
            }
            _ => sound(operation, of),
        };
        let expected = [(Broken, "trigger-permission", "VerifyAuthChallengeResponse".to_owned())];
        assert_eq!(above_fine(&deployment(answer).await), expected);
    }
}
