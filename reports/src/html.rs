//! One self-contained page: inline style, inline SVG, nothing loaded, readable light or dark.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::chart::{self, Chart};
use crate::schema::{Report, Verdict};
use crate::summary::{self, Table};

const STYLE: &str = include_str!("page.css");

/// The whole page.
#[must_use]
pub fn page(report: &Report) -> String {
    let tone = match report.verdict {
        Verdict::Met => "good",
        Verdict::Measured => "plain",
        Verdict::Missed | Verdict::VerifyFailed => "bad",
        Verdict::Invalid => "void",
    };
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (report.name) " · loadgen" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { (report.name) }
                    p.when { (report.started_at) }
                    p.verdict.(tone) { (summary::headline(report)) }
                    pre { (report.command) }
                }
                main {
                    (warnings(&report.warnings))
                    section {
                        h2 { "Latency" }
                        (table(&summary::latencies(report)))
                        (intervals(report))
                    }
                    @for chart in chart::all(report) { (figure(&chart)) }
                    (examples(report))
                    div.columns {
                        (facts("Records", &summary::records(report)))
                        (facts("Resources", &summary::resources(report)))
                    }
                    (facts("Labels", &summary::labels(report)))
                }
                footer {
                    p {
                        "Open loop: latency counts from the moment a record was due, not from when \
                         the client got round to sending it. Every record counts; what never came \
                         back is in the tail. One run is one sample: compare several before \
                         concluding anything."
                    }
                }
            }
        }
    };
    markup.into_string()
}

fn warnings(warnings: &[String]) -> Markup {
    html! {
        @if !warnings.is_empty() {
            ul.warnings { @for warning in warnings { li { (warning) } } }
        }
    }
}

fn intervals(report: &Report) -> Markup {
    let lines = summary::intervals(report);
    html! {
        @if !lines.is_empty() {
            p.note { "95 % intervals, this run only: " (lines.join("; ")) "." }
        }
    }
}

fn examples(report: &Report) -> Markup {
    let examples = report.verify.as_ref().map(|verify| verify.examples.as_slice()).unwrap_or(&[]);
    html! {
        @if !examples.is_empty() {
            section {
                h2 { "Verification" }
                ul {
                    @for example in examples {
                        li {
                            (example.kind) ": " (example.topic) "-" (example.partition)
                            @if let Some(offset) = example.offset { " offset " (offset) }
                            ": " (example.detail)
                        }
                    }
                }
            }
        }
    }
}

fn table(table: &Table) -> Markup {
    html! {
        div.scroll {
            table {
                thead { tr { @for cell in &table.head { th { (cell) } } } }
                tbody {
                    @for row in &table.rows { tr { @for cell in row { td { (cell) } } } }
                }
            }
        }
    }
}

fn figure(chart: &Chart) -> Markup {
    html! {
        figure {
            figcaption {
                h2 { (chart.title) }
                p.note { (chart.caption) }
                ul.legend {
                    @for (name, ink) in &chart.legend {
                        li { i style={ "background:var(" (ink.variable()) ")" } {} (name) }
                    }
                }
            }
            (PreEscaped(&chart.svg))
        }
    }
}

fn facts(title: &str, facts: &[(&'static str, String)]) -> Markup {
    html! {
        section {
            h2 { (title) }
            dl { @for (name, value) in facts { div { dt { (name) } dd { (value) } } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::sample::report;

    #[test]
    fn the_page_loads_nothing() {
        let page = super::page(&report());
        for outside in ["<script", "<link", "<img", "@import", "url(", "src="] {
            assert!(!page.contains(outside), "the page contains {outside}");
        }
        assert!(page.contains("Target met: 1.00 M/s with e2e p99 ≤ 5.00 ms."));
    }

    #[test]
    fn text_from_outside_is_escaped() {
        let mut report = report();
        report.command = "loadgen --name '<script>alert(1)</script>'".to_owned();
        assert!(!super::page(&report).contains("<script>"));
    }
}
