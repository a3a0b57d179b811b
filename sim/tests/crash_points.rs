//! Every workload, crashed everywhere: nothing that was promised is lost.

use sim::crash_points::{Feature, Options, Report, sweep};

/// A sample of the boundaries; `sim crash-points` tries all of them.
const STRIDE: u64 = 29;

#[test]
fn what_was_promised_survives_a_crash_between_any_two_disk_operations() {
    let mut all = Report::default();
    for feature in Feature::ALL {
        let options =
            Options { seed: 1, bugs: Default::default(), stride: STRIDE, stops_early: false };
        let report = sweep(*feature, &options);
        assert!(report.operations > 60, "{} did too little: {report:?}", feature.name());
        all.merge(report);
    }
    assert!(all.violations.is_empty(), "{:#?}", all.violations);
    assert!(
        all.unsynced_images >= 1_000,
        "a crash without unsynced sectors proves little: {all:?}"
    );
}
