//! A pool's attributes: the standard ones, and `custom:` ones that a pool adds.
//!
//! Source: "Working with user attributes" of the Cognito developer guide, `SchemaAttributeType` of the API reference, and the
//! errors as users report them.

use serde_json::{Map, Value, json};

use crate::error::CognitoError;
use crate::request::{Request, Strings};

/// The longest value of any attribute.
const LONGEST: u64 = 2048;
/// A standard attribute: name, type, and for text its shortest and longest length.
type Standard = (&'static str, DataType, Option<(u64, u64)>);
/// All are mutable and optional but `sub`.
const STANDARD: [Standard; 20] = [
    ("sub", DataType::String, Some((1, LONGEST))),
    ("name", DataType::String, Some((0, LONGEST))),
    ("given_name", DataType::String, Some((0, LONGEST))),
    ("family_name", DataType::String, Some((0, LONGEST))),
    ("middle_name", DataType::String, Some((0, LONGEST))),
    ("nickname", DataType::String, Some((0, LONGEST))),
    ("preferred_username", DataType::String, Some((0, LONGEST))),
    ("profile", DataType::String, Some((0, LONGEST))),
    ("picture", DataType::String, Some((0, LONGEST))),
    ("website", DataType::String, Some((0, LONGEST))),
    ("email", DataType::String, Some((0, LONGEST))),
    ("email_verified", DataType::Boolean, None),
    ("gender", DataType::String, Some((0, LONGEST))),
    ("birthdate", DataType::String, Some((10, 10))),
    ("zoneinfo", DataType::String, Some((0, LONGEST))),
    ("locale", DataType::String, Some((0, LONGEST))),
    ("phone_number", DataType::String, Some((0, LONGEST))),
    ("phone_number_verified", DataType::Boolean, None),
    ("address", DataType::String, Some((0, LONGEST))),
    ("updated_at", DataType::Number, None),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum DataType {
    String,
    Number,
    Boolean,
    DateTime,
}

impl DataType {
    fn parse(word: &str) -> Result<Self, CognitoError> {
        match word {
            "String" => Ok(Self::String),
            "Number" => Ok(Self::Number),
            "Boolean" => Ok(Self::Boolean),
            "DateTime" => Ok(Self::DateTime),
            _ => Err(CognitoError::invalid_parameter(format!(
                "Validation error detected: Value '{word}' failed to satisfy constraint: \
                 Member must satisfy enum value set: [Boolean, Number, String, DateTime]"
            ))),
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::Number => "Number",
            Self::Boolean => "Boolean",
            Self::DateTime => "DateTime",
        }
    }

    /// The member of the constraints, and its two limits.
    fn constraints(self) -> Option<(&'static str, [&'static str; 2])> {
        match self {
            Self::String => Some(("StringAttributeConstraints", ["MinLength", "MaxLength"])),
            Self::Number => Some(("NumberAttributeConstraints", ["MinValue", "MaxValue"])),
            Self::Boolean | Self::DateTime => None,
        }
    }
}

/// One attribute.
#[derive(Clone, Debug)]
struct Attribute {
    name: String,
    data_type: DataType,
    developer_only: bool,
    mutable: bool,
    required: bool,
    /// As they were given, strings; `None` where there are none.
    constraints: Option<Map<String, Value>>,
}

/// All attributes of a pool.
#[derive(Clone, Debug)]
pub(crate) struct Schema(Vec<Attribute>);

impl Schema {
    /// The standard attributes, with what `Schema` of `CreateUserPool` changes and adds.
    pub(crate) fn parse(changes: Vec<Value>) -> Result<Self, CognitoError> {
        let mut schema = Self(STANDARD.into_iter().map(Attribute::standard).collect());
        for change in changes {
            let change = Request::parse(change)?;
            let name = change.required("Name")?.to_owned();
            match schema.0.iter_mut().find(|attribute| attribute.name == name) {
                Some(attribute) => attribute.change(&change)?,
                None => schema.add_custom(&change)?,
            }
        }
        Ok(schema)
    }

    /// `AddCustomAttributes`, one attribute.
    pub(crate) fn add_custom(&mut self, request: &Request) -> Result<(), CognitoError> {
        let attribute = Attribute::custom(request)?;
        if self.0.iter().any(|existing| existing.name == attribute.name) {
            let short = attribute.name.trim_start_matches("dev:");
            return Err(CognitoError::invalid_parameter(format!(
                "{short}: Existing attribute already has name {}.",
                attribute.name
            )));
        }
        self.0.push(attribute);
        Ok(())
    }

    pub(crate) fn to_json(&self) -> Value {
        self.0.iter().map(Attribute::to_json).collect()
    }

    /// Refuses a new user without an attribute that everybody must have.
    pub(crate) fn check_required(&self, attributes: &Strings) -> Result<(), CognitoError> {
        let missing = self.0.iter().find(|attribute| {
            attribute.required && attribute.name != "sub" && !attributes.contains_key(&attribute.name)
        });
        missing.map_or(Ok(()), |attribute| {
            Err(CognitoError::invalid_parameter(format!(
                "Attributes did not conform to the schema: {}: The attribute is required\n",
                attribute.name
            )))
        })
    }

    /// Refuses to delete what every user must have, or what never changes.
    pub(crate) fn check_deletion(&self, names: &[String]) -> Result<(), CognitoError> {
        let kept = self
            .0
            .iter()
            .find(|attribute| names.contains(&attribute.name) && (attribute.required || !attribute.mutable));
        kept.map_or(Ok(()), |attribute| {
            let problem = if attribute.required { "cannot be deleted: it is required" } else { "cannot be updated" };
            Err(CognitoError::invalid_parameter(format!("user.{}: Attribute {problem}.", attribute.name)))
        })
    }

    /// Refuses what is not in the schema, has the wrong type or length, or is never set by a caller. `of_new_user` tells whether
    /// what may be set only once may be set now.
    pub(crate) fn check(&self, attributes: &Strings, of_new_user: bool) -> Result<(), CognitoError> {
        for (name, value) in attributes {
            if name == "sub" || name.starts_with("cognito:") {
                return Err(CognitoError::invalid_parameter(format!("Cannot modify the non-mutable attribute {name}")));
            }
            let attribute = self.0.iter().find(|attribute| attribute.name == *name).ok_or_else(|| {
                CognitoError::invalid_parameter(format!(
                    "Attributes did not conform to the schema: Type for attribute {{{name}}} could not be determined"
                ))
            })?;
            if !attribute.mutable && !of_new_user {
                return Err(CognitoError::invalid_parameter(format!("user.{name}: Attribute cannot be updated.")));
            }
            attribute.check(value)?;
        }
        Ok(())
    }

    /// Whether the schema has the attribute.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|attribute| attribute.name == name)
    }
}

impl Attribute {
    fn standard((name, data_type, length): Standard) -> Self {
        let limits = |limits: Value| limits.as_object().cloned();
        let constraints = match (data_type, length) {
            (_, Some((shortest, longest))) => {
                limits(json!({ "MinLength": shortest.to_string(), "MaxLength": longest.to_string() }))
            }
            (DataType::Number, None) => limits(json!({ "MinValue": "0" })),
            (DataType::String | DataType::Boolean | DataType::DateTime, None) => None,
        };
        let is_sub = name == "sub";
        Self {
            name: name.to_owned(),
            data_type,
            developer_only: false,
            mutable: !is_sub,
            required: is_sub,
            constraints,
        }
    }

    fn custom(request: &Request) -> Result<Self, CognitoError> {
        let name = format!("custom:{}", request.required("Name")?);
        let data_type = request.optional("AttributeDataType")?.ok_or_else(|| {
            CognitoError::invalid_parameter(
                "Invalid AttributeDataType input, consider using the provided AttributeDataType enum.",
            )
        })?;
        let data_type = DataType::parse(data_type)?;
        if request.flag("Required")? {
            return Err(CognitoError::invalid_parameter("Required custom attributes are not supported currently."));
        }
        let developer_only = request.flag("DeveloperOnlyAttribute")?;
        let name = if developer_only { format!("dev:{name}") } else { name };
        let constraints = constraints(request, &name, data_type)?;
        // Cognito returns the member of a text without limits, empty.
        let constraints = constraints.or_else(|| (data_type == DataType::String).then(Map::new));
        let mutable = request.member("Mutable").is_none_or(|mutable| mutable == true);
        Ok(Self { name, data_type, developer_only, mutable, required: false, constraints })
    }

    /// What a schema may change of a standard attribute.
    fn change(&mut self, request: &Request) -> Result<(), CognitoError> {
        let data_type = request.optional("AttributeDataType")?.map(DataType::parse).transpose()?;
        if data_type.is_some_and(|data_type| data_type != self.data_type) || request.flag("DeveloperOnlyAttribute")? {
            return Err(CognitoError::invalid_parameter(format!(
                "You can not change AttributeDataType or set developerOnlyAttribute for standard schema attribute {}",
                self.name
            )));
        }
        if request.member("Mutable").is_some() {
            self.mutable = request.flag("Mutable")?;
        }
        if request.member("Required").is_some() {
            self.required = request.flag("Required")?;
        }
        if let Some(constraints) = constraints(request, &self.name, self.data_type)? {
            self.constraints = Some(constraints);
        }
        Ok(())
    }

    fn check(&self, value: &str) -> Result<(), CognitoError> {
        let refuse = |problem: &str| {
            let name = &self.name;
            Err(CognitoError::invalid_parameter(format!("Attributes did not conform to the schema: {name}: {problem}")))
        };
        let limit = |name| self.constraints.as_ref()?.get(name)?.as_str()?.parse::<u64>().ok();
        match self.data_type {
            DataType::String => {
                let length = u64::try_from(value.chars().count()).unwrap_or(u64::MAX);
                match (limit("MinLength"), limit("MaxLength").unwrap_or(LONGEST)) {
                    (_, longest) if length > longest => {
                        refuse(&format!("String must be no longer than {longest} characters"))
                    }
                    (Some(shortest), _) if length < shortest => {
                        refuse(&format!("String must be at least {shortest} characters"))
                    }
                    _ if self.name == "email" && !value.is_empty() && !value.contains('@') => {
                        Err(CognitoError::invalid_parameter("Invalid email address format."))
                    }
                    _ if self.name == "phone_number" && !value.is_empty() && !value.starts_with('+') => {
                        Err(CognitoError::invalid_parameter("Invalid phone number format."))
                    }
                    _ => Ok(()),
                }
            }
            DataType::Number => match value.parse::<i64>() {
                Err(_) => refuse("Number is expected"),
                Ok(number) => {
                    let below =
                        limit("MinValue").and_then(|least| i64::try_from(least).ok()).is_some_and(|n| number < n);
                    let above = limit("MaxValue").and_then(|most| i64::try_from(most).ok()).is_some_and(|n| number > n);
                    if below || above { refuse("Number is outside of its limits") } else { Ok(()) }
                }
            },
            DataType::Boolean => {
                if matches!(value.to_ascii_lowercase().as_str(), "true" | "false") {
                    Ok(())
                } else {
                    refuse("Boolean is expected")
                }
            }
            DataType::DateTime => Ok(()),
        }
    }

    fn to_json(&self) -> Value {
        let mut described = json!({
            "Name": self.name,
            "AttributeDataType": self.data_type.as_str(),
            "DeveloperOnlyAttribute": self.developer_only,
            "Mutable": self.mutable,
            "Required": self.required,
        });
        let member = self.data_type.constraints().zip(self.constraints.clone());
        if let (Some(((name, _), constraints)), Some(described)) = (member, described.as_object_mut()) {
            described.insert(name.to_owned(), Value::Object(constraints));
        }
        described
    }
}

/// The limits of a request for a type that has any; those for another type are ignored.
fn constraints(request: &Request, name: &str, data_type: DataType) -> Result<Option<Map<String, Value>>, CognitoError> {
    let Some((member, [least, most])) = data_type.constraints() else {
        return Ok(None);
    };
    let Some(limits) = request.object(member)? else {
        return Ok(None);
    };
    let number = |limit| -> Result<Option<u64>, CognitoError> {
        let invalid = || CognitoError::invalid_parameter(format!("Invalid {member} for schema attribute {name}"));
        limits.optional(limit)?.map(|text| text.parse().map_err(|_| invalid())).transpose()
    };
    let (low, high) = (number(least)?, number(most)?);
    let is_text = data_type == DataType::String;
    if is_text && low.max(high).is_some_and(|length| length > LONGEST) {
        return Err(CognitoError::invalid_parameter(format!(
            "user.{name}: String attributes cannot have a length of more than {LONGEST}"
        )));
    }
    if low.zip(high).is_some_and(|(low, high)| low > high) {
        let what = if is_text { "length" } else { "value" };
        return Err(CognitoError::invalid_parameter(format!(
            "user.{name}: Max {what} cannot be less than min {what}."
        )));
    }
    Ok(Some(limits.into_members()))
}
