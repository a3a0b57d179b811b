//! The live line: one bar with rate, percentiles and errors of the last second.

use indicatif::{ProgressBar, ProgressStyle};
use reports::{duration_us, rate};

use crate::load;

/// Shown on a terminal only; elsewhere it prints nothing.
pub struct Progress(ProgressBar);

impl Progress {
    #[must_use]
    pub fn new(what: &str) -> Self {
        let bar = ProgressBar::new(100);
        let style = ProgressStyle::with_template("{prefix:>7} {bar:30} {msg}");
        bar.set_style(style.expect("a valid template"));
        bar.set_prefix(what.to_owned());
        Self(bar)
    }

    pub fn show(&self, at: &load::Progress) {
        let span = if at.at_s < 0.0 {
            "warming up".to_owned()
        } else {
            format!("{:.0} of {:.0} s", at.at_s, at.length_s)
        };
        let optional = |us: Option<u64>| us.map_or("–".to_owned(), duration_us);
        self.0.set_message(format!(
            "{span} · {} · p50 {} · p99 {} · {} errors",
            rate(at.acked_per_s),
            optional(at.p50_us),
            optional(at.p99_us),
            at.errors
        ));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 100 percent"
        )]
        self.0.set_position((at.at_s / at.length_s * 100.0).clamp(0.0, 100.0) as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
