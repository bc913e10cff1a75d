//! Bugs that a full disk catches.
