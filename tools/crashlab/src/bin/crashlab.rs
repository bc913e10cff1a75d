//! `flowstone-crashlab`.

fn main() {}
