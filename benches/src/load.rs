//! Batches and commits of a given size. Data is text-like: half of it does not compress.

use flowstone_engine::entropy::{Entropy, SystemEntropy};
use flowstone_engine::frame::{Batch, BatchBuilder, FrameKind};
use flowstone_engine::journal::commit::{Encoded, Entry, Predecessor, encode};
use flowstone_engine::journal::header::{COMMITS_BEGIN, FileHeader};
use flowstone_engine::journal::image::ImageWriter;
use flowstone_engine::types::{Epoch, FileSeq, JournalPosition, Salt, SeqNo, ShardId, Timestamp};

/// The key of every record here.
pub const KEY: &[u8] = b"device-0042";

/// `bytes` bytes of hexadecimal digits: compress to about half.
#[must_use]
pub fn data(bytes: usize) -> Vec<u8> {
    let entropy = SystemEntropy;
    let mut out = Vec::with_capacity(bytes + 16);
    while out.len() < bytes {
        out.extend_from_slice(format!("{:016x}", entropy.bits()).as_bytes());
    }
    out.truncate(bytes);
    out
}

/// A batch of `records` records of `bytes` bytes.
#[must_use]
pub fn batch(records: usize, bytes: usize) -> Batch {
    let mut builder = BatchBuilder::with_capacity(records * (bytes + KEY.len() + 8));
    for record in data(records * bytes).chunks(bytes) {
        builder.push(KEY, record).expect("within the limits");
    }
    builder.finish().expect("there are records")
}

/// What a journal file of `file_bytes` bytes says of itself.
#[must_use]
pub fn file_header(file_bytes: usize) -> FileHeader {
    FileHeader {
        salt: Salt(7),
        file: FileSeq(1),
        file_bytes: u32::try_from(file_bytes).expect("journal files are bounded"),
        previous_end: JournalPosition::default(),
        began: Timestamp(0),
    }
}

/// An image where the next commit goes to the first place of a file.
#[must_use]
pub fn fresh_image(file_bytes: usize) -> ImageWriter {
    let mut image = ImageWriter::new(file_bytes).expect("there is memory for a bench");
    image.write(COMMITS_BEGIN, |bytes| file_header(file_bytes).encode_into(bytes));
    image
}

/// Encodes one commit of `batch` for each of `shards` shards into `image`.
pub fn commit(
    image: &mut ImageWriter,
    file: &FileHeader,
    predecessor: &mut Predecessor,
    first_seq: u64,
    shards: u64,
    batch: &Batch,
) -> Encoded {
    let batches = [batch];
    let entries: Vec<_> = (0..shards)
        .map(|shard| Entry {
            shard: ShardId(shard),
            first_seq: SeqNo(first_seq),
            epoch: Epoch(1),
            arrival: Timestamp(1_700_000_000_000),
            high_watermark: SeqNo(first_seq),
            batches: &batches,
            kind: FrameKind::Records,
        })
        .collect();
    encode(image, file, JournalPosition::default(), predecessor, &entries)
}
