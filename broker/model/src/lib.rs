//! Ids, offsets, epochs, time, limits, error codes, buffers, probes: the words every crate shares.
