//! Iterators and listing tokens: only what this server made opens, and only for its purpose.

use std::cell::OnceCell;

use flowstone_engine::types::{SeqNo, Timestamp};
use flowstone_server::service::{Opened, Purpose, ShardIterator, Tokens};

use crate::fuzz::edit::edit;
use crate::fuzz::input::Input;
use crate::fuzz::world::World;

const PURPOSES: [Purpose; 6] = [
    Purpose::ShardIterator,
    Purpose::ListShards,
    Purpose::ListStreams,
    Purpose::ListConsumers,
    Purpose::ListQueues,
    Purpose::Receipt,
];

/// Bytes of a token's content.
const CONTENT_BYTES_MAX: usize = 256;

thread_local! {
    static WORLD: OnceCell<World> = const { OnceCell::new() };
}

/// Opens `data` as a token, then a token of `data` that was edited.
pub fn body(data: &[u8]) {
    WORLD.with(|world| check(&world.get_or_init(World::new).door.streams.tokens, data));
}

fn check(tokens: &Tokens, data: &[u8]) {
    if let Ok(text) = str::from_utf8(data) {
        assert_eq!(tokens.open_iterator(text), None, "nobody else makes iterators");
        for purpose in PURPOSES {
            assert_eq!(tokens.open(purpose, text), None, "nobody else makes tokens");
        }
    }
    let mut input = Input::new(data);
    let purpose = PURPOSES[input.below(PURPOSES.len())];
    let now = Timestamp(input.number(8));
    let length = usize::from(input.byte()).min(CONTENT_BYTES_MAX);
    let content = input.bytes(length);
    let token = tokens.seal(purpose, now, content);
    let opened = Opened { created: now, content: content.to_vec() };
    for other in PURPOSES {
        assert_eq!(tokens.open(other, &token).is_some(), other == purpose);
    }
    assert_eq!(tokens.open(purpose, &token), Some(opened));
    // Content of another length or text than an iterator's is refused, not misread.
    let _ = tokens.open_iterator(&token);
    let _ = tokens.open_receipt(&token);

    let stream_name = String::from_utf8_lossy(content).into_owned();
    let position = SeqNo(now.0.rotate_left(7));
    let iterator = ShardIterator { stream: now.0, shard_index: 3, position, stream_name };
    let sealed = tokens.seal_iterator(now, &iterator);
    let opened = Opened { created: now, content: iterator };
    assert_eq!(tokens.open_iterator(&sealed), Some(opened));

    let mut edited = token.clone().into_bytes();
    edit(&mut edited, &mut input);
    if let Ok(edited) = String::from_utf8(edited)
        && edited != token
    {
        assert_eq!(tokens.open(purpose, &edited), None, "a token that was touched is refused");
    }
}

/// Lengths around the padding's, and texts that look like tokens.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = (0..40).map(|length| vec![length; 60]).collect();
    seeds.push(b"AAAAAAAAAAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_vec());
    seeds.push(b"\"AAAAAAAAAAE=\"".to_vec());
    seeds
}
