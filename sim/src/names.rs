//! Names on the command line: `AckBeforeSync` is `ack-before-sync`.

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

#[cfg(test)]
mod tests {
    #[test]
    fn words_are_separated_by_hyphens() {
        assert_eq!(super::kebab("AckBeforeSync"), "ack-before-sync");
    }
}
