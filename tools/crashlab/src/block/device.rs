//! A disk that logs what is written to it, and fails when it is told to.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::block::image::{Image, SECTOR_BYTES};
use crate::random::Random;

/// What a disk was asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Entry {
    /// To write these bytes here.
    Write {
        /// Where.
        offset: u64,
        /// What.
        data: Box<[u8]>,
    },
    /// To make durable what was written before.
    Flush,
}

impl Entry {
    /// Does it to `image`.
    pub fn apply(&self, image: &mut Image) {
        if let Entry::Write { offset, data } = self {
            image.write(*offset, data);
        }
    }

    /// Does some sectors of it to `image`, by chance.
    pub fn apply_torn(&self, image: &mut Image, unit_bytes: u64, random: &mut Random) {
        let Entry::Write { offset, data } = self else { return };
        let unit = usize::try_from(unit_bytes.max(SECTOR_BYTES)).unwrap_or(usize::MAX);
        for (piece, at) in data.chunks(unit).zip((0..).step_by(unit)) {
            if random.below(2) == 0 {
                image.write(offset + at as u64, piece);
            }
        }
    }
}

/// A disk in the memory of this process.
#[derive(Debug)]
pub struct Device {
    bytes: u64,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    image: Image,
    /// Filled while the device logs.
    log: Option<Vec<Entry>>,
    /// Flushes since the image was put in.
    flushes: u64,
    failing: Option<Failing>,
}

/// A flush that is going to fail.
#[derive(Debug)]
struct Failing {
    /// Flushes until then.
    flushes_left: u64,
    /// What is durable, and what was written since.
    durable: Image,
    since: Vec<Entry>,
    random: Random,
    has_failed: bool,
}

impl Device {
    /// A disk with these bytes on it.
    #[must_use]
    pub fn new(image: Image) -> Device {
        let bytes = image.bytes();
        let state = State { image, log: None, flushes: 0, failing: None };
        Device { bytes, state: Mutex::new(state) }
    }

    /// How large it is.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Puts other bytes in. Nobody may have the disk mounted.
    pub fn put(&self, image: Image) {
        let mut state = self.state();
        assert_eq!(image.bytes(), self.bytes, "a disk does not change its size");
        *state = State { image, log: None, flushes: 0, failing: None };
    }

    /// The bytes as they are now.
    #[must_use]
    pub fn image(&self) -> Image {
        self.state().image.clone()
    }

    /// Begins a log.
    pub fn log(&self) {
        let mut state = self.state();
        state.log = Some(Vec::new());
        state.flushes = 0;
    }

    /// Ends the log.
    #[must_use]
    pub fn take_log(&self) -> Vec<Entry> {
        self.state().log.take().unwrap_or_default()
    }

    /// How many flushes were done since the log began: what somebody heard by now relies on no more.
    #[must_use]
    pub fn flushes(&self) -> u64 {
        self.state().flushes
    }

    /// From now on, lets flush number `nth` (from 0) fail, and every later one: of what was written
    /// since the one before, some is lost. A disk that flushed again with success would tell nobody
    /// of those whose own flush came after the one that failed.
    pub fn fail_flush(&self, nth: u64, random: Random) {
        let mut state = self.state();
        let durable = state.image.clone();
        state.failing = Some(Failing {
            flushes_left: nth,
            durable,
            since: Vec::new(),
            random,
            has_failed: false,
        });
    }

    /// Whether that flush has come, and failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.state().failing.as_ref().is_some_and(|failing| failing.has_failed)
    }

    pub(super) fn read(&self, offset: u64, buffer: &mut [u8]) {
        self.state().image.read(offset, buffer);
    }

    pub(super) fn write(&self, offset: u64, data: &[u8]) {
        let mut state = self.state();
        state.image.write(offset, data);
        let entry = || Entry::Write { offset, data: data.into() };
        if let Some(log) = &mut state.log {
            log.push(entry());
        }
        if let Some(failing) = state.failing.as_mut().filter(|failing| !failing.has_failed) {
            failing.since.push(entry());
        }
    }

    /// Flushes. False when that fails.
    pub(super) fn flush(&self) -> bool {
        let mut state = self.state();
        if state.failing.as_ref().is_some_and(|failing| failing.has_failed) {
            return false;
        }
        if let Some(lost) = state.failing.as_mut().and_then(Failing::flush) {
            state.image = lost;
            return false;
        }
        state.flushes += 1;
        if let Some(log) = &mut state.log {
            log.push(Entry::Flush);
        }
        true
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Failing {
    /// What is on the disk when this flush is the one that fails.
    fn flush(&mut self) -> Option<Image> {
        if self.flushes_left > 0 {
            self.flushes_left -= 1;
            self.since.drain(..).for_each(|entry| entry.apply(&mut self.durable));
            return None;
        }
        self.has_failed = true;
        let mut left = self.durable.clone();
        for entry in self.since.drain(..) {
            match self.random.below(4) {
                0 => entry.apply(&mut left),
                1 => entry.apply_torn(&mut left, SECTOR_BYTES, &mut self.random),
                _ => {}
            }
        }
        Some(left)
    }
}
