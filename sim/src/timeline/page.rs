//! Lanes as HTML and SVG.
//!
//! Every lane has its own SVG that is stretched to the view (`preserveAspectRatio="none"`); strokes keep
//! their width, and texts are HTML, so that zooming distorts nothing.

use core::fmt::Write;

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::story::{Client, Mark, Node, Partition, Story, Stretch, seconds};
use crate::plan::Plan;
use crate::run::{Report, Verdict};

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// Room after the last moment, so that what happens there is not on the border: 1 part in so many.
const MARGIN: u64 = 50;

pub(super) fn render(plan: &Plan, report: &Report, story: &Story, replay: &str) -> String {
    let span_us = story.end_us + story.end_us / MARGIN;
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "seed " (plan.seed) " · sim timeline" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (header(plan, report, story, replay))
                (legend())
                main #chart data-span=(span_us) {
                    (axis(story, span_us))
                    (heading("nodes"))
                    @for node in &story.nodes { (node_lane(node, span_us)) }
                    @if !story.faults.is_empty() {
                        (heading("faults"))
                        @for faults in &story.faults {
                            @for (row, bars) in faults.rows.iter().enumerate() {
                                (lane("bars", if row == 0 { faults.kind } else { "" }, "", html! {
                                    (stretches(bars, span_us))
                                }))
                            }
                        }
                    }
                    (heading("partitions"))
                    @for (index, partition) in story.partitions.iter().enumerate() {
                        (partition_lane(partition, index, span_us))
                    }
                    (heading("clients"))
                    @for (index, client) in story.clients.iter().enumerate() {
                        (client_lane(client, index, span_us))
                    }
                    div .over {
                        @if let Some(pin) = &story.pin {
                            div #pin data-at=(pin.at_us) style=(left(pin.at_us, span_us)) {}
                        }
                        div #cursor hidden {}
                    }
                }
                @if story.left_out > 0 {
                    p .note { (story.left_out) " earlier operations are left out." }
                }
                div #tip hidden {}
                script #data type="application/json" { (PreEscaped(data(story))) }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    markup.into_string()
}

fn header(plan: &Plan, report: &Report, story: &Story, replay: &str) -> Markup {
    let counters = &report.counters;
    let (tone, word) = match report.verdict {
        Verdict::Passed => ("good", "passed"),
        Verdict::Failed => ("bad", "failed"),
    };
    html! {
        header {
            h1 { "Seed " (plan.seed) " " span .verdict.(tone) { (word) } }
            @if let Some(pin) = &story.pin {
                section .broken {
                    strong { (pin.class) } (pin.place) " at " (seconds(pin.at_us))
                    p { (pin.text) }
                }
            }
            p { code { (replay) } }
            p .counts {
                (seconds(counters.virtual_ms * 1_000).replace("000 s", " s")) " of virtual time · "
                (report.strokes.len()) " faults · "
                (counters.client_operations) " client operations · "
                (counters.acked_batches) " batches acknowledged · "
                (counters.crashes) " crashes · "
                (counters.recoveries) " recoveries"
            }
        }
    }
}

fn legend() -> Markup {
    let swatches = |title: &str, kind: &str, entries: &[(&str, &str)]| {
        html! {
            span .group {
                b { (title) }
                @for (style, text) in entries {
                    span .entry { i .swatch.(kind).(style) {} (text) }
                }
            }
        }
    };
    html! {
        div .legend {
            (swatches("node", "box", &[("up", "up"), ("starting", "recovering"), ("down", "down"),
                ("dark", "power lost"), ("paused", "paused")]))
            (swatches("fault", "box", &[("struck", "struck"), ("missed", "missed or refused")]))
            (swatches("partition", "stroke", &[("log-end", "log end"), ("durable-end", "durable end"),
                ("high-watermark", "high watermark"), ("log-start", "log start")]))
            (swatches("client", "tick", &[("acked", "acknowledged"), ("refused", "refused"),
                ("unknown", "no answer"), ("read", "read"), ("empty", "read nothing")]))
            span .group.hint { "wheel: zoom · drag: move · double click: all" }
        }
    }
}

fn axis(story: &Story, span_us: u64) -> Markup {
    html! {
        div .lane.axis {
            div .name { span #now {} }
            div .track {
                (stretches(&story.phases, span_us))
                div #ticks {}
                @if let Some(pin) = &story.pin {
                    div #flag data-at=(pin.at_us) style=(left(pin.at_us, span_us)) { (pin.class) }
                }
            }
        }
    }
}

fn heading(text: &str) -> Markup {
    html! { h2 { (text) } }
}

fn lane(kind: &str, name: &str, about: &str, track: Markup) -> Markup {
    html! {
        div .lane.(kind) {
            div .name title=(about) { (name) @if !about.is_empty() { small { (about) } } }
            div .track { (track) }
        }
    }
}

fn left(at_us: u64, span_us: u64) -> String {
    format!("left:{}%", percent(at_us, span_us))
}

/// With three decimals.
fn percent(part: u64, whole: u64) -> String {
    let thousandths = u128::from(part) * 100_000 / u128::from(whole.max(1));
    format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000)
}

fn stretches(bars: &[Stretch], span_us: u64) -> Markup {
    html! {
        @for bar in bars {
            div .stretch.(bar.style) data-from=(bar.from_us) data-until=(bar.until_us)
                data-text=(bar.text)
                style={
                    (left(bar.from_us, span_us)) ";width:"
                    (percent(bar.until_us.saturating_sub(bar.from_us), span_us)) "%"
                } { (bar.label) }
        }
    }
}

fn node_lane(node: &Node, span_us: u64) -> Markup {
    html! {
        (lane("bars", &node.name, "", stretches(&node.lives, span_us)))
        @if !node.lines.is_empty() {
            (lane("marks", "", "its warnings and errors", html! {
                div .hover data-marks=(node.name) { (marks(&node.lines, span_us)) }
            }))
        }
    }
}

fn client_lane(client: &Client, index: usize, span_us: u64) -> Markup {
    lane(
        "marks",
        &client.name,
        &client.about,
        html! {
            div .hover data-marks=(format!("client {index}")) { (marks(&client.marks, span_us)) }
        },
    )
}

const MARK_STYLES: [&str; 5] = ["empty", "read", "acked", "unknown", "refused"];

/// One path for each style: a tick where the operation began, a line until it ended.
fn marks(marks: &[Mark], span_us: u64) -> Markup {
    let path = |style: &str| {
        let mut path = String::new();
        for Mark(from, until, ..) in marks.iter().filter(|mark| mark.2 == style) {
            let _ = write!(path, "M{from} 2V8");
            if until > from {
                let _ = write!(path, "M{from} 5H{until}");
            }
        }
        path
    };
    html! {
        svg data-y="0" data-height="10" viewBox=(format!("0 0 {span_us} 10"))
            preserveAspectRatio="none" {
            @for style in MARK_STYLES {
                @let path = path(style);
                @if !path.is_empty() { path .(style) d=(path) {} }
            }
        }
    }
}

fn partition_lane(partition: &Partition, index: usize, span_us: u64) -> Markup {
    let highest = partition.highest().max(1);
    // A little room above and below, or lines at the border are cut in half.
    let margin = highest / 12 + 1;
    let (top, height) = (-highest - margin, highest + 2 * margin);
    let kind = if partition.is_hit { "offsets hit" } else { "offsets" };
    let body = html! {
        div .hover data-offsets=(index) {
            svg data-y=(top) data-height=(height) preserveAspectRatio="none"
                viewBox=(format!("0 {top} {span_us} {height}")) {
                @for (_, style, line) in partition.lines() {
                    @let path = steps(line, span_us);
                    @if !path.is_empty() { path .(style) d=(path) {} }
                }
                @if let Some(offset) = partition.hit_offset {
                    path .hit-offset d=(format!("M0 {}H{span_us}", -offset)) {}
                }
            }
        }
    };
    html! {
        div class={ "lane " (kind) } {
            div .name {
                (partition.name)
                @if partition.is_hit { small { "the violation is here" } }
                span .scale { (highest) }
                span .scale.low { "0" }
            }
            div .track { (body) }
        }
    }
}

fn steps(line: &[(u64, i64)], span_us: u64) -> String {
    let mut path = String::new();
    for (at_us, offset) in line {
        let up = -offset;
        let _ = match path.is_empty() {
            true => write!(path, "M{at_us} {up}"),
            false => write!(path, "H{at_us}V{up}"),
        };
    }
    if !path.is_empty() {
        let _ = write!(path, "H{span_us}");
    }
    path
}

/// What hovering tells. Nothing in it can end the script element.
fn data(story: &Story) -> String {
    let mut marks = serde_json::Map::new();
    for node in &story.nodes {
        marks.insert(node.name.clone(), json!(node.lines));
    }
    for (index, client) in story.clients.iter().enumerate() {
        marks.insert(format!("client {index}"), json!(client.marks));
    }
    let offsets: Vec<Value> = story
        .partitions
        .iter()
        .map(|partition| {
            let lines = partition.lines().map(|(name, _, line)| json!([name, line]));
            json!({ "name": partition.name, "lines": lines })
        })
        .collect();
    json!({ "marks": marks, "offsets": offsets }).to_string().replace('<', "\\u003c")
}
