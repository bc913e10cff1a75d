//! Bugs that a file-system shutdown catches.
