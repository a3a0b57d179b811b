//! The shape of the repository: rules that the compiler and clippy cannot check.
//!
//! Promises: needs neither git nor network; names file and line of every finding.
//! Does not: judge length; the longest files and functions are reported, never failed.

mod edges;
mod links;
mod longest;
mod manifests;
mod tree;
mod words;

use crate::{Failed, Outcome, paths};
use tree::Tree;

/// One rule: its name and what it finds, one line each.
struct Rule {
    name: &'static str,
    findings: fn(&Tree) -> Vec<String>,
}

const RULES: &[Rule] = &[
    Rule { name: "crate edges", findings: edges::findings },
    Rule { name: "manifests", findings: manifests::findings },
    Rule { name: "words", findings: words::findings },
    Rule { name: "links", findings: links::findings },
];

/// Every violation in the repository, as `rule: file:line: what`.
///
/// # Errors
/// When a file of the repository cannot be read.
pub fn findings() -> Outcome<Vec<String>> {
    let tree = Tree::read(&paths::root())?;
    let mut all = Vec::new();
    for rule in RULES {
        all.extend((rule.findings)(&tree).into_iter().map(|line| format!("{}: {line}", rule.name)));
    }
    Ok(all)
}

/// Prints the longest files and functions, then every violation.
///
/// # Errors
/// When there is a violation.
pub fn run() -> Outcome {
    print!("{}", longest::report(&Tree::read(&paths::root())?));
    let findings = findings()?;
    for finding in &findings {
        println!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: {} rules hold", RULES.len());
        return Ok(());
    }
    Err(Failed(format!("tidy: {} findings", findings.len())))
}
