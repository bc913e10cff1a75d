//! Tests of CBOR against another implementation, against JSON, and at its corners.

use std::borrow::Cow;

use ciborium::Value as Cbor;
use proptest::prelude::*;
use serde_json::{Value as Json, json};

use crate::wire::tests::{ENTRY, INPUT};
use crate::wire::{
    Blob, Exception, Fields, Format, Value, Writer, check, decode_blob, decoded_bytes, is_document,
    read,
};

fn read_hex(hex: &str) -> Result<Vec<Value<'static>>, Exception> {
    let digits: Vec<u8> =
        hex.chars().filter_map(|c| c.to_digit(16)).map(|d| u8::try_from(d).unwrap()).collect();
    let bytes: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    read(Format::Cbor, &INPUT, bytes.leak())
}

fn one(hex: &str, name: &str) -> Value<'static> {
    let values = read_hex(hex).unwrap();
    Fields::new(&INPUT, &values).value(name).clone()
}

#[test]
fn times_are_milliseconds_behind_a_tag() {
    // {"At": 1(1671562498449)}, as SDKs send it.
    let expected = Value::Timestamp(1_671_562_498_449);
    assert_eq!(one("a1 62 4174 c1 1b 0000018530e39191", "At"), expected);
    // The same without the tag; seconds as a float, in which another protocol would send it.
    assert_eq!(one("a1 62 4174 1b 0000018530e39191", "At"), expected);
    assert_eq!(one("a1 62 4174 c1 fb 41d8e881409cbc6a", "At"), expected);
    assert_eq!(one("a1 62 4174 c1 20", "At"), Value::Timestamp(-1));
    let mut out = Writer::new(Format::Cbor);
    out.begin_map();
    out.timestamp("At", 1_671_562_498_449);
    out.end_map();
    assert_eq!(out.finish(), b"\xbf\x62At\xc1\x1b\x00\x00\x01\x85\x30\xe3\x91\x91\xff");
}

#[test]
fn lengths_may_be_indefinite() {
    // {_ "Name": (_ "a", "bc"), "Words": [_ "x", "y"]}
    let values =
        read_hex("bf 644e616d65 7f 6161 626263 ff 65576f726473 9f 6178 6179 ff ff").unwrap();
    let fields = Fields::new(&INPUT, &values);
    assert_eq!(fields.text("Name"), Some("abc"));
    assert_eq!(fields.value("Words"), &Value::Texts(vec!["x".into(), "y".into()], 2));
    // Bytes in pieces: {"Entries": [{"Data": (_ h'01', h'', h'0203')}]}
    let entries = one("a1 67456e7472696573 81 a1 6444617461 5f 4101 40 420203 ff", "Entries");
    let Value::Structures(entry, 1) = &entries else { panic!("{entries:?}") };
    assert_eq!(entry[0], Value::Blob(Blob::Raw(Cow::Borrowed(&[1, 2, 3]))));
}

#[test]
fn strings_and_bytes_of_one_piece_are_borrowed() {
    let name = one("a1 644e616d65 65706c61696e", "Name");
    assert!(matches!(name, Value::Text(Cow::Borrowed("plain"))), "{name:?}");
    let entries = one("a1 67456e7472696573 81 a1 6444617461 4101", "Entries");
    let Value::Structures(entry, _) = &entries else { panic!("{entries:?}") };
    assert!(matches!(entry[0], Value::Blob(Blob::Raw(Cow::Borrowed(&[1])))));
}

#[test]
fn strangers_are_skipped_and_null_is_absent() {
    let values = read_hex(
        "a4 6158 82 f97c00 c2 5f 41ff ff  6159 bf 01 7f 6161 ff 20 f7 ff  644e616d65 f6  65436f756e74 05",
    )
    .unwrap();
    let fields = Fields::new(&INPUT, &values);
    assert_eq!((fields.text("Name"), fields.integer("Count")), (None, Some(5)));
}

#[test]
fn numbers_that_are_written_as_bytes_are_numbers() {
    let count = |hex: &str| {
        let values = read_hex(&format!("a1 65436f756e74 {hex}")).unwrap();
        Fields::new(&INPUT, &values).integer("Count")
    };
    assert_eq!(count("c2 41 05"), Some(5));
    assert_eq!(count("c2 5f 4100 4101 4100 ff"), Some(256));
    assert_eq!(count("c1 c2 c2 4a 00000000000000000007"), Some(7));
    assert_eq!(count("c2 40"), Some(0));
    assert_eq!(count("c3 41 04"), Some(-5));
    assert_eq!(count("c2 c1 05"), Some(5));
    // As many as the same digits in JSON.
    for (hex, json) in [
        ("c2 48 ffffffffffffffff", "18446744073709551615"),
        ("c3 48 7fffffffffffffff", "-9223372036854775808"),
        ("c2 49 010000000000000000", "18446744073709551616"),
        ("c3 49 010000000000000000", "-18446744073709551617"),
    ] {
        let cbor = read_hex(&format!("a1 65436f756e74 {hex}"));
        let json = format!("{{\"Count\":{json}}}");
        assert_eq!(cbor, read(Format::Json, &INPUT, json.leak().as_bytes()), "{hex}");
    }
    let told = read_hex("a1 67456e7472696573 81 a1 6444617461 c2 43 616263").unwrap_err();
    let json = read(Format::Json, &INPUT, br#"{"Entries":[{"Data":6382179}]}"#).unwrap_err();
    assert_eq!(told, json);
}

#[test]
fn bytes_that_are_no_document_are_refused() {
    for hex in [
        "",
        "a1",
        "a1 61",
        "bf",
        "a1 6158",
        "a1 6158 1c",
        "a1 6158 ff",
        "a1 6158 5f 6161 ff",
        "a1 6158 61ff",
        "a1 6158 7f 61ff ff",
        "a1 6158 f8 18",
        "a0 00",
        "01",
        "6161",
        "f6",
        "df00",
        "a1 644e616d65 61ff",
        "a1 01 02",
        "a1 6158 bb ffffffffffffffff",
        "a1 6158 df 00 ff",
    ] {
        let refused = read_hex(hex).unwrap_err();
        assert_eq!(refused, Exception::unreadable(), "{hex}");
    }
    let deep = |count: usize| {
        let mut body = b"\xa1\x61X".to_vec();
        body.extend(std::iter::repeat_n(0x81, count));
        body.push(0x01);
        body
    };
    assert!(is_document(Format::Cbor, &deep(100)));
    assert!(!is_document(Format::Cbor, &deep(1_000_000)));
    let tags = [&b"\xa1\x61X"[..], &[0xc1; 1_000_000], &[0]].concat();
    assert!(is_document(Format::Cbor, &tags));
}

#[test]
fn wrong_types_are_told_as_in_json() {
    for (hex, message) in [
        ("a1 65436f756e74 6131", "class java.lang.String can not be converted to an Integer"),
        ("a1 65436f756e74 80", "Start of list found where not expected"),
        ("a1 67456e7472696573 a0", "Start of structure or map found where not expected."),
        ("a1 67456e7472696573 81 40", "Unexpected field type"),
        ("a1 644e616d65 4161", "class java.nio.HeapByteBuffer can not be converted to an String"),
        (
            "a1 6454616773 a1 01 02",
            "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String",
        ),
    ] {
        let told = read_hex(hex).unwrap_err();
        assert_eq!(told, Exception::serialization(message), "{hex}");
    }
}

#[test]
fn an_exception_is_the_same_map() {
    let body = Exception::client("X", "gone").body(Format::Cbor);
    assert_eq!(body, b"\xbf\x66__type\x61X\x67message\x64gone\xff");
    let body = Exception::serialization("bad").body(Format::Cbor);
    assert_eq!(body, b"\xbf\x66__type\x76SerializationException\x67Message\x63bad\xff");
}

/// What a document means, whichever format it came in.
fn meaning(value: &Cbor) -> Json {
    match value {
        Cbor::Integer(number) => json!(i64::try_from(*number).unwrap()),
        Cbor::Bytes(bytes) => json!(base64_simd::STANDARD.encode_to_string(bytes)),
        Cbor::Text(text) => json!(text),
        Cbor::Bool(flag) => json!(flag),
        Cbor::Tag(1, time) => {
            let ms = i64::try_from(time.as_integer().unwrap()).unwrap();
            serde_json::from_str(&format!("{}.{:03}", ms / 1000, ms % 1000)).unwrap()
        }
        Cbor::Array(items) => items.iter().map(meaning).collect(),
        Cbor::Map(members) => Json::Object(
            members.iter().map(|(k, v)| (k.as_text().unwrap().to_owned(), meaning(v))).collect(),
        ),
        other => panic!("{other:?}"),
    }
}

/// The document in CBOR: members called `Data` as bytes, those called `At` as times.
fn to_cbor(value: &Json, key: &str) -> Cbor {
    match value {
        Json::Null => Cbor::Null,
        Json::Bool(flag) => Cbor::Bool(*flag),
        Json::Number(number) => match (number.as_i64(), key) {
            (Some(seconds), "At") => Cbor::Tag(1, Box::new(Cbor::from(seconds * 1000))),
            (Some(number), _) => Cbor::from(number),
            (None, _) => Cbor::from(number.as_f64().unwrap()),
        },
        Json::String(text) => match base64_simd::STANDARD.decode_to_vec(text) {
            Ok(bytes) if key == "Data" => Cbor::Bytes(bytes),
            _ => Cbor::Text(text.clone()),
        },
        Json::Array(items) => Cbor::Array(items.iter().map(|item| to_cbor(item, key)).collect()),
        Json::Object(members) => Cbor::Map(
            members.iter().map(|(key, value)| (key.as_str().into(), to_cbor(value, key))).collect(),
        ),
    }
}

/// Values with all blobs decoded.
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
        value => value,
    };
    values.into_iter().map(decode).collect()
}

fn document() -> impl Strategy<Value = Json> {
    let scalar = prop_oneof![
        Just(json!(null)),
        any::<bool>().prop_map(|flag| json!(flag)),
        (-5_i64..20).prop_map(|number| json!(number)),
        (-5.0..20.0).prop_map(|number| json!(number)),
        "[A-Za-z0-9=]{0,8}|\\PC{0,5}".prop_map(|text| json!(text)),
    ];
    let key = prop_oneof![
        Just("Name"),
        Just("Count"),
        Just("Kind"),
        Just("Flag"),
        Just("At"),
        Just("Entries"),
        Just("Words"),
        Just("Tags"),
        Just("Data"),
        Just("Key"),
        Just("Stranger"),
    ];
    let value = scalar.prop_recursive(3, 24, 5, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..5).prop_map(Json::Array),
            proptest::collection::vec((key.clone(), inner), 0..6)
                .prop_map(|members| members.into_iter().map(|(k, v)| (k.to_owned(), v)).collect()),
        ]
    });
    proptest::collection::vec((0..INPUT.members.len(), value), 0..6).prop_map(|members| {
        let name = |index: usize| INPUT.members[index].name.to_owned();
        members.into_iter().map(|(index, value)| (name(index), value)).collect()
    })
}

proptest! {
    #[test]
    fn a_document_means_the_same_in_both_formats(document in document()) {
        let as_json = serde_json::to_vec(&document).unwrap();
        let mut as_cbor = Vec::new();
        ciborium::into_writer(&to_cbor(&document, ""), &mut as_cbor).unwrap();
        let from_json = read(Format::Json, &INPUT, &as_json);
        let from_cbor = read(Format::Cbor, &INPUT, &as_cbor);
        match (from_json, from_cbor) {
            (Ok(json), Ok(cbor)) => {
                prop_assert_eq!(check(&INPUT, &json).is_ok(), check(&INPUT, &cbor).is_ok());
                prop_assert_eq!(decoded(json), decoded(cbor));
            }
            (Err(json), Err(cbor)) => prop_assert_eq!(json.code, cbor.code),
            // Bytes where a text should be are told apart in CBOR alone.
            (Ok(_), Err(cbor)) => {
                let message = cbor.message.unwrap_or_default();
                prop_assert!(message.starts_with("class java.nio.HeapByteBuffer"), "{}", message);
            }
            (json, cbor) => prop_assert!(false, "{:?} {:?}", json, cbor),
        }
    }

    #[test]
    fn what_is_written_means_the_same_in_both_formats(
        texts in proptest::collection::vec("\\PC{0,30}", 0..30),
        numbers in proptest::collection::vec(0..u64::MAX / 2, 0..30),
        data in proptest::collection::vec(any::<u8>(), 0..300),
        ms in 0_u64..1 << 41,
    ) {
        let write = |format| {
            let mut out = Writer::new(format);
            out.begin_map();
            out.begin_list_in("Texts");
            texts.iter().for_each(|text| out.text_item(text));
            out.end_list();
            out.begin_list_in("Numbers");
            numbers.iter().for_each(|number| out.integer_item(*number));
            out.end_list();
            out.begin_list_in("Maps");
            for text in &texts {
                out.begin_map();
                out.text("Text", text);
                out.boolean("IsEmpty", text.is_empty());
                out.end_map();
            }
            out.end_list();
            out.begin_map_in("Inner");
            out.blob("Data", &data);
            out.timestamp("At", ms);
            out.integer("Count", numbers.len() as u64);
            out.end_map();
            out.end_map();
            out.finish()
        };
        let cbor: Cbor = ciborium::from_reader(&*write(Format::Cbor)).unwrap();
        let json: Json = serde_json::from_slice(&write(Format::Json)).unwrap();
        prop_assert_eq!(meaning(&cbor), json);
    }

    #[test]
    fn any_bytes_are_read_or_refused(mut body in proptest::collection::vec(any::<u8>(), 0..64)) {
        let is_readable = read(Format::Cbor, &INPUT, &body).is_ok();
        prop_assert!(!is_readable || is_document(Format::Cbor, &body));
        // The same as an entry's bytes, where more of them are looked at.
        body.splice(0..0, *b"\xa1\x67Entries\x81");
        if let Ok(values) = read(Format::Cbor, &INPUT, &body) {
            prop_assert!(is_document(Format::Cbor, &body));
            let entries = Fields::new(&INPUT, &values).structures("Entries", &ENTRY);
            prop_assert_eq!(entries.len(), 1);
        }
    }
}
