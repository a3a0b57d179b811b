//! Relative links in Markdown must lead to a file or folder of the repository.

use super::tree::{File, Tree};

pub(super) fn findings(tree: &Tree) -> Vec<String> {
    let mut findings = Vec::new();
    for file in tree.with_suffix(".md") {
        for (line, target) in links(file) {
            if !tree.has(&resolve(&file.path, target)) {
                findings.push(format!("{}:{line}: no such file: {target}", file.path));
            }
        }
    }
    findings
}

/// Line and target of each relative link, without its `#section`; code blocks do not count.
fn links(file: &File) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    let mut in_code = false;
    for (index, line) in file.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let target = line[at + 2..].split([')', ' ']).next().unwrap_or_default();
            let path = target.split('#').next().unwrap_or_default();
            if !path.is_empty() && !target.contains("://") && !target.starts_with("mailto:") {
                found.push((index + 1, path));
            }
        }
    }
    found
}

/// `target` as seen from the folder of `from`; a leading slash means the top folder.
fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => from.split('/').collect(),
    };
    parts.pop();
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::{File, Tree, findings};

    #[test]
    fn links_are_followed_from_the_file_that_holds_them() {
        let page =
            "[a](../README.md#top) [b](gone.md) [c](https://kafka.apache.org/x)\n```\n[d](x)\n```";
        let file = |path: &str, text: &str| File { path: path.to_string(), text: text.to_string() };
        let tree = Tree { files: vec![file("README.md", ""), file("docs/page.md", page)] };
        assert_eq!(findings(&tree), ["docs/page.md:1: no such file: gone.md"]);
    }
}
