//! The triggers' events as Cognito sends them, and the samples in events/.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Map, Value, json};
use shared::cognito::UserKey;
use shared::settings::{AcceptedCognitoMfa, Enrollment, Policy, SignInSettings};

/// The user pool of every event here.
pub const USER_POOL_ID: &str = "us-east-1_Example01";
/// The request id of every call in this process.
pub const REQUEST_ID: &str = "plainly-fake-request-id";

/// One of the three triggers of CUSTOM_AUTH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChallengeTrigger {
    /// Define Auth Challenge.
    Define,
    /// Create Auth Challenge.
    Create,
    /// Verify Auth Challenge Response.
    Verify,
}

impl ChallengeTrigger {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Define, Self::Create, Self::Verify];

    /// Its function, and the folder of its events.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Define => "define-auth-challenge",
            Self::Create => "create-auth-challenge",
            Self::Verify => "verify-auth-challenge",
        }
    }

    /// `triggerSource`
    #[must_use]
    pub fn source(self) -> &'static str {
        match self {
            Self::Define => "DefineAuthChallenge_Authentication",
            Self::Create => "CreateAuthChallenge_Authentication",
            Self::Verify => "VerifyAuthChallengeResponse_Authentication",
        }
    }

    /// `response` as Cognito sends it.
    #[must_use]
    pub fn unanswered(self) -> Value {
        match self {
            Self::Define => json!({ "challengeName": null, "issueTokens": null, "failAuthentication": null }),
            Self::Create => json!({
                "publicChallengeParameters": null, "privateChallengeParameters": null, "challengeMetadata": null,
            }),
            Self::Verify => json!({ "answerCorrect": null }),
        }
    }
}

/// A Cognito user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// `userName`
    pub name: String,
    /// `userAttributes`, `sub` among them.
    pub attributes: Map<String, Value>,
}

impl User {
    /// A confirmed user with an e-mail address; `number` makes the `sub`.
    #[must_use]
    pub fn named(name: &str, number: u8) -> Self {
        let attributes = json!({
            "sub": format!("00000000-0000-4000-8000-0000000000{number:02x}"),
            "cognito:user_status": "CONFIRMED",
            "email_verified": "true",
            "email": format!("{name}@example.com"),
        });
        let Value::Object(attributes) = attributes else { panic!("an object") };
        Self { name: name.to_owned(), attributes }
    }

    /// The key of the user's record.
    #[must_use]
    pub fn key(&self) -> UserKey {
        let sub = self.attributes["sub"].as_str().expect("a sub");
        UserKey { user_pool_id: USER_POOL_ID.to_owned(), sub: sub.to_owned() }
    }

    /// An event about this user, with the trigger's `own` fields of `request`.
    #[must_use]
    pub fn event(&self, trigger: ChallengeTrigger, own: Value) -> Value {
        let mut request = json!({ "userAttributes": self.attributes, "userNotFound": false });
        let (Value::Object(own), Some(fields)) = (own, request.as_object_mut()) else { panic!("an object") };
        fields.extend(own);
        json!({
            "version": "1",
            "triggerSource": trigger.source(),
            "region": "us-east-1",
            "userPoolId": USER_POOL_ID,
            "userName": self.name,
            "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": CLIENT_ID },
            "request": request,
            "response": trigger.unanswered(),
        })
    }

    /// The token guard's event before this user's tokens, by `triggerSource` and `version`.
    #[must_use]
    pub fn token_event(&self, source: &str, version: &str) -> Value {
        let (details, of_both_tokens) = match version {
            "1" => ("claimsOverrideDetails", json!({})),
            _ => ("claimsAndScopeOverrideDetails", json!({ "scopes": ["aws.cognito.signin.user.admin"] })),
        };
        let mut request = json!({
            "userAttributes": self.attributes,
            "groupConfiguration": {
                "groupsToOverride": ["editors"], "iamRolesToOverride": [], "preferredRole": null,
            },
        });
        let (Value::Object(own), Some(fields)) = (of_both_tokens, request.as_object_mut()) else { panic!("an object") };
        fields.extend(own);
        json!({
            "version": version,
            "triggerSource": source,
            "region": "us-east-1",
            "userPoolId": USER_POOL_ID,
            "userName": self.name,
            "callerContext": { "awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": CLIENT_ID },
            "request": request,
            "response": { details: null },
        })
    }
}

/// The app client of every event here.
pub const CLIENT_ID: &str = "plainlyfakeclientid";

/// An entry of `session`.
#[must_use]
pub fn entry(name: &str, result: bool, metadata: Option<&str>) -> Value {
    json!({ "challengeName": name, "challengeResult": result, "challengeMetadata": metadata })
}

/// The sample events of `trigger` by name, for the settings of template.yaml.
#[must_use]
pub fn sample_events(trigger: ChallengeTrigger) -> BTreeMap<String, Value> {
    let events = sample_events_in("", trigger);
    assert!(!events.is_empty(), "no events");
    events
}

/// The same, in a folder of [`sample_settings`].
#[must_use]
pub fn sample_events_in(folder: &str, trigger: ChallengeTrigger) -> BTreeMap<String, Value> {
    read_events(&Path::new(EVENTS).join(folder).join(trigger.name()))
}

/// The sample events of the token guard.
#[must_use]
pub fn sample_events_of_the_guard() -> BTreeMap<String, Value> {
    let events = sample_events_of_the_guard_in("");
    assert!(!events.is_empty(), "no events");
    events
}

/// The same, in a folder of [`sample_settings`].
#[must_use]
pub fn sample_events_of_the_guard_in(folder: &str) -> BTreeMap<String, Value> {
    read_events(&Path::new(EVENTS).join(folder).join("pre-token-generation"))
}

fn read_events(folder: &Path) -> BTreeMap<String, Value> {
    let files = std::fs::read_dir(folder).into_iter().flatten();
    files
        .map(|file| {
            let path = file.expect("a file").path();
            let text = std::fs::read_to_string(&path).expect("text");
            let case = path.file_stem().and_then(|stem| stem.to_str()).expect("a name");
            (case.to_owned(), serde_json::from_str(&text).unwrap_or_else(|error| panic!("{case}: {error}")))
        })
        .collect()
}

const EVENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../events");

/// The folders of events/ that name the settings of their events, `ENROLLMENT+ACCEPTED_COGNITO_MFA` and perhaps
/// `+SECOND_FACTOR_POLICY`, and the folder without a name, which has those of template.yaml.
#[must_use]
pub fn sample_settings() -> BTreeMap<String, SignInSettings> {
    let files = std::fs::read_dir(EVENTS).expect("the folder of the events");
    let names = files.map(|file| file.expect("a file").file_name().into_string().expect("a name"));
    let named = names.filter_map(|name| {
        let (enrollment, others) = name.split_once('+')?;
        let (accepted, policy) = others.split_once('+').map_or((others, None), |(one, two)| (one, Some(two)));
        let lookup = |variable: &str| match variable {
            Enrollment::VARIABLE => Some(enrollment.to_owned()),
            AcceptedCognitoMfa::VARIABLE => Some(accepted.to_owned()),
            Policy::VARIABLE => policy.map(str::to_owned),
            _ => None,
        };
        let settings = SignInSettings::read(&lookup).unwrap_or_else(|error| panic!("{name}: {error}"));
        Some((name, settings))
    });
    named.chain([(String::new(), template_settings())]).collect()
}

/// The settings that template.yaml has by default.
#[must_use]
pub fn template_settings() -> SignInSettings {
    SignInSettings::new(AcceptedCognitoMfa::NONE, Enrollment::AtSignIn).expect("settings")
}
