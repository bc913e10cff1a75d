//! Sequence numbers, shard ids and hash keys: numbers that clients send as text.

use flowstone_server::service::{
    COUNTER_MAX, Parsed, SequenceNumber, parse_hash_key, parse_shard_name, shard_name,
};
use flowstone_server::wire::{HASH_KEY, SEQUENCE_NUMBER};

use crate::fuzz::input::Input;

/// Reads `data` as each of them, and makes one of each from its bytes.
pub fn body(data: &[u8]) {
    if let Ok(text) = str::from_utf8(data) {
        read(text);
    }
    let mut input = Input::new(data);
    let number = SequenceNumber {
        shard_created_s: input.number(4),
        shard_index: u32::try_from(input.number(4) >> 1).expect("31 bits"),
        counter: input.number(8).min(COUNTER_MAX),
        record_s: input.number(4),
    };
    let digits = number.to_string();
    assert!((SEQUENCE_NUMBER.accepts)(&digits));
    assert_eq!(SequenceNumber::parse(&digits), Some(Parsed::Current(number)));
    assert_eq!(parse_shard_name(&shard_name(number.shard_index)), Some(number.shard_index));
}

fn read(text: &str) {
    if let Some(Parsed::Current(number)) = SequenceNumber::parse(text) {
        // A time past what the layout holds is printed as the last one that it does.
        let same = |again: SequenceNumber| {
            SequenceNumber { record_s: number.record_s, ..again } == number
                && again.record_s <= number.record_s
        };
        let again = SequenceNumber::parse(&number.to_string());
        assert!(matches!(again, Some(Parsed::Current(again)) if same(again)), "{again:?}");
        assert!(number.at() <= number.after());
    }
    let hash = parse_hash_key(text);
    if (HASH_KEY.accepts)(text)
        && let Some(hash) = hash
    {
        assert_eq!(hash.to_string(), text, "a hash key has one form");
    }
    if let Some(index) = parse_shard_name(text) {
        assert_eq!(parse_shard_name(&shard_name(index)), Some(index));
    }
}

/// Numbers at every boundary.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let nines = "9".repeat(129);
    let texts = [
        "49543463076548007577105092703039560359975228518395019266",
        "49590338271490256608559692538361571095921575989136588898",
        "0",
        "21267647932558653966460912964485513216",
        "340282366920938463463374607431768211455",
        "340282366920938463463374607431768211456",
        "shardId-000000000003",
        "shardId-2147483647",
        "-1",
        "+1",
        &nines,
    ];
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}
