//! The `memory` backend passes the suite, whatever the seed.

use core::future::Future;
use core::time::Duration;
use model::Live;
use runtime::Exit;
use runtime::conformance::{Harness, Scratch, cases};
use runtime::memory::{Life, MemoryMesh, MemoryRuntime, NodeOptions, World};
use std::path::PathBuf;
use std::sync::Arc;

struct Memory {
    seed: u64,
}

impl Harness for Memory {
    type Runtime = MemoryRuntime;

    fn run<M, Main, Task>(&mut self, shards: u16, main: Main) -> Exit
    where
        M: Send + 'static,
        Main: Fn(MemoryRuntime, MemoryMesh<M>, Scratch) -> Task + Clone + Send + 'static,
        Task: Future<Output = ()> + 'static,
    {
        let mut world = World::new(self.seed);
        let node = world.add_node(NodeOptions { shards, ..NodeOptions::default() });
        world.boot(node, Live, |rt: MemoryRuntime, mesh| {
            let stop = rt.stop_handle();
            let directory = PathBuf::from("/");
            main(rt, mesh, Scratch { directory, ask_to_stop: Arc::new(move || stop.ask()) })
        });
        let limit = Duration::from_secs(60);
        let ended = world.run_until(limit, |world| world.life(node) != Life::Up);
        assert!(ended, "seed {} hangs; the last events:\n{}", self.seed, world.last_events());
        match world.life(node) {
            Life::Exited(how) => how,
            other => panic!("seed {}: {other:?}", self.seed),
        }
    }
}

#[test]
fn memory_behaves_as_the_seam_says() {
    for case in cases() {
        println!("{}", case.name);
        for seed in 0..8 {
            (case.run)(&mut Memory { seed });
        }
    }
}
