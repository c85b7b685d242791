//! One change of a pool or of an app client: describe, update, describe again, compare.
//!
//! Invariant: what differs afterwards is what was meant to, or everything is put back and the differences are named. Two calls of
//! somebody else can still fall between the last look and the update: Cognito's API has no version to compare.

use std::time::Duration;

use serde_json::{Value, json};

use super::flows::EXPLICIT_AUTH_FLOWS;
use super::state::same;
use super::update::{Described, LAMBDA_CONFIG, client_update, differences, pool_update, set};
use crate::aws::{CallError, Cause, Services, UserPoolId};
use crate::terminal::Stopped;

/// How often a pool that still looks as before is looked at again: a description may lag behind an update.
const LOOKS: u32 = 5;

/// A pool's settings outside of `DescribeUserPool`, which an update must not touch either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apart {
    mfa: Value,
    /// `None` where the pool or the region has none.
    session: Option<Value>,
}

/// A pool as Cognito describes it.
#[derive(Clone, Debug)]
pub struct SeenPool {
    /// `DescribeUserPool`
    pub described: Described,
    /// What is read with other calls.
    pub apart: Apart,
}

impl Apart {
    /// `MfaConfiguration`
    #[must_use]
    pub fn mfa_configuration(&self) -> &str {
        self.mfa.get("MfaConfiguration").and_then(Value::as_str).unwrap_or("OFF")
    }
}

/// A call that failed before anything was changed.
#[must_use]
pub fn nothing_changed(error: &CallError) -> Stopped {
    Stopped::Failed(format!("Nothing was changed: {}. {}", error.why(), error.cause.remedy()))
}

fn after_a_change(done: &str, error: &CallError) -> Stopped {
    Stopped::Failed(format!("{done}: {}. {}", error.why(), error.cause.remedy()))
}

impl Services {
    /// Reads a pool and what stands apart from it.
    ///
    /// # Errors
    /// A call's.
    pub async fn see_pool(&self, id: &UserPoolId) -> Result<SeenPool, CallError> {
        let described = self.describe_pool(id).await?;
        let of_pool = json!({ "UserPoolId": id.to_string() });
        let mfa = self.cognito("GetUserPoolMfaConfig", &of_pool).await?;
        let session = self.where_there_is_one("GetUserPoolSessionConfiguration", &of_pool).await?;
        Ok(SeenPool { described, apart: Apart { mfa, session } })
    }

    async fn describe_pool(&self, id: &UserPoolId) -> Result<Described, CallError> {
        let answer = self.cognito("DescribeUserPool", &json!({ "UserPoolId": id.to_string() })).await?;
        object(answer, "DescribeUserPool", "UserPool")
    }

    /// Reads an app client. Its secret is dropped at once.
    ///
    /// # Errors
    /// The call's.
    pub async fn describe_client(&self, pool: &UserPoolId, client_id: &str) -> Result<Described, CallError> {
        const CALL: &str = "DescribeUserPoolClient";
        let request = json!({ "UserPoolId": pool.to_string(), "ClientId": client_id });
        let mut client = object(self.cognito(CALL, &request).await?, CALL, "UserPoolClient")?;
        client.retain(|name, _| !matches!(name.as_str(), "ClientSecret" | "ClientSecretArn"));
        Ok(client)
    }

    /// What not every pool, plan and region has.
    ///
    /// # Errors
    /// The call's, if it is about the caller.
    pub async fn where_there_is_one(&self, call: &'static str, request: &Value) -> Result<Option<Value>, CallError> {
        match self.cognito(call, request).await {
            Ok(answer) => Ok(Some(answer)),
            // UnknownOperationException, FeatureUnavailableInTierException and the like.
            Err(error) if error.cause == Cause::Other => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces the triggers of a pool that still is as it was seen.
    ///
    /// # Errors
    /// A call's; somebody changed the pool; the update changed more, which is put back.
    pub async fn change_triggers(
        &self,
        id: &UserPoolId,
        seen: &SeenPool,
        lambda_config: &Described,
    ) -> Result<(), Stopped> {
        let now = self.see_pool(id).await.map_err(|error| nothing_changed(&error))?;
        let same_date = now.described.get("LastModifiedDate") == seen.described.get("LastModifiedDate");
        if !same_date
            || now.apart != seen.apart
            || now.described.get(LAMBDA_CONFIG) != seen.described.get(LAMBDA_CONFIG)
        {
            return Err(Stopped::NothingChanged(
                "Nothing was changed: somebody else has changed the pool in the meantime. Run it again.".to_owned(),
            ));
        }
        self.cognito("UpdateUserPool", &pool_update(&seen.described, lambda_config)).await.map_err(|error| {
            // The answer may have got lost, and the update with it or not.
            if error.cause == Cause::NotReached {
                after_a_change("The pool may have been changed", &error)
            } else {
                nothing_changed(&error)
            }
        })?;
        let changed = self.settled(id, seen).await.map_err(|error| after_a_change("The pool was changed", &error))?;
        let mut unexpected = differences(&seen.described, &changed.described, LAMBDA_CONFIG);
        if changed.described.get(LAMBDA_CONFIG) != Some(&json!(lambda_config)) {
            unexpected.push(LAMBDA_CONFIG.to_owned());
        }
        if changed.apart.mfa != seen.apart.mfa {
            unexpected.push("GetUserPoolMfaConfig".to_owned());
        }
        if changed.apart.session != seen.apart.session {
            unexpected.push("GetUserPoolSessionConfiguration".to_owned());
        }
        if unexpected.is_empty() {
            return Ok(());
        }
        let what = format!("UpdateUserPool changed more than it was asked to: {}", unexpected.join(", "));
        // What still moves may be somebody else's change, which putting back would undo.
        let again = self.see_pool(id).await.map_err(|error| after_a_change(&what, &error))?;
        if again.described != changed.described || again.apart != changed.apart {
            return Err(Stopped::Failed(format!(
                "{what}, and it is still changing. Nothing was put back; the state file has the pool as it was."
            )));
        }
        match self.put_back(id, seen).await {
            Ok(left) if left.is_empty() => Err(Stopped::Failed(format!("{what}. It was put back as it was."))),
            Ok(left) => Err(Stopped::Failed(format!(
                "{what}. Putting it back left differences: {}. The state file has the pool as it was.",
                left.join(", ")
            ))),
            Err(error) => Err(after_a_change(
                &format!("{what}. It could not be put back, and the state file has the pool as it was"),
                &error,
            )),
        }
    }

    /// The pool after an update.
    async fn settled(&self, id: &UserPoolId, seen: &SeenPool) -> Result<SeenPool, CallError> {
        let mut changed = self.see_pool(id).await?;
        for _ in 1..LOOKS {
            if changed.described.get("LastModifiedDate") != seen.described.get("LastModifiedDate") {
                break;
            }
            tokio::time::sleep(self.first_pause.min(Duration::from_secs(1))).await;
            changed = self.see_pool(id).await?;
        }
        Ok(changed)
    }

    async fn put_back(&self, id: &UserPoolId, seen: &SeenPool) -> Result<Vec<String>, CallError> {
        let before = seen.described.get(LAMBDA_CONFIG).and_then(Value::as_object).cloned().unwrap_or_default();
        self.cognito("UpdateUserPool", &pool_update(&seen.described, &before)).await?;
        let now = self.see_pool(id).await?;
        for (call, is, was) in [
            ("SetUserPoolMfaConfig", Some(&now.apart.mfa), Some(&seen.apart.mfa)),
            ("SetUserPoolSessionConfiguration", now.apart.session.as_ref(), seen.apart.session.as_ref()),
        ] {
            if let (true, Some(was)) = (is != was, was.and_then(Value::as_object)) {
                let mut request = was.clone();
                // Cognito refuses to turn MFA off and configure a factor in one call.
                if request.get("MfaConfiguration").is_some_and(|on| on == "OFF") {
                    request.retain(|name, _| ["MfaConfiguration", "WebAuthnConfiguration"].contains(&name.as_str()));
                }
                set(&mut request, "UserPoolId", Some(&json!(id.to_string())));
                self.cognito(call, &Value::Object(request)).await?;
            }
        }
        let now = self.see_pool(id).await?;
        let mut left = differences(&seen.described, &now.described, "");
        if now.apart != seen.apart {
            left.push("GetUserPoolMfaConfig or GetUserPoolSessionConfiguration".to_owned());
        }
        Ok(left)
    }

    /// Replaces the flows of an app client that still is as it was seen; `None` leaves them to their default.
    ///
    /// # Errors
    /// A call's; somebody changed the client; the update changed more, which is put back.
    pub async fn change_flows(
        &self,
        pool: &UserPoolId,
        seen: &Described,
        flows: Option<&Value>,
    ) -> Result<(), Stopped> {
        const CALL: &str = "UpdateUserPoolClient";
        let text = |name: &str| seen.get(name).and_then(Value::as_str).unwrap_or_default();
        let (client_id, name) = (text("ClientId"), text("ClientName"));
        let now = self.describe_client(pool, client_id).await.map_err(|error| nothing_changed(&error))?;
        if now != *seen {
            return Err(Stopped::NothingChanged(format!(
                "The app client {name} was not changed: somebody else has changed it in the meantime. Run it again."
            )));
        }
        self.cognito(CALL, &client_update(seen, EXPLICIT_AUTH_FLOWS, flows))
            .await
            .map_err(|error| after_a_change(&format!("The app client {name} was not changed"), &error))?;
        let done = format!("The app client {name} was changed");
        let changed = self.describe_client(pool, client_id).await.map_err(|error| after_a_change(&done, &error))?;
        let mut unexpected = differences(seen, &changed, EXPLICIT_AUTH_FLOWS);
        let is = changed.get(EXPLICIT_AUTH_FLOWS);
        let flows = flows.filter(|flows| !flows.is_null());
        // Left to their default, they may be described or not.
        if flows.is_some_and(|flows| is.is_none_or(|is| !same(is, flows))) {
            unexpected.push(EXPLICIT_AUTH_FLOWS.to_owned());
        }
        if unexpected.is_empty() {
            return Ok(());
        }
        let what = format!("{done}, and {CALL} changed more than it was asked to: {}", unexpected.join(", "));
        let was = seen.get(EXPLICIT_AUTH_FLOWS);
        match self.cognito(CALL, &client_update(seen, EXPLICIT_AUTH_FLOWS, was)).await {
            Ok(_) => Err(Stopped::Failed(format!("{what}. It was put back as it was."))),
            Err(error) => Err(after_a_change(&format!("{what}. It could not be put back"), &error)),
        }
    }
}

fn object(mut answer: Value, call: &'static str, name: &str) -> Result<Described, CallError> {
    match answer.get_mut(name).map(Value::take) {
        Some(Value::Object(object)) => Ok(object),
        _ => Err(CallError { call, cause: Cause::Other, reason: "the answer is incomplete".to_owned() }),
    }
}
