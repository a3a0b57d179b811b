//! `sim --list-sites`: rare states, and places of rare choices.

use std::process::ExitCode;

use model::{Buggify, Site};

use crate::buggify::fires_percent;
use crate::names::name_of;

pub(super) fn list() -> ExitCode {
    outln!("Rare states that a sweep must reach:");
    for site in Site::ALL {
        outln!("  {:<28} {}", name_of(site), site.what());
    }
    outln!("Rare choices, each on in one run of four (then in so many of a hundred milliseconds):");
    for site in Buggify::ALL {
        let name = name_of(site);
        outln!("  {name:<28} {:>3} %  {}", fires_percent(*site), site.what());
    }
    ExitCode::SUCCESS
}
