//! Documents read by a shape of every kind, and the shape's bounds held against them.

use flowstone_server::wire::{
    Bounds, Fields, Format, Kind, Member, Shape, Text, Value, WORD, check, is_document, read,
};

static INNER: Shape = Shape {
    name: "Inner",
    members: &[
        Member::required("Id", Kind::Text(Text::matching(1, 8, &WORD))),
        Member::optional("Blob", Kind::Blob(Bounds::new(1, 12))),
        Member::optional("When", Kind::Timestamp),
    ],
};

static SHAPE: Shape = Shape {
    name: "Outer",
    members: &[
        Member::required("Name", Kind::Text(Text::new(2, 6))),
        Member::optional("Kind", Kind::Text(Text::one_of(&["ONE", "TWO"]))),
        Member::optional("Count", Kind::Integer(Bounds::new(-5, 70_000))),
        Member::optional("Flag", Kind::Boolean),
        Member::optional("Inner", Kind::Structure(&INNER)),
        Member::optional("List", Kind::Structures(Bounds::new(1, 3), &INNER)),
        Member::optional("Words", Kind::Texts(Bounds::new(0, 2), Text::new(1, 4))),
        Member::optional("Map", Kind::Map(Bounds::new(1, 2), Bounds::new(1, 4), Bounds::new(0, 3))),
    ],
};

/// Reads `data` as a document.
pub fn body(data: &[u8]) {
    let Ok(values) = read(Format::Json, &SHAPE, data) else { return };
    assert!(is_document(Format::Json, data), "what is read is a document");
    assert_eq!(values.len(), SHAPE.members.len(), "every member has its place");
    for value in &values {
        // Memory for what was read follows from the shape.
        match value {
            Value::Structures(values, count) => {
                assert!(values.len() <= 4 * INNER.members.len() && values.len() <= count * 3);
            }
            Value::Texts(texts, count) => assert!(texts.len() <= 3 && texts.len() <= *count),
            Value::Map(entries, count) => assert!(entries.len() <= 3 && entries.len() <= *count),
            _ => {}
        }
    }
    if check(&SHAPE, &values).is_err() {
        return;
    }
    let fields = Fields::new(&SHAPE, &values);
    let name = fields.text("Name").expect("it is required").chars().count();
    assert!((2..=6).contains(&name));
    assert!(fields.text("Kind").is_none_or(|kind| kind == "ONE" || kind == "TWO"));
    for inner in fields.structures("List", &INNER).chain(fields.structure("Inner", &INNER)) {
        let id = inner.text("Id").expect("it is required");
        assert!((1..=8).contains(&id.len()) && (WORD.accepts)(id));
    }
    assert!(fields.entries("Map").iter().all(|(key, value)| {
        (1..=4).contains(&key.chars().count()) && value.chars().count() <= 3
    }));
}

/// A good document, wrong ones, and no documents.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let texts = [
        r#"{"Name":"demo","Kind":"ONE","Count":7,"Flag":true,"Inner":{"Id":"a.b","Blob":"YWI=",
        "When":1.5e9},"List":[{"Id":"x"},{"Id":"y","When":-3}],"Words":["a","bc"],
        "Map":{"k":"v","\u00e9":""},"Unknown":{"deep":[[[{}]]]}}"#,
        r#"{"Name":null,"Count":99999999999999999999,"List":[1,null,[]],"Words":[1,2,3,4]}"#,
        r#"{"Name":"\ud83d\ude00","Kind":"THREE","Count":1e308,"Map":{"":1,"a":{}}}"#,
        r#"[{"Name":"x"}]"#,
        "\"text\"",
        "{\"Name\":\"\\ud800\"}",
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
