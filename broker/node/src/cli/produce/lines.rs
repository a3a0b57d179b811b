//! Cuts a stream of bytes into lines.

/// Whole lines out of pieces of any size.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// What came and was not taken; begins with a line.
    bytes: Vec<u8>,
    /// Where the next line begins in `bytes`.
    at: usize,
    /// Up to here there is no line end behind `at`.
    searched: usize,
}

impl Lines {
    pub(super) fn push(&mut self, chunk: &[u8]) {
        self.bytes.drain(..self.at);
        self.searched -= self.at;
        self.at = 0;
        self.bytes.extend_from_slice(chunk);
    }

    /// The next whole line without its end (`\n` or `\r\n`).
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        let unseen = &self.bytes[self.searched..];
        let Some(found) = unseen.iter().position(|byte| *byte == b'\n') else {
            self.searched = self.bytes.len();
            return None;
        };
        let (from, end) = (self.at, self.searched + found);
        self.at = end + 1;
        self.searched = self.at;
        Some(without_return(&self.bytes[from..end]))
    }

    /// A last line that has no end.
    pub(super) fn rest(&mut self) -> Option<&[u8]> {
        let from = self.at;
        self.at = self.bytes.len();
        self.searched = self.at;
        let rest = &self.bytes[from..];
        (!rest.is_empty()).then(|| without_return(rest))
    }

    /// Bytes of a line whose end has not come.
    pub(super) fn unfinished_bytes(&self) -> usize {
        self.bytes.len() - self.at
    }
}

fn without_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&str]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        let mut keep = |line: &[u8]| found.push(String::from_utf8(line.to_vec()).unwrap());
        for chunk in chunks {
            lines.push(chunk.as_bytes());
            while let Some(line) = lines.next() {
                keep(line);
            }
        }
        if let Some(line) = lines.rest() {
            keep(line);
        }
        found
    }

    #[test]
    fn lines_do_not_depend_on_how_the_bytes_came() {
        let text = "one\n\ntwo\r\nthree";
        let expected = ["one", "", "two", "three"];
        assert_eq!(lines(&[text]), expected);
        let single: Vec<&str> = text.split_inclusive(|_| true).collect();
        assert_eq!(lines(&single), expected);
    }

    #[test]
    fn an_ended_last_line_is_not_followed_by_an_empty_one() {
        assert_eq!(lines(&["a\n"]), ["a"]);
        assert_eq!(lines(&[]), Vec::<String>::new());
    }

    #[test]
    fn what_waits_for_its_end_is_counted() {
        let mut lines = Lines::default();
        lines.push(b"one\ntw");
        assert!(lines.next().is_some());
        assert!(lines.next().is_none());
        assert_eq!(lines.unfinished_bytes(), 2);
    }
}
