//! Records as a newer version might write them.

use serde_json::{Value, json};

/// `value` with one more field in every object of it, which says where it stands.
#[must_use]
pub fn with_fields_added_later(value: Value) -> Value {
    add(value, "")
}

fn add(mut value: Value, place: &str) -> Value {
    match &mut value {
        Value::Object(fields) => {
            for (name, field) in fields.iter_mut() {
                *field = add(field.take(), &format!("{place}.{name}"));
            }
            fields.insert("addedLater".to_owned(), json!({ "at": place, "list": [1, "two", null] }));
        }
        Value::Array(elements) => {
            for (number, element) in elements.iter_mut().enumerate() {
                *element = add(element.take(), &format!("{place}.{number}"));
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    value
}

/// Where the fields say that they stood, of those that are left.
#[must_use]
pub fn fields_added_later(value: &Value) -> Vec<String> {
    let mut places = Vec::new();
    match value {
        Value::Object(fields) => {
            places.extend(fields.get("addedLater").and_then(|added| added["at"].as_str()).map(str::to_owned));
            let others = fields.iter().filter(|(name, _)| *name != "addedLater");
            places.extend(others.flat_map(|(_, field)| fields_added_later(field)));
        }
        Value::Array(elements) => places.extend(elements.iter().flat_map(fields_added_later)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    places.sort();
    places
}
