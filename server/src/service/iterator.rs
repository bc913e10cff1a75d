//! Opaque, authenticated tokens: shard iterators, and where a listing goes on.
//!
//! ```text
//!   base64( 8 bytes 0..01 | nonce 12 | AES-256-GCM( created ms | body | zeros ) | tag 16 )
//! ```
//!
//! The key is random and kept in the catalog, so that tokens outlive a restart and nobody can make
//! one. A token's purpose is authenticated with it: a listing's token is no shard iterator.
//!
//! **Invariant** no nonce is used twice with the key: 48 random bits a process, then a counter.

use std::sync::atomic::{AtomicU64, Ordering};

use base64_simd::STANDARD;
use flowstone_engine::entropy::Entropy;
use flowstone_engine::types::{SeqNo, Timestamp};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

/// Milliseconds that an iterator is good for.
pub const ITERATOR_LIFE_MS: u64 = 300_000;

/// Characters of a token.
pub const TOKEN_CHARS_MAX: usize = 512;

/// Bytes of a token's key.
pub(super) const TOKEN_KEY_BYTES: usize = 32;

const PREFIX: [u8; 8] = [0, 0, 0, 0, 0, 0, 0, 1];
const TAG_BYTES: usize = 16;
/// Tokens are multiples of this behind their prefix, as the service's are.
const ALIGN_BYTES: usize = 16;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// `ShardIterator`.
    ShardIterator,
    /// `NextToken` of `ListShards`.
    ListShards,
    /// `NextToken` of `ListStreams`.
    ListStreams,
    /// `NextToken` of `ListQueues`.
    ListQueues,
    /// `ReceiptHandle` of a record received from a queue.
    Receipt,
    /// `NextToken` of `ListStreamConsumers`.
    ListConsumers,
}

/// A shard iterator's content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardIterator {
    /// The stream's identity, which a stream made later under the same name does not have.
    pub stream: u64,
    /// The shard's index in its stream.
    pub shard_index: u32,
    /// The next record to read.
    pub position: SeqNo,
    /// The stream's name, for messages.
    pub stream_name: String,
}

/// A token that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opened<T> {
    /// When it was made.
    pub created: Timestamp,
    /// What is in it.
    pub content: T,
}

/// Makes and opens tokens.
#[derive(Debug)]
pub struct Tokens {
    key: LessSafeKey,
    nonce_salt: [u8; 6],
    nonces: AtomicU64,
}

impl Tokens {
    /// Tokens under `key`.
    #[must_use]
    pub(super) fn new(key: &[u8; TOKEN_KEY_BYTES], entropy: &dyn Entropy) -> Tokens {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("the key has the cipher's length");
        let [_, _, nonce_salt @ ..] = entropy.bits().to_be_bytes();
        Tokens { key: LessSafeKey::new(key), nonce_salt, nonces: AtomicU64::new(0) }
    }

    /// A token for `body`.
    #[must_use]
    pub fn seal(&self, purpose: Purpose, now: Timestamp, body: &[u8]) -> String {
        let mut token = Vec::with_capacity(TOKEN_CHARS_MAX);
        token.extend_from_slice(&PREFIX);
        let nonce = self.next_nonce();
        token.extend_from_slice(&nonce);
        let sealed_from = token.len();
        token.extend_from_slice(&now.0.to_le_bytes());
        let body_bytes = u16::try_from(body.len()).expect("a token's body is short");
        token.extend_from_slice(&body_bytes.to_le_bytes());
        token.extend_from_slice(body);
        let behind_prefix = token.len() - PREFIX.len() + TAG_BYTES;
        let padding = behind_prefix.next_multiple_of(ALIGN_BYTES) - behind_prefix;
        token.resize(token.len() + padding, 0);
        let nonce = Nonce::assume_unique_for_key(nonce);
        let tag = self
            .key
            .seal_in_place_separate_tag(nonce, aad(purpose), &mut token[sealed_from..])
            .expect("a token is far below the cipher's bound");
        token.extend_from_slice(tag.as_ref());
        STANDARD.encode_to_string(token)
    }

    /// The body of a token that this server made for `purpose`; `None` for any other text.
    #[must_use]
    pub fn open(&self, purpose: Purpose, token: &str) -> Option<Opened<Vec<u8>>> {
        let bytes = STANDARD.decode_to_vec(token).ok()?;
        let rest = bytes.strip_prefix(&PREFIX)?;
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_LEN>()?;
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let opened = self.key.open_in_place(nonce, aad(purpose), &mut sealed).ok()?;
        let (created, rest) = opened.split_first_chunk::<8>()?;
        let (body_bytes, rest) = rest.split_first_chunk::<2>()?;
        let content = rest.get(..usize::from(u16::from_le_bytes(*body_bytes)))?.to_vec();
        Some(Opened { created: Timestamp(u64::from_le_bytes(*created)), content })
    }

    /// A shard iterator. Every call gives another text.
    #[must_use]
    pub fn seal_iterator(&self, now: Timestamp, iterator: &ShardIterator) -> String {
        let mut body = Vec::with_capacity(160);
        body.extend_from_slice(&iterator.stream.to_le_bytes());
        body.extend_from_slice(&iterator.shard_index.to_le_bytes());
        body.extend_from_slice(&iterator.position.0.to_le_bytes());
        body.extend_from_slice(iterator.stream_name.as_bytes());
        self.seal(Purpose::ShardIterator, now, &body)
    }

    /// The shard iterator in `token`, which may be wrapped in double quotes.
    #[must_use]
    pub fn open_iterator(&self, token: &str) -> Option<Opened<ShardIterator>> {
        let bare = token.strip_prefix('"').and_then(|token| token.strip_suffix('"'));
        let opened = self.open(Purpose::ShardIterator, bare.unwrap_or(token))?;
        let (stream, rest) = opened.content.split_first_chunk()?;
        let (shard_index, rest) = rest.split_first_chunk()?;
        let (position, name) = rest.split_first_chunk()?;
        let content = ShardIterator {
            stream: u64::from_le_bytes(*stream),
            shard_index: u32::from_le_bytes(*shard_index),
            position: SeqNo(u64::from_le_bytes(*position)),
            stream_name: String::from_utf8(name.to_vec()).ok()?,
        };
        Some(Opened { created: opened.created, content })
    }

    fn next_nonce(&self) -> [u8; NONCE_LEN] {
        let count = self.nonces.fetch_add(1, Ordering::Relaxed);
        let mut nonce = [0; NONCE_LEN];
        nonce[..6].copy_from_slice(&self.nonce_salt);
        nonce[6..].copy_from_slice(&count.to_be_bytes()[2..]);
        nonce
    }
}

fn aad(purpose: Purpose) -> Aad<&'static [u8]> {
    Aad::from(match purpose {
        Purpose::ShardIterator => b"shard-iterator".as_slice(),
        Purpose::ListShards => b"list-shards",
        Purpose::ListStreams => b"list-streams",
        Purpose::ListQueues => b"list-queues",
        Purpose::Receipt => b"receipt",
        Purpose::ListConsumers => b"list-consumers",
    })
}
