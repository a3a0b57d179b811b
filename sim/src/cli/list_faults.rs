//! `sim --list-faults`.

use std::process::ExitCode;

use crate::faults::{Budget, KINDS};

pub(super) fn list() -> ExitCode {
    for kind in KINDS {
        let budget = match kind.budget {
            Budget::Always => "",
            Budget::Durable => " (refused where acknowledgements do not wait for the disk)",
        };
        outln!("{:<12} {}{budget}", kind.name, kind.summary);
        outln!("{:<12}   effect: {}", "", kind.effect);
    }
    ExitCode::SUCCESS
}
