//! Whether a text is a resource policy: a bounded document of JSON with the elements that the
//! policy language has. Who is meant by it is not looked at here.

use serde_json::{Map, Value};

/// Bytes of a resource policy.
pub(super) const POLICY_BYTES_MAX: usize = 20 * 1024;

/// Versions of the policy language.
const VERSIONS: [&str; 2] = ["2012-10-17", "2008-10-17"];

const DOCUMENT_ELEMENTS: [&str; 3] = ["Version", "Id", "Statement"];

const STATEMENT_ELEMENTS: [&str; 9] = [
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
];

/// Checks `text`; `Err` says what is wrong with it.
pub(super) fn check_policy(text: &str) -> Result<(), String> {
    if text.len() > POLICY_BYTES_MAX {
        return Err(format!("the policy is longer than {POLICY_BYTES_MAX} bytes"));
    }
    let Ok(Value::Object(document)) = serde_json::from_str(text) else {
        return Err("the policy is not a JSON object".to_owned());
    };
    known_elements(&document, &DOCUMENT_ELEMENTS)?;
    match document.get("Version") {
        None => {}
        Some(Value::String(version)) if VERSIONS.contains(&version.as_str()) => {}
        Some(_) => return Err(format!("Version must be one of {}", VERSIONS.join(", "))),
    }
    if document.get("Id").is_some_and(|id| !id.is_string()) {
        return Err("Id must be a string".to_owned());
    }
    match document.get("Statement") {
        Some(Value::Array(statements)) if !statements.is_empty() => {
            statements.iter().try_for_each(statement)
        }
        Some(one @ Value::Object(_)) => statement(one),
        _ => Err("the policy needs a Statement".to_owned()),
    }
}

fn statement(value: &Value) -> Result<(), String> {
    let Value::Object(statement) = value else {
        return Err("a Statement must be an object".to_owned());
    };
    known_elements(statement, &STATEMENT_ELEMENTS)?;
    if statement.get("Sid").is_some_and(|sid| !sid.is_string()) {
        return Err("Sid must be a string".to_owned());
    }
    if !matches!(statement.get("Effect").and_then(Value::as_str), Some("Allow" | "Deny")) {
        return Err("Effect must be Allow or Deny".to_owned());
    }
    one_of(statement, "Principal", "NotPrincipal", is_principal)?;
    one_of(statement, "Action", "NotAction", is_texts)?;
    one_of(statement, "Resource", "NotResource", is_texts)?;
    match statement.get("Condition") {
        None | Some(Value::Object(_)) => Ok(()),
        Some(_) => Err("Condition must be an object".to_owned()),
    }
}

fn known_elements(map: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    match map.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(format!("{} is no element of a policy", key.escape_debug())),
    }
}

/// Exactly one of an element and its contrary must be there.
fn one_of(
    statement: &Map<String, Value>,
    name: &str,
    contrary: &str,
    is_right: fn(&Value) -> bool,
) -> Result<(), String> {
    match (statement.get(name), statement.get(contrary)) {
        (Some(value), None) | (None, Some(value)) if is_right(value) => Ok(()),
        (Some(_), None) | (None, Some(_)) => Err(format!("{name} has a wrong value")),
        _ => Err(format!("a Statement needs either {name} or {contrary}")),
    }
}

/// `"*"`, or maps from a kind of principal to one or several of them.
fn is_principal(value: &Value) -> bool {
    match value {
        Value::String(text) => text == "*",
        Value::Object(kinds) => {
            let is_kind = |kind: &String| {
                matches!(kind.as_str(), "AWS" | "Service" | "Federated" | "CanonicalUser")
            };
            !kinds.is_empty() && kinds.keys().all(is_kind) && kinds.values().all(is_texts)
        }
        _ => false,
    }
}

/// One text or several.
fn is_texts(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty(),
        Value::Array(texts) => {
            let is_text = |text: &Value| text.as_str().is_some_and(|text| !text.is_empty());
            !texts.is_empty() && texts.iter().all(is_text)
        }
        _ => false,
    }
}
