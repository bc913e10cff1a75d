//! Archives as kernels read them, and what a lab without a kernel says.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::backend::{BackEnd, Lab};
use crate::machine::Settings;
use crate::machine::archive::Archive;
use crate::target::Target;

#[test]
fn an_archive_is_aligned_and_has_an_end() {
    let mut archive = Archive::new(Vec::new());
    archive.folder("bin").unwrap();
    archive.file("bin/a", b"12345").unwrap();
    let bytes = archive.finish().unwrap();
    assert!(bytes.len().is_multiple_of(4));
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert_eq!(text.matches("070701").count(), 3);
    let at = text.find("12345").unwrap();
    assert!(at.is_multiple_of(4) && text.find("bin/a\0").unwrap() < at);
    assert!(text.contains("TRAILER!!!\0"));
}

#[test]
fn an_archive_is_what_cpio_reads() {
    let mut archive = Archive::new(Vec::new());
    archive.folder("bin").unwrap();
    archive.file("bin/a", b"12345").unwrap();
    let bytes = archive.finish().unwrap();
    let cpio = Command::new("cpio").arg("-t").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let Ok(mut cpio) = cpio else {
        eprintln!("SKIPPED, nothing was tested: there is no cpio");
        return;
    };
    cpio.stdin.take().unwrap().write_all(&bytes).unwrap();
    let listed = cpio.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&listed.stdout), "bin\nbin/a\n");
}

#[test]
fn a_lab_without_a_kernel_says_how_to_get_one() {
    let lab = Lab { target: Target::own().unwrap(), seed: 1, scratch: std::env::temp_dir() };
    let settings = Settings { kernel: Some("/nowhere".into()), ..Settings::default() };
    let reason = settings.detect(&lab).unwrap_err();
    assert!(reason.contains("apt install") || reason.contains("/nowhere"), "{reason}");
}
