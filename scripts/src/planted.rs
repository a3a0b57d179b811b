//! The release broker holds no trace of what the simulator plants and watches.
//!
//! Promises: a planted bug, a rare choice or a marked state whose name or description is in the
//! binary is told. Does not: build; without a release build there is nothing to look at, and it says
//! so.

use crate::{Doing, Failed, Outcome, paths};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Where the lists of names are, below the repository.
const LISTS: [&str; 3] = ["bug.rs", "buggify.rs", "site.rs"];
const FOLDER: &str = "broker/model/src/probe";

/// Names that the broker and the standard library use for something else too. Their descriptions
/// are looked for all the same.
const ORDINARY: [&str; 2] = ["ConnectionRefused", "NoSpace"];

/// One value of a list, with its description.
#[derive(Debug, PartialEq, Eq)]
struct Planted {
    name: String,
    what: String,
}

/// Looks for every name and description in the release build of the broker.
///
/// # Errors
/// When one is found.
pub fn check() -> Outcome {
    let program = paths::release_binary("broker");
    if !program.exists() {
        println!("skipped: there is no release build at {}", program.display());
        return Ok(());
    }
    let binary = fs::read(&program).doing(|| format!("read {}", program.display()))?;
    let mut planted = Vec::new();
    for list in LISTS {
        let path = paths::root().join(FOLDER).join(list);
        let source = fs::read_to_string(&path).doing(|| format!("read {}", path.display()))?;
        let values = values(&source);
        if values.is_empty() {
            return Err(Failed(format!("{} lists nothing", path.display())));
        }
        planted.extend(values);
    }
    let found = found(&binary, &planted);
    if found.is_empty() {
        println!("broker: none of {} names and descriptions", planted.len());
        return Ok(());
    }
    Err(Failed(format!("the release broker holds {}", found.join(", "))))
}

/// The values of a list: lines `/// what` and then `Name,`.
fn values(source: &str) -> Vec<Planted> {
    let mut values = Vec::new();
    let mut what = "";
    for line in source.lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("/// ") {
            // The first line of a description is long enough to know it by.
            what = if what.is_empty() { text } else { what };
            continue;
        }
        let name = line.strip_suffix(',').unwrap_or_default();
        let is_name = name.starts_with(|it: char| it.is_ascii_uppercase())
            && name.bytes().all(|it| it.is_ascii_alphanumeric());
        if is_name {
            values.push(Planted { name: name.to_owned(), what: what.to_owned() });
        }
        what = "";
    }
    values
}

/// The names whose value shows in the binary. One pass: a release binary has tens of megabytes.
fn found<'p>(binary: &[u8], planted: &'p [Planted]) -> Vec<&'p str> {
    /// Texts are told apart by their first two bytes before they are compared.
    type Beginning = [u8; 2];
    let mut texts: BTreeMap<Beginning, Vec<(&str, &str)>> = BTreeMap::new();
    for Planted { name, what } in planted {
        let is_ordinary = ORDINARY.contains(&name.as_str());
        let of_value = [name, what].into_iter().skip(usize::from(is_ordinary));
        for text in of_value {
            let beginning = *text.as_bytes().first_chunk().expect("no text is that short");
            texts.entry(beginning).or_default().push((text, name));
        }
    }
    let mut is_beginning = vec![false; 1 << 16];
    texts.keys().for_each(|it| is_beginning[usize::from(u16::from_be_bytes(*it))] = true);
    let mut found = BTreeSet::new();
    for (at, pair) in binary.array_windows::<2>().enumerate() {
        if is_beginning[usize::from(u16::from_be_bytes(*pair))] {
            let here = texts[pair].iter();
            let shown = here.filter(|(text, _)| binary[at..].starts_with(text.as_bytes()));
            found.extend(shown.map(|(_, name)| *name));
        }
    }
    found.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "\
        listed! {
            /// A mistake.
            pub enum Bug {
                /// Answers before the sync.
                /// Longer.
                AnswersEarly,
                /// No room was left.
                NoSpace,
            }
        }";

    #[test]
    fn a_list_is_read_with_its_descriptions() {
        let value = |name: &str, what: &str| Planted { name: name.into(), what: what.into() };
        let expected = [
            value("AnswersEarly", "Answers before the sync."),
            value("NoSpace", "No room was left."),
        ];
        assert_eq!(values(LIST), expected);
    }

    #[test]
    fn a_name_or_a_description_in_the_binary_is_found() {
        let planted = values(LIST);
        assert_eq!(found(b"\0AnswersEarly\0", &planted), ["AnswersEarly"]);
        assert_eq!(found(b"..Answers before the sync...", &planted), ["AnswersEarly"]);
        assert_eq!(found(b"NoSpace: an error of the machine", &planted), [""; 0]);
        assert_eq!(found(b"No room was left.", &planted), ["NoSpace"]);
    }

    #[test]
    fn the_repository_has_lists() {
        for list in LISTS {
            let source = fs::read_to_string(paths::root().join(FOLDER).join(list)).unwrap();
            assert!(values(&source).len() > 10, "{list}");
            assert!(values(&source).iter().all(|value| value.what.len() > 10), "{list}");
        }
    }
}
