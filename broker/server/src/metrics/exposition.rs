//! The text format that Prometheus reads (version 0.0.4).
//!
//! Written here and not by a library so that the output order is ours: the simulator compares it.

use core::fmt::{Display, Write};

/// The content type of the format.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
}

/// Collects families in the order they are written.
#[derive(Default)]
pub(crate) struct Exposition(String);

/// Samples of one metric name; open until dropped.
pub(crate) struct Family<'e> {
    out: &'e mut String,
    name: &'static str,
}

impl Exposition {
    pub(crate) fn family(&mut self, name: &'static str, kind: Kind, help: &str) -> Family<'_> {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        let out = &mut self.0;
        // Writing to a String cannot fail.
        let _ = write!(out, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
        Family { out, name }
    }

    /// A family with one sample and no labels.
    pub(crate) fn single(
        &mut self,
        name: &'static str,
        kind: Kind,
        help: &str,
        value: impl Display,
    ) {
        self.family(name, kind, help).sample(&[], value);
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

impl Family<'_> {
    pub(crate) fn sample(&mut self, labels: &[(&str, &dyn Display)], value: impl Display) {
        self.out.push_str(self.name);
        for (at, (label, text)) in labels.iter().enumerate() {
            self.out.push(if at == 0 { '{' } else { ',' });
            self.out.push_str(label);
            self.out.push_str("=\"");
            for c in text.to_string().chars() {
                match c {
                    '\\' => self.out.push_str("\\\\"),
                    '"' => self.out.push_str("\\\""),
                    '\n' => self.out.push_str("\\n"),
                    c => self.out.push(c),
                }
            }
            self.out.push('"');
        }
        if !labels.is_empty() {
            self.out.push('}');
        }
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    #[test]
    fn families_keep_their_order_and_labels_are_escaped() {
        let mut page = Exposition::default();
        page.single("b_total", Kind::Counter, "Second letter.", 7);
        let mut family = page.family("a", Kind::Gauge, "First letter.");
        family.sample(&[("topic", &"x\"y\\z"), ("partition", &0)], 1.5);
        family.sample(&[("topic", &"t"), ("partition", &1)], 2);
        expect![[r#"
            # HELP b_total Second letter.
            # TYPE b_total counter
            b_total 7
            # HELP a First letter.
            # TYPE a gauge
            a{topic="x\"y\\z",partition="0"} 1.5
            a{topic="t",partition="1"} 2
        "#]]
        .assert_eq(&page.finish());
    }
}
