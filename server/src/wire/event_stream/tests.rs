//! Tests of frames, against bytes of other implementations and against each other.

use super::*;
use crate::wire::Exception;

#[test]
fn an_event_decodes_to_what_was_encoded() {
    let frame = event("SubscribeToShardEvent", 10, |out| {
        out.begin_map();
        out.integer("MillisBehindLatest", 7);
        out.end_map();
    });
    let message = decode(&frame).unwrap().unwrap();
    assert_eq!(message.header(":message-type"), Some("event"));
    assert_eq!(message.header(":event-type"), Some("SubscribeToShardEvent"));
    assert_eq!(message.header(":content-type"), Some("application/json"));
    assert_eq!(message.payload, br#"{"MillisBehindLatest":7}"#);
    assert_eq!(message.frame_bytes, frame.len());
}

#[test]
fn an_exception_names_its_type_and_message() {
    let frame = exception(&Exception::client("ResourceNotFoundException", "gone \"x\""));
    let message = decode(&frame).unwrap().unwrap();
    assert_eq!(message.header(":message-type"), Some("exception"));
    assert_eq!(message.header(":exception-type"), Some("ResourceNotFoundException"));
    assert_eq!(message.payload, br#"{"message":"gone \"x\""}"#);
}

#[test]
fn an_empty_frame_is_the_one_of_the_specification() {
    // The published test vector of a frame without headers and payload.
    let empty = [0, 0, 0, 16, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff];
    let message = decode(&empty).unwrap().unwrap();
    assert_eq!((message.headers.len(), message.payload, message.frame_bytes), (0, &[][..], 16));
}

#[test]
fn a_frame_cut_short_is_waited_for_and_a_touched_one_is_refused() {
    let frame = initial_response();
    for end in 0..frame.len() {
        assert_eq!(decode(&frame[..end]), Ok(None), "cut at {end}");
    }
    for at in 0..frame.len() {
        let mut touched = frame.to_vec();
        touched[at] ^= 0x10;
        assert!(decode(&touched).is_err(), "touched at {at}");
    }
}
