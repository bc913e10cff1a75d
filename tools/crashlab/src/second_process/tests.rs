//! That a second process is caught when it is let in.
