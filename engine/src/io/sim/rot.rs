//! Changing bytes behind everybody's back: bit rot, lost and misdirected writes.

use std::ops::Range;

use super::content::index;
use super::disk::SimDisk;

impl SimDisk {
    /// What the device holds of file `path`; `None` when there is no such file.
    #[must_use]
    pub fn read_raw(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.state();
        let inode = state.names.file_ever(path)?;
        Some(state.inodes[&inode].durable().to_vec())
    }

    /// Flips bit `bit` (0 to 7) of byte `byte` on the device.
    pub fn flip_bit(&self, path: &str, byte: u64, bit: u8) {
        assert!(bit < 8, "a byte has eight bits");
        let mut data = self.device_range(path, byte..byte + 1);
        data[0] ^= 1 << bit;
        self.rot(path, &data, byte);
    }

    /// Zeroes `range` on the device.
    pub fn zero_range(&self, path: &str, range: Range<u64>) {
        self.rot(path, &vec![0; index(range.end - range.start)], range.start);
    }

    /// Copies `range` of file `from` to `offset` of file `to`, on the device: a write that went
    /// to the wrong place, or a block that an earlier write left.
    pub fn copy_range(&self, from: &str, range: Range<u64>, to: &str, offset: u64) {
        let data = self.device_range(from, range);
        self.rot(to, &data, offset);
    }

    /// Puts `data` at `offset` on the device, as far as the file goes.
    pub fn overwrite(&self, path: &str, data: &[u8], offset: u64) {
        self.rot(path, data, offset);
    }

    fn device_range(&self, path: &str, range: Range<u64>) -> Vec<u8> {
        let state = self.state();
        let inode = state.names.file_ever(path).expect("the file to read from exists");
        state.inodes[&inode].durable().range(range)
    }

    fn rot(&self, path: &str, data: &[u8], offset: u64) {
        let mut state = self.state();
        let inode = state.names.file_ever(path).expect("the file to damage exists");
        state.inode(inode).rot(data, offset);
    }
}
