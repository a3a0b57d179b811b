//! The repository's text files in memory, read once for all rules.

use crate::{Doing, Outcome};
use std::path::Path;

/// Folders that hold no source: build output and what tasks install.
const SKIPPED: &[&str] = &["target", ".git", "node_modules", "out"];

/// One text file.
pub(super) struct File {
    /// Path from the repository's top folder, with forward slashes.
    pub(super) path: String,
    pub(super) text: String,
}

/// All text files, sorted by path; binary files are left out.
pub(super) struct Tree {
    pub(super) files: Vec<File>,
}

impl Tree {
    pub(super) fn read(root: &Path) -> Outcome<Tree> {
        let mut files = Vec::new();
        collect(root, "", &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Tree { files })
    }

    /// The files whose name ends with `suffix`.
    pub(super) fn with_suffix<'a>(&'a self, suffix: &'a str) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.path.ends_with(suffix))
    }

    /// Whether `path` is a file, or a folder that holds one.
    pub(super) fn has(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        path.is_empty()
            || self.files.iter().any(|file| file.path == path || file.path.starts_with(&folder))
    }
}

fn collect(dir: &Path, prefix: &str, files: &mut Vec<File>) -> Outcome {
    for entry in std::fs::read_dir(dir).doing(|| format!("list {}", dir.display()))? {
        let entry = entry.doing(|| format!("list {}", dir.display()))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}/{name}") };
        let kind = entry.file_type().doing(|| path.clone())?;
        // In a linked worktree `.git` is a file.
        if SKIPPED.contains(&name.as_str()) {
            continue;
        }
        if kind.is_dir() {
            collect(&entry.path(), &path, files)?;
        } else if kind.is_file() {
            // What is not UTF-8 is a picture or recorded bytes: no rule reads those.
            let bytes = std::fs::read(entry.path()).doing(|| path.clone())?;
            let text = String::from_utf8(bytes).unwrap_or_default();
            files.push(File { path, text });
        }
    }
    Ok(())
}
