//! Names on the command line: `AckBeforeSync` is `ack-before-sync`.

use core::fmt;

/// The words of a type's or a value's name, in small letters with hyphens between.
#[must_use]
pub fn kebab(name: &str) -> String {
    let mut words = String::with_capacity(name.len() + 8);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push('-');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

/// What the command line calls a value of an enum.
pub fn name_of(value: impl fmt::Debug) -> String {
    kebab(&format!("{value:?}"))
}

/// The name that is most like what somebody wrote; none when nothing is like it.
#[must_use]
pub fn nearest<'n>(written: &str, names: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let (steps, name) = names.map(|name| (steps(written, name), name)).min()?;
    (steps <= name.len() / 3).then_some(name)
}

/// Letters that must be put in, taken out or changed (Levenshtein 1966).
fn steps(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (index, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (place, other) in to.chars().enumerate() {
            let changed = diagonal + usize::from(letter != other);
            diagonal = row[place + 1];
            row[place + 1] = changed.min(diagonal + 1).min(row[place] + 1);
        }
    }
    row[to.chars().count()]
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_nearest_name_is_a_few_letters_away() {
        let names = ["ack-before-sync", "torn-read"];
        let nearest = |written| super::nearest(written, names.into_iter());
        assert_eq!(nearest("ack-befor-sync"), Some("ack-before-sync"));
        assert_eq!(nearest("tornread"), Some("torn-read"));
        assert_eq!(nearest("something-else"), None);
        assert_eq!((super::steps("kitten", "sitting"), super::steps("", "ab")), (3, 2));
    }

    #[test]
    fn words_are_separated_by_hyphens() {
        assert_eq!(super::kebab("AckBeforeSync"), "ack-before-sync");
    }
}
