//! Tests of reading, constraints, blobs, writing and credentials.

use std::borrow::Cow;

use http::HeaderMap;
use proptest::prelude::*;

use super::*;

pub(super) static ENTRY: Shape = Shape {
    name: "Entry",
    members: &[
        Member::required("Data", Kind::Blob(Bounds::new(0, 6))),
        Member::required("Key", Kind::Text(Text::new(1, 4))),
    ],
};

pub(super) static INPUT: Shape = Shape {
    name: "Input",
    members: &[
        Member::optional("Name", Kind::Text(Text::matching(1, 8, &WORD))),
        Member::optional("Count", Kind::Integer(Bounds::new(1, 10))),
        Member::optional("Kind", Kind::Text(Text::one_of(&["A", "B"]))),
        Member::optional("Flag", Kind::Boolean),
        Member::optional("At", Kind::Timestamp),
        Member::optional("Entries", Kind::Structures(Bounds::new(1, 3), &ENTRY)),
        Member::optional("Words", Kind::Texts(Bounds::new(1, 3), Text::new(1, 4))),
        Member::optional(
            "Tags",
            Kind::Map(Bounds::new(1, 2), Bounds::new(1, 3), Bounds::new(0, 3)),
        ),
    ],
};

fn fault(body: &str) -> Option<String> {
    let checked =
        read(Format::Json, &INPUT, body.as_bytes()).and_then(|values| check(&INPUT, &values));
    checked.err().map(|exception| {
        let message = exception.message.unwrap_or_default();
        format!("{}: {message}", exception.code)
    })
}

#[test]
fn wrong_types_are_told_in_the_services_words() {
    let cases = [
        (
            r#"{"Name":1}"#,
            "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an String",
        ),
        (r#"{"Count":"1"}"#, "class java.lang.String can not be converted to an Integer"),
        (r#"{"Count":[1]}"#, "Start of list found where not expected"),
        (r#"{"Count":{}}"#, "Start of structure or map found where not expected."),
        (r#"{"Flag":"maybe"}"#, "'MAYBE' can not be converted to an Boolean"),
        (
            r#"{"Flag":1}"#,
            "class com.amazon.coral.value.json.numbers.TruncatingBigNumber can not be converted to an Boolean",
        ),
        (r#"{"Entries":{}}"#, "Start of structure or map found where not expected."),
        (r#"{"Entries":[true]}"#, "Unexpected field type"),
        (
            r#"{"Entries":[{"Data":true}]}"#,
            "class java.lang.Boolean can not be converted to a Blob",
        ),
        (r#"[]"#, "Start of list found where not expected"),
    ];
    for (body, message) in cases {
        let expected = format!("SerializationException: {message}");
        assert_eq!(fault(body), Some(expected), "{body}");
    }
}

#[test]
fn bytes_that_are_no_document_come_before_wrong_types() {
    let bodies =
        [r#"{"Name":1"#, r#"{"Name":1} x"#, "{\"Name\":\"\u{1}\"}", "nul", "null", "\"a\"", "1"];
    for body in bodies {
        assert_eq!(fault(body), Some("SerializationException: ".to_owned()), "{body}");
    }
    assert!(read(Format::Json, &INPUT, b"{\"Name\":\"\xff\"}").is_err());
    let deep = format!("{{\"Other\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let _ = read(Format::Json, &INPUT, deep.as_bytes());
}

#[test]
fn violations_are_told_in_the_services_words() {
    let one = |text: &str| format!("ValidationException: 1 validation error detected: {text}");
    let cases = [
        (
            r#"{"Count":0}"#,
            "Value '0' at 'count' failed to satisfy constraint: Member must have value greater than or equal to 1",
        ),
        (
            r#"{"Kind":"C"}"#,
            "Value 'C' at 'kind' failed to satisfy constraint: Member must satisfy enum value set: [A, B]",
        ),
        (
            r#"{"Entries":[]}"#,
            "Value '[]' at 'entries' failed to satisfy constraint: Member must have length greater than or equal to 1",
        ),
        (
            r#"{"Entries":[{"Data":""}]}"#,
            "Value null at 'entries.1.member.key' failed to satisfy constraint: Member must not be null",
        ),
        (
            r#"{"Entries":[{"Key":"k","Data":"AAAAAAAAAA=="}]}"#,
            "Value 'java.nio.HeapByteBuffer[pos=0 lim=7 cap=7]' at 'entries.1.member.data' failed to satisfy constraint: Member must have length less than or equal to 6",
        ),
        (
            r#"{"Name":"a b"}"#,
            "Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
        ),
        (
            r#"{"Words":["abcde","f"]}"#,
            "Value '[abcde, f]' at 'words' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 4, Member must have length greater than or equal to 1]",
        ),
        (
            r#"{"Words":["a","b","c","d"]}"#,
            "Value '[a, b, c, d]' at 'words' failed to satisfy constraint: Member must have length less than or equal to 3",
        ),
        (
            r#"{"Entries":[{"Key":"a","Data":"AA=="},{"Key":"b","Data":""},{"Key":"c","Data":""},{"Key":"d","Data":""}]}"#,
            "Value '[Entry(data=java.nio.HeapByteBuffer[pos=0 lim=1 cap=1], key=a), Entry(data=java.nio.HeapByteBuffer[pos=0 lim=0 cap=0], key=b), Entry(data=java.nio.HeapByteBuffer[pos=0 lim=0 cap=0], key=c), Entry(data=java.nio.HeapByteBuffer[pos=0 lim=0 cap=0], key=d)]' at 'entries' failed to satisfy constraint: Member must have length less than or equal to 3",
        ),
        (
            r#"{"Tags":{"a":"1","b":"2","c":"3"}}"#,
            "Value '{a=1, b=2, c=3}' at 'tags' failed to satisfy constraint: Member must have length less than or equal to 2",
        ),
        (
            r#"{"Tags":{"a":"1234"}}"#,
            "Value '{a=1234}' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 3, Member must have length greater than or equal to 0]",
        ),
        (
            r#"{"Tags":{"abcd":""}}"#,
            "Value '{abcd=}' at 'tags' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 3, Member must have length greater than or equal to 1]",
        ),
    ];
    for (body, text) in cases {
        assert_eq!(fault(body), Some(one(text)), "{body}");
    }
    let two = fault(r#"{"Name":""}"#).unwrap();
    assert!(two.contains("2 validation errors detected: Value '' at 'name'"), "{two}");
    let many = format!("{{\"Entries\":[{}]}}", ["{}"; 9].join(","));
    let many = fault(&many).unwrap();
    assert!(many.contains(" 9 validation errors") || many.contains("10 validation"), "{many}");
}

#[test]
fn a_blob_that_is_no_base64_comes_before_violations() {
    let told = fault(r#"{"Count":0,"Entries":[{"Key":"k","Data":"23456"}]}"#).unwrap();
    assert_eq!(
        told,
        "SerializationException: '23456' can not be converted to a Blob: Base64 encoded length is \
         expected a multiple of 4 bytes but found: 5"
    );
}

#[test]
fn the_last_of_a_key_counts_and_strangers_are_skipped() {
    let body = br#"{"Name":"a","X":{"Name":[1,{"y":2}]},"Name":"b","Count":1.9,"At":1.5}"#;
    let values = read(Format::Json, &INPUT, body).unwrap();
    let fields = Fields::new(&INPUT, &values);
    assert_eq!(fields.text("Name"), Some("b"));
    assert_eq!(fields.integer("Count"), Some(1));
    assert_eq!(fields.timestamp_ms("At"), Some(1500));
}

#[test]
fn what_a_list_stores_is_bounded_by_its_shape() {
    let body = format!("{{\"Entries\":[{}]}}", ["{}"; 1000].join(","));
    let values = read(Format::Json, &INPUT, body.as_bytes()).unwrap();
    match Fields::new(&INPUT, &values).value("Entries") {
        Value::Structures(values, count) => assert_eq!((values.len(), *count), (8, 1000)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn plain_strings_are_borrowed_and_escapes_are_undone() {
    let values = read(Format::Json, &INPUT, br#"{"Name":"plain"}"#).unwrap();
    assert!(matches!(values[0], Value::Text(Cow::Borrowed("plain"))));
    let values = read(Format::Json, &INPUT, br#"{"N\u0061me":"\u0061\/\ud83d\ude00"}"#).unwrap();
    assert_eq!(values[0], Value::Text("a/\u{1f600}".into()));
}

#[test]
fn ten_violations_are_listed_and_a_value_is_repeated_in_part() {
    let many = format!("{{\"Name\":\"\",\"Entries\":[{}]}}", ["{}"; 9].join(","));
    let many = fault(&many).unwrap();
    assert!(many.starts_with("ValidationException: 10 validation errors detected: "), "{many}");
    assert_eq!(many.matches("failed to satisfy").count(), 10);
    let long = fault(&format!("{{\"Kind\":\"{}\"}}", "\u{e9}".repeat(5000))).unwrap();
    assert_eq!(long.matches('\u{e9}').count(), 1024);
}

#[test]
fn flags_may_be_words() {
    for (word, flag) in [("true", true), ("YES", true), ("1", true), ("False", false), ("0", false)]
    {
        let body = format!("{{\"Flag\":\"{word}\"}}");
        let values = read(Format::Json, &INPUT, body.as_bytes()).unwrap();
        assert_eq!(*Fields::new(&INPUT, &values).value("Flag"), Value::Boolean(flag), "{word}");
    }
}

fn decoded(text: &str) -> Option<Vec<u8>> {
    let blob = Blob::Base64(text.into());
    let mut out = vec![0; decoded_bytes(&blob)];
    decode_blob(&blob, &mut out).ok().map(|()| out)
}

proptest! {
    #[test]
    fn blobs_decode_to_what_was_encoded(data in proptest::collection::vec(any::<u8>(), 0..200)) {
        let text = base64_simd::STANDARD.encode_to_string(&data);
        prop_assert_eq!(decoded(&text), Some(data));
    }

    #[test]
    fn any_text_decodes_or_is_refused(text in "[A-Za-z0-9+/=]{0,24}|\\PC{0,8}") {
        let by_the_library = base64_simd::STANDARD.decode_to_vec(&text).ok();
        prop_assert_eq!(decoded(&text), by_the_library);
    }

    #[test]
    fn reading_agrees_with_a_whole_document(
        name in "\\PC{0,12}", count in any::<i32>(),
        entries in proptest::collection::vec(("[A-Za-z0-9]{0,8}", proptest::option::of("\\PC{0,6}")), 0..3),
    ) {
        let list: Vec<_> = entries
            .iter()
            .map(|(data, key)| serde_json::json!({"Key": key, "Stranger": [1, {}], "Data": data}))
            .collect();
        let document = serde_json::json!({"Entries": list, "Name": name, "Count": count});
        let body = serde_json::to_vec(&document).unwrap();
        let values = read(Format::Json, &INPUT, &body).unwrap();
        let fields = Fields::new(&INPUT, &values);
        prop_assert_eq!(fields.text("Name"), Some(name.as_str()));
        prop_assert_eq!(fields.integer("Count"), Some(count.into()));
        let read: Vec<_> = fields
            .structures("Entries", &ENTRY)
            .map(|entry| (entry.blob("Data").cloned(), entry.text("Key").map(str::to_owned)))
            .collect();
        let expected: Vec<_> = entries
            .iter()
            .map(|(data, key)| (Some(Blob::Base64(data.as_str().into())), key.clone()))
            .collect();
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn any_bytes_are_read_or_refused_as_serde_json_does(
        body in proptest::collection::vec(any::<u8>(), 0..64),
        text in r#"[\{\}\[\]",:0-9a-zNme\\u]{0,64}"#,
    ) {
        for body in [body.as_slice(), text.as_bytes()] {
            let value = serde_json::from_slice::<serde_json::Value>(body);
            let is_value = value.is_ok_and(|value| value.is_object() || value.is_array());
            if read(Format::Json, &INPUT, body).is_ok() {
                prop_assert!(is_document(Format::Json, body));
            }
            prop_assert!(!is_value || is_document(Format::Json, body));
        }
    }

    #[test]
    fn what_is_written_reads_back(text in "\\PC{0,20}|[\\x00-\\x22\\\\]{0,20}", ms in 0..u64::MAX / 2) {
        let mut out = Writer::new(Format::Json);
        out.begin_map();
        out.text("a", &text);
        out.begin_list_in("l");
        out.begin_map();
        out.end_map();
        out.text_item(&text);
        out.end_list();
        out.begin_map_in("m");
        out.integer("i", ms);
        out.blob("b", text.as_bytes());
        out.end_map();
        out.boolean("z", false);
        out.end_map();
        let value: serde_json::Value = serde_json::from_slice(&out.finish()).unwrap();
        let base64 = base64_simd::STANDARD.encode_to_string(text.as_bytes());
        let expected = serde_json::json!({
            "a": text, "l": [{}, text], "m": {"i": ms, "b": base64}, "z": false
        });
        prop_assert_eq!(value, expected);
    }
}

#[test]
fn times_are_seconds_with_three_decimals() {
    let mut out = Writer::new(Format::Json);
    out.begin_map();
    out.timestamp("t", 1_671_562_498_049);
    out.end_map();
    assert_eq!(out.finish(), br#"{"t":1671562498.049}"#);
}

fn caller(authorization: Option<&str>, query: Option<&str>) -> Result<(String, String), String> {
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-date", "20260101T000000Z".parse().unwrap());
    if let Some(value) = authorization {
        headers.insert("authorization", value.parse().unwrap());
    }
    let defaults = Defaults { account: "000000000000".into(), region: "us-east-1".into() };
    read_caller(&headers, query, &defaults)
        .map(|caller| (caller.account, caller.region))
        .map_err(|exception| exception.code.to_owned())
}

#[test]
fn account_and_region_come_from_the_credential_scope() {
    let header = |key: &str| {
        format!(
            "AWS4-HMAC-SHA256 Credential={key}/20260101/eu-west-1/kinesis/aws4_request, \
             SignedHeaders=host, Signature=00"
        )
    };
    let named = caller(Some(&header("123456789012")), None);
    assert_eq!(named, Ok(("123456789012".into(), "eu-west-1".into())));
    let other = caller(Some(&header("AKIAEXAMPLE")), None);
    assert_eq!(other, Ok(("000000000000".into(), "eu-west-1".into())));
    let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=123456789012%2F20260101%2F\
                 eu-west-1%2Fkinesis%2Faws4_request&X-Amz-Signature=0&X-Amz-SignedHeaders=host&\
                 X-Amz-Date=0";
    assert_eq!(caller(None, Some(query)), named);
    let both = caller(Some(&header("x")), Some(query));
    assert_eq!(both, Err("InvalidSignatureException".into()));
}

#[test]
fn missing_and_malformed_credentials_are_told_apart() {
    let missing = Err("MissingAuthenticationTokenException".to_owned());
    assert_eq!(caller(None, None), missing);
    assert_eq!(caller(Some("Bearer x"), None), missing);
    let incomplete = Err("IncompleteSignatureException".to_owned());
    assert_eq!(caller(Some("AWS4-HMAC-SHA256 Credential=a/b"), None), incomplete);
    assert_eq!(caller(None, Some("X-Amz-Algorithm=x")), incomplete);
}
