//! All workloads on several cores.
//!
//! Promises: the same findings as one core would give, whatever runs where: each thread plays a
//! workload in a world of its own and looks at its share of the boundaries.

use core::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;
use std::thread;

use super::{Feature, Options, Report, Share, sweep_share};

/// Sweeps each workload, in shares; `heard` gets a workload's report when it is complete, in the
/// order of `features`.
///
/// # Panics
/// When a sweep does.
pub fn sweep_all(
    features: &[Feature],
    options: &Options,
    jobs: usize,
    mut heard: impl FnMut(Feature, &Report),
) -> Report {
    let jobs = jobs.max(1);
    let of = jobs as u64;
    let shares: Vec<(usize, Share)> = (0..features.len())
        .flat_map(|feature| (0..of).map(move |number| (feature, Share { number, of })))
        .collect();
    let next = AtomicUsize::new(0);
    let (tell, reports) = channel();
    let mut all = Report::default();
    thread::scope(|scope| {
        for _ in 0..jobs {
            let (tell, shares, next) = (tell.clone(), &shares, &next);
            scope.spawn(move || {
                while let Some((feature, share)) = shares.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let report = sweep_share(features[*feature], options, *share);
                    // The reader lives until every thread has ended.
                    drop(tell.send((*feature, report)));
                }
            });
        }
        drop(tell);
        let mut parts: Vec<Vec<Report>> = features.iter().map(|_| Vec::new()).collect();
        let mut done = 0;
        for (feature, report) in reports {
            parts[feature].push(report);
            while parts.get(done).is_some_and(|parts| parts.len() == jobs) {
                let whole = Report::joined(core::mem::take(&mut parts[done]));
                heard(features[done], &whole);
                all.merge(whole);
                done += 1;
            }
        }
    });
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash_points::sweep;

    #[test]
    fn shares_add_up_to_the_whole() {
        let feature = Feature::ALL[0];
        let options = Options { seed: 1, bugs: Default::default(), stride: 29, stops_early: false };
        let whole = sweep(feature, &options);
        let shared = sweep_all(&[feature], &options, 2, |_, _| ());
        let figures = |it: &Report| (it.operations, it.images, it.unsynced_images);
        assert_eq!(figures(&shared), figures(&whole));
        assert_eq!(shared.second_crashes, whole.second_crashes);
    }
}
