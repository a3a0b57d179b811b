//! The standard output, of which a reader may have had enough (`sim perf --print | head`).
//!
//! Promises: the program then ends, without a word, as one that the signal ended.

use core::fmt;
use std::io::{self, Write};

/// As `print!`, without its panic.
macro_rules! out {
    ($($text:tt)*) => { $crate::cli::out::write(format_args!($($text)*)) };
}

/// As `println!`, without its panic.
macro_rules! outln {
    ($($text:tt)*) => {
        $crate::cli::out::write(format_args!("{}\n", format_args!($($text)*)))
    };
}

/// What a shell calls the end by SIGPIPE.
const NOBODY_READS: i32 = 128 + 13;

#[expect(clippy::exit, clippy::disallowed_methods, reason = "there is nobody left to tell")]
pub(super) fn write(text: fmt::Arguments<'_>) {
    match io::stdout().write_fmt(text) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(NOBODY_READS),
        Err(error) => panic!("cannot write to the standard output: {error}"),
    }
}
