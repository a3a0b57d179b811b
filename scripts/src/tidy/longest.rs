//! The ten longest files and functions: a report to look at, not a limit.

use super::tree::{File, Tree};
use std::fmt::Write;

const SHOWN: usize = 10;

/// A header every generated file carries; its length says nothing about us.
const GENERATED: &str = "@generated";

pub(super) fn report(tree: &Tree) -> String {
    let mut files = Vec::new();
    let mut functions = Vec::new();
    for file in tree.with_suffix(".rs") {
        if file.text.lines().take(5).any(|line| line.contains(GENERATED)) {
            continue;
        }
        files.push((file.text.lines().count(), file.path.clone()));
        functions.extend(function_lengths(file));
    }
    let mut text = String::new();
    for (title, mut entries) in [("files", files), ("functions", functions)] {
        // The longest first; equal ones by name, so that two runs print the same.
        entries.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        let _ = writeln!(text, "longest {title}:");
        for (lines, name) in entries.iter().take(SHOWN) {
            let _ = writeln!(text, "{lines:>6} {name}");
        }
    }
    text
}

/// Length and `file:line` of each function: from its `fn` line to the closing brace that rustfmt
/// puts at the same depth.
fn function_lengths(file: &File) -> Vec<(usize, String)> {
    let lines: Vec<&str> = file.text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let body = line.trim_start();
        if !body.split('(').next().is_some_and(|head| head.split(' ').any(|word| word == "fn")) {
            continue;
        }
        let indent = line.len() - body.len();
        let closing = format!("{}}}", &line[..indent]);
        let length = lines[start..].iter().position(|line| *line == closing);
        if let Some(length) = length
            && !body.starts_with("//")
            && !body.ends_with([';', '}'])
        {
            found.push((length + 1, format!("{}:{}", file.path, start + 1)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{File, function_lengths};

    #[test]
    fn a_function_reaches_to_the_brace_at_its_own_depth() {
        let text = "impl A {\n    pub fn f(\n        a: u8,\n    ) {\n        if a {\n        }\n    }\n}\n";
        let file = File { path: "a.rs".to_string(), text: text.to_string() };
        assert_eq!(function_lengths(&file), [(6, "a.rs:2".to_string())]);
    }
}
