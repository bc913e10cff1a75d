//! The power of a virtual machine is cut: its host kills it, under load.
//!
//! ```text
//!   lab --line protocol--> virtual serial port --> store in the guest --> ext4 --> virtual disk
//!   lab --SIGKILL--> the machine; boots it again from the same disk; reads everything
//! ```
//!
//! A cut loses what only the guest's memory held, and what was on its way to its disk. What the guest
//! had written to its disk without a flush stays; `blocks_ext4` loses that too.
//!
//! | file         | owns |
//! |--------------|------|
//! | `guest.rs`   | the parts of a guest: kernel, what it boots into, disk |
//! | `archive.rs` | the archive that a kernel unpacks |
//! | `worker.rs`  | boot, load, cut, boot again, check |
//! | `init.sh`, `machine.sh` | the guest's only program; the machine |

mod archive;
mod guest;
mod worker;

#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;

use serde::Deserialize;

use crate::backend::{BackEnd, Lab, Worker};
use crate::machine::worker::MachineWorker;
use crate::target::Target;

/// Where a kernel is looked for that the plan does not name.
const KERNEL: &str = "FLOWSTONE_LAB_KERNEL";

/// How often the power is cut.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// How often.
    pub cuts: u64,
    /// A folder with a guest's kernel: a kernel's package as it unpacks. By default what
    /// `FLOWSTONE_LAB_KERNEL` names.
    pub kernel: Option<PathBuf>,
    /// What runs the guest: `tcg` everywhere, `kvm` where the machine has it.
    pub accelerator: String,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { cuts: 5, kernel: None, accelerator: "tcg".to_owned() }
    }
}

impl Settings {
    fn kernel_folder(&self) -> Result<PathBuf, String> {
        let named = self.kernel.clone().or_else(|| std::env::var_os(KERNEL).map(PathBuf::from));
        named.ok_or_else(|| {
            format!(
                "no guest kernel: `apt-get download` the package that linux-image-cloud-amd64 \
                 depends on, unpack it with `dpkg -x PACKAGE FOLDER`, and set {KERNEL}=FOLDER"
            )
        })
    }
}

impl BackEnd for Settings {
    fn name(&self) -> &'static str {
        "machine"
    }

    fn detect(&self, lab: &Lab) -> Result<(), String> {
        if !lab.target.is_own() {
            return Err("only Flowstone's own engine is put into a guest".to_owned());
        }
        for (program, package) in [
            ("qemu-system-x86_64", "qemu-system-x86"),
            ("busybox", "busybox-static"),
            ("mkfs.ext4", "e2fsprogs"),
            ("ldd", "libc-bin"),
        ] {
            let missing = |error| format!("{error} (apt install {package})");
            guest::find(program).map_err(missing)?;
        }
        let folder = self.kernel_folder()?;
        let unfit = |error| format!("no guest kernel in {}: {error}", folder.display());
        guest::kernel(&folder).map(drop).map_err(unfit)
    }

    fn goal(&self) -> u64 {
        self.cuts
    }

    fn worker<'a>(&'a self, lab: &'a Lab, job: usize) -> io::Result<Box<dyn Worker + 'a>> {
        let Target::Own { binary, arguments } = &lab.target else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let kernel = self.kernel_folder().map_err(io::Error::other)?;
        let folder = tempfile::TempDir::with_prefix_in(format!("machine-{job}-"), &lab.scratch)?;
        guest::lay_out(folder.path(), &kernel, binary, arguments)?;
        Ok(Box::new(MachineWorker::new(lab, folder, &self.accelerator)))
    }
}
