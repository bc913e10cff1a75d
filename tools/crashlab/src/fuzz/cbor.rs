//! CBOR documents of the operations' inputs, and the same ones as JSON: both are read alike.

use ciborium::Value as Cbor;
use flowstone_server::api::streams::Operation;
use flowstone_server::wire::{
    Blob, Format, Value, check, decode_blob, decoded_bytes, is_document, read,
};
use serde_json::Value as Json;

use crate::fuzz::input::Input;
use crate::fuzz::request;

/// Values within each other that are put into JSON: more than serde_json reads back.
const DEPTH_MAX: u32 = 100;

/// The operation of the first byte; the rest is its body in CBOR.
pub fn body(data: &[u8]) {
    let mut input = Input::new(data);
    let operation = Operation::ALL[usize::from(input.byte()) % Operation::ALL.len()];
    let Some(shape) = operation.input() else { return };
    let body = input.rest();
    let values = read(Format::Cbor, shape, body);
    if let Ok(values) = &values {
        assert!(is_document(Format::Cbor, body), "what is read is a document");
        assert_eq!(values.len(), shape.members.len(), "every member has its place");
        let _ = check(shape, values);
    }
    // Simple values below 32 in two bytes are not well-formed (RFC 8949, 3.3); the other reader
    // takes them all the same.
    if body.windows(2).any(|pair| pair[0] == 0xf8 && pair[1] < 32) {
        return;
    }
    let mut rest = body;
    let document = ciborium::from_reader::<Cbor, _>(&mut rest).ok().filter(|_| rest.is_empty());
    let Some(json) = document.and_then(|value| to_json(&value, 0)) else { return };
    let json = serde_json::to_vec(&json).expect("a value is a document");
    match (values, read(Format::Json, shape, &json)) {
        (Ok(cbor), Ok(json)) => {
            assert_eq!(check(shape, &cbor).is_ok(), check(shape, &json).is_ok());
            assert_eq!(decoded(cbor), decoded(json));
        }
        (Err(cbor), Err(json)) => assert_eq!(cbor.code, json.code),
        (cbor, json) => assert_eq!(cbor.map(drop).is_ok(), json.map(drop).is_ok()),
    }
}

/// What says the same in JSON; `None` for what JSON cannot say, or says in other words.
fn to_json(value: &Cbor, depth: u32) -> Option<Json> {
    if depth == DEPTH_MAX {
        return None;
    }
    Some(match value {
        Cbor::Integer(number) => Json::from(i32::try_from(i128::from(*number)).ok()?),
        Cbor::Text(text) => Json::from(text.as_str()),
        Cbor::Bool(flag) => Json::from(*flag),
        Cbor::Null => Json::Null,
        Cbor::Array(items) => {
            Json::Array(items.iter().map(|item| to_json(item, depth + 1)).collect::<Option<_>>()?)
        }
        Cbor::Map(members) => {
            let mut object = serde_json::Map::new();
            for (key, value) in members {
                let key = key.as_text()?;
                let value = match (key, value) {
                    // Bytes and times are said in other words, where there may be any.
                    ("Data", Cbor::Bytes(bytes)) => {
                        base64_simd::STANDARD.encode_to_string(bytes).into()
                    }
                    ("Timestamp" | "StreamCreationTimestamp", Cbor::Tag(1, time)) => {
                        let ms = i64::try_from(time.as_integer()?).ok()?;
                        (ms % 1000 == 0).then(|| Json::from(ms / 1000))?
                    }
                    ("Timestamp" | "StreamCreationTimestamp", Cbor::Integer(_)) => return None,
                    (_, value) => to_json(value, depth + 1)?,
                };
                // A key that comes twice counts once in a map, and in the order of its first.
                if object.insert(key.to_owned(), value).is_some() {
                    return None;
                }
            }
            Json::Object(object)
        }
        _ => return None,
    })
}

/// Values with all blobs decoded, and maps in order.
fn decoded(values: Vec<Value<'_>>) -> Vec<Value<'_>> {
    let decode = |value| match value {
        Value::Blob(blob) => {
            let mut out = vec![0; decoded_bytes(&blob)];
            match decode_blob(&blob, &mut out) {
                Ok(()) => Value::Blob(Blob::Raw(out.into())),
                Err(_) => Value::Blob(blob),
            }
        }
        Value::Structures(values, count) => Value::Structures(decoded(values), count),
        Value::Structure(values) => Value::Structure(decoded(values)),
        Value::Map(mut entries, count) => {
            entries.sort();
            Value::Map(entries, count)
        }
        value => value,
    };
    values.into_iter().map(decode).collect()
}

/// The requests that are seeds in JSON.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let seeds = request::json_seeds();
    let to_cbor = |seed: &Vec<u8>| {
        let (operation, body) = seed.split_first()?;
        let value = of_json(&serde_json::from_slice(body).ok()?, "");
        let mut seed = vec![*operation];
        ciborium::into_writer(&value, &mut seed).ok()?;
        Some(seed)
    };
    seeds.iter().filter_map(to_cbor).collect()
}

fn of_json(value: &Json, key: &str) -> Cbor {
    match value {
        Json::Null => Cbor::Null,
        Json::Bool(flag) => Cbor::Bool(*flag),
        Json::Number(number) => match (key, number.as_i64()) {
            ("Timestamp" | "StreamCreationTimestamp", Some(seconds)) => {
                Cbor::Tag(1, Box::new(Cbor::from(seconds * 1000)))
            }
            (_, Some(number)) => Cbor::from(number),
            (_, None) => Cbor::from(number.as_f64().unwrap_or_default()),
        },
        Json::String(text) => match base64_simd::STANDARD.decode_to_vec(text) {
            Ok(bytes) if key == "Data" => Cbor::Bytes(bytes),
            _ => Cbor::Text(text.clone()),
        },
        Json::Array(items) => {
            items.iter().map(|item| of_json(item, key)).collect::<Vec<_>>().into()
        }
        Json::Object(members) => Cbor::Map(
            members.iter().map(|(key, value)| (key.as_str().into(), of_json(value, key))).collect(),
        ),
    }
}
