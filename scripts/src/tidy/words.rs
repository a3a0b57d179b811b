//! Words that must not appear: paths and hosts of one machine, unfinished code, silenced lints.

use super::tree::{File, Tree};

/// Spelled in two halves, so that this file does not find itself.
const ANYWHERE: &[(&str, &str)] = &[
    (concat!("/wo", "rk/"), "a path of one machine"),
    (concat!("/ro", "ot/"), "a path of one machine"),
    (concat!("/ho", "me/"), "a path of one machine"),
    (concat!("arti", "factory"), "a host of one network"),
    (concat!("registry.", "npmjs"), "a registry host: lock files name packages only"),
];

const IN_RUST: &[(&str, &str)] = &[
    (concat!("to", "do!("), "unfinished code"),
    (concat!("unimple", "mented!("), "unfinished code"),
    (concat!("#[ig", "nore"), "a test that does not run"),
];

pub(super) fn findings(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for file in &tree.files {
        find_words(file, ANYWHERE, &mut findings);
        if file.path.ends_with(".rs") {
            find_words(file, IN_RUST, &mut findings);
            find_bare_allow(file, &mut findings);
        }
    }
    findings
}

fn find_words(file: &File, words: &[(&str, &str)], findings: &mut Vec<String>) {
    for (index, line) in file.text.lines().enumerate() {
        for (word, why) in words {
            if line.contains(word) {
                findings.push(format!("{}:{}: {word} is {why}", file.path, index + 1));
            }
        }
    }
}

/// An `allow` stays silent when its cause is gone; `expect` with a reason does not.
fn find_bare_allow(file: &File, findings: &mut Vec<String>) {
    for open in [concat!("#[al", "low("), concat!("#![al", "low(")] {
        for (at, _) in file.text.match_indices(open) {
            let attribute = file.text[at..].split(")]").next().unwrap_or_default();
            if !attribute.contains("reason") {
                let line = file.text[..at].matches('\n').count() + 1;
                findings.push(format!("{}:{line}: lint silenced without a reason", file.path));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{File, Tree, findings};

    fn found(path: &str, text: &str) -> Vec<String> {
        findings(&Tree { files: vec![File { path: path.to_string(), text: text.to_string() }] })
    }

    #[test]
    fn a_silenced_lint_needs_a_reason() {
        let bare = concat!("\n#[al", "low(unused)]\nfn f() {}");
        assert_eq!(found("a.rs", bare), ["a.rs:2: lint silenced without a reason"]);
        let explained = concat!("#[al", "low(unused, reason = \"generated\")]");
        assert_eq!(found("a.rs", explained), Vec::<String>::new());
    }

    #[test]
    fn machine_paths_are_found_in_any_file() {
        assert_eq!(found("notes.md", concat!("see /wo", "rk/x")).len(), 1);
    }
}
