//! Parses the JSON body of a call, with Cognito's errors for malformed ones.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::error::CognitoError;

/// A JSON object whose values are strings: parameters, metadata, attributes.
pub(crate) type Strings = BTreeMap<String, String>;

/// The body of one call.
pub(crate) struct Request(Map<String, Value>);

impl Request {
    pub(crate) fn parse(body: Value) -> Result<Self, CognitoError> {
        match body {
            Value::Object(members) => Ok(Self(members)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
                Err(wrong_type("the body"))
            }
        }
    }

    pub(crate) fn required(&self, name: &str) -> Result<&str, CognitoError> {
        self.optional(name)?.ok_or_else(|| missing_member(name))
    }

    pub(crate) fn optional(&self, name: &str) -> Result<Option<&str>, CognitoError> {
        self.member(name).map(|value| value.as_str().ok_or_else(|| wrong_type(name))).transpose()
    }

    /// A flag that defaults to false.
    pub(crate) fn flag(&self, name: &str) -> Result<bool, CognitoError> {
        let flag = self.member(name).map(|value| value.as_bool().ok_or_else(|| wrong_type(name)));
        Ok(flag.transpose()?.unwrap_or(false))
    }

    /// A structure inside of the body.
    pub(crate) fn object(&self, name: &str) -> Result<Option<Self>, CognitoError> {
        self.member(name).map(|value| value.as_object().cloned().map(Self).ok_or_else(|| wrong_type(name))).transpose()
    }

    pub(crate) fn optional_strings(&self, name: &str) -> Result<Option<Strings>, CognitoError> {
        self.member(name).map(|value| strings(value).ok_or_else(|| wrong_type(name))).transpose()
    }

    pub(crate) fn strings(&self, name: &str) -> Result<Strings, CognitoError> {
        Ok(self.optional_strings(name)?.unwrap_or_default())
    }

    /// Cognito's list of `{"Name", "Value"}`.
    pub(crate) fn attributes(&self, name: &str) -> Result<Strings, CognitoError> {
        let Some(list) = self.member(name) else {
            return Ok(Strings::new());
        };
        let list = list.as_array().ok_or_else(|| wrong_type(name))?;
        list.iter()
            .map(|attribute| {
                let text = |key| attribute.get(key).and_then(Value::as_str).map(str::to_owned);
                Some((text("Name")?, text("Value").unwrap_or_default()))
            })
            .collect::<Option<Strings>>()
            .ok_or_else(|| wrong_type(name))
    }

    /// A list; empty where there is none.
    pub(crate) fn list(&self, name: &str) -> Result<Vec<Value>, CognitoError> {
        let list = self.member(name).map(|value| value.as_array().cloned().ok_or_else(|| wrong_type(name)));
        Ok(list.transpose()?.unwrap_or_default())
    }

    /// A list of strings; empty where there is none.
    pub(crate) fn string_list(&self, name: &str) -> Result<Vec<String>, CognitoError> {
        let list = self.list(name)?.into_iter();
        list.map(|item| item.as_str().map(str::to_owned).ok_or_else(|| wrong_type(name))).collect()
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, CognitoError> {
        self.member(name).map(|value| value.as_u64().ok_or_else(|| wrong_type(name))).transpose()
    }

    /// The members of these names that are there.
    pub(crate) fn members_of(&self, names: &[&str]) -> Map<String, Value> {
        let member = |name: &&str| Some(((*name).to_owned(), self.member(name)?.clone()));
        names.iter().filter_map(member).collect()
    }

    /// Its members without those of these names, as they were given. `null` is as good as left out, in whatever depth.
    pub(crate) fn members_except(&self, names: &[&str]) -> Map<String, Value> {
        let others = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        without_nulls(others)
    }

    pub(crate) fn members(&self) -> Map<String, Value> {
        self.0.clone()
    }

    pub(crate) fn into_members(self) -> Map<String, Value> {
        self.0
    }

    pub(crate) fn member(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }
}

fn without_nulls<'a>(members: impl Iterator<Item = (&'a String, &'a Value)>) -> Map<String, Value> {
    let given = members.filter(|(_, value)| !value.is_null());
    let kept = |value: &Value| value.as_object().map_or_else(|| value.clone(), |own| without_nulls(own.iter()).into());
    given.map(|(name, value)| (name.clone(), kept(value))).collect()
}

/// `None` unless it is an object of strings.
pub(crate) fn strings(value: &Value) -> Option<Strings> {
    let members = value.as_object()?;
    members.iter().map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

/// One of the `AuthParameters` or `ChallengeResponses`.
pub(crate) fn parameter<'a>(parameters: &'a Strings, name: &str) -> Result<&'a str, CognitoError> {
    parameters.get(name).map(String::as_str).ok_or_else(|| CognitoError::missing_parameter(name))
}

pub(crate) fn missing_member(name: &str) -> CognitoError {
    CognitoError::invalid_parameter(format!(
        "1 validation error detected: Value null at '{}' failed to satisfy constraint: Member must not be null",
        lower_camel(name)
    ))
}

pub(crate) fn outside_of_enum(name: &str, value: &str) -> CognitoError {
    CognitoError::invalid_parameter(format!(
        "1 validation error detected: Value '{value}' at '{}' failed to satisfy constraint: Member must satisfy enum value set",
        lower_camel(name)
    ))
}

pub(crate) fn wrong_type(name: &str) -> CognitoError {
    CognitoError::new("SerializationException", format!("Unexpected type of {name}"))
}

/// A value that Cognito does not quote in its error.
pub(crate) fn violated_constraint(name: &str, constraint: &str) -> CognitoError {
    CognitoError::invalid_parameter(format!(
        "1 validation error detected: Value at '{}' failed to satisfy constraint: Member must {constraint}",
        lower_camel(name)
    ))
}

fn lower_camel(name: &str) -> String {
    let mut characters = name.chars();
    characters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(characters).collect()
}
