//! Bytes of requests.

use super::batch::{batch, crc32c, varint};
use super::connection::taken;
use super::request::{Requests, produce};

#[test]
fn the_checksum_is_crc_32c() {
    assert_eq!(crc32c(b"123456789"), 0xE306_9283);
}

#[test]
fn numbers_near_zero_are_short() {
    for (number, bytes) in [(0, &[0][..]), (-1, &[1]), (1, &[2]), (63, &[0x7E]), (64, &[0x80, 1])] {
        let mut out = Vec::new();
        varint(number, &mut out);
        assert_eq!(out, bytes, "{number}");
    }
}

#[test]
fn a_batch_says_its_length_and_its_count() {
    let batch = batch(&[b"one".to_vec(), b"two".to_vec()]);
    let number = |at: usize| i32::from_be_bytes(*batch[at..].first_chunk().unwrap());
    assert_eq!(usize::try_from(number(8)).unwrap(), batch.len() - 12);
    assert_eq!((number(23), number(57)), (1, 2), "last offset, count");
    assert_eq!(batch[61..71], [18, 0, 0, 0, 1, 6, b'o', b'n', b'e', 0]);
    assert_eq!(batch[71..], [18, 0, 0, 2, 1, 6, b't', b'w', b'o', 0]);
}

#[test]
fn requests_say_their_length_and_differ_in_their_partition() {
    let requests = Requests::new(100);
    for request in requests.singles.iter().chain(&requests.batches) {
        let length = i32::from_be_bytes(*request.first_chunk().unwrap());
        assert_eq!(usize::try_from(length).unwrap(), request.len() - 4);
    }
    let value = [b"one".to_vec()];
    assert_ne!(produce(0, &value), produce(1, &value));
}

#[test]
fn an_answer_is_read_for_its_error() {
    let mut answer = [0; 64];
    assert!(taken(&answer).is_ok());
    assert!(taken(&answer[..20]).is_err());
    // Behind length, number, one topic `bench`, one partition.
    answer[28] = 3;
    assert!(taken(&answer).unwrap_err().to_string().contains("error 3"));
}
