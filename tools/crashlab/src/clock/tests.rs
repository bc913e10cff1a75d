//! That an engine which takes the wall clock at its word is caught.
