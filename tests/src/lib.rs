//! Whole-system tests of Flowstone: crash loops, real clients, house style.

pub mod fuzz;
pub mod sim;
