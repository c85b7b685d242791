//! CloudTrail with one trail, which logs: what EventBridge needs, to see that somebody changes a pool.
//!
//! Source: <https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_Operations.html>

use serde::Deserialize;
use serde_json::{Value, json};
use shared::clock::UnixTime;

use crate::aws::error::{AwsError, parse};
use crate::triggers::ACCOUNT;

/// SDKs that send the whole name of the service send [`NAMESPACE`] before it.
pub(crate) const TARGET_PREFIX: &str = "CloudTrail_20131101.";
pub(crate) const NAMESPACE: &str = "com.amazonaws.cloudtrail.v20131101.";

const OPERATIONS: [&str; 2] = ["DescribeTrails", "GetTrailStatus"];
const TRAIL: &str = "management-events";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DescribeTrails {
    #[serde(rename = "trailNameList", default)]
    names: Vec<String>,
    #[expect(dead_code, reason = "the trail is at home in the only region")]
    #[serde(rename = "includeShadowTrails")]
    include_shadow_trails: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetTrailStatus {
    name: String,
}

pub(crate) fn call(made_at: UnixTime, operation: &str, body: &[u8]) -> Result<Value, AwsError> {
    match operation {
        "DescribeTrails" => Ok(describe_trails(&parse(body)?)),
        "GetTrailStatus" => get_trail_status(made_at, &parse(body)?),
        unknown => Err(AwsError::unknown_operation("CloudTrail", unknown, &OPERATIONS)),
    }
}

/// A name that is unknown is left out, as CloudTrail does.
fn describe_trails(request: &DescribeTrails) -> Value {
    let trail = json!({
        "Name": TRAIL,
        "TrailARN": trail_arn(),
        "S3BucketName": "management-events",
        "HomeRegion": "us-east-1",
        "IncludeGlobalServiceEvents": true,
        "IsMultiRegionTrail": true,
        "LogFileValidationEnabled": true,
        "HasCustomEventSelectors": false,
        "HasInsightSelectors": false,
        "IsOrganizationTrail": false,
    });
    let described = request.names.is_empty() || request.names.iter().any(|name| is_trail(name));
    json!({ "trailList": described.then_some(trail).as_slice() })
}

fn get_trail_status(made_at: UnixTime, request: &GetTrailStatus) -> Result<Value, AwsError> {
    if !is_trail(&request.name) {
        let message = format!("Unknown trail: {} for the user: {ACCOUNT}. The local pool has {TRAIL}.", request.name);
        return Err(AwsError::new("TrailNotFoundException", message));
    }
    Ok(json!({ "IsLogging": true, "StartLoggingTime": made_at }))
}

fn is_trail(name: &str) -> bool {
    name == TRAIL || name == trail_arn()
}

fn trail_arn() -> String {
    format!("arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/{TRAIL}")
}
