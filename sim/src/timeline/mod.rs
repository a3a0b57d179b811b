//! A run as one page to look at: when nodes lived, what struck them, how far each partition was,
//! what clients were told, who owned what, and the first property that broke.
//!
//! Promises: one HTML file that loads nothing, readable in light and dark; every lane has something
//! in it; zoom and hover work without the simulator; times are the world's, as in a node's lines.
//! Does not: run anything, or judge.
//!
//! Reading order: `story` (what a report means as lanes: `nodes`, `faults`, `partitions`, `clients`,
//! `members`), `claim` (what the violation is about), `names`, `clock`, `page` and `legend` (lanes as
//! HTML), `page.css`, `draw.js` (what is in view, as SVG), `page.js` (zoom and hover).

mod claim;
mod clients;
mod clock;
mod faults;
mod legend;
mod members;
mod names;
mod nodes;
mod page;
mod partitions;
mod story;

use crate::plan::Plan;
use crate::run::Report;

/// The page of a run that kept its history (`run::Options::records`). `replay` is the line that
/// reproduces it.
#[must_use]
pub fn page(plan: &Plan, report: &Report, replay: &str) -> String {
    page::render(plan, report, &story::Story::of(plan, report), replay)
}

#[cfg(test)]
mod story_tests;
#[cfg(test)]
mod tests;
