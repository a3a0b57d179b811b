//! The same as text that a review or a README can hold.

use core::fmt::Write;

use crate::schema::Report;
use crate::summary::{self, Table};

/// The whole report as Markdown, charts left out.
#[must_use]
pub fn markdown(report: &Report) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    line(&format!("# {}\n", report.name));
    line(&format!("**{}**\n", summary::headline(report)));
    line(&format!("`{}` at {}\n", report.command, report.started_at));
    line(&table(&summary::latencies(report)));
    let intervals = summary::intervals(report);
    if !intervals.is_empty() {
        line(&format!("95 % intervals (this run only): {}.\n", intervals.join("; ")));
    }
    for warning in &report.warnings {
        line(&format!("> Warning: {warning}\n"));
    }
    for (title, facts) in [
        ("Records", summary::records(report)),
        ("Resources", summary::resources(report)),
        ("Labels", summary::labels(report)),
    ] {
        line(&format!("## {title}\n"));
        let rows = facts.into_iter().map(|(name, value)| vec![name.to_owned(), value]).collect();
        line(&table(&Table { head: vec!["what", "value"], rows }));
    }
    if let Some(verify) = report.verify.as_ref().filter(|verify| verify.failed()) {
        line("## Verification\n");
        for example in &verify.examples {
            let offset =
                example.offset.map_or("never seen".to_owned(), |at| format!("offset {at}"));
            line(&format!(
                "- {}: {}-{} {offset}: {}",
                example.kind, example.topic, example.partition, example.detail
            ));
        }
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn table(table: &Table) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "| {} |", table.head.join(" | "));
    let _ = writeln!(out, "|{}", "---|".repeat(table.head.len()));
    for row in &table.rows {
        let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::sample::report;
    use expect_test::expect_file;

    #[test]
    fn markdown_holds_verdict_tables_and_labels() {
        expect_file!["../tests/golden/report.md"].assert_eq(&super::markdown(&report()));
    }
}
