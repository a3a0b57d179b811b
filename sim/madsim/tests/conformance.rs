//! The seam's suite on madsim.

use madsim::runtime::Runtime;
use model::Live;
use runtime::Exit;
use runtime::conformance::{Harness, Scratch, cases};
use sim_madsim::{Machine, MadsimMesh, MadsimRuntime};
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

struct Madsim {
    seed: u64,
}

impl Harness for Madsim {
    type Runtime = MadsimRuntime<Live>;

    fn run<M, Main, Task>(&mut self, shards: u16, main: Main) -> Exit
    where
        M: Send + 'static,
        Main: Fn(MadsimRuntime<Live>, MadsimMesh<M>, Scratch) -> Task + Clone + Send + 'static,
        Task: Future<Output = ()> + 'static,
    {
        let mut world = Runtime::with_seed_and_config(self.seed, madsim::Config::default());
        world.set_time_limit(Duration::from_secs(300));
        world.block_on(async move {
            let mut machine = Machine::new("node", [10, 0, 0, 1].into());
            let directory = PathBuf::from("/");
            let stopper = Arc::new(OnceLock::<Arc<dyn Fn() + Send + Sync>>::new());
            let later = Arc::clone(&stopper);
            machine.boot(shards, Live, move |rt, mesh| {
                let stopper = Arc::clone(&later);
                let ask_to_stop = Arc::new(move || (stopper.get().expect("it was booted"))());
                main(rt, mesh, Scratch { directory: directory.clone(), ask_to_stop })
            });
            assert!(stopper.set(machine.stopper()).is_ok());
            machine.ended().await
        })
    }
}

/// What madsim's streams cannot do; the README says why. Each must go on failing, else the list is old.
const GAPS: &[&str] = &[
    "nobody listening means refused",
    "a slow receiver holds the sender back",
    "a shutdown ends pending operations",
];

#[test]
fn madsim_behaves_as_the_seam_says() {
    let mut wrong = Vec::new();
    for case in cases() {
        let holds = (0..4).all(|seed| {
            let run = AssertUnwindSafe(|| (case.run)(&mut Madsim { seed }));
            catch_unwind(run).is_ok()
        });
        println!("{}: {holds}", case.name);
        if holds == GAPS.contains(&case.name) {
            wrong.push(case.name);
        }
    }
    assert!(wrong.is_empty(), "not as listed: {wrong:#?}");
}
