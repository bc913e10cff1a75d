//! Tests of sequence numbers, routing, tokens, dates and rows.

use flowstone_engine::catalog::Value;
use flowstone_engine::entropy::SeededEntropy;
use flowstone_engine::types::{SeqNo, Timestamp};
use proptest::prelude::*;

use super::row::StreamRowV1;
use super::*;

#[test]
fn numbers_that_aws_published_come_apart_as_known() {
    let known = [
        (
            "49543463076548007577105092703039560359975228518395019266",
            SequenceNumber {
                shard_created_s: 1_411_403_981,
                shard_index: 0,
                counter: 0x157d,
                record_s: 1_411_431_220,
            },
        ),
        (
            "49590338271490256608559692538361571095921575989136588898",
            SequenceNumber {
                shard_created_s: 1_542_776_258,
                shard_index: 6,
                counter: 0x6764_8a17,
                record_s: 1_545_084_650,
            },
        ),
    ];
    for (text, number) in known {
        assert_eq!(SequenceNumber::parse(text), Some(Parsed::Current(number)));
        assert_eq!(number.to_string(), text);
    }
}

#[test]
fn texts_that_are_no_sequence_number_are_refused() {
    let too_wide = "9".repeat(129);
    for text in ["", "x", "-1", "1.0", " 1", "٣", &too_wide] {
        assert_eq!(SequenceNumber::parse(text), None, "{text}");
    }
    // The counter's top bit is set.
    let mut number = SequenceNumber::starting(1_500_000_000, 3);
    number.counter = COUNTER_MAX;
    let digits = number.to_string();
    assert_eq!(SequenceNumber::parse(&digits), Some(Parsed::Current(number)));
}

#[test]
fn zero_is_a_number_of_an_older_layout() {
    assert_eq!(SequenceNumber::parse("0"), Some(Parsed::Older { shard_index: 0 }));
}

#[test]
fn positions_at_and_after_count_from_the_first_record() {
    let starting = SequenceNumber::starting(1, 0);
    assert_eq!((starting.at(), starting.after()), (SeqNo(0), SeqNo(0)));
    let first = SequenceNumber::of_record(1, 0, SeqNo(0), 2);
    assert_eq!((first.at(), first.after()), (SeqNo(0), SeqNo(1)));
}

fn numbers() -> impl Strategy<Value = SequenceNumber> {
    (0..16_025_175_000u64, 0..=i32::MAX.unsigned_abs(), 0..=COUNTER_MAX, 0..16_025_175_000u64)
        .prop_map(|(shard_created_s, shard_index, counter, record_s)| SequenceNumber {
            shard_created_s,
            shard_index,
            counter,
            record_s,
        })
}

proptest! {
    #[test]
    fn a_number_survives_its_text(number in numbers()) {
        prop_assert_eq!(SequenceNumber::parse(&number.to_string()), Some(Parsed::Current(number)));
    }

    #[test]
    fn numbers_of_a_shard_grow_with_the_counter_whatever_the_clock_does(
        number in numbers(), more in 1..1000u64, other_s in 0..16_025_175_000u64,
    ) {
        let counter = number.counter.saturating_add(more).min(COUNTER_MAX);
        prop_assume!(counter > number.counter);
        let later = SequenceNumber { counter, record_s: other_s, ..number };
        let (a, b) = (number.to_string(), later.to_string());
        prop_assert!(a.len() < b.len() || a.len() == b.len() && a < b);
    }

    #[test]
    fn numbers_of_this_century_have_56_digits(
        number in numbers(), created_s in 1_000_000_000..4_000_000_000u64,
    ) {
        let number = SequenceNumber { shard_created_s: created_s, ..number };
        prop_assert_eq!(number.to_string().len(), 56);
    }

    #[test]
    fn any_text_parses_or_is_refused(text in "[0-9]{0,140}|\\PC{0,20}") {
        let _ = SequenceNumber::parse(&text);
    }

    #[test]
    fn even_ranges_cover_the_space_and_route_to_themselves(
        count in 1..2000u32, hash in any::<u128>(),
    ) {
        let ranges: Vec<_> = even_ranges(count).collect();
        prop_assert_eq!(ranges.len(), count as usize);
        let routed = ranges.iter().zip(0..).map(|((first, last), shard)| (*first, *last, shard));
        let routes = Routes::new(routed).expect("the ranges cover the space");
        let shard = routes.shard_of(hash);
        let (first, last) = ranges[shard as usize];
        prop_assert!((first..=last).contains(&hash));
        let widths = ranges.iter().map(|(first, last)| last - first);
        prop_assert!(widths.clone().max().unwrap() - widths.min().unwrap() <= u128::from(count));
    }

    #[test]
    fn a_token_that_was_touched_is_refused(at in 0..96usize, to in "[A-Za-z0-9+/=]") {
        let tokens = tokens();
        let token = tokens.seal_iterator(Timestamp(5), &iterator());
        prop_assume!(at < token.len() && token[at..=at] != to);
        let mut touched = token;
        touched.replace_range(at..=at, &to);
        prop_assert_eq!(tokens.open_iterator(&touched), None);
    }

    #[test]
    fn any_text_opens_or_is_refused(text in "\\PC{0,600}|[A-Za-z0-9+/]{0,600}") {
        prop_assert_eq!(tokens().open_iterator(&text), None);
    }
}

#[test]
fn ranges_that_leave_a_gap_or_overlap_are_refused() {
    assert_eq!(Routes::new([]), None);
    assert_eq!(Routes::new([(0, 5, 0), (7, u128::MAX, 1)]), None);
    assert_eq!(Routes::new([(0, 5, 0), (5, u128::MAX, 1)]), None);
    assert_eq!(Routes::new([(0, 5, 0)]), None);
    assert!(Routes::new([(6, u128::MAX, 1), (0, 5, 0)]).is_some());
}

#[test]
fn two_shards_split_the_space_as_the_service_does() {
    assert_eq!(even_ranges(1).collect::<Vec<_>>(), [(0, u128::MAX)]);
    let ranges: Vec<_> = even_ranges(2).collect();
    let half = 170_141_183_460_469_231_731_687_303_715_884_105_728;
    assert_eq!(ranges, [(0, half - 1), (half, u128::MAX)]);
    assert_eq!(even_ranges(3).next(), Some((0, u128::MAX / 3 - 1)));
}

#[test]
fn hash_keys_end_at_two_to_the_128() {
    let last = "340282366920938463463374607431768211455";
    assert_eq!(parse_hash_key(last), Some(u128::MAX));
    assert_eq!(parse_hash_key("340282366920938463463374607431768211456"), None);
    // The MD5 of the empty text.
    assert_eq!(hash_of(""), 0xd41d_8cd9_8f00_b204_e980_0998_ecf8_427e);
}

fn tokens() -> Tokens {
    Tokens::new(&[7; 32], &SeededEntropy::new(1))
}

fn iterator() -> ShardIterator {
    ShardIterator { stream: 3, shard_index: 4, position: SeqNo(5), stream_name: "demo".to_owned() }
}

#[test]
fn an_iterator_opens_also_in_quotes_and_each_is_different() {
    let tokens = tokens();
    let first = tokens.seal_iterator(Timestamp(9), &iterator());
    let second = tokens.seal_iterator(Timestamp(9), &iterator());
    assert_ne!(first, second);
    let opened = Some(Opened { created: Timestamp(9), content: iterator() });
    assert_eq!(tokens.open_iterator(&first), opened);
    assert_eq!(tokens.open_iterator(&format!("\"{second}\"")), opened);
}

#[test]
fn an_iterator_of_the_longest_name_is_within_the_services_bound() {
    let long = ShardIterator { stream_name: "n".repeat(128), ..iterator() };
    let token = tokens().seal_iterator(Timestamp(u64::MAX), &long);
    assert!(token.len() <= TOKEN_CHARS_MAX, "{}", token.len());
}

#[test]
fn a_listing_token_is_no_iterator_and_other_keys_open_nothing() {
    let token = tokens().seal(Purpose::ListShards, Timestamp(1), &[0; 40]);
    assert_eq!(tokens().open_iterator(&token), None);
    assert_eq!(tokens().open(Purpose::ListStreams, &token), None);
    assert!(tokens().open(Purpose::ListShards, &token).is_some());
    let others = Tokens::new(&[8; 32], &SeededEntropy::new(1));
    assert_eq!(others.open(Purpose::ListShards, &token), None);
}

#[test]
fn dates_print_as_java_does() {
    assert_eq!(java_date(Timestamp(1_421_889_722_000)), "Thu Jan 22 01:22:02 UTC 2015");
    assert_eq!(java_date(Timestamp(1_709_164_800_000)), "Thu Feb 29 00:00:00 UTC 2024");
    assert_eq!(java_date(Timestamp(0)), "Thu Jan 01 00:00:00 UTC 1970");
}

#[test]
fn shard_names_are_read_in_every_form_the_service_reads() {
    for name in ["shardId-000000000003", "shardId-3", "3", "foo-3"] {
        assert_eq!(parse_shard_name(name), Some(3), "{name}");
    }
    for name in ["", "shardId-", "shardId-x", "shardId-2147483648", "a-b-3"] {
        assert_eq!(parse_shard_name(name), None, "{name}");
    }
    assert_eq!(shard_name(12), "shardId-000000000012");
}

#[test]
fn a_row_of_the_first_version_is_read_with_all_it_had() {
    let shard = |index| ShardRow {
        log: 7 + u64::from(index),
        index,
        hash_first: 0,
        hash_last: u128::MAX,
        created_ms: 5,
        closed_ms: None,
        parent: None,
        adjacent_parent: None,
    };
    let old = StreamRowV1 {
        id: 7,
        name: "s".into(),
        account: "000000000000".into(),
        region: "us-east-1".into(),
        created_ms: 5,
        mode: Mode::OnDemand,
        distribution: Distribution::Auto,
        retention_hours: 48,
        record_kib_max: 2048,
        warm_mibps: Some(9),
        tags: vec![("k".into(), "v".into())],
        shards: vec![shard(0), shard(1)],
    };
    let bytes = rkyv::to_bytes::<rkyv::rancor::Error>(&old).expect("encodes");
    let row = StreamRow::decode(1, &bytes).expect("version 1 is read");
    assert_eq!(row.next_shard, 2);
    assert_eq!(row, StreamRow::from(old));
    assert_eq!(StreamRow::decode(2, &row.encode()).expect("version 2 is read"), row);
    assert!(StreamRow::decode(3, &row.encode()).is_err());
}
