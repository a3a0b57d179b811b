//! What fixed workloads cost, in whole numbers that no machine changes.
//!
//! Promises: the same code counts the same, in every build and on every machine, so a committed file
//! of figures is compared for equality; whoever changes one says why in the same commit. Does not:
//! measure speed. The percentiles are virtual: they show round trips and lost wake-ups, in a world
//! whose polls are free, so that one more `await` changes none of them.
//!
//! Reading order: `scenario`, `clients`, `measure`.

mod clients;
mod measure;
mod scenario;

use std::collections::BTreeMap;

/// Figures of one scenario, by name.
pub type Figures = BTreeMap<String, u64>;
/// Figures of all scenarios.
pub type Table = BTreeMap<String, Figures>;

/// Runs every scenario.
///
/// # Errors
/// One of them fails, although nothing was made to.
pub fn count() -> Result<Table, String> {
    let counted = |scenario: &scenario::Scenario| {
        let figures = measure::measure(*scenario);
        figures
            .map(|figures| (scenario.name.to_owned(), figures))
            .map_err(|reason| format!("{}: {reason}", scenario.name))
    };
    scenario::SCENARIOS.iter().map(counted).collect()
}

/// A line for each figure that is not as expected.
#[must_use]
pub fn differences(expected: &Table, counted: &Table) -> Vec<String> {
    let scenarios: std::collections::BTreeSet<_> = expected.keys().chain(counted.keys()).collect();
    let none = Figures::new();
    let mut lines = Vec::new();
    for scenario in scenarios {
        let was = expected.get(scenario).unwrap_or(&none);
        let is = counted.get(scenario).unwrap_or(&none);
        let names: std::collections::BTreeSet<_> = was.keys().chain(is.keys()).collect();
        for name in names {
            let shown = |value: Option<&u64>| value.map_or("none".to_owned(), u64::to_string);
            if was.get(name) != is.get(name) {
                let (was, is) = (shown(was.get(name)), shown(is.get(name)));
                lines.push(format!("{scenario}.{name}: expected {was}, counted {is}"));
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_changed_came_or_went_is_a_difference() {
        let table = |figures: &[(&str, u64)]| -> Table {
            let figures = figures.iter().map(|(name, value)| ((*name).to_owned(), *value));
            Table::from([("steady".to_owned(), figures.collect())])
        };
        let expected = table(&[("polls", 1), ("sends", 2), ("syncs", 3)]);
        let counted = table(&[("hops", 4), ("polls", 1), ("sends", 5)]);
        assert_eq!(
            differences(&expected, &counted),
            [
                "steady.hops: expected none, counted 4",
                "steady.sends: expected 2, counted 5",
                "steady.syncs: expected 3, counted none",
            ]
        );
        assert!(differences(&expected, &expected).is_empty());
    }
}
