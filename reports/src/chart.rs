//! Line charts as SVG that follows the page's colours.
//!
//! plotters writes fixed colours; each chart colour is a marker that is replaced by a CSS variable,
//! so that one drawing serves light and dark pages.

use core::ops::Range;
use plotters::coord::ranged1d::{AsRangedCoord, Ranged, ValueFormatter};
use plotters::prelude::*;

use crate::format::{duration_us, rate};
use crate::histogram;
use crate::schema::{Interval, Metric, PERCENTILES, Report};

/// One line of a chart and its role in the legend.
pub(crate) struct Series {
    pub(crate) name: &'static str,
    pub(crate) ink: Ink,
    points: Vec<(f64, f64)>,
}

/// A colour of the page, by role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    Text,
    Grid,
    First,
    Second,
    Third,
    Limit,
}

impl Ink {
    const ALL: [Self; 6] =
        [Self::Text, Self::Grid, Self::First, Self::Second, Self::Third, Self::Limit];

    /// The CSS variable that holds it.
    pub(crate) fn variable(self) -> &'static str {
        match self {
            Self::Text => "--muted",
            Self::Grid => "--grid",
            Self::First => "--first",
            Self::Second => "--second",
            Self::Third => "--third",
            Self::Limit => "--limit",
        }
    }

    fn marker(self) -> RGBColor {
        RGBColor(1, 2, self as u8)
    }

    fn marker_text(self) -> String {
        let RGBColor(red, green, blue) = self.marker();
        format!("\"#{red:02X}{green:02X}{blue:02X}\"")
    }
}

/// A drawing, its title, what it shows, and its lines for the legend.
pub(crate) struct Chart {
    pub(crate) title: &'static str,
    pub(crate) caption: String,
    pub(crate) legend: Vec<(&'static str, Ink)>,
    pub(crate) svg: String,
}

const SIZE: (u32, u32) = (760, 300);

/// Every chart that the report has data for.
pub(crate) fn all(report: &Report) -> Vec<Chart> {
    [latency_over_time(report), percentile_curve(report), rate_over_time(report), cpu(report)]
        .into_iter()
        .flatten()
        .collect()
}

fn latency_over_time(report: &Report) -> Option<Chart> {
    let metric = report.target.metric;
    type Pick = fn(&Interval) -> Option<u64>;
    let picks: [(&'static str, Ink, Pick); 3] = match metric {
        Metric::E2e => [
            ("p50", Ink::First, |second| second.e2e_p50_us),
            ("p99", Ink::Second, |second| second.e2e_p99_us),
            ("max", Ink::Third, |second| second.e2e_max_us),
        ],
        Metric::Ack => [
            ("p50", Ink::First, |second| second.ack_p50_us),
            ("p99", Ink::Second, |second| second.ack_p99_us),
            ("max", Ink::Third, |second| second.ack_max_us),
        ],
    };
    let series = picks.map(|(name, ink, pick)| Series {
        name,
        ink,
        points: over_time(report, |second| pick(second).map(microseconds)),
    });
    let caption =
        format!("{} latency of the records due in each second; logarithmic.", metric.name());
    log_chart("Latency over time", caption, series.into(), time_axis(report), limits(report))
}

fn percentile_curve(report: &Report) -> Option<Chart> {
    let curve = |blob: &str| -> Vec<(f64, f64)> {
        let Ok(decoded) = histogram::decode(blob) else { return Vec::new() };
        histogram::curve(&decoded)
            .into_iter()
            .map(|(quantile, us)| (nines(quantile), microseconds(us)))
            .collect()
    };
    let mut series = Vec::new();
    for (name, ink, blob) in [
        ("e2e", Ink::Second, report.e2e.as_ref().map(|latency| &latency.hdr)),
        ("ack", Ink::First, report.ack.as_ref().map(|latency| &latency.hdr)),
        ("floor", Ink::Third, report.floor.as_ref().map(|floor| &floor.hdr)),
    ] {
        if let Some(blob) = blob {
            series.push(Series { name, ink, points: curve(blob) });
        }
    }
    let last = series.iter().flat_map(|one| one.points.last()).map(|at| at.0).fold(1.0, f64::max);
    let axis = Axis { range: nines(0.5)..last, label: nines_text, ticks: 8 };
    let caption =
        "How latency grows towards the slowest records; a straight climb on the right is \
                   the tail. The floor is the harness without a broker's work."
            .to_owned();
    log_chart("Percentile curve", caption, series, axis, limits(report))
}

fn rate_over_time(report: &Report) -> Option<Chart> {
    #[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
    let series = vec![
        Series {
            name: "offered",
            ink: Ink::Third,
            points: over_time(report, |second| Some(second.offered as f64)),
        },
        Series {
            name: "acknowledged",
            ink: Ink::First,
            points: over_time(report, |second| Some(second.acked as f64)),
        },
        Series {
            name: "consumed",
            ink: Ink::Second,
            points: over_time(report, |second| Some(second.consumed as f64)),
        },
    ];
    let caption = "Records per second: due by the schedule, acknowledged, consumed.".to_owned();
    linear_chart("Rate", caption, series, time_axis(report), |value| rate(*value))
}

fn cpu(report: &Report) -> Option<Chart> {
    let series = vec![
        Series {
            name: "machine without client",
            ink: Ink::Third,
            points: over_time(report, |second| second.machine_cores),
        },
        Series {
            name: "broker process",
            ink: Ink::First,
            points: over_time(report, |second| second.broker_cores),
        },
        Series {
            name: "client busy",
            ink: Ink::Second,
            points: over_time(report, |second| Some(second.client_busy_ratio)),
        },
    ];
    let caption =
        "Cores in use. The client spins, so only the time in which it had work counts.".to_owned();
    linear_chart("CPU", caption, series, time_axis(report), |value| format!("{value:.1}"))
}

fn over_time(report: &Report, pick: impl Fn(&Interval) -> Option<f64>) -> Vec<(f64, f64)> {
    report
        .intervals
        .iter()
        .filter_map(|second| Some((f64::from(second.at_s), pick(second)?)))
        .collect()
}

fn limits(report: &Report) -> Vec<f64> {
    PERCENTILES
        .iter()
        .filter_map(|percentile| report.target.limit_us(*percentile))
        .map(microseconds)
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "a place on a chart")]
fn microseconds(us: u64) -> f64 {
    us.max(1) as f64
}

/// Place of a quantile on the axis: 1 for 90 %, 2 for 99 %, and so on.
fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).log10()
}

fn nines_text(place: &f64) -> String {
    #[expect(clippy::cast_possible_truncation, reason = "at most a dozen nines")]
    let whole = place.round() as i32;
    if (place - f64::from(whole)).abs() > 0.01 || whole < 1 {
        return String::new();
    }
    match whole {
        1 => "90 %".to_owned(),
        2 => "99 %".to_owned(),
        more => format!("99.{} %", "9".repeat(usize::try_from(more - 2).unwrap_or(0))),
    }
}

fn seconds_text(at_s: &f64) -> String {
    if (at_s - at_s.round()).abs() > 0.01 { String::new() } else { format!("{at_s:.0} s") }
}

/// The horizontal axis.
struct Axis {
    range: Range<f64>,
    label: fn(&f64) -> String,
    ticks: usize,
}

fn time_axis(report: &Report) -> Axis {
    let last = report.intervals.last().map_or(1, |second| second.at_s.max(1));
    Axis { range: 0.0..f64::from(last), label: seconds_text, ticks: 10 }
}

fn log_chart(
    title: &'static str,
    caption: String,
    series: Vec<Series>,
    axis: Axis,
    limits: Vec<f64>,
) -> Option<Chart> {
    let values = || series.iter().flat_map(|one| &one.points).map(|at| at.1).chain(limits.clone());
    let (low, high) = bounds(values())?;
    let lines: Vec<f64> = limits;
    let svg = draw(
        &series,
        &axis,
        (10_f64.powf(low.log10().floor())..high * 1.6).log_scale(),
        |value| duration_us(rounded(*value)),
        &lines,
    )?;
    let mut chart = chart(title, caption, series, svg);
    if !lines.is_empty() {
        chart.legend.push(("target", Ink::Limit));
    }
    Some(chart)
}

fn linear_chart(
    title: &'static str,
    caption: String,
    series: Vec<Series>,
    axis: Axis,
    label: fn(&f64) -> String,
) -> Option<Chart> {
    let (_, high) = bounds(series.iter().flat_map(|one| &one.points).map(|at| at.1))?;
    let svg = draw(&series, &axis, 0.0..(high * 1.15).max(1e-3), label, &[])?;
    Some(chart(title, caption, series, svg))
}

fn chart(title: &'static str, caption: String, series: Vec<Series>, svg: String) -> Chart {
    let legend = series
        .into_iter()
        .filter(|one| !one.points.is_empty())
        .map(|one| (one.name, one.ink))
        .collect();
    Chart { title, caption, legend, svg }
}

fn bounds(values: impl Iterator<Item = f64>) -> Option<(f64, f64)> {
    values.fold(None, |seen, value| {
        let (low, high) = seen.unwrap_or((value, value));
        Some((low.min(value), high.max(value)))
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "axis values are positive and far below 2^63"
)]
fn rounded(value: f64) -> u64 {
    value.round() as u64
}

/// Draws the lines; `None` when plotters refuses the ranges, which empty data can cause.
fn draw<Y>(
    series: &[Series],
    axis: &Axis,
    vertical: Y,
    label: impl Fn(&f64) -> String,
    limits: &[f64],
) -> Option<String>
where
    Y: AsRangedCoord<Value = f64>,
    Y::CoordDescType: Ranged<ValueType = f64> + ValueFormatter<f64>,
{
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, SIZE).into_drawing_area();
        let mut context = ChartBuilder::on(&area)
            .margin(10)
            .margin_right(24)
            .x_label_area_size(28)
            .y_label_area_size(72)
            .build_cartesian_2d(axis.range.clone(), vertical)
            .ok()?;
        let font = ("sans-serif", 12).into_font().color(&Ink::Text.marker());
        let label_x = |value: &f64| (axis.label)(value);
        context
            .configure_mesh()
            .disable_x_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(Ink::Grid.marker())
            .axis_style(Ink::Grid.marker())
            .label_style(font)
            .x_labels(axis.ticks)
            .y_labels(6)
            .x_label_formatter(&label_x)
            .y_label_formatter(&label)
            .draw()
            .ok()?;
        for limit in limits {
            let ends = [(axis.range.start, *limit), (axis.range.end, *limit)];
            let style = Ink::Limit.marker().stroke_width(1);
            context.draw_series(DashedLineSeries::new(ends, 6, 4, style)).ok()?;
        }
        for one in series {
            let style = one.ink.marker().stroke_width(2);
            context.draw_series(LineSeries::new(one.points.iter().copied(), style)).ok()?;
        }
        area.present().ok()?;
    }
    for ink in Ink::ALL {
        text = text.replace(&ink.marker_text(), &format!("\"var({})\"", ink.variable()));
    }
    // The page scales the drawing: a fixed size would overflow narrow windows.
    Some(text.replacen(&format!("width=\"{}\" height=\"{}\"", SIZE.0, SIZE.1), "role=\"img\"", 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn every_chart_is_drawn_in_the_page_colours_only() {
        let charts = all(&sample::report());
        assert_eq!(charts.len(), 4);
        for chart in charts {
            assert!(chart.svg.starts_with("<svg role=\"img\""), "{}", &chart.svg[..120]);
            assert!(!chart.svg.contains("\"#0102"), "{}: a marker colour is left", chart.title);
            assert!(chart.svg.contains("var(--first)"), "{}", chart.title);
        }
    }

    #[test]
    fn a_report_without_intervals_has_no_time_charts() {
        let mut report = sample::report();
        report.intervals.clear();
        let titles: Vec<_> = all(&report).iter().map(|chart| chart.title).collect();
        assert_eq!(titles, ["Latency over time", "Percentile curve"]);
    }

    #[test]
    fn the_percentile_axis_names_whole_nines() {
        assert_eq!(nines_text(&1.0), "90 %");
        assert_eq!(nines_text(&3.0), "99.9 %");
        assert_eq!(nines_text(&2.5), "");
    }
}
