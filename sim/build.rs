//! The commit that this build is of, for the line that replays a failure.
//!
//! Promises: an edit of any source that the program is made of shows as `+dirty`, and a change of the
//! commit without one shows too. Does not: look at files that no build reads.

use std::path::Path;
use std::process::Command;

/// What the program is made of, from the root of the repository. The broker's crates are taken as one:
/// `sim` links nearly all of them.
const SOURCES: &[&str] =
    &["broker", "sim/src", "sim/build.rs", "sim/Cargo.toml", "Cargo.toml", "Cargo.lock"];

/// Never writes to the repository, so that asking does not look like a change.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("--no-optional-locks").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The short hash, `+dirty` behind it when the sources differ from the commit.
fn commit() -> Option<String> {
    let hash = git(&["rev-parse", "--short=12", "HEAD"])?;
    let sources = SOURCES.iter().map(|path| format!(":/{path}")).collect::<Vec<_>>();
    let mut status = vec!["status", "--porcelain", "--untracked-files=no", "--"];
    status.extend(sources.iter().map(String::as_str));
    let clean = git(&status)?.is_empty();
    Some(if clean { hash } else { format!("{hash}+dirty") })
}

/// Files that change with the commit: a file that is missing would count as changed every time.
fn watch_commit() {
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    let names = ["HEAD", "logs/HEAD", "packed-refs"].into_iter().chain(branch.as_deref());
    let paths = names.filter_map(|name| git(&["rev-parse", "--git-path", name]));
    for path in paths.filter(|path| Path::new(path).exists()) {
        println!("cargo::rerun-if-changed={path}");
    }
}

#[expect(clippy::disallowed_methods, reason = "a build script is told by its environment")]
fn main() {
    println!("cargo::rerun-if-env-changed=ODRADEK_COMMIT");
    for path in SOURCES {
        println!("cargo::rerun-if-changed=../{path}");
    }
    watch_commit();
    let told = std::env::var("ODRADEK_COMMIT").ok().filter(|told| !told.is_empty());
    let commit = told.or_else(commit).unwrap_or_else(|| "unknown".to_owned());
    println!("cargo::rustc-env=SIM_COMMIT={commit}");
}
