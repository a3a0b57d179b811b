//! Lanes as HTML. What is inside of them is drawn by `draw.js` from the data at the end of the page,
//! for the stretch of time in view: in pixels, since browsers draw no coordinates as large as the
//! microseconds of a long run.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::{Value, json};

use super::claim::Claim;
use super::clients::Client;
use super::clock::{BEGINNING_US, told};
use super::legend::{controls, legend};
use super::nodes::Node;
use super::partitions::Partition;
use super::story::{Mark, Story, Stretch};
use crate::plan::Plan;
use crate::run::{Report, Verdict};

const STYLE: &str = include_str!("page.css");
const SCRIPTS: [&str; 2] = [include_str!("draw.js"), include_str!("page.js")];

pub(super) fn render(plan: &Plan, report: &Report, story: &Story, replay: &str) -> String {
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
                (controls(story.claim.is_some()))
                main #chart data-start=(BEGINNING_US) data-end=(story.end_us) { (lanes(story)) }
                @if story.left_out > 0 {
                    p .note { (story.left_out) " earlier operations are left out." }
                }
                div #tip hidden {}
                script #data type="application/json" { (PreEscaped(data(story))) }
                script { @for script in SCRIPTS { (PreEscaped(script)) } }
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
            @if let Some(claim) = &story.claim { (broken(claim)) }
            p { code { (replay) } }
            p .counts {
                "from " (told(BEGINNING_US)) " to " (told(story.end_us)) " on the world's clock · "
                (counted(report.strokes.len() as u64, "fault", "faults")) " · "
                (counted(counters.client_operations, "client operation", "client operations")) " · "
                (counted(counters.acked_batches, "batch", "batches")) " acknowledged · "
                (counted(counters.crashes, "crash", "crashes")) " · "
                (counted(counters.recoveries, "recovery", "recoveries"))
            }
        }
    }
}

fn counted(count: u64, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

fn broken(claim: &Claim) -> Markup {
    html! {
        section .broken {
            strong { (claim.class) } (claim.place) " at " (told(claim.at_us))
            p { (claim.text) }
            @if !claim.witnesses.is_empty() {
                p .note { "What the history has about it, each with a ring on its lane:" }
                ul {
                    @for witness in &claim.witnesses {
                        li {
                            button .go data-go=(witness.at_us) { (told(witness.at_us)) }
                            " " (witness.text)
                        }
                    }
                }
            }
        }
    }
}

fn lanes(story: &Story) -> Markup {
    html! {
        (axis(story))
        h2 { "nodes" }
        @for node in &story.nodes { (node_lanes(node)) }
        @if !story.faults.is_empty() {
            h2 { "faults" }
            @for row in &story.faults {
                (Lane { name: &row.name, bars: &row.bars, ..Lane::default() }.markup())
            }
        }
        h2 { "partitions" }
        @for (index, partition) in story.partitions.iter().enumerate() {
            (partition_lane(partition, index))
        }
        h2 { "clients" }
        @for (index, client) in story.clients.iter().enumerate() { (client_lane(client, index)) }
        div .over {
            @if let Some(claim) = &story.claim { div #pin data-at=(claim.at_us) {} }
            div #cursor hidden {}
        }
    }
}

fn axis(story: &Story) -> Markup {
    html! {
        div .lane.axis {
            div .name { span #now {} }
            div .track {
                (stretches(&story.phases))
                div #ticks {}
                @if let Some(claim) = &story.claim {
                    div #flag data-at=(claim.at_us) { (claim.class) }
                }
            }
        }
    }
}

/// A lane with bars, and marks in `data.marks` under `marks`.
#[derive(Default)]
struct Lane<'l> {
    kind: &'static str,
    name: &'l str,
    about: &'l str,
    bars: &'l [Stretch],
    marks: Option<String>,
}

impl Lane<'_> {
    fn markup(&self) -> Markup {
        let title = match self.about {
            "" => self.name.to_owned(),
            about => format!("{}: {about}", self.name),
        };
        html! {
            div class={ "lane " (self.kind) } data-marks=[self.marks.as_deref()] {
                div .name title=(title) {
                    (self.name) @if !self.about.is_empty() { small { (self.about) } }
                }
                div .track {
                    (stretches(self.bars))
                    @if self.marks.is_some() { svg {} }
                }
            }
        }
    }
}

fn stretches(bars: &[Stretch]) -> Markup {
    html! {
        @for bar in bars {
            div class={ "stretch " (bar.style) } data-from=(bar.from_us) data-until=(bar.until_us)
                data-text=(bar.text) { span { (bar.label) } }
        }
    }
}

fn node_lanes(node: &Node) -> Markup {
    let lines = format!("{} log", node.name);
    html! {
        (Lane { kind: "node", name: &node.name, bars: &node.lives, marks: Some(node.name.clone()),
            ..Lane::default() }.markup())
        @if !node.lines.is_empty() {
            (Lane { name: &lines, about: "warnings and errors", marks: Some(lines.clone()),
                ..Lane::default() }.markup())
        }
    }
}

fn client_lane(client: &Client, index: usize) -> Markup {
    let kind = match (client.owned.is_empty(), client.is_hit) {
        (true, false) => "",
        (true, true) => "hit",
        (false, false) => "member",
        (false, true) => "member hit",
    };
    let lane = Lane {
        kind,
        name: &client.name,
        about: &client.about,
        bars: &client.owned,
        marks: Some(client_key(index)),
    };
    lane.markup()
}

fn client_key(index: usize) -> String {
    format!("client {index}")
}

fn partition_lane(partition: &Partition, index: usize) -> Markup {
    let kind = if partition.is_hit { "offsets hit" } else { "offsets" };
    html! {
        div class={ "lane " (kind) } data-offsets=(index) {
            div .name title=(partition.name) {
                (partition.name)
                @if partition.is_hit { small { "the violation is about this one" } }
                span .scale {}
                span .scale.low {}
            }
            div .track {
                svg {}
                @if let Some(offset) = partition.hit_offset {
                    span .hit-label { "offset " (offset) }
                }
            }
        }
    }
}

/// What is drawn and what hovering tells. Nothing in it can end the script element.
fn data(story: &Story) -> String {
    let mut marks = serde_json::Map::new();
    for node in &story.nodes {
        marks.insert(node.name.clone(), json!(node.turns));
        marks.insert(format!("{} log", node.name), json!(node.lines));
    }
    for (index, client) in story.clients.iter().enumerate() {
        let witnesses =
            client.witnesses.iter().map(|(from, at)| Mark(*from, *at, "witness", String::new()));
        let all: Vec<Value> = client
            .marks
            .iter()
            .map(|mark| json!(mark))
            .chain(witnesses.map(|it| json!(it)))
            .collect();
        marks.insert(client_key(index), json!(all));
    }
    let offsets: Vec<Value> = story.partitions.iter().map(offsets).collect();
    json!({ "marks": marks, "offsets": offsets }).to_string().replace('<', "\\u003c")
}

fn offsets(partition: &Partition) -> Value {
    let lines = partition.lines();
    let lines =
        lines.map(|(name, style, line)| json!({ "name": name, "style": style, "steps": line }));
    json!({ "name": partition.name, "lines": lines, "hit": partition.hit_offset })
}
