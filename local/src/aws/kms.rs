//! KMS with one key: the one that seals the secrets in the functions' records.
//!
//! Source: <https://docs.aws.amazon.com/kms/latest/APIReference/API_Operations.html>

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use shared::clock::UnixTime;
use shared::store::memory::MemorySealer;

use crate::aws::error::{AwsError, parse};
use crate::triggers::ACCOUNT;

pub(crate) const TARGET_PREFIX: &str = "TrentService.";

const OPERATIONS: [&str; 5] = ["Encrypt", "Decrypt", "DescribeKey", "GetKeyRotationStatus", "GetKeyPolicy"];
/// The key's id.
pub(crate) const KEY_ID: &str = "5ea11a90-0000-4000-8000-000000000000";
const ALIAS: &str = "alias/second-factor-sealing";
const ALGORITHM: &str = "SYMMETRIC_DEFAULT";
/// Bytes that one call encrypts at most.
const LONGEST: usize = 4096;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Encrypt {
    key_id: String,
    plaintext: String,
    #[serde(default)]
    encryption_context: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Decrypt {
    key_id: Option<String>,
    ciphertext_blob: String,
    #[serde(default)]
    encryption_context: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct OfKey {
    key_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct GetKeyPolicy {
    key_id: String,
    policy_name: Option<String>,
}

/// The key's ARN, which `KEY_ID` of the functions is.
pub(crate) fn key_arn() -> String {
    format!("arn:aws:kms:us-east-1:{ACCOUNT}:key/{KEY_ID}")
}

pub(crate) fn call(sealer: &MemorySealer, made_at: UnixTime, operation: &str, body: &[u8]) -> Result<Value, AwsError> {
    match operation {
        "Encrypt" => encrypt(sealer, &parse(body)?),
        "Decrypt" => decrypt(sealer, &parse(body)?),
        "DescribeKey" => describe_key(made_at, &parse(body)?),
        "GetKeyRotationStatus" => get_key_rotation_status(&parse(body)?),
        "GetKeyPolicy" => get_key_policy(&parse(body)?),
        unknown => Err(AwsError::unknown_operation("KMS", unknown, &OPERATIONS)),
    }
}

fn encrypt(sealer: &MemorySealer, request: &Encrypt) -> Result<Value, AwsError> {
    check_key_or_alias(&request.key_id)?;
    let plaintext = bytes("Plaintext", &request.plaintext)?;
    if !(1..=LONGEST).contains(&plaintext.len()) {
        return Err(AwsError::validation(format!("Plaintext must have 1 to {LONGEST} bytes.")));
    }
    let internal = |_| AwsError::new("KMSInternalException", "Nothing could be encrypted.");
    let ciphertext = sealer.encrypt(&plaintext, &request.encryption_context).map_err(internal)?;
    Ok(json!({
        "CiphertextBlob": BASE64_STANDARD.encode(ciphertext),
        "KeyId": key_arn(),
        "EncryptionAlgorithm": ALGORITHM,
    }))
}

fn decrypt(sealer: &MemorySealer, request: &Decrypt) -> Result<Value, AwsError> {
    // The ciphertext says which key it needs; there is one.
    request.key_id.as_deref().map_or(Ok(()), check_key_or_alias)?;
    let ciphertext = bytes("CiphertextBlob", &request.ciphertext_blob)?;
    let refused = |_| {
        let message = "The ciphertext was not encrypted by this key with this EncryptionContext, or was changed.";
        AwsError::new("InvalidCiphertextException", message)
    };
    let plaintext = sealer.decrypt(&ciphertext, &request.encryption_context).map_err(refused)?;
    Ok(json!({
        "Plaintext": BASE64_STANDARD.encode(plaintext),
        "KeyId": key_arn(),
        "EncryptionAlgorithm": ALGORITHM,
    }))
}

fn describe_key(made_at: UnixTime, request: &OfKey) -> Result<Value, AwsError> {
    check_key_or_alias(&request.key_id)?;
    Ok(json!({ "KeyMetadata": {
        "AWSAccountId": ACCOUNT,
        "KeyId": KEY_ID,
        "Arn": key_arn(),
        "CreationDate": made_at,
        "Description": "Seals the authenticators' secrets of second-factor",
        "Enabled": true,
        "KeyState": "Enabled",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeySpec": ALGORITHM,
        "EncryptionAlgorithms": [ALGORITHM],
        "KeyManager": "CUSTOMER",
        "Origin": "AWS_KMS",
        "MultiRegion": false,
    } }))
}

fn get_key_rotation_status(request: &OfKey) -> Result<Value, AwsError> {
    check_key(&request.key_id)?;
    Ok(json!({ "KeyId": key_arn(), "KeyRotationEnabled": true, "RotationPeriodInDays": 365 }))
}

fn get_key_policy(request: &GetKeyPolicy) -> Result<Value, AwsError> {
    check_key(&request.key_id)?;
    if request.policy_name.as_ref().is_some_and(|name| name != "default") {
        return Err(AwsError::new("NotFoundException", "No such policy exists. The key has the policy default."));
    }
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Sid": "IamDecides",
            "Effect": "Allow",
            "Principal": { "AWS": format!("arn:aws:iam::{ACCOUNT}:root") },
            "Action": "kms:*",
            "Resource": "*",
        }],
    });
    Ok(json!({ "Policy": policy.to_string(), "PolicyName": "default" }))
}

fn check_key_or_alias(id: &str) -> Result<(), AwsError> {
    if id == ALIAS || id == format!("arn:aws:kms:us-east-1:{ACCOUNT}:{ALIAS}") {
        return Ok(());
    }
    check_key(id)
}

/// By its id or its ARN.
fn check_key(id: &str) -> Result<(), AwsError> {
    if id == KEY_ID || id == key_arn() {
        return Ok(());
    }
    let message = format!("Key {id} does not exist. The local pool has {}, with the alias {ALIAS}.", key_arn());
    Err(AwsError::new("NotFoundException", message))
}

fn bytes(member: &str, text: &str) -> Result<Vec<u8>, AwsError> {
    let problem = |_| AwsError::new("SerializationException", format!("{member} is not base64."));
    BASE64_STANDARD.decode(text).map_err(problem)
}
