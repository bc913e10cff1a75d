//! The journal's files: making, handing out, recycling, setting aside.
//!
//! ```text
//!   make ---> spare --take_spare--> active --rotate--> waiting --sealed--> free ---> spare
//!                                                         \--- damaged: moved aside
//! ```
//!
//! A file keeps its name `slot-N.fsj` through its incarnations: recycling one renames nothing and
//! so costs no directory flush.

use std::collections::VecDeque;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use crate::error::{Error, Result};
use crate::io::{DIRECT_IO_BYTES, Disk, File, Open};
use crate::journal::header::FileHeader;
use crate::journal::image::ImageWriter;
use crate::journal::{ASIDE_DIR, JOURNAL_DIR};
use crate::planted::{Bug, is_planted};
use crate::types::{FileSeq, JournalPosition, Salt, ShardId, Timestamp};

/// A file that fills up within this time, in milliseconds, is part of a burst.
const BURST_MS: u64 = 1_000;

/// The path of slot `slot`.
#[must_use]
pub fn slot_path(slot: u32) -> PathBuf {
    Path::new(JOURNAL_DIR).join(format!("slot-{slot}.fsj"))
}

/// The slot that `name` belongs to.
#[must_use]
pub fn slot_of(name: &str) -> Option<u32> {
    let slot = name.strip_prefix("slot-")?.strip_suffix(".fsj")?.parse().ok()?;
    (name == format!("slot-{slot}.fsj")).then_some(slot)
}

/// A file that is ready for its next incarnation.
pub struct Spare {
    /// Which file.
    pub slot: u32,
    /// Open for direct writes.
    pub file: Arc<dyn File>,
    /// Its mirror, empty.
    pub image: ImageWriter,
}

/// A file that no more commits go to and whose frames are not sealed yet.
pub struct Waiting {
    /// Which file.
    pub slot: u32,
    /// Which incarnation.
    pub file: FileSeq,
    /// Its mirror.
    pub image: ImageWriter,
    /// The shards that have frames in it; may repeat.
    pub shards: Vec<ShardId>,
    /// Whether recovery found damage in it: it is kept as evidence instead of recycled.
    pub is_damaged: bool,
}

struct State {
    spare: Option<Spare>,
    waiting: VecDeque<Arc<Waiting>>,
    /// Slots whose content is sealed or was never used.
    free: Vec<u32>,
    /// All slots that exist.
    slots: Vec<u32>,
    images: Vec<ImageWriter>,
    /// When a file was last handed over as full, in milliseconds of the monotonic clock.
    filled_at_ms: Option<u64>,
    blocked: Option<Error>,
}

/// The files of one journal.
pub struct Slots {
    disk: Arc<dyn Disk>,
    file_bytes: usize,
    files_max: usize,
    state: Mutex<State>,
}

impl Slots {
    /// The files that recovery found: `waiting` in the order of the journal.
    pub fn new(
        disk: Arc<dyn Disk>,
        file_bytes: usize,
        files_max: usize,
        free: Vec<u32>,
        waiting: Vec<Waiting>,
    ) -> Slots {
        assert!(file_bytes.is_multiple_of(DIRECT_IO_BYTES), "options are checked");
        let slots = free.iter().copied().chain(waiting.iter().map(|file| file.slot)).collect();
        let waiting = waiting.into_iter().map(Arc::new).collect();
        let state = State {
            spare: None,
            waiting,
            free,
            slots,
            images: Vec::new(),
            filled_at_ms: None,
            blocked: None,
        };
        Slots { disk, file_bytes, files_max, state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no code panics while it holds the slots")
    }

    /// The spare file, if there is one.
    pub fn take_spare(&self) -> Option<Spare> {
        self.state().spare.take()
    }

    /// Why no spare can be made now, if that is so.
    pub fn blocked(&self) -> Option<Error> {
        self.state().blocked.clone()
    }

    /// Notes that sealing or making files fails, or that it does not any more.
    pub fn set_blocked(&self, blocked: Option<Error>) {
        self.state().blocked = blocked;
    }

    /// Hands over a file that is full, at `now_ms` of the monotonic clock.
    pub fn push_waiting(&self, waiting: Waiting, now_ms: u64) {
        let mut state = self.state();
        state.waiting.push_back(Arc::new(waiting));
        state.filled_at_ms = Some(now_ms);
    }

    /// Whether files fill up so fast, and so few wait, that appends should have the machine to
    /// themselves. `now_ms` is of the monotonic clock.
    pub fn is_burst(&self, now_ms: u64) -> bool {
        let state = self.state();
        let is_fast = |filled_at_ms| now_ms.saturating_sub(filled_at_ms) < BURST_MS;
        state.filled_at_ms.is_some_and(is_fast) && state.waiting.len() < self.files_max / 2
    }

    /// The file to seal next.
    pub fn oldest_waiting(&self) -> Option<Arc<Waiting>> {
        self.state().waiting.front().cloned()
    }

    /// How many files wait to be sealed.
    pub fn waiting(&self) -> usize {
        self.state().waiting.len()
    }

    /// Whether `prepare` has something to do and can.
    pub fn wants_spare(&self) -> bool {
        let state = self.state();
        state.spare.is_none() && (!state.free.is_empty() || state.slots.len() < self.files_max)
    }

    /// Makes a spare out of a free file, or a new one while there may be more. Says whether there
    /// is one now.
    pub fn prepare(&self) -> Result<bool> {
        let (slot, is_new) = {
            let mut state = self.state();
            if state.spare.is_some() {
                return Ok(true);
            }
            if let Some(slot) = state.free.pop() {
                (slot, false)
            } else if state.slots.len() < self.files_max {
                let slot = (0..).find(|slot| !state.slots.contains(slot)).expect("slots are few");
                state.slots.push(slot);
                (slot, true)
            } else {
                return Ok(false);
            }
        };
        let made = self.open_slot(slot, is_new).and_then(|file| Ok((file, self.image()?)));
        let mut state = self.state();
        match made {
            Ok((file, image)) => {
                state.spare = Some(Spare { slot, file, image });
                Ok(true)
            }
            Err(error) => {
                if is_new {
                    state.slots.retain(|other| *other != slot);
                } else {
                    // Another one may be fit for use as it is.
                    state.free.insert(0, slot);
                }
                Err(error)
            }
        }
    }

    /// Takes back the oldest waiting file: its frames are sealed and the catalog says so.
    pub fn release_oldest(&self) -> Result<()> {
        let Some(waiting) = self.state().waiting.pop_front() else { return Ok(()) };
        let (slot, file, is_damaged) = (waiting.slot, waiting.file, waiting.is_damaged);
        let image = Arc::into_inner(waiting).and_then(|waiting| waiting.image.recycle());
        let moved = if is_damaged { move_aside(&*self.disk, slot, file) } else { Ok(()) };
        let mut state = self.state();
        // At most a spare's and an active file's image are worth keeping.
        if let Some(image) = image
            && image.remaining() == self.file_bytes
            && state.images.is_empty()
        {
            state.images.push(image);
        }
        if is_damaged {
            // A damaged file that could not be moved keeps its name and is not used again.
            if moved.is_ok() {
                state.slots.retain(|other| *other != slot);
            }
        } else {
            state.free.push(slot);
        }
        moved
    }

    /// A recycled image, or a fresh one.
    fn image(&self) -> Result<ImageWriter> {
        let recycled = self.state().images.pop();
        match recycled {
            Some(image) => Ok(image),
            None => ImageWriter::new(self.file_bytes)
                .map_err(|error| Error::io("getting memory for a journal file", error)),
        }
    }

    fn open_slot(&self, slot: u32, is_new: bool) -> Result<Arc<dyn File>> {
        let path = slot_path(slot);
        let fault = |error| Error::io("preparing a journal file", error);
        if !is_new {
            match self.disk.open(&path, Open::WriteDirect) {
                Ok(file) if file.bytes().map_err(fault)? == self.file_bytes as u64 => {
                    return Ok(file);
                }
                // Half made before a crash, or made under another option.
                Ok(_) => self.disk.remove(&path).map_err(fault)?,
                // Removed by an earlier attempt, which then could not make it.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(fault(error)),
            }
        }
        self.make(&path).inspect_err(|_| {
            // A half-made file holds space that somebody may need now.
            let _ = self.disk.remove(&path);
        })?;
        self.disk.open(&path, Open::WriteDirect).map_err(fault)
    }

    /// PERF: files are filled with zeros, not `fallocate`d: a write into an unwritten extent
    /// commits the file system's own journal, and made durable appends slower than a growing file.
    fn make(&self, path: &Path) -> Result<()> {
        let fault = |error| Error::io("making a journal file", error);
        let file = self.disk.open(path, Open::Create).map_err(fault)?;
        let mut chunk = vec![0; CHUNK_BYTES.min(self.file_bytes)];
        let mut at = 0;
        while at < self.file_bytes {
            let bytes = chunk.len().min(self.file_bytes - at);
            file.write_all_at(&chunk[..bytes], at as u64).map_err(fault)?;
            at += bytes;
        }
        // A header with file number 0 says "never begun", so that recovery need not look further.
        let header = FileHeader {
            salt: Salt(0),
            file: FileSeq(0),
            file_bytes: u32::try_from(self.file_bytes).expect("options are checked"),
            previous_end: JournalPosition::default(),
            began: Timestamp(0),
        };
        let begin = &mut chunk[..crate::journal::header::COMMITS_BEGIN];
        header.encode_into(begin);
        file.write_all_at(begin, 0).map_err(fault)?;
        file.sync().map_err(fault)?;
        // PERF: direct writes go around the page cache, and would have to clear it piece by piece.
        file.drop_cache().map_err(fault)?;
        if is_planted(Bug::SkipJournalDirectorySync) {
            return Ok(());
        }
        self.disk.sync_dir(Path::new(JOURNAL_DIR)).map_err(fault)
    }
}

/// Moves the file of `slot` out of the journal, as evidence of damage in incarnation `file`.
pub fn move_aside(disk: &dyn Disk, slot: u32, file: FileSeq) -> Result<()> {
    let aside = Path::new(ASIDE_DIR).join(format!("journal-{file}.fsj"));
    disk.rename(&slot_path(slot), &aside)
        .and_then(|()| disk.sync_dir(Path::new(ASIDE_DIR)))
        .and_then(|()| disk.sync_dir(Path::new(JOURNAL_DIR)))
        .map_err(|error| Error::io("moving a damaged journal file aside", error))
}

/// Bytes written at once when a file is made.
const CHUNK_BYTES: usize = 1 << 20;
