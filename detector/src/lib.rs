//! Finds failures early.
