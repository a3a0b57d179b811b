//! The same for a terminal.

use comfy_table::presets::UTF8_HORIZONTAL_ONLY;
use comfy_table::{CellAlignment, Table};

use crate::schema::Report;
use crate::summary;

/// The latency table.
#[must_use]
pub fn latency_table(report: &Report) -> String {
    let source = summary::latencies(report);
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(source.head).add_rows(source.rows);
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

/// The verdict, what became of the records, what it cost, and all warnings.
#[must_use]
pub fn verdict_lines(report: &Report) -> Vec<String> {
    let line = |facts: Vec<(&'static str, String)>| {
        let parts: Vec<String> =
            facts.into_iter().map(|(name, value)| format!("{name} {value}")).collect();
        parts.join(" · ")
    };
    let mut lines = vec![
        line(summary::records(report)),
        line(summary::resources(report)),
        format!("durability: {}", report.labels.durability()),
    ];
    lines.extend(report.warnings.iter().map(|warning| format!("warning: {warning}")));
    lines.push(summary::headline(report));
    lines
}

#[cfg(test)]
mod tests {
    use crate::sample::report;
    use expect_test::expect;

    #[test]
    fn a_terminal_shows_the_table_and_ends_with_the_verdict() {
        let report = report();
        expect![[r#"
            ─────────────────────────────────────────────────────────────────────────────────────────────
             latency   from → to                     p50       p90       p99      p999   p9999       max 
            ═════════════════════════════════════════════════════════════════════════════════════════════
             ack       due → acknowledged         404 µs   1.46 ms   3.90 ms   4.34 ms       –   4.38 ms 
            ─────────────────────────────────────────────────────────────────────────────────────────────
             e2e       due → consumed             524 µs   1.58 ms   4.02 ms   4.46 ms       –   4.50 ms 
            ─────────────────────────────────────────────────────────────────────────────────────────────
             lag       due → placed in a batch      7 µs   1.06 ms   3.50 ms   3.94 ms       –   3.98 ms 
            ─────────────────────────────────────────────────────────────────────────────────────────────
             service   sent → acknowledged        184 µs   1.24 ms   3.68 ms   4.12 ms       –   4.16 ms 
            ─────────────────────────────────────────────────────────────────────────────────────────────
             deliver   sent → consumed            264 µs   1.32 ms   3.76 ms   4.20 ms       –   4.24 ms 
            ─────────────────────────────────────────────────────────────────────────────────────────────
             floor     e2e of the harness alone   310 µs         –    690 µs    850 µs       –         – 
            ─────────────────────────────────────────────────────────────────────────────────────────────"#]].assert_eq(&super::latency_table(&report));
        expect![[r#"
            offered 30.0 M (1.00 M/s) · achieved 1.00 M/s · payload 100.0 MB/s · acknowledged 30.0 M · consumed 30.0 M · errors 0 · timeouts 0 · not sent 0 · verified nothing lost, duplicated, reordered or corrupted
            machine CPU without the client 21.40 s (0.71 cores) · broker CPU (process) 17.90 s (0.60 cores) · client CPU 30.00 s (1.00 cores) · client busy 62 % · CPU per million records 0.713 s · broker memory (RSS) 96.0 MiB · device bytes written per payload byte (whole device) 2.11 · broker's write_bytes per payload byte (by folio, overstates) 12.60 · steal 0.40 % · dirty and writeback bytes 12.0 MiB → 700 MiB
            durability: every ack waits for the sync (flush.messages=1)
            warning: steal above 1 % in 2 of 30 seconds, 3.1 % at most
            Target met: 1.00 M/s with e2e p99 ≤ 5.00 ms."#]].assert_eq(&super::verdict_lines(&report).join("\n"));
    }
}
