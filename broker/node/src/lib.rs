//! The broker binary: server on the live backends, command line, signals, text log.
