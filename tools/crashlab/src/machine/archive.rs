//! What a guest boots into: files and folders as an archive that its kernel unpacks (cpio, newc).

use std::io::{self, Write};

const REGULAR: u32 = 0o100_755;
const FOLDER: u32 = 0o040_755;

/// An archive that is being written.
pub(super) struct Archive<W> {
    out: W,
    entries: u32,
}

impl<W: Write> Archive<W> {
    pub(super) fn new(out: W) -> Archive<W> {
        Archive { out, entries: 0 }
    }

    /// Adds a folder. Its parent must be there.
    pub(super) fn folder(&mut self, name: &str) -> io::Result<()> {
        self.entry(name, FOLDER, &[])
    }

    /// Adds a file that can be run. Its folder must be there.
    pub(super) fn file(&mut self, name: &str, data: &[u8]) -> io::Result<()> {
        self.entry(name, REGULAR, data)
    }

    /// Ends the archive.
    pub(super) fn finish(mut self) -> io::Result<W> {
        self.entry("TRAILER!!!", 0, &[])?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn entry(&mut self, name: &str, mode: u32, data: &[u8]) -> io::Result<()> {
        let too_large = |_| io::Error::new(io::ErrorKind::FileTooLarge, name.to_owned());
        let data_bytes = u32::try_from(data.len()).map_err(too_large)?;
        let name_bytes = u32::try_from(name.len() + 1).map_err(too_large)?;
        self.entries += 1;
        write!(self.out, "070701")?;
        // Inode, mode, owner, group, links, time, length, two devices of two numbers, name, checksum.
        let (inode, links) = (self.entries, 1);
        let fields = [inode, mode, 0, 0, links, 0, data_bytes, 0, 0, 0, 0, name_bytes, 0];
        fields.iter().try_for_each(|field| write!(self.out, "{field:08x}"))?;
        const HEADER_BYTES: usize = 6 + 13 * 8;
        self.out.write_all(name.as_bytes())?;
        self.pad(HEADER_BYTES + name.len(), 1)?;
        self.out.write_all(data)?;
        self.pad(data.len(), 0)
    }

    /// At least `least` zeros, up to a multiple of 4 bytes.
    fn pad(&mut self, written: usize, least: usize) -> io::Result<()> {
        let zeros = (written + least).next_multiple_of(4) - written;
        self.out.write_all(&[0; 8][..zeros])
    }
}
