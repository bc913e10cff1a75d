//! What the server says of its own operations: the table of the docs, and the shapes for a
//! comparison with the published service model.

use flowstone_server::api::streams::{Operation, Served};
use flowstone_server::wire::{Bounds, Kind, Shape, Text};
use serde_json::{Map, Value, json};

/// The operations as `DESIGN.md` shows them, sorted by name.
#[must_use]
pub fn table() -> String {
    let mut operations = Operation::ALL.to_vec();
    operations.sort_unstable_by_key(|operation| operation.name());
    let mut text = String::from("| operation | served | known divergence |\n|---|---|---|\n");
    for operation in operations {
        let (served, note) = operation.served();
        let word = match served {
            Served::Whole => "yes",
            Served::Partly => "in part",
            Served::Not => "no",
        };
        text.push_str(&format!("| `{}` | {word} | {note} |\n", operation.name()));
    }
    text
}

/// The operations by name, each with how far it is served and with its input's shape.
#[must_use]
pub fn document() -> Value {
    let operations = Operation::ALL.iter().map(|operation| {
        let (served, _) = operation.served();
        let input = operation.input().map(structure);
        let entry = json!({ "isServed": served != Served::Not, "input": input });
        (operation.name().to_owned(), entry)
    });
    Value::Object(operations.collect())
}

fn structure(shape: &'static Shape) -> Value {
    let members = shape.members.iter().map(|member| {
        let mut kind = kind(&member.kind);
        kind.insert("isRequired".into(), member.is_required.into());
        (member.name.to_owned(), Value::Object(kind))
    });
    json!({ "type": "structure", "name": shape.name, "members": members.collect::<Map<_, _>>() })
}

fn kind(kind: &'static Kind) -> Map<String, Value> {
    let value = match kind {
        Kind::Text(rules) => text(rules),
        Kind::Integer(bounds) => bounded("integer", bounds),
        Kind::Boolean => json!({ "type": "boolean" }),
        Kind::Timestamp => json!({ "type": "timestamp" }),
        Kind::Blob(bounds) => bounded("blob", bounds),
        Kind::Texts(bounds, rules) => list(bounds, text(rules)),
        Kind::Structures(bounds, shape) => list(bounds, structure(shape)),
        Kind::Structure(shape) => structure(shape),
        Kind::Map(size, keys, values) => {
            let mut map = bounded("map", size);
            map["key"] = bounded("string", keys);
            map["value"] = bounded("string", values);
            map
        }
    };
    match value {
        Value::Object(map) => map,
        other => unreachable!("kinds are objects: {other}"),
    }
}

fn text(rules: &Text) -> Value {
    let mut value = bounded("string", &rules.length);
    value["pattern"] = rules.pattern.map_or(Value::Null, |pattern| pattern.text.into());
    value["enum"] = rules.one_of.into();
    value
}

fn list(bounds: &Bounds, member: Value) -> Value {
    let mut value = bounded("list", bounds);
    value["member"] = member;
    value
}

fn bounded(kind: &str, bounds: &Bounds) -> Value {
    json!({ "type": kind, "min": bounds.min, "max": bounds.max })
}
