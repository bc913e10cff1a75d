//! The Flowstone server: Kinesis APIs over the Flowstone engine.
