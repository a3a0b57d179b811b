//! A trace as text: for people, for tools that read lines, and for trace viewers.

use core::fmt::{self, Write};
use std::collections::BTreeMap;

use super::{CORE_NONE, Kind, Record};

/// How a trace is written out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TraceFormat {
    /// One event per line, for people.
    Text,
    /// One JSON object per line.
    JsonLines,
    /// The JSON array of trace events that Chrome (`chrome://tracing`) and Perfetto open: a process
    /// per node, a thread per core.
    Chrome,
}

type Names = BTreeMap<u64, &'static str>;

/// One event for people.
pub(super) struct Line<'a> {
    pub(super) record: Record,
    /// What the machine is called.
    pub(super) machine: String,
    pub(super) names: &'a Names,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Record { at, core, kind, words: [one, two, three], .. } = self.record;
        write!(f, "{at:?} {}", self.machine)?;
        if core != CORE_NONE {
            write!(f, " core {core}")?;
        }
        write!(f, " {kind:?}")?;
        if let Some(name) = name_of(&self.record, self.names) {
            write!(f, " {name}")?;
        }
        write!(f, " {one:x} {two:x} {three:x}")
    }
}

/// The text behind the words of a record.
fn name_of(record: &Record, names: &Names) -> Option<&'static str> {
    match record.kind {
        Kind::Poll => names.get(&record.words[1]).copied(),
        _ => None,
    }
}

pub(super) fn export(records: &[Record], names: &Names, format: TraceFormat) -> String {
    let mut text = String::new();
    let written = match format {
        TraceFormat::Text => records.iter().try_for_each(|record| {
            let machine = format!("node {}", record.node);
            writeln!(text, "{}", Line { record: *record, machine, names })
        }),
        TraceFormat::JsonLines => {
            records.iter().try_for_each(|record| json_line(&mut text, record, names))
        }
        TraceFormat::Chrome => chrome(&mut text, records, names),
    };
    written.expect("a string takes everything");
    text
}

/// Words are hexadecimal strings: JSON numbers lose the low bits of large ones.
fn json_line(text: &mut String, record: &Record, names: &Names) -> fmt::Result {
    let Record { at, node, core, kind, words: [one, two, three] } = *record;
    write!(text, r#"{{"at_ns":{},"node":{node},"#, at.0)?;
    if core != CORE_NONE {
        write!(text, r#""core":{core},"#)?;
    }
    write!(text, r#""kind":"{kind:?}","#)?;
    if let Some(name) = name_of(record, names) {
        write!(text, r#""name":"{}","#, name.escape_default())?;
    }
    writeln!(text, r#""words":["{one:x}","{two:x}","{three:x}"]}}"#)
}

fn chrome(text: &mut String, records: &[Record], names: &Names) -> fmt::Result {
    text.push('[');
    for (ordinal, record) in records.iter().enumerate() {
        let Record { at, node, core, kind, words: [one, two, three] } = *record;
        let comma = if ordinal == 0 { "\n" } else { ",\n" };
        let thread = if core == CORE_NONE { -1 } else { i32::from(core) };
        let (micros, nanos) = (at.0 / 1_000, at.0 % 1_000);
        write!(text, r#"{comma}{{"ph":"i","s":"t","pid":{node},"tid":{thread},"#)?;
        write!(text, r#""ts":{micros}.{nanos:03},"cat":"{kind:?}","name":""#)?;
        match name_of(record, names) {
            Some(name) => write!(text, "{}", name.escape_default())?,
            None => write!(text, "{kind:?}")?,
        }
        write!(text, r#"","args":{{"words":"{one:x} {two:x} {three:x}"}}}}"#)?;
    }
    text.push_str("\n]\n");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Instant;

    fn check(format: TraceFormat, expected: &str) {
        let names = Names::from([(7, "main")]);
        let poll = Record {
            at: Instant(1_000_002_500),
            node: 1,
            core: 0,
            kind: Kind::Poll,
            words: [1, 7, 255],
        };
        let deliver = Record { core: CORE_NONE, kind: Kind::Deliver, ..poll };
        assert_eq!(export(&[poll, deliver], &names, format), expected);
    }

    #[test]
    fn people_read_names() {
        check(
            TraceFormat::Text,
            "1.000002s node 1 core 0 Poll main 1 7 ff\n1.000002s node 1 Deliver 1 7 ff\n",
        );
    }

    #[test]
    fn tools_read_an_object_per_line() {
        check(
            TraceFormat::JsonLines,
            r#"{"at_ns":1000002500,"node":1,"core":0,"kind":"Poll","name":"main","words":["1","7","ff"]}
{"at_ns":1000002500,"node":1,"kind":"Deliver","words":["1","7","ff"]}
"#,
        );
    }

    #[test]
    fn viewers_read_a_process_per_node() {
        check(
            TraceFormat::Chrome,
            r#"[
{"ph":"i","s":"t","pid":1,"tid":0,"ts":1000002.500,"cat":"Poll","name":"main","args":{"words":"1 7 ff"}},
{"ph":"i","s":"t","pid":1,"tid":-1,"ts":1000002.500,"cat":"Deliver","name":"Deliver","args":{"words":"1 7 ff"}}
]
"#,
        );
    }
}
