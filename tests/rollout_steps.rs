//! The commands of docs/rollout.md, as they stand there and in their order: a team's pool goes from nothing to a second factor for
//! everybody and back, and the doctor says at each step what is open.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Parser as _;
use operator::aws::Services;
use operator::cli::{CommandLine, Ended, run};
use operator::doctor::Severity::{self, Broken, Fine, Open, Weak};
use operator::doctor::deployment::Given;
use operator::doctor::findings;
use operator::doctor::read::read;
use operator::terminal::{Stopped, Terminal};
use serde_json::{Value, json};
use shared::settings::Policy;
use tests::events::template_settings;
use tests::proxy::Proxy;
use tests::random::fill_random;
use tests::served::{Served, TABLE_NAME};

const PAGE: &str = include_str!("../docs/rollout.md");
/// An hour after the start of the tests' clock.
const UNTIL: &str = "2027-01-15T09:00:00Z";
const SINCE: &str = "2027-01-15T09:02:00Z";

/// What the doctor finds: how bad it is, the check, and what it is about, by its name.
type Found = (Severity, &'static str, String);

/// The commands between two headings, in their order.
fn commands_in(section: &str) -> Vec<&str> {
    let starts = section.match_indices("second-factor ").map(|(start, _)| start);
    let starts = starts.filter(|start| matches!(section[..*start].chars().last(), Some('\n' | '`')));
    starts.filter_map(|start| section[start..].split(['\n', '`']).next()).collect()
}

/// The command of a step that begins with these words.
fn command(step: u8, words: &str) -> &'static str {
    let section = PAGE.split("\n### ").find(|section| section.starts_with(&format!("{step}. "))).unwrap();
    let begins = |command: &&str| command.starts_with(&format!("second-factor {words}"));
    commands_in(section).into_iter().find(begins).unwrap_or_else(|| panic!("step {step} has no {words}"))
}

#[test]
fn every_command_of_the_page_is_one() {
    let commands = commands_in(PAGE);
    assert!(commands.len() > 15, "{commands:?}");
    for command in commands {
        let mut words: Vec<&str> = command.split_whitespace().collect();
        match words.iter().position(|word| *word == "ID") {
            Some(id) => words[id] = "us-east-1_Example12",
            None => words.extend(["--user-pool-id", "us-east-1_Example12"]),
        }
        CommandLine::try_parse_from(words).unwrap_or_else(|error| panic!("{command}: {error}"));
    }
}

/// A pool whose users sign in by SRP, an operator, and the stack of the functions for it.
struct Team {
    served: Served,
    proxy: Arc<Proxy>,
    services: Services,
    id: String,
    old_client: String,
    /// Where the state is kept.
    folder: PathBuf,
}

impl Team {
    async fn new() -> Self {
        let served = Served::with(template_settings().under(Policy::Optional).unwrap()).await;
        let proxy = Proxy::start(&served.endpoint).await;
        let services = Services::new(&served.config.to_builder().endpoint_url(&proxy.endpoint).build());
        let mut team =
            Self { served, proxy, services, id: String::new(), old_client: String::new(), folder: PathBuf::new() };
        let made = team.call("CreateUserPool", json!({ "PoolName": "team", "DeletionProtection": "ACTIVE" })).await;
        team.id = made["UserPool"]["Id"].as_str().unwrap().to_owned();
        team.folder = std::env::temp_dir().join(format!("rollout-{}-{}", std::process::id(), team.id));
        std::fs::create_dir_all(&team.folder).unwrap();
        team.old_client = team.new_client("old", &["ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]).await;
        team
    }

    async fn call(&self, operation: &'static str, request: Value) -> Value {
        self.services.cognito(operation, &request).await.unwrap_or_else(|error| panic!("{operation}: {error:?}"))
    }

    async fn new_client(&self, name: &str, flows: &[&str]) -> String {
        let request = json!({
            "UserPoolId": self.id, "ClientName": name, "ExplicitAuthFlows": flows, "PreventUserExistenceErrors": "ENABLED",
            "AuthSessionValidity": 15, "EnableTokenRevocation": true,
        });
        let made = self.call("CreateUserPoolClient", request).await;
        made["UserPoolClient"]["ClientId"].as_str().unwrap().to_owned()
    }

    /// What attach changes.
    async fn attached(&self) -> [Value; 2] {
        let mut pool = self.call("DescribeUserPool", json!({ "UserPoolId": self.id })).await;
        let of_client = json!({ "UserPoolId": self.id, "ClientId": self.old_client });
        let mut client = self.call("DescribeUserPoolClient", of_client).await;
        [pool["UserPool"]["LambdaConfig"].take(), client["UserPoolClient"]["ExplicitAuthFlows"].take()]
    }

    /// Deploys the stack with these parameters, as far as it shows in its outputs and in the functions' variables.
    fn deploy(&self, policy: &'static str, report_only_until: &'static str, guarded_since: &'static str) {
        self.proxy.rewrite(move |call, answer| match call {
            "DescribeStacks" => {
                let output =
                    |value: &str| format!("<OutputKey>ReportOnlyUntil</OutputKey><OutputValue>{value}</OutputValue>");
                assert!(answer.contains(&output("NONE")), "{answer}");
                answer.replace(
                    &output("NONE"),
                    &output(if report_only_until.is_empty() { "NONE" } else { report_only_until }),
                )
            }
            "GetFunctionConfiguration" => {
                let mut answer: Value = serde_json::from_str(&answer).unwrap();
                let variables = &mut answer["Environment"]["Variables"];
                variables["SECOND_FACTOR_POLICY"] = json!(policy);
                if variables.get("TOKEN_GUARD").is_some() {
                    variables["REPORT_ONLY_UNTIL"] = json!(report_only_until);
                    variables["GUARDED_SINCE"] = json!(guarded_since);
                }
                answer.to_string()
            }
            _ => answer,
        });
    }

    /// Types a command of the page, and what it asks for.
    async fn types(&self, command: &str) -> (Result<Ended, Stopped>, String) {
        let (stack, state) =
            (format!("second-factor-for-{}", self.id), self.folder.join("state").display().to_string());
        let named = |word: &str| match word {
            "ID" => self.id.clone(),
            "OLD_CLIENT" => self.old_client.clone(),
            "TABLE" => TABLE_NAME.to_owned(),
            word => word.to_owned(),
        };
        let mut words: Vec<String> = command.split_whitespace().map(named).collect();
        if let Some(at) = words.iter().position(|word| word == "--stack") {
            assert_eq!(words[at + 1], "second-factor");
            words[at + 1] = stack;
        }
        let mut typed = "yes\n".to_owned();
        if ["attach", "detach"].contains(&words[1].as_str()) {
            words.extend(["--state".to_owned(), state]);
        }
        if words[1] == "detach" {
            typed = format!("{}\n", self.id);
        }
        let command_line = CommandLine::try_parse_from(words).unwrap_or_else(|error| panic!("{command}: {error}"));
        let (mut output, mut input, mut log) = (Vec::new(), typed.as_bytes(), Vec::new());
        let mut terminal = Terminal { output: &mut output, input: &mut input, log: &mut log };
        let ended =
            run(command_line, &self.services, &|| self.served.clock.now(), fill_random, false, &mut terminal).await;
        (ended, String::from_utf8(output).unwrap())
    }

    async fn does(&self, command: &str) {
        let (ended, said) = self.types(command).await;
        assert_eq!(ended, Ok(Ended::Well), "{command}: {said}");
    }

    /// What the doctor finds to be open or broken.
    async fn open(&self) -> BTreeSet<Found> {
        let found = self.found(|severity, _| [Open, Broken].contains(&severity)).await;
        let stands = if found.is_empty() { Ended::Well } else { Ended::Not };
        let (ended, said) = self.types(command_of_the_doctor()).await;
        assert_eq!(ended, Ok(stands), "{said}");
        found
    }

    async fn found(&self, is: impl Fn(Severity, &str) -> bool) -> BTreeSet<Found> {
        let now = self.served.clock.now();
        let deployment = read(&self.services, self.id.parse().unwrap(), Given::default(), now).await.unwrap();
        let found = findings(&deployment).into_iter().filter(|finding| is(finding.severity, finding.id));
        let by_name = |subject: String| subject.split(" (").next().unwrap_or_default().to_owned();
        found.map(|finding| (finding.severity, finding.id, by_name(finding.subject.to_string()))).collect()
    }

    /// The old client's flows, as the doctor sees them.
    async fn flows(&self) -> Severity {
        let found = self.found(|_, id| id == "client-flows").await;
        found.into_iter().find(|(_, _, subject)| subject == "client old").unwrap().0
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn command_of_the_doctor() -> &'static str {
    commands_in(PAGE).into_iter().find(|command| command.starts_with("second-factor doctor --")).unwrap()
}

fn open(checks: &[(&'static str, &str)]) -> BTreeSet<Found> {
    checks.iter().map(|(id, subject)| (Open, *id, (*subject).to_owned())).collect()
}

#[tokio::test]
async fn the_doctor_says_what_is_open_at_each_step_to_required_and_back() {
    let team = Team::new().await;
    let before = team.attached().await;

    // 1. The functions, and the table's name.
    team.deploy("REQUIRED", UNTIL, "");
    team.does(command(1, "init")).await;
    team.deploy("OPTIONAL", UNTIL, "");
    team.does(command(1, "attach challenges")).await;
    let guard = ("trigger-attached", "PreTokenGeneration");
    let (old, optional) = (("client-flows", "client old"), ("settings-optional", "settings"));
    assert_eq!(team.open().await, open(&[old, guard, optional]));
    let challenges = team.attached().await;

    // 2. A new app client: one that allows another flow too would be open.
    let shared =
        team.new_client("shared", &["ALLOW_CUSTOM_AUTH", "ALLOW_USER_SRP_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]).await;
    let of_shared = [("client-flows", "client shared"), ("client-optional", "client shared")];
    assert_eq!(team.open().await, open(&[old, of_shared[0], of_shared[1], guard, optional]));
    team.call("DeleteUserPoolClient", json!({ "UserPoolId": team.id, "ClientId": shared })).await;
    team.new_client("new", &["ALLOW_CUSTOM_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"]).await;
    assert_eq!(team.open().await, open(&[old, guard, optional]));

    // 3. Watch.
    team.does(command(3, "attach watch")).await;
    let reporting = ("settings-report-only", "settings");
    assert_eq!(team.open().await, open(&[old, reporting, optional]));
    let guarded = team.attached().await;
    team.does(command(3, "detach")).await;
    assert_eq!(team.attached().await, challenges);
    team.does(command(3, "attach watch")).await;

    // 4. It denies from that second on; the next deployment says so.
    team.served.clock.wait(3600);
    assert_eq!(team.open().await, open(&[]));
    team.served.clock.wait(120);
    team.deploy("OPTIONAL", "", SINCE);
    team.does(command(4, "attach guard")).await;
    assert_eq!((team.open().await, team.flows().await), (open(&[]), Weak));
    assert_eq!(team.attached().await, guarded);
    team.does(command(4, "detach")).await;
    assert_eq!(team.open().await, open(&[old, guard, optional]));
    team.does(command(4, "attach guard")).await;
    assert_eq!((team.open().await, team.attached().await), (open(&[]), guarded.clone()));

    // 8. The other flows of the old client, and the policy.
    team.does(command(8, "attach clients")).await;
    assert_eq!(team.open().await, open(&[("client-optional", "client old")]));
    team.does(command(8, "attach flows")).await;
    assert_eq!((team.open().await, team.flows().await), (open(&[]), Fine));
    team.deploy("REQUIRED", "", SINCE);
    assert_eq!((team.open().await, team.flows().await), (open(&[]), Fine));
    // Back: under REQUIRED the guard denies what the flow gets, and under OPTIONAL it may not.
    team.does(command(8, "detach")).await;
    assert_eq!((team.open().await, team.flows().await), (open(&[]), Weak));
    assert_eq!(team.attached().await[0], guarded[0]);
    team.deploy("OPTIONAL", "", SINCE);
    assert_eq!(team.open().await, open(&[("client-optional", "client old")]));
    team.does(command(1, "detach")).await;
    assert_eq!(team.attached().await, before);
}

/// Nothing is accepted on the page that need not be.
#[tokio::test]
async fn old_builds_stand_in_the_way_of_the_guard_until_they_are_accepted() {
    let team = Team::new().await;
    team.deploy("OPTIONAL", UNTIL, "");
    team.does(command(1, "attach challenges")).await;
    for (step, words) in [(3, "attach watch"), (4, "attach guard")] {
        if step == 4 {
            team.deploy("OPTIONAL", "", SINCE);
        }
        let (given, accepted) = command(step, words).split_once(" --accept ").unwrap();
        assert_eq!(accepted, "other-flows");
        let (ended, said) = team.types(given).await;
        let Err(Stopped::NothingChanged(why)) = ended else { panic!("{ended:?}: {said}") };
        assert!(why.contains("--accept other-flows"), "{why}");
    }
}
