//! Surviving a read error under a mapped page.
//!
//! The kernel reports a page that it cannot read (a bad sector, a file cut short) as `SIGBUS` in
//! the thread that touched it. The handler here looks the address up among the live maps; when it
//! is one of ours it puts a page of zeros there and marks the map, and the thread goes on.
//!
//! | signal                         | action |
//! |--------------------------------|--------|
//! | address inside a live map      | page of zeros, map marked as damaged |
//! | any other address, or `kill`   | what was installed before us, or the default |
//!
//! **Invariant** the handler takes no lock, allocates nothing and leaves `errno` alone.

#![allow(unsafe_code, reason = "signal handlers are unsafe to write")]

#[cfg(test)]
mod tests;

use std::ffi::{c_int, c_void};
use std::io;
use std::ptr;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};

use rustix::mm::{MapFlags, ProtFlags};

/// How many files can be mapped at once. Linux allows a process about as many maps.
pub const MAPS_MAX: usize = 65_536;

/// One live map, or none. A sequence lock: `version` is odd while the other fields change.
struct Slot {
    version: AtomicU64,
    start: AtomicUsize,
    bytes: AtomicUsize,
    damaged: AtomicBool,
}

impl Slot {
    const fn empty() -> Slot {
        Slot {
            version: AtomicU64::new(0),
            start: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            damaged: AtomicBool::new(false),
        }
    }

    /// Changes the slot if it is stable and `expected_bytes` long. Says whether it did.
    fn replace(&self, expected_bytes: usize, start: usize, bytes: usize) -> bool {
        let version = self.version.load(Ordering::Acquire);
        if !version.is_multiple_of(2) || self.bytes.load(Ordering::Acquire) != expected_bytes {
            return false;
        }
        if self
            .version
            .compare_exchange(version, version + 1, Ordering::AcqRel, Ordering::Relaxed)
            .is_err()
        {
            return false;
        }
        // ORDER: whoever sees one of the stores below also sees the odd version.
        fence(Ordering::Release);
        self.start.store(start, Ordering::Relaxed);
        self.bytes.store(bytes, Ordering::Relaxed);
        self.damaged.store(false, Ordering::Relaxed);
        self.version.store(version + 2, Ordering::Release);
        true
    }

    /// Whether `address` is in this map. A slot that is changing is not the one that faulted:
    /// that one is borrowed by the thread in the handler.
    fn holds(&self, address: usize) -> bool {
        let version = self.version.load(Ordering::Acquire);
        let start = self.start.load(Ordering::Relaxed);
        let bytes = self.bytes.load(Ordering::Relaxed);
        fence(Ordering::Acquire);
        version.is_multiple_of(2)
            && self.version.load(Ordering::Relaxed) == version
            && address.wrapping_sub(start) < bytes
    }
}

static SLOTS: [Slot; MAPS_MAX] = [const { Slot::empty() }; MAPS_MAX];
/// Slots from here on were never used: the handler need not look at them.
static SLOTS_USED: AtomicUsize = AtomicUsize::new(0);
/// Where to start looking for an empty slot.
static SLOT_HINT: AtomicUsize = AtomicUsize::new(0);
static PAGE_BYTES: AtomicUsize = AtomicUsize::new(0);
static PREVIOUS: OnceLock<libc::sigaction> = OnceLock::new();

/// A live map's place in the table that the handler reads. Drop it before unmapping.
pub(super) struct Registration {
    slot: usize,
    bytes: usize,
}

impl Registration {
    /// Enters the map of `bytes` at `start`, and sees to it that the handler is installed.
    pub(super) fn new(start: usize, bytes: usize) -> io::Result<Registration> {
        install()?;
        let hint = SLOT_HINT.load(Ordering::Relaxed);
        for step in 0..MAPS_MAX {
            let slot = (hint + step) % MAPS_MAX;
            if SLOTS[slot].replace(0, start, bytes) {
                SLOT_HINT.store((slot + 1) % MAPS_MAX, Ordering::Relaxed);
                SLOTS_USED.fetch_max(slot + 1, Ordering::Release);
                return Ok(Registration { slot, bytes });
            }
        }
        Err(io::Error::other(format!("too many files mapped maps_max=`{MAPS_MAX}`")))
    }

    pub(super) fn is_damaged(&self) -> bool {
        SLOTS[self.slot].damaged.load(Ordering::Acquire)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let was_ours = SLOTS[self.slot].replace(self.bytes, 0, 0);
        assert!(was_ours, "a registered map's slot is changed by its owner only");
        SLOT_HINT.store(self.slot, Ordering::Relaxed);
    }
}

/// Installs the handler, the first time.
fn install() -> io::Result<()> {
    static INSTALLED: OnceLock<Result<(), i32>> = OnceLock::new();
    let installed = INSTALLED.get_or_init(|| {
        PAGE_BYTES.store(rustix::param::page_size(), Ordering::Release);
        // SAFETY: all zeros is a valid `sigaction`: integers, and no restorer.
        let mut previous: libc::sigaction = unsafe { std::mem::zeroed() };
        // SAFETY: a null new action only asks; `previous` is a valid place for the answer.
        let asked = unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut previous) };
        if asked != 0 {
            return Err(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL));
        }
        // ORDER: the handler reads this, so it is there before the handler is.
        PREVIOUS.get_or_init(|| previous);
        // SAFETY: as above.
        let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
        let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = on_sigbus;
        action.sa_sigaction = handler as libc::sighandler_t;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: `action` is valid and its handler is async-signal-safe (the file's invariant).
        let set = unsafe { libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut()) };
        if set != 0 {
            return Err(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EINVAL));
        }
        Ok(())
    });
    installed.map_err(io::Error::from_raw_os_error)
}

extern "C" fn on_sigbus(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a valid `siginfo_t` to a handler installed with SA_SIGINFO.
    let fault = unsafe { &*info };
    // A positive code says that the kernel raised it for a fault; only then is there an address.
    let is_fault = fault.si_code > 0;
    if is_fault {
        // SAFETY: the kernel filled in the address, for this is a fault.
        let address = unsafe { fault.si_addr() }.addr();
        if show_zeros_at(address) {
            return;
        }
    }
    pass_on(signal, info, context, is_fault);
}

/// Puts a page of zeros over the page of `address`, if that is in a live map.
fn show_zeros_at(address: usize) -> bool {
    let used = SLOTS_USED.load(Ordering::Acquire);
    let Some(slot) = SLOTS[..used].iter().find(|slot| slot.holds(address)) else {
        return false;
    };
    // ORDER: the mark comes before the zeros, so that nobody sees zeros and no mark.
    slot.damaged.store(true, Ordering::SeqCst);
    let page_bytes = PAGE_BYTES.load(Ordering::Acquire);
    let page = address - address % page_bytes;
    // SAFETY: the page is inside a live map of ours (it is unregistered before it is unmapped,
    // and the faulting thread borrows it), which nothing writes; replacing it takes no memory
    // from anybody else. The call is a bare system call that touches no `errno`.
    let mapped = unsafe {
        rustix::mm::mmap_anonymous(
            ptr::with_exposed_provenance_mut(page),
            page_bytes,
            ProtFlags::READ,
            MapFlags::PRIVATE | MapFlags::FIXED,
        )
    };
    mapped.is_ok()
}

/// Does what would have been done without us.
fn pass_on(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void, is_fault: bool) {
    let (handler, flags) = PREVIOUS
        .get()
        .map_or((libc::SIG_DFL, 0), |previous| (previous.sa_sigaction, previous.sa_flags));
    match handler {
        // Ignoring a fault would run into it forever: the kernel kills then, and so do we.
        libc::SIG_IGN if !is_fault => {}
        libc::SIG_DFL | libc::SIG_IGN => {
            // SAFETY: resetting a signal to its default is allowed in a handler.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
            // SAFETY: raising is allowed in a handler; it is delivered when this one returns.
            unsafe { libc::raise(signal) };
        }
        handler if flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: it was installed with SA_SIGINFO, so it has this signature.
            let call = unsafe {
                std::mem::transmute::<
                    libc::sighandler_t,
                    extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void),
                >(handler)
            };
            call(signal, info, context);
        }
        handler => {
            // SAFETY: it was installed without SA_SIGINFO, so it has this signature.
            let call =
                unsafe { std::mem::transmute::<libc::sighandler_t, extern "C" fn(c_int)>(handler) };
            call(signal);
        }
    }
}
