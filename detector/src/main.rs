//! The detector.
fn main() {}
