//! Where things are: the repository, what is built, and what tasks install for themselves.

use std::path::{Path, PathBuf};

/// The repository's top folder.
///
/// # Panics
/// When this crate's folder has no parent, which its manifest rules out.
pub fn root() -> PathBuf {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_dir.parent().expect("scripts/ lies in the repository's top folder").to_path_buf()
}

/// Cargo's build folder: `target`, or wherever `CARGO_TARGET_DIR` points.
pub fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => root().join(dir),
        None => root().join("target"),
    }
}

/// The release build of one of our binaries; it may not have been built yet.
pub fn release_binary(name: &str) -> PathBuf {
    target().join("release").join(name)
}
