//! What the simulator's binary can reach: the shared library names that it imports, and whose code is
//! in it.
//!
//! Promises: a new import fails until somebody has looked at it; none of the live backends is linked.
//! Does not: see inside a call that is allowed (`clock_gettime` is there for whoever looks at runs
//! from outside; that a run does not use it is what the clock trap shows).

use super::{PROFILE, build};
use crate::{Failed, Outcome, process};
use std::path::Path;
use std::process::Command;

/// Names that std, the allocator and the unwinder need, and what child processes take.
const ALLOWED: &str = include_str!("imports.txt");
/// Crates that open real files, sockets and rings.
const LIVE: &[&str] = &["uring", "io_uring", "node", "rtrb", "signal_hook", "loadgen"];

/// Builds the simulator and looks at its symbols.
///
/// # Errors
/// When it imports a name that is not allowed or holds code of a live backend; also where there is
/// no `nm` to tell.
pub fn check() -> Outcome {
    let program = build(PROFILE)?;
    if !cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")) {
        println!("skipped: the list of imports is that of Linux on x86-64 with glibc");
        return Ok(());
    }
    let imported = nm(&program, &["--dynamic", "--undefined-only"])?;
    let defined = nm(&program, &["--demangle", "--defined-only"])?;
    let mut findings = unknown_imports(&imported);
    findings.extend(live_code(&defined));
    if findings.is_empty() {
        println!("sim: {} imports, all known; no live backend", imported.lines().count());
        return Ok(());
    }
    Err(Failed(findings.join("\n")))
}

fn nm(program: &Path, how: &[&str]) -> Outcome<String> {
    process::capture(Command::new("nm").args(how).arg(program))
}

/// Imported names that are not in the list. Versions (`@GLIBC_2.34`) do not count.
fn unknown_imports(listing: &str) -> Vec<String> {
    let names = listing.lines().filter_map(|line| line.split_whitespace().last());
    let bare = names.map(|name| name.split('@').next().unwrap_or(name));
    let unknown = bare.filter(|name| !ALLOWED.lines().any(|allowed| allowed == *name));
    unknown.map(|name| format!("sim imports {name}, which is not in imports.txt")).collect()
}

/// The first symbol of each live crate that is linked.
fn live_code(listing: &str) -> Vec<String> {
    let linked = |krate: &&&str| {
        let paths = [format!(" {krate}::"), format!("<{krate}::")];
        listing.lines().any(|line| paths.iter().any(|path| line.contains(path)))
    };
    LIVE.iter().filter(linked).map(|krate| format!("sim links code of {krate}")).collect()
}

#[cfg(test)]
mod tests {
    use super::{live_code, unknown_imports};

    #[test]
    fn a_new_import_is_a_finding() {
        let listing = "                 U abort@GLIBC_2.2.5\n                 U io_uring_setup\n";
        assert_eq!(
            unknown_imports(listing),
            ["sim imports io_uring_setup, which is not in imports.txt"]
        );
    }

    #[test]
    fn code_of_a_live_backend_is_found_by_its_crate() {
        let ours = "0000 t <server::Server as runtime::Spawn>::run\n0000 t my_uring::go\n";
        assert_eq!(live_code(ours), Vec::<String>::new());
        assert_eq!(live_code("0000 t uring::ring::Ring::enter"), ["sim links code of uring"]);
        let method = "0000 t <io_uring::squeue::Entry as Clone>::clone";
        assert_eq!(live_code(method), ["sim links code of io_uring"]);
    }
}
