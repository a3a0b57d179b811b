//! A run as one page to look at: when nodes lived, what struck them, how far each partition was,
//! what clients were told, and the first property that broke.
//!
//! Promises: one HTML file that loads nothing, readable in light and dark; every lane has something
//! in it; zoom and hover work without the simulator. Does not: run anything, or judge.
//!
//! Reading order: `story` (what a report means as lanes; `members` for groups), `page` (lanes as
//! HTML and SVG), `page.css`, `page.js` (zoom and hover).

mod members;
mod page;
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
mod tests;
