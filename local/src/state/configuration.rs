//! A user pool's own configuration: what `CreateUserPool` and `UpdateUserPool` set and `DescribeUserPool` returns.
//!
//! Invariant: an update replaces everything that an update takes: what it leaves out returns to its default. That is so for every
//! member, also for one that no model has: it is described as it was given.
//! Source: the API reference of these operations, and their shapes in the service model; for tags, the rule of AWS's tagging in
//! general: <https://docs.aws.amazon.com/tag-editor/latest/userguide/best-practices-and-strats.html>.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use shared::clock::UnixTime;

use crate::error::CognitoError;
use crate::request::{Request, outside_of_enum, wrong_type};
use crate::settings::PreTokenGenerationVersion;
use crate::state::alias::{Alias, NameRules};
use crate::state::modified::LastModified;
use crate::state::password::PasswordPolicy;
use crate::state::schema::Schema;
use crate::triggers::Trigger;

/// What only `CreateUserPool` takes, and every update leaves.
const CREATED_ONLY: [&str; 3] = ["AliasAttributes", "UsernameAttributes", "UsernameConfiguration"];
/// What an update leaves when it is left out. Documented of the former, and reported of the latter.
const KEPT_IF_LEFT_OUT: [&str; 2] = ["DcrConfiguration", "UserAttributeUpdateSettings"];
/// What a request does not set, or what is held apart: the members of `DescribeUserPool` that no update takes are ignored in one.
const NOT_MEMBERS: [&str; 18] = [
    "AliasAttributes",
    "Arn",
    "CreationDate",
    "CustomDomain",
    "Domain",
    "EmailConfigurationFailure",
    "EstimatedNumberOfUsers",
    "Id",
    "LastModifiedDate",
    "Name",
    "PoolName",
    "Schema",
    "SchemaAttributes",
    "SmsConfigurationFailure",
    "Status",
    "UserPoolId",
    "UsernameAttributes",
    "UsernameConfiguration",
];
/// The start of the tags that are AWS's own, in any case.
const RESERVED_TAGS: &str = "aws:";

/// One pool's configuration.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Configuration {
    /// As the API returns them.
    members: Map<String, Value>,
    pub(crate) names: NameRules,
    pub(crate) schema: Schema,
    pub(crate) password_policy: PasswordPolicy,
    /// What is verified when a code that was sent to it is typed back.
    pub(crate) auto_verified: Vec<Alias>,
    pub(crate) verified_before_update: Vec<Alias>,
    /// `AccountRecoverySetting`, by priority.
    pub(crate) recovery: Option<Vec<Recovery>>,
    pub(crate) only_operators_create_users: bool,
    created_at: UnixTime,
    modified_at: LastModified,
}

/// A way to get a new password.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Recovery {
    By(Alias),
    AdminOnly,
}

impl Configuration {
    /// What `CreateUserPool` makes.
    pub(crate) fn new(request: &Request, now: UnixTime) -> Result<Self, CognitoError> {
        let mut members = defaults();
        members.extend(request.members_of(&CREATED_ONLY));
        members.insert("Name".to_owned(), json!(request.required("PoolName")?));
        let names = NameRules::parse(request)?;
        let schema = Schema::parse(request.list("Schema")?)?;
        Self::with(members, names, schema, request, now, LastModified::at(now))
    }

    /// What `UpdateUserPool` leaves.
    pub(crate) fn updated(&self, request: &Request, now: UnixTime) -> Result<Self, CognitoError> {
        check_tags(request)?;
        let mut members = defaults();
        for name in ["Name"].into_iter().chain(CREATED_ONLY).chain(KEPT_IF_LEFT_OUT) {
            members.extend(self.members.get(name).map(|value| (name.to_owned(), value.clone())));
        }
        if let Some(name) = request.optional("PoolName")? {
            members.insert("Name".to_owned(), json!(name));
        }
        let modified_at = self.modified_at.again(now);
        let mut updated =
            Self::with(members, self.names.clone(), self.schema.clone(), request, self.created_at, modified_at)?;
        // Nobody but AWS sets or removes them.
        let reserved = self.tags().filter(|(key, _)| is_reserved(key));
        if let Some(tags) = updated.members.get_mut("UserPoolTags").and_then(Value::as_object_mut) {
            tags.extend(reserved.map(|(key, value)| (key.clone(), value.clone())));
        }
        Ok(updated)
    }

    fn with(
        mut members: Map<String, Value>,
        names: NameRules,
        schema: Schema,
        request: &Request,
        created_at: UnixTime,
        modified_at: LastModified,
    ) -> Result<Self, CognitoError> {
        members.extend(request.members_except(&NOT_MEMBERS));
        for (name, words) in [("DeletionProtection", ["ACTIVE", "INACTIVE"]), ("UserPoolTier", ["ESSENTIALS", "PLUS"])]
        {
            let word = members.get(name).and_then(Value::as_str).unwrap_or_default();
            if !words.contains(&word) && word != "LITE" {
                return Err(outside_of_enum(name, word));
            }
        }
        let policies = request.object("Policies")?;
        let mut password_policy = PasswordPolicy::parse(policies.as_ref())?;
        let admin = request.object("AdminCreateUserConfig")?;
        let unused = admin.as_ref().map(|admin| admin.number("UnusedAccountValidityDays")).transpose()?.flatten();
        match unused {
            Some(_) if password_policy.names_temporary_validity => {
                return Err(CognitoError::invalid_parameter(
                    "Please use TemporaryPasswordValidityDays in PasswordPolicy instead of UnusedAccountValidityDays",
                ));
            }
            None | Some(0) => {}
            // The older name of the same.
            Some(days) => password_policy.temporary_validity_days = days,
        }
        let mut policies = structure(&members, "Policies");
        let mut policy = structure(&policies, "PasswordPolicy");
        policy.extend(password_policy.to_json());
        policies.insert("PasswordPolicy".to_owned(), Value::Object(policy));
        members.insert("Policies".to_owned(), Value::Object(policies));
        let only_operators = admin.as_ref().map(|admin| admin.flag("AllowAdminCreateUserOnly")).transpose()?;
        let only_operators_create_users = only_operators.unwrap_or(false);
        let mut admin = structure(&members, "AdminCreateUserConfig");
        admin.insert("AllowAdminCreateUserOnly".to_owned(), json!(only_operators_create_users));
        admin.insert("UnusedAccountValidityDays".to_owned(), json!(password_policy.temporary_validity_days));
        members.insert("AdminCreateUserConfig".to_owned(), Value::Object(admin));
        complete_client_registration(&mut members)?;
        reconcile_messages(&mut members);
        reconcile_pre_token_generation(&mut members)?;

        let update_settings = members.get("UserAttributeUpdateSettings").cloned().unwrap_or_default();
        let verified_before_update =
            aliases(update_settings.get("AttributesRequireVerificationBeforeUpdate").unwrap_or(&Value::Null))?;
        Ok(Self {
            names,
            schema,
            password_policy,
            auto_verified: aliases(members.get("AutoVerifiedAttributes").unwrap_or(&Value::Null))?,
            verified_before_update,
            recovery: recovery(members.get("AccountRecoverySetting"))?,
            only_operators_create_users,
            members,
            created_at,
            modified_at,
        })
    }

    /// The functions of the triggers, by their ARNs.
    pub(crate) fn functions(&self) -> BTreeMap<Trigger, String> {
        Trigger::ALL.into_iter().filter_map(|trigger| Some((trigger, self.function(trigger)?.to_owned()))).collect()
    }

    fn function(&self, trigger: Trigger) -> Option<&str> {
        let lambda = self.members.get("LambdaConfig")?;
        match trigger {
            Trigger::PreTokenGeneration => lambda.get("PreTokenGenerationConfig")?.get("LambdaArn")?.as_str(),
            Trigger::DefineAuthChallenge | Trigger::CreateAuthChallenge | Trigger::VerifyAuthChallengeResponse => {
                lambda.get(trigger.to_string())?.as_str()
            }
        }
    }

    /// The version of the events that the Pre Token Generation trigger receives; `None` where there is none.
    pub(crate) fn pre_token_generation(&self) -> Option<PreTokenGenerationVersion> {
        let config = self.members.get("LambdaConfig")?.get("PreTokenGenerationConfig")?;
        PreTokenGenerationVersion::parse(config.get("LambdaVersion")?.as_str()?)
    }

    pub(crate) fn created_at(&self) -> UnixTime {
        self.created_at
    }

    pub(crate) fn name(&self) -> &str {
        self.members.get("Name").and_then(Value::as_str).unwrap_or_default()
    }

    fn tags(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.members.get("UserPoolTags").and_then(Value::as_object).into_iter().flatten()
    }

    /// Some features are not in the plan `LITE`.
    pub(crate) fn is_lite(&self) -> bool {
        self.members.get("UserPoolTier").is_some_and(|tier| tier == "LITE")
    }

    pub(crate) fn is_protected(&self) -> bool {
        self.members.get("DeletionProtection").is_some_and(|protection| protection == "ACTIVE")
    }

    /// What `DescribeUserPool` says, without the pool's id, ARN and MFA.
    pub(crate) fn to_json(&self) -> Map<String, Value> {
        let mut described = self.members.clone();
        described.insert("SchemaAttributes".to_owned(), self.schema.to_json());
        described.insert("CreationDate".to_owned(), json!(self.created_at));
        described.insert("LastModifiedDate".to_owned(), self.modified_at.to_json());
        described
    }

    /// An item of `ListUserPools`.
    pub(crate) fn summary(&self, id: &str) -> Value {
        let mut summary = json!({ "Id": id, "Name": self.name() });
        for name in ["LambdaConfig", "CreationDate", "LastModifiedDate"] {
            let value = self.to_json().remove(name);
            if let (Some(value), Some(summary)) = (value, summary.as_object_mut()) {
                summary.insert(name.to_owned(), value);
            }
        }
        summary
    }
}

fn defaults() -> Map<String, Value> {
    let defaults = json!({
        "AdminCreateUserConfig": { "AllowAdminCreateUserOnly": false },
        "DeletionProtection": "INACTIVE",
        "EmailConfiguration": { "EmailSendingAccount": "COGNITO_DEFAULT" },
        "LambdaConfig": {},
        "UserAttributeUpdateSettings": { "AttributesRequireVerificationBeforeUpdate": [] },
        "UserPoolTags": {},
        "UserPoolTier": "ESSENTIALS",
        "VerificationMessageTemplate": { "DefaultEmailOption": "CONFIRM_WITH_CODE" },
    });
    defaults.as_object().cloned().unwrap_or_default()
}

/// A structure among the members; empty where there is none.
fn structure(members: &Map<String, Value>, name: &str) -> Map<String, Value> {
    members.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// What a request sets that is AWS's own is refused.
pub(crate) fn check_tags(request: &Request) -> Result<(), CognitoError> {
    match request.strings("UserPoolTags")?.keys().find(|key| is_reserved(key)) {
        None => Ok(()),
        Some(key) => Err(CognitoError::new(
            "UserPoolTaggingException",
            format!("The tag key {key} is reserved: keys that begin with aws: are for AWS's own use"),
        )),
    }
}

fn is_reserved(key: &str) -> bool {
    key.get(..RESERVED_TAGS.len()).is_some_and(|start| start.eq_ignore_ascii_case(RESERVED_TAGS))
}

/// Documented: where clients may register themselves, left out means that they may, and the plan `LITE` is without it.
fn complete_client_registration(members: &mut Map<String, Value>) -> Result<(), CognitoError> {
    let is_lite = members.get("UserPoolTier").is_some_and(|tier| tier == "LITE");
    let Some(registration) = members.get_mut("DcrConfiguration").and_then(Value::as_object_mut) else {
        return Ok(());
    };
    let status = registration.entry("EnableStatus").or_insert_with(|| json!("Enabled"));
    match status.as_str().ok_or_else(|| wrong_type("EnableStatus"))? {
        "Disabled" => Ok(()),
        "Enabled" if is_lite => Err(CognitoError::not_in_tier("Dynamic client registration")),
        "Enabled" => Ok(()),
        other => Err(outside_of_enum("EnableStatus", other)),
    }
}

/// The texts of messages have two places in the API; the template's are the ones that count.
fn reconcile_messages(members: &mut Map<String, Value>) {
    const SAME: [(&str, &str); 3] = [
        ("SmsVerificationMessage", "SmsMessage"),
        ("EmailVerificationSubject", "EmailSubject"),
        ("EmailVerificationMessage", "EmailMessage"),
    ];
    let mut template = structure(members, "VerificationMessageTemplate");
    template.entry("DefaultEmailOption").or_insert_with(|| json!("CONFIRM_WITH_CODE"));
    for (member, of_template) in SAME {
        match (template.get(of_template).cloned(), members.get(member).cloned()) {
            (Some(text), _) => drop(members.insert(member.to_owned(), text)),
            (None, Some(text)) => drop(template.insert(of_template.to_owned(), text)),
            (None, None) => {}
        }
    }
    members.insert("VerificationMessageTemplate".to_owned(), Value::Object(template));
}

/// The old form of the trigger names a function only, and means V1_0 events. Cognito returns both.
fn reconcile_pre_token_generation(members: &mut Map<String, Value>) -> Result<(), CognitoError> {
    let Some(lambda) = members.get_mut("LambdaConfig").and_then(Value::as_object_mut) else {
        return Ok(());
    };
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let old = text(lambda.get("PreTokenGeneration"));
    let new = lambda.get("PreTokenGenerationConfig").filter(|config| !config.is_null());
    let arn = new.and_then(|config| text(config.get("LambdaArn")));
    match (old, arn) {
        (Some(old), Some(arn)) if old != arn => {
            Err(CognitoError::invalid_parameter("PreTokenGeneration and PreTokenGenerationConfig name two functions"))
        }
        (Some(old), None) => {
            lambda.insert("PreTokenGenerationConfig".to_owned(), json!({ "LambdaArn": old, "LambdaVersion": "V1_0" }));
            Ok(())
        }
        (_, Some(arn)) => {
            lambda.insert("PreTokenGeneration".to_owned(), json!(arn));
            Ok(())
        }
        (None, None) => Ok(()),
    }
}

fn aliases(list: &Value) -> Result<Vec<Alias>, CognitoError> {
    let words = list.as_array().into_iter().flatten().filter_map(Value::as_str);
    words.map(|word| Alias::parse(word).ok_or_else(|| outside_of_enum("Attributes", word))).collect()
}

fn recovery(setting: Option<&Value>) -> Result<Option<Vec<Recovery>>, CognitoError> {
    let Some(mechanisms) = setting.and_then(|setting| setting.get("RecoveryMechanisms")?.as_array()) else {
        return Ok(None);
    };
    let mut ways = Vec::new();
    for mechanism in mechanisms {
        let priority = mechanism.get("Priority").and_then(Value::as_u64).unwrap_or_default();
        let way = match mechanism.get("Name").and_then(Value::as_str).unwrap_or_default() {
            "verified_email" => Recovery::By(Alias::Email),
            "verified_phone_number" => Recovery::By(Alias::PhoneNumber),
            "admin_only" => Recovery::AdminOnly,
            other => return Err(outside_of_enum("Name", other)),
        };
        ways.push((priority, way));
    }
    ways.sort_by_key(|(priority, _)| *priority);
    let ways: Vec<Recovery> = ways.into_iter().map(|(_, way)| way).collect();
    if ways.contains(&Recovery::AdminOnly) && ways.len() > 1 {
        return Err(CognitoError::invalid_parameter(
            "Account Recovery Setting cannot use admin_only setting with any other recovery mechanisms.",
        ));
    }
    Ok(Some(ways))
}
