//! Bugs that are planted, and what catches them.
