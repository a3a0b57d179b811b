//! Crate edges: who may depend on whom. The table is the one in `ARCHITECTURE.md`.

use super::tree::Tree;

/// Each crate of the workspace and the crates of ours that it may name, in all kinds of dependency.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("wire", &["model"]),
    ("runtime", &["model"]),
    ("uring", &["runtime", "model"]),
    ("storage", &["model", "wire", "runtime"]),
    ("replication", &["model", "wire"]),
    ("raft", &["model", "wire"]),
    ("coordinator", &["model", "wire"]),
    ("controller", &["model", "wire", "raft"]),
    ("client", &["model", "wire", "runtime"]),
    (
        "server",
        &[
            "model",
            "wire",
            "runtime",
            "storage",
            "replication",
            "raft",
            "controller",
            "coordinator",
            "client",
        ],
    ),
    ("node", &["server", "client", "storage", "controller", "uring", "runtime", "wire", "model"]),
    ("sim", &["server", "storage", "client", "runtime", "model", "wire"]),
    ("loadgen", &["node", "client", "wire", "model", "runtime", "uring", "reports"]),
    ("reports", &[]),
    ("scripts", &[]),
];

/// Outside crates that only some of ours may name, because each of them opens a closed door.
const RESTRICTED: &[(&str, &[&str])] = &[
    ("libc", &["uring"]),
    ("io-uring", &["uring"]),
    ("rtrb", &["uring"]),
    ("tracing", &["node"]),
    ("tracing-subscriber", &["node"]),
    ("signal-hook", &["node", "uring"]),
    // One safe call, outside of every run: it makes reads of the clock fault.
    ("rustix", &["sim"]),
    ("tokio", &[]),
    ("rand", &[]),
];

pub(super) fn findings(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for file in tree.with_suffix("Cargo.toml") {
        // Benches and experiments may use what they measure; nothing may use them.
        if file.path.starts_with("benches/") {
            continue;
        }
        let Ok(manifest) = file.text.parse::<toml::Table>() else {
            findings.push(format!("{}: not readable as TOML", file.path));
            continue;
        };
        // A manifest with its own `[workspace]` is the root, or a tool outside the product.
        let package = manifest.get("package").and_then(|package| package.get("name"));
        let Some(name) = package.and_then(toml::Value::as_str) else { continue };
        if manifest.contains_key("workspace") {
            continue;
        }
        for finding in check(name, &dependencies(&manifest)) {
            findings.push(format!("{}: {finding}", file.path));
        }
    }
    findings
}

/// Names of all normal, development and build dependencies, also those of one platform only.
fn dependencies(table: &toml::Table) -> Vec<String> {
    let mut names = Vec::new();
    for key in ["dependencies", "dev-dependencies", "build-dependencies"] {
        if let Some(list) = table.get(key).and_then(toml::Value::as_table) {
            names.extend(list.keys().cloned());
        }
    }
    for target in table.get("target").and_then(toml::Value::as_table).into_iter().flatten() {
        names.extend(target.1.as_table().map(dependencies).unwrap_or_default());
    }
    names
}

fn check(name: &str, dependencies: &[String]) -> Vec<String> {
    let Some((_, allowed)) = ALLOWED.iter().find(|entry| entry.0 == name) else {
        return vec![format!("{name} is not in the table of allowed edges")];
    };
    let mut findings = Vec::new();
    for dependency in dependencies {
        let ours = ALLOWED.iter().any(|entry| entry.0 == dependency);
        if ours && !allowed.contains(&dependency.as_str()) {
            findings.push(format!("{name} may not use {dependency}"));
        }
        if let Some((_, users)) = RESTRICTED.iter().find(|entry| entry.0 == dependency)
            && !users.contains(&name)
        {
            findings.push(format!("{name} may not use {dependency}; it belongs to {users:?}"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{check, dependencies};

    fn found(name: &str, manifest: &str) -> Vec<String> {
        check(name, &dependencies(&manifest.parse().expect("the test's manifest is TOML")))
    }

    #[test]
    fn a_core_may_not_name_the_seam() {
        let manifest = "[dependencies]\nmodel.workspace = true\nruntime.workspace = true";
        assert_eq!(found("replication", manifest), ["replication may not use runtime"]);
    }

    #[test]
    fn tests_of_a_crate_are_bound_by_the_same_edges() {
        let manifest = "[dev-dependencies]\nserver.workspace = true";
        assert_eq!(found("wire", manifest), ["wire may not use server"]);
    }

    #[test]
    fn platform_dependencies_are_seen() {
        let manifest = "[target.'cfg(unix)'.dependencies]\nlibc = \"1\"";
        assert_eq!(found("server", manifest).len(), 1);
    }

    #[test]
    fn an_unknown_crate_must_be_entered_in_the_table() {
        assert_eq!(found("gadget", ""), ["gadget is not in the table of allowed edges"]);
    }
}
