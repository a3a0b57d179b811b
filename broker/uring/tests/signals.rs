//! A process of its own, since signals belong to processes.

use runtime::{Signal, Spawn};
use signal_hook::consts::SIGTERM;
use uring::{Io, Live, LiveMesh, Options, Pinning, run};

#[test]
fn every_shard_hears_a_signal_once_it_asks() {
    for io in [Io::Auto, Io::Epoll] {
        let options =
            Options { io, cpus: vec![0; 2], pinning: Pinning::Free, ..Options::default() };
        let ended = run(&options, |live: Live, _: LiveMesh<()>| async move {
            if live.shard().0 == 0 {
                signal_hook::low_level::raise(SIGTERM).unwrap();
            }
            assert_eq!(live.signal().await, Signal::Stop);
        });
        assert_eq!(ended, Ok(runtime::Exit::Clean));
    }
}
