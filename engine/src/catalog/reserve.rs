//! Room kept free for the catalog: a file of zeros that is given up when the disk is full, so that
//! deletes, which free space but must first be written down, go on with zero bytes free.

use std::io;
use std::path::Path;

use crate::catalog::backend::write_zeros;
use crate::error::{Error, Result};
use crate::io::{Disk, Open};
use crate::limits::CATALOG_RESERVE_BYTES_MIN;

/// The file that holds the room.
pub(super) const RESERVE_FILE: &str = "reserve";

/// Gives the room up. Whether there was any.
pub(super) fn give_up(disk: &dyn Disk) -> Result<bool> {
    match disk.remove(Path::new(RESERVE_FILE)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::io("remove the catalog's reserve", error)),
    }
}

/// Makes the room, if the disk has twice as much free: it must not cause what it is to cure.
/// `catalog_bytes` is the length of the catalog's file, which grows by doubling.
///
/// CRASH: the file may be there too short. It is then made anew by the next call.
pub(super) fn make(disk: &dyn Disk, catalog_bytes: u64) -> Result<()> {
    let wanted = catalog_bytes.max(CATALOG_RESERVE_BYTES_MIN);
    let has = match disk.open(Path::new(RESERVE_FILE), Open::Read) {
        Ok(file) => file.bytes().map_err(|error| Error::io("read the catalog's reserve", error))?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(Error::io("open the catalog's reserve", error)),
    };
    if has >= wanted {
        return Ok(());
    }
    let free = disk.free_bytes().map_err(|error| Error::io("read the free space", error))?;
    if free.saturating_add(has) < wanted.saturating_mul(2) {
        return Ok(());
    }
    give_up(disk)?;
    fill(disk, wanted).map_err(|error| {
        // Half a reserve would pass for none, and takes room: away with it.
        let _ = give_up(disk);
        Error::io("write the catalog's reserve", error)
    })
}

fn fill(disk: &dyn Disk, bytes: u64) -> io::Result<()> {
    let file = disk.open(Path::new(RESERVE_FILE), Open::Create)?;
    write_zeros(&file, 0, bytes)?;
    file.sync()?;
    disk.sync_dir(Path::new(""))
}
