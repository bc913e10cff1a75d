//! A shape's bounds held against values, in the service's words.

use crate::wire::blob::{check_blob, decoded_bytes};
use crate::wire::echo::{camel_case, echo, quote};
use crate::wire::exception::Exception;
use crate::wire::shape::{Bounds, Kind, Shape, Text};
use crate::wire::value::{Blob, Value};

/// Violations that one answer lists.
const VIOLATIONS_MAX: usize = 10;

/// Checks `values`, which were read by `shape`. `Err` lists the violations, unless a blob among
/// the values is no base64, which the service finds before.
pub fn check(shape: &'static Shape, values: &[Value<'_>]) -> Result<(), Exception> {
    let mut found = Found::default();
    structure(shape, values, &Path::Root, &mut found);
    if found.list.is_empty() {
        return Ok(());
    }
    blobs(values)?;
    let count = found.list.len();
    let errors = if count == 1 { "error" } else { "errors" };
    let message = format!("{count} validation {errors} detected: {}", found.list.join("; "));
    Err(Exception::validation(message))
}

#[derive(Default)]
struct Found {
    list: Vec<String>,
}

impl Found {
    fn add(
        &mut self,
        path: &Path<'_>,
        value: impl FnOnce() -> String,
        rule: std::fmt::Arguments<'_>,
    ) {
        if self.list.len() < VIOLATIONS_MAX {
            let at = path.text();
            let value = value();
            self.list.push(format!("Value {value} at '{at}' failed to satisfy constraint: {rule}"));
        }
    }
}

/// Where a value is; spelled out only for a violation.
enum Path<'p> {
    Root,
    Member(&'p Path<'p>, &'static str),
    Element(&'p Path<'p>, usize),
}

impl Path<'_> {
    fn text(&self) -> String {
        match self {
            Path::Root => String::new(),
            Path::Member(parent, name) => {
                let mut text = parent.text();
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&camel_case(name));
                text
            }
            Path::Element(parent, index) => format!("{}.{}.member", parent.text(), index + 1),
        }
    }
}

fn structure(shape: &'static Shape, values: &[Value<'_>], path: &Path<'_>, found: &mut Found) {
    for (member, value) in shape.members.iter().zip(values) {
        let path = Path::Member(path, member.name);
        match value {
            Value::Null if member.is_required => {
                found.add(&path, || "null".to_owned(), format_args!("Member must not be null"));
            }
            Value::Null => {}
            value => member_value(&member.kind, value, &path, found),
        }
    }
}

fn member_value(kind: &Kind, value: &Value<'_>, path: &Path<'_>, found: &mut Found) {
    match (kind, value) {
        (Kind::Text(rules), Value::Text(value)) => text(rules, value, path, found),
        (Kind::Integer(bounds), Value::Integer(number)) => {
            let echo = || echo(kind, value);
            if *number < bounds.min {
                let rule =
                    format_args!("Member must have value greater than or equal to {}", bounds.min);
                found.add(path, echo, rule);
            } else if *number > bounds.max {
                let rule =
                    format_args!("Member must have value less than or equal to {}", bounds.max);
                found.add(path, echo, rule);
            }
        }
        (Kind::Blob(bounds), Value::Blob(blob)) => {
            let bytes = decoded_bytes(blob);
            length(bounds, bytes, || echo(kind, value), path, found);
        }
        (Kind::Structure(shape), Value::Structure(values)) => structure(shape, values, path, found),
        (Kind::Structures(bounds, shape), Value::Structures(values, count)) => {
            length(bounds, *count, || echo(kind, value), path, found);
            for (index, values) in values.chunks_exact(shape.members.len()).enumerate() {
                structure(shape, values, &Path::Element(path, index), found);
            }
        }
        (Kind::Texts(bounds, rules), Value::Texts(texts, count)) => {
            length(bounds, *count, || echo(kind, value), path, found);
            if !texts.iter().all(|text| obeys(rules, text)) {
                let rule = format_args!("Member must satisfy constraint: [{}]", text_rules(rules));
                found.add(path, || echo(kind, value), rule);
            }
        }
        (Kind::Map(bounds, keys, values), Value::Map(entries, count)) => {
            let echo = || echo(kind, value);
            length(bounds, *count, echo, path, found);
            let is_outside = |text: &str, bounds: &Bounds| !within(bounds, text.chars().count());
            if entries.iter().any(|entry| is_outside(&entry.0, keys)) {
                let rule = format_args!("Map keys must satisfy constraint: [{}]", rules_of(keys));
                found.add(path, echo, rule);
            }
            if entries.iter().any(|entry| is_outside(&entry.1, values)) {
                let rule =
                    format_args!("Map value must satisfy constraint: [{}]", rules_of(values));
                found.add(path, echo, rule);
            }
        }
        _ => {}
    }
}

fn text(rules: &Text, value: &str, path: &Path<'_>, found: &mut Found) {
    let echo = || quote(|out| out.push(value));
    if !rules.one_of.is_empty() && !rules.one_of.contains(&value) {
        let rule =
            format_args!("Member must satisfy enum value set: [{}]", rules.one_of.join(", "));
        found.add(path, echo, rule);
    }
    if let Some(pattern) = rules.pattern
        && !(pattern.accepts)(value)
    {
        let rule = format_args!("Member must satisfy regular expression pattern: {}", pattern.text);
        found.add(path, echo, rule);
    }
    // Counting characters costs a scan: bytes are an upper bound that most texts pass.
    let is_short = !value.is_empty() && within(&rules.length, value.len()) && rules.length.min <= 1;
    if !is_short {
        length(&rules.length, value.chars().count(), echo, path, found);
    }
}

fn length(
    bounds: &Bounds,
    length: usize,
    echo: impl FnOnce() -> String,
    path: &Path<'_>,
    found: &mut Found,
) {
    if within(bounds, length) {
        return;
    }
    let is_low = i64::try_from(length).is_ok_and(|length| length < bounds.min);
    let (side, bound) = if is_low { ("greater", bounds.min) } else { ("less", bounds.max) };
    let rule = format_args!("Member must have length {side} than or equal to {bound}");
    found.add(path, echo, rule);
}

fn within(bounds: &Bounds, length: usize) -> bool {
    i64::try_from(length).is_ok_and(|length| bounds.min <= length && length <= bounds.max)
}

fn obeys(rules: &Text, value: &str) -> bool {
    within(&rules.length, value.chars().count())
        && rules.pattern.is_none_or(|pattern| (pattern.accepts)(value))
        && (rules.one_of.is_empty() || rules.one_of.contains(&value))
}

/// What an element of a list of texts must be, as one violation of the list tells it.
fn text_rules(rules: &Text) -> String {
    let mut list = Vec::new();
    if rules.length.max != i64::MAX {
        list.push(rules_of(&rules.length));
    }
    if let Some(pattern) = rules.pattern {
        list.push(format!("Member must satisfy regular expression pattern: {}", pattern.text));
    }
    if !rules.one_of.is_empty() {
        list.push(format!("Member must satisfy enum value set: [{}]", rules.one_of.join(", ")));
    }
    list.join(", ")
}

fn rules_of(bounds: &Bounds) -> String {
    format!(
        "Member must have length less than or equal to {}, \
         Member must have length greater than or equal to {}",
        bounds.max, bounds.min
    )
}

fn blobs(values: &[Value<'_>]) -> Result<(), Exception> {
    values.iter().try_for_each(|value| match value {
        Value::Blob(blob @ Blob::Base64(_)) => check_blob(blob),
        Value::Structure(values) | Value::Structures(values, _) => blobs(values),
        _ => Ok(()),
    })
}
