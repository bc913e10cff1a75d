//! One suite over all disks, and what only real disks have: rings that are refused.

mod bus_errors;

use std::io::{self, Read};
use std::os::fd::AsFd;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use super::event_wake::EventWake;
use super::sim::SimDisk;
use super::uring::UringRing;
use super::{
    AlignedBuffer, Backend, CommitRing, DIRECT_IO_BYTES, Disk, DurableWrite, File, Map, Open,
    RealDisk, Wake, probe_uring,
};
use crate::clock::{Clock, SystemClock};

const UNIT: u64 = DIRECT_IO_BYTES as u64;
const ROOT: &str = "";

/// A disk to test, and the directory that goes with it.
struct Subject {
    disk: Arc<dyn Disk>,
    kind: &'static str,
    _directory: Option<tempfile::TempDir>,
}

fn real(backend: Backend, kind: &'static str) -> Subject {
    let directory = tempfile::tempdir().unwrap();
    let disk = Arc::new(RealDisk::open(&directory.path().join("data"), backend).unwrap());
    Subject { disk, kind, _directory: Some(directory) }
}

fn subjects() -> Vec<Subject> {
    let mut subjects = vec![
        real(Backend::Portable, "portable"),
        Subject { disk: SimDisk::new(3), kind: "simulated", _directory: None },
    ];
    match probe_uring() {
        Ok(()) => subjects.push(real(Backend::Uring, "io_uring")),
        Err(error) => eprintln!("SKIPPED: io_uring is refused here: {error}"),
    }
    subjects
}

fn create(disk: &dyn Disk, name: &str, bytes: u64) -> Arc<dyn File> {
    let file = disk.open(Path::new(name), Open::Create).unwrap();
    file.set_bytes(bytes).unwrap();
    file.sync().unwrap();
    disk.sync_dir(Path::new(ROOT)).unwrap();
    file
}

fn read_all(disk: &dyn Disk, name: &str) -> Vec<u8> {
    disk.open(Path::new(name), Open::Read).unwrap().map().unwrap().to_vec()
}

#[test]
fn what_is_written_is_read_back() {
    for Subject { disk, kind, .. } in subjects() {
        let file = disk.open(Path::new("a"), Open::Create).unwrap();
        file.write_all_at(b"hello", 3).unwrap();
        file.sync().unwrap();
        assert_eq!(file.bytes().unwrap(), 8, "{kind}");
        assert_eq!(read_all(&*disk, "a"), b"\0\0\0hello", "{kind}");
        file.set_bytes(5).unwrap();
        file.set_bytes(6).unwrap();
        assert_eq!(read_all(&*disk, "a"), b"\0\0\0he\0", "{kind}");
        file.drop_cache().unwrap();
        let mut end = [0; 8];
        assert_eq!(file.read_at(&mut end, 4).unwrap(), 2, "{kind}");
        assert_eq!(file.read_at(&mut end, 6).unwrap(), 0, "{kind}");
        let error = file.read_exact_at(&mut end, 0).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof, "{kind}");
        assert!(disk.open(Path::new("a"), Open::Read).unwrap().write_at(b"x", 0).is_err());
        let taken = disk.open(Path::new("a"), Open::Create).unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AlreadyExists, "{kind}");
    }
}

#[test]
fn names_are_listed_renamed_and_removed() {
    for Subject { disk, kind, .. } in subjects() {
        let names = |dir: &str| {
            let entries = disk.list(Path::new(dir)).unwrap().into_iter();
            entries.map(|entry| (entry.name, entry.is_dir)).collect::<Vec<_>>()
        };
        let named = |name: &str, is_dir| (name.to_owned(), is_dir);
        create(&*disk, "b", 4096);
        create(&*disk, "a", 10);
        disk.create_dir(Path::new("d")).unwrap();
        disk.create_dir(Path::new("d")).unwrap();
        assert_eq!(names(ROOT), [named("a", false), named("b", false), named("d", true)]);
        assert_eq!(disk.list(Path::new(ROOT)).unwrap()[1].bytes, 4096, "{kind}");
        disk.rename(Path::new("a"), Path::new("d/b")).unwrap();
        disk.rename(Path::new("d/b"), Path::new("b")).unwrap();
        disk.sync_dir(Path::new("d")).unwrap();
        assert_eq!(names("d"), []);
        assert_eq!(read_all(&*disk, "b"), [0; 10], "{kind}");
        disk.remove(Path::new("b")).unwrap();
        assert_eq!(names(ROOT), [named("d", true)]);
        for gone in [
            disk.remove(Path::new("b")).unwrap_err(),
            disk.rename(Path::new("b"), Path::new("c")).unwrap_err(),
            disk.open(Path::new("b"), Open::Read).unwrap_err(),
            disk.open(Path::new("e/b"), Open::Create).unwrap_err(),
            disk.list(Path::new("e")).unwrap_err(),
        ] {
            assert_eq!(gone.kind(), io::ErrorKind::NotFound, "{kind}");
        }
    }
}

#[test]
fn paths_stay_inside_the_data_directory() {
    for Subject { disk, kind, .. } in subjects() {
        for path in ["/etc/passwd", "../a", "d/../../a", "."] {
            let path = Path::new(path);
            for refused in [
                disk.open(path, Open::Create).unwrap_err(),
                disk.remove(path).unwrap_err(),
                disk.list(path).unwrap_err(),
                disk.sync_dir(path).unwrap_err(),
                disk.create_dir(path).unwrap_err(),
                disk.rename(path, Path::new("b")).unwrap_err(),
                disk.rename(Path::new("b"), path).unwrap_err(),
            ] {
                assert_eq!(refused.kind(), io::ErrorKind::InvalidInput, "{kind} {path:?}");
            }
        }
    }
}

#[test]
fn a_lock_excludes_until_dropped() {
    for Subject { disk, kind, .. } in subjects() {
        let path = Path::new("LOCK");
        let lock = disk.lock(path).unwrap();
        let error = disk.lock(path).err().expect("the lock is taken");
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{kind}");
        drop(lock);
        disk.lock(path).unwrap();
    }
}

#[test]
fn the_free_bytes_are_no_fewer_than_a_file_takes() {
    for Subject { disk, kind, .. } in subjects() {
        create(&*disk, "a", 0).write_all_at(&[1; 1 << 16], 0).unwrap();
        assert!(disk.free_bytes().unwrap() > UNIT, "{kind}");
    }
}

#[test]
fn a_file_is_no_directory() {
    for Subject { disk, kind, .. } in subjects() {
        create(&*disk, "a", 10);
        let path = Path::new("a");
        assert!(disk.create_dir(path).is_err(), "{kind}");
        for refused in [disk.sync_dir(path).unwrap_err(), disk.list(path).unwrap_err()] {
            assert_eq!(refused.kind(), io::ErrorKind::NotADirectory, "{kind}");
        }
    }
}

#[test]
fn a_file_is_no_data_directory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a");
    std::fs::write(&path, b"not a directory").unwrap();
    let error = RealDisk::open(&path, Backend::Portable).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::NotADirectory);
}

#[test]
fn a_simulated_ring_takes_no_file_of_another_disk() {
    let Subject { disk: real, _directory, .. } = real(Backend::Portable, "portable");
    let disk = SimDisk::new(1);
    create(&*disk, "a", UNIT);
    let file = create(&*real, "a", UNIT);
    let mut ring = disk.commit_ring(1).unwrap();
    let bytes = AlignedBuffer::copy_of(&[9; DIRECT_IO_BYTES]).freeze();
    ring.submit(DurableWrite { token: 1, file, offset: 0, bytes });
    let mut completions = Vec::new();
    ring.wait(None, &mut completions);
    let error = completions.pop().unwrap().result.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
}

#[test]
fn an_owner_sleeps_unless_somebody_woke_it() {
    let wake = EventWake::new().unwrap();
    assert!(wake.fall_asleep());
    wake.get_up();
    wake.wake();
    assert!(!wake.fall_asleep(), "what came first is not slept through");
    wake.get_up();
    assert!(wake.fall_asleep());
}

#[test]
fn direct_reads_see_what_was_written() {
    for Subject { disk, kind, .. } in subjects() {
        create(&*disk, "a", 4 * UNIT);
        let file = disk.open(Path::new("a"), Open::WriteDirect).unwrap();
        file.write_all_at(&AlignedBuffer::copy_of(&[7; DIRECT_IO_BYTES]), UNIT).unwrap();
        let mut seen = AlignedBuffer::zeroed(2 * DIRECT_IO_BYTES);
        let direct = disk.open(Path::new("a"), Open::ReadDirect).unwrap();
        direct.read_exact_at(&mut seen, 0).unwrap();
        assert_eq!(seen[..DIRECT_IO_BYTES], [0; DIRECT_IO_BYTES], "{kind}");
        assert_eq!(seen[DIRECT_IO_BYTES..], [7; DIRECT_IO_BYTES], "{kind}");
    }
}

/// Writes unit after unit with up to `depth` in flight; every token comes back once.
fn write_units(disk: &dyn Disk, ring: &mut dyn CommitRing, units: u64, depth: u64) {
    let file = disk.open(Path::new("a"), Open::WriteDirect).unwrap();
    let mut seen = Vec::new();
    let mut completions = Vec::new();
    for token in 0..units {
        while token - seen.len() as u64 == depth {
            ring.wait(None, &mut completions);
            seen.extend(completions.drain(..).map(|done| {
                done.result.unwrap();
                done.token
            }));
        }
        let fill = u8::try_from(token % 251).unwrap() + 1;
        let bytes = AlignedBuffer::copy_of(&[fill; DIRECT_IO_BYTES]).freeze();
        let file = Arc::clone(&file);
        ring.submit(DurableWrite { token, file, offset: token * UNIT, bytes });
    }
    while (seen.len() as u64) < units {
        ring.wait(None, &mut completions);
        seen.extend(completions.drain(..).map(|done| {
            done.result.unwrap();
            done.token
        }));
    }
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..units));
}

#[test]
fn durable_writes_complete_with_four_in_flight() {
    const UNITS: u64 = 64;
    for Subject { disk, kind, .. } in subjects() {
        create(&*disk, "a", UNITS * UNIT);
        let mut ring = disk.commit_ring(4).unwrap();
        assert_eq!(ring.kind(), kind);
        write_units(&*disk, &mut *ring, UNITS, 4);
        let contents = read_all(&*disk, "a");
        for (unit, bytes) in contents.chunks(DIRECT_IO_BYTES).enumerate() {
            assert!(bytes.iter().all(|byte| usize::from(*byte) == unit % 251 + 1), "{kind}");
        }
    }
}

#[test]
fn a_ring_may_be_made_used_and_dropped_on_different_threads() {
    for Subject { disk, .. } in subjects() {
        create(&*disk, "a", 8 * UNIT);
        let mut ring = disk.commit_ring(2).unwrap();
        let ring = std::thread::scope(|scope| {
            let used = scope.spawn(|| {
                write_units(&*disk, &mut *ring, 8, 2);
                ring
            });
            used.join().unwrap()
        });
        drop(ring);
    }
}

#[test]
fn a_ring_dropped_with_writes_in_flight_finishes_them() {
    for Subject { disk, kind, .. } in subjects() {
        create(&*disk, "a", 4 * UNIT);
        let file = disk.open(Path::new("a"), Open::WriteDirect).unwrap();
        let mut ring = disk.commit_ring(4).unwrap();
        for token in 0..4 {
            let bytes = AlignedBuffer::copy_of(&[9; DIRECT_IO_BYTES]).freeze();
            let file = Arc::clone(&file);
            ring.submit(DurableWrite { token, file, offset: token * UNIT, bytes });
        }
        drop(ring);
        assert!(read_all(&*disk, "a").iter().all(|byte| *byte == 9), "{kind}");
    }
}

#[test]
fn a_wake_ends_the_current_or_the_next_wait() {
    for Subject { disk, .. } in subjects() {
        let mut ring = disk.commit_ring(1).unwrap();
        let waker = ring.waker();
        let mut completions = Vec::new();
        waker.wake();
        ring.wait(None, &mut completions);
        let (told, hears) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                for () in hears {
                    waker.wake();
                }
            });
            for _ in 0..1000 {
                told.send(()).unwrap();
                ring.wait(None, &mut completions);
            }
            drop(told);
        });
        assert!(completions.is_empty());
    }
}

/// Every other call of it is interrupted, and the others do one byte. As a descriptor it is a pipe,
/// if it has one: that takes as much as has room, and the rest when somebody has read.
#[derive(Debug, Default)]
struct Fitful {
    calls: AtomicU8,
    pipe: Option<io::PipeWriter>,
}

impl Fitful {
    fn one_byte(&self) -> io::Result<u8> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst);
        if call.is_multiple_of(2) { Err(io::ErrorKind::Interrupted.into()) } else { Ok(call) }
    }
}

impl File for Fitful {
    fn descriptor(&self) -> Option<std::os::fd::BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }
    fn read_at(&self, buffer: &mut [u8], _: u64) -> io::Result<usize> {
        buffer[0] = self.one_byte()?;
        Ok(1)
    }
    fn write_at(&self, buffer: &[u8], offset: u64) -> io::Result<usize> {
        assert_eq!(u64::from(buffer[0]), offset, "where it belongs");
        self.one_byte().map(|_| 1)
    }
    fn bytes(&self) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn set_bytes(&self, _: u64) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn sync(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn drop_cache(&self) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    fn map(&self) -> io::Result<Map> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[test]
fn what_is_interrupted_is_gone_on_with_to_the_last_byte() {
    let file: &dyn File = &Fitful::default();
    let mut seen = [0; 4];
    file.read_exact_at(&mut seen, 0).unwrap();
    assert_eq!(seen, [1, 3, 5, 7]);
    file.write_all_at(&[3, 4, 5], 3).unwrap();
}

#[test]
fn short_writes_are_continued_until_all_is_written() {
    const BYTES: usize = 1 << 20;
    if probe_uring().is_err() {
        eprintln!("SKIPPED: io_uring is refused here");
        return;
    }
    let (mut reader, writer) = io::pipe().unwrap();
    let numbers = (0..BYTES / 8).flat_map(|number| number.to_le_bytes()).collect::<Vec<_>>();
    let file = Fitful { pipe: Some(writer), ..Fitful::default() };
    let mut ring = UringRing::new(1).unwrap();
    let bytes = AlignedBuffer::copy_of(&numbers).freeze();
    ring.submit(DurableWrite { token: 7, file: Arc::new(file), offset: 0, bytes });
    std::thread::scope(|scope| {
        let reads = scope.spawn(move || {
            let mut seen = vec![0; BYTES];
            reader.read_exact(&mut seen).unwrap();
            seen
        });
        let mut completions = Vec::new();
        while completions.is_empty() {
            ring.wait(None, &mut completions);
        }
        completions.pop().unwrap().result.unwrap();
        assert!(reads.join().unwrap() == numbers);
    });
}

#[test]
fn a_wait_ends_when_time_is_up_and_no_sooner() {
    const WAIT: Duration = Duration::from_millis(5);
    let clock = SystemClock::default();
    for Subject { disk, kind, .. } in subjects() {
        let mut ring = disk.commit_ring(1).unwrap();
        let mut completions = Vec::new();
        ring.wait(Some(Duration::ZERO), &mut completions);
        let began_ms = clock.monotonic_ms();
        ring.wait(Some(WAIT), &mut completions);
        // A clock of milliseconds may have cut one off at either end.
        assert!(clock.monotonic_ms() - began_ms >= 4 || kind == "simulated", "{kind}");
        assert!(completions.is_empty());
    }
}

#[test]
fn a_failed_write_is_told_and_not_tried_again() {
    for Subject { disk, kind, .. } in subjects() {
        create(&*disk, "a", UNIT);
        let file = disk.open(Path::new("a"), Open::Read).unwrap();
        if kind == "simulated" {
            continue;
        }
        let mut ring = disk.commit_ring(1).unwrap();
        let bytes = AlignedBuffer::zeroed(DIRECT_IO_BYTES).freeze();
        ring.submit(DurableWrite { token: 1, file, offset: 0, bytes });
        let mut completions = Vec::new();
        while completions.is_empty() {
            ring.wait(None, &mut completions);
        }
        let error = completions.pop().unwrap().result.unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::EBADF), "{kind}");
    }
}

#[test]
fn a_kernel_that_has_what_a_ring_needs_is_not_refused() {
    let has_all = io_uring::IoUring::new(2)
        .is_ok_and(|ring| ring.params().is_feature_ext_arg() && ring.params().is_feature_nodrop());
    if has_all {
        probe_uring().unwrap();
    }
}

#[test]
fn auto_falls_back_to_threads_where_io_uring_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let refuse = || Err(io::Error::from_raw_os_error(libc::EPERM));
    let disk = RealDisk::open_probed(directory.path(), Backend::Auto, refuse).unwrap();
    assert_eq!(disk.commit_ring(2).unwrap().kind(), "portable");
    let error = RealDisk::open_probed(directory.path(), Backend::Uring, refuse).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
}

#[test]
fn a_missing_data_directory_is_made() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("a/b");
    RealDisk::open(&root, Backend::Auto).unwrap();
    assert!(root.is_dir());
}

#[test]
fn an_aligned_buffer_is_aligned_and_zero() {
    for bytes in [0, 1, DIRECT_IO_BYTES, DIRECT_IO_BYTES + 1, 1 << 24] {
        let mut buffer = AlignedBuffer::zeroed(bytes);
        assert_eq!(buffer.len(), bytes.next_multiple_of(DIRECT_IO_BYTES));
        assert!(buffer.iter().all(|byte| *byte == 0));
        buffer.fill(1);
        let frozen = buffer.freeze();
        assert!(frozen.as_ptr().addr().is_multiple_of(DIRECT_IO_BYTES));
        assert!(frozen.iter().all(|byte| *byte == 1));
    }
}
