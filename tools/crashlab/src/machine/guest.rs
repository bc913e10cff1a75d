//! The parts of a guest: its kernel, what it boots into, its disk.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, BufWriter};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::machine::archive::Archive;

/// Bytes of a guest's disk.
const DISK_BYTES: u64 = 256 << 20;
/// Modules that a guest needs, where its kernel has them as files.
const MODULES: [&str; 7] = [
    "virtio_ring",
    "virtio",
    "virtio_pci_modern_dev",
    "virtio_pci_legacy_dev",
    "virtio_pci",
    "virtio_blk",
    "virtio_console",
];
const INIT: &str = include_str!("init.sh");

/// The kernel in `folder`, a kernel's package as it unpacks.
pub(super) fn kernel(folder: &Path) -> io::Result<PathBuf> {
    let boot = fs::read_dir(folder.join("boot"))?.filter_map(Result::ok).map(|entry| entry.path());
    let mut kernels = boot.filter(|path| name_of(path).starts_with("vmlinuz-"));
    kernels.next().ok_or_else(|| io::Error::other("it has no boot/vmlinuz-*"))
}

/// Lays out what `store`, called with `arguments`, needs to run in a guest with the kernel in
/// `kernel_folder`.
pub(super) fn lay_out(
    folder: &Path,
    kernel_folder: &Path,
    store: &Path,
    arguments: &[String],
) -> io::Result<()> {
    fs::copy(kernel(kernel_folder)?, folder.join("kernel"))?;
    let mut archive = Archive::new(BufWriter::new(File::create(folder.join("guest"))?));
    let mut folders = BTreeSet::new();
    for name in ["bin", "dev", "proc", "sys", "data", "modules"] {
        archive.folder(name)?;
        folders.insert(name.to_owned());
    }
    archive.file("init", INIT.as_bytes())?;
    archive.file("arguments", arguments.join(" ").as_bytes())?;
    archive.file("bin/busybox", &fs::read(find("busybox")?)?)?;
    archive.file("bin/store", &without_symbols(store, folder)?)?;
    for library in libraries(store) {
        let name = library.to_string_lossy().trim_start_matches('/').to_owned();
        let parents: Vec<_> = Path::new(&name).ancestors().skip(1).collect();
        for parent in parents.iter().rev().map(|parent| parent.to_string_lossy().into_owned()) {
            if !parent.is_empty() && folders.insert(parent.clone()) {
                archive.folder(&parent)?;
            }
        }
        archive.file(&name, &fs::read(&library)?)?;
    }
    for module in modules(&kernel_folder.join("lib/modules"))? {
        archive.file(&format!("modules/{}", name_of(&module)), &fs::read(&module)?)?;
    }
    archive.finish()?;
    Ok(())
}

/// An empty disk in `folder`, in place of the one before.
pub(super) fn make_disk(folder: &Path) -> io::Result<()> {
    let disk = folder.join("disk");
    File::create(&disk)?.set_len(DISK_BYTES)?;
    said(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&disk)).map(drop)
}

/// A program on the path.
pub(super) fn find(program: &str) -> io::Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found = std::env::split_paths(&path).map(|folder| folder.join(program));
    let missing = || io::Error::new(io::ErrorKind::NotFound, format!("there is no {program}"));
    found.find(|path| path.is_file()).ok_or_else(missing)
}

/// The program, small enough to be unpacked in a moment.
fn without_symbols(store: &Path, folder: &Path) -> io::Result<Vec<u8>> {
    let stripped = folder.join("store");
    match said(Command::new("strip").arg("-o").arg(&stripped).arg(store)) {
        Ok(_) => fs::read(&stripped),
        // Large is slow, and works.
        Err(_) => fs::read(store),
    }
}

/// The libraries that a program is loaded with: none for a script, or one that is linked statically.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let listed = said(Command::new("ldd").arg(program)).unwrap_or_default();
    let words = listed.split_whitespace();
    words.filter(|word| word.starts_with('/')).map(PathBuf::from).collect()
}

/// The modules that a guest needs, below `folder`.
fn modules(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if MODULES.iter().any(|module| name_of(&path) == format!("{module}.ko")) {
                found.push(path);
            }
        }
    }
    Ok(found)
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// What a program says; an error when it fails.
fn said(command: &mut Command) -> io::Result<String> {
    let output = command.output()?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("{command:?}: {}: {said}", output.status)))
}
