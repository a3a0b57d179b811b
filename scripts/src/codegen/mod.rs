//! `cargo x codegen`: the message types of `broker/wire` from its schema files.
//!
//! Promises: the same schemas give the same files, byte for byte; `--check` writes nothing and
//! fails when a generated file is missing, stale, or without a schema.

mod codec;
mod emit;
mod names;
mod sample;
mod schema;

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use schema::Schema;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Write nothing; fail when a generated file differs from what its schema gives.
    #[arg(long)]
    check: bool,
}

pub(crate) fn run(args: &Args) -> Result<(), String> {
    let wire = Path::new(env!("CARGO_MANIFEST_DIR")).join("../broker/wire");
    let schemas = read_schemas(&wire.join("schemas"))?;
    let folder = wire.join("src/messages");
    let mut stale = Vec::new();
    let mut files = BTreeMap::new();
    for (name, text) in generate(&schemas) {
        files.insert(folder.join(name), format_rust(&text)?);
    }
    for (path, text) in &files {
        if fs::read_to_string(path).is_ok_and(|old| old == *text) {
            continue;
        }
        stale.push(path.clone());
        if !args.check {
            write(path, text)?;
        }
    }
    for path in list(&folder)? {
        if !files.contains_key(&path) {
            stale.push(path.clone());
            if !args.check {
                fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            }
        }
    }
    if args.check && !stale.is_empty() {
        return Err(format!("stale generated files, run `cargo x codegen`: {stale:?}"));
    }
    Ok(())
}

fn generate(schemas: &[(String, Schema)]) -> Vec<(String, String)> {
    let mut files = vec![
        ("mod.rs".to_owned(), emit::index(schemas)),
        ("sample.rs".to_owned(), sample::samples(schemas)),
    ];
    for (name, schema) in schemas {
        files.push((format!("{name}.rs"), emit::module(name, schema)));
    }
    files
}

fn read_schemas(folder: &Path) -> Result<Vec<(String, Schema)>, String> {
    let mut schemas = Vec::new();
    for path in list(folder)? {
        let place = path.display().to_string();
        let name = path.file_stem().and_then(|name| name.to_str());
        let name = name.ok_or_else(|| format!("{place}: a file name in UTF-8 is needed"))?;
        let text = fs::read_to_string(&path).map_err(|error| format!("{place}: {error}"))?;
        let schema = schema::parse(&text).map_err(|error| format!("{place}:{error}"))?;
        schemas.push((name.to_owned(), schema));
    }
    Ok(schemas)
}

/// The files of a folder in name order.
fn list(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let failed = |error| format!("{}: {error}", folder.display());
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        paths.push(entry.map_err(failed)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn write(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Generated code passes the same format check as written code.
fn format_rust(text: &str) -> Result<String, String> {
    let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("../rustfmt.toml");
    let failed = |error| format!("rustfmt: {error}");
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition", "2024", "--config-path"])
        .arg(config)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(mut input) = rustfmt.stdin.take() {
        input.write_all(text.as_bytes()).map_err(failed)?;
    }
    let output = rustfmt.wait_with_output().map_err(failed)?;
    if !output.status.success() {
        return Err(format!("rustfmt refused generated code:\n{text}"));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("rustfmt: {error}"))
}

#[cfg(test)]
mod tests {
    use super::{Args, run};

    #[test]
    fn the_committed_messages_are_those_of_the_schemas() {
        assert_eq!(run(&Args { check: true }), Ok(()));
    }
}
