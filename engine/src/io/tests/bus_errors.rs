//! Maps whose pages cannot be read, and bus errors that have nothing to do with them.

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use super::*;

#[test]
fn a_map_of_a_file_cut_short_shows_zeros_and_is_damaged() {
    let directory = tempfile::tempdir().unwrap();
    let disk = RealDisk::open(directory.path(), Backend::Portable).unwrap();
    let file = disk.open(Path::new("a"), Open::Create).unwrap();
    file.write_all_at(&[5; 5 * DIRECT_IO_BYTES], 0).unwrap();
    let map = file.map().unwrap();
    let other = create(&disk, "b", UNIT).map().unwrap();
    assert!(map.iter().all(|byte| *byte == 5) && !map.is_damaged());
    file.set_bytes(0).unwrap();
    assert!(map.iter().all(|byte| *byte == 0));
    assert!(map.is_damaged());
    assert!(other.iter().all(|byte| *byte == 0) && !other.is_damaged());
    drop(map);
    file.write_all_at(&[6; 100], 0).unwrap();
    let again = file.map().unwrap();
    assert!(again.iter().all(|byte| *byte == 6) && !again.is_damaged());
    assert_eq!(again.as_ref() as &[u8], [6; 100]);
}

/// How the test `name` of this file ends, run alone in a process of its own.
fn end_of(name: &str) -> ExitStatus {
    let alone = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("io::tests::bus_errors::{name}"), "--ignored"])
        .output();
    alone.unwrap().status
}

/// Makes this process ignore bus errors, as one may that does not know of our maps, and die rather
/// than run into one for ever.
#[expect(unsafe_code, reason = "signals and limits of a process of its own")]
fn ignore_bus_errors() {
    let limit = libc::rlimit { rlim_cur: 5, rlim_max: 5 };
    // SAFETY: `limit` is valid.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_CPU, &raw const limit) }, 0);
    // SAFETY: nobody else in this process has to do with signals by now.
    assert_ne!(unsafe { libc::signal(libc::SIGBUS, libc::SIG_IGN) }, libc::SIG_ERR);
}

/// Touches a page that is not there, under a map that is not ours. Comes back only where the bus
/// error does not kill.
#[expect(unsafe_code, reason = "a map that is not ours")]
fn run_into_a_bus_error_elsewhere() {
    let directory = tempfile::tempdir().unwrap();
    let disk = RealDisk::open(directory.path(), Backend::Portable).unwrap();
    let installs_handler = create(&disk, "a", UNIT).map().unwrap();
    let stranger =
        std::fs::File::options().read(true).write(true).open(directory.path().join("a")).unwrap();
    // SAFETY: nothing but this test has the file, and it dies of the first byte that it reads.
    let map = unsafe { memmap2::Mmap::map(&stranger) }.unwrap();
    stranger.set_len(0).unwrap();
    assert_ne!(map.iter().map(|byte| u64::from(*byte)).sum::<u64>(), 1);
    drop(installs_handler);
}

#[test]
#[ignore = "dies by design: `a_bus_error_elsewhere_still_kills` runs it"]
fn die_of_a_bus_error_elsewhere() {
    run_into_a_bus_error_elsewhere();
}

#[test]
#[ignore = "dies by design: `a_bus_error_elsewhere_still_kills` runs it"]
fn die_of_a_bus_error_elsewhere_though_they_are_ignored() {
    ignore_bus_errors();
    run_into_a_bus_error_elsewhere();
}

#[test]
fn a_bus_error_elsewhere_still_kills() {
    for name in
        ["die_of_a_bus_error_elsewhere", "die_of_a_bus_error_elsewhere_though_they_are_ignored"]
    {
        assert_eq!(end_of(name).signal(), Some(libc::SIGBUS), "{name}");
    }
}

#[test]
#[ignore = "alone: `a_bus_error_that_somebody_sends_is_ignored_as_before` runs it"]
#[expect(unsafe_code, reason = "a signal to this thread")]
fn live_through_a_bus_error_that_is_sent() {
    ignore_bus_errors();
    let directory = tempfile::tempdir().unwrap();
    let disk = RealDisk::open(directory.path(), Backend::Portable).unwrap();
    let installs_handler = create(&disk, "a", UNIT).map().unwrap();
    // SAFETY: all zeros is a valid `siginfo_t`: integers.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    (info.si_signo, info.si_code) = (libc::SIGBUS, libc::SI_USER);
    // As `kill` sends it, but to this thread: it has been delivered when the call is over.
    let (call, process) = (libc::SYS_rt_tgsigqueueinfo, std::process::id());
    // SAFETY: it only asks who this thread is.
    let thread = unsafe { libc::gettid() };
    // SAFETY: `info` is valid; the kernel copies it.
    let sent = unsafe { libc::syscall(call, process, thread, libc::SIGBUS, &raw const info) };
    assert_eq!(sent, 0);
    drop(installs_handler);
}

#[test]
fn a_bus_error_that_somebody_sends_is_ignored_as_before() {
    assert!(end_of("live_through_a_bus_error_that_is_sent").success());
}

#[test]
fn maps_come_and_go_while_others_fail() {
    let directory = tempfile::tempdir().unwrap();
    let disk = RealDisk::open(directory.path(), Backend::Portable).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let disk = &disk;
            scope.spawn(move || {
                let name = format!("f{thread}");
                let file = disk.open(Path::new(&name), Open::Create).unwrap();
                for _ in 0..50 {
                    file.write_all_at(&[1; 3 * DIRECT_IO_BYTES], 0).unwrap();
                    let map = file.map().unwrap();
                    file.set_bytes(UNIT).unwrap();
                    assert_eq!(map.iter().filter(|byte| **byte == 1).count(), DIRECT_IO_BYTES);
                    assert!(map.is_damaged());
                }
            });
        }
    });
}
