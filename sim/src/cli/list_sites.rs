//! `sim --list-sites`: rare states, and places of rare choices.

use std::process::ExitCode;

use model::{Buggify, Site};

use crate::buggify::fires_percent;
use crate::names::kebab;

pub(super) fn list() -> ExitCode {
    println!("Rare states that a sweep must reach:");
    for site in Site::ALL {
        println!("  {:<28} {}", kebab(&format!("{site:?}")), site.what());
    }
    println!(
        "Rare choices, each on in one run of four (then in so many of a hundred milliseconds):"
    );
    for site in Buggify::ALL {
        let name = kebab(&format!("{site:?}"));
        println!("  {name:<28} {:>3} %  {}", fires_percent(*site), site.what());
    }
    ExitCode::SUCCESS
}
