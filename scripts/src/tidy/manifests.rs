//! Manifests: no more build profiles than are listed, and the README names the test command that the gate runs.

use super::tree::Tree;
use crate::ci;

/// Every further profile is one more full build for everybody.
const PROFILES: &[&str] = &["dev", "release", "sim", "sim-dev"];

pub(super) fn findings(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.path == "Cargo.toml") {
        let Ok(manifest) = file.text.parse::<toml::Table>() else { continue };
        for (name, _) in
            manifest.get("profile").and_then(toml::Value::as_table).into_iter().flatten()
        {
            if !PROFILES.contains(&name.as_str()) {
                findings.push(format!("{}: profile {name} is not one of {PROFILES:?}", file.path));
            }
        }
    }
    let command = format!("cargo {}", ci::TEST_COMMAND.join(" "));
    for file in tree.files.iter().filter(|file| file.path == "README.md") {
        if !file.text.contains(&command) {
            findings.push(format!("{}: does not name `{command}`", file.path));
        }
    }
    findings
}
