//! How a node is asked to stop, and how it ends.

use model::{Instant, ShardId};

use super::{Case, Harness, MeshOf, Scratch, together};
use crate::{Clock, Exit, Lane, Mesh, Signal, Spawn};

pub(super) fn cases<H: Harness>() -> Vec<Case<H>> {
    vec![
        Case { name: "one shard's exit ends all shards", run: |h| together(h, 3, exit_all::<H>) },
        Case { name: "the way a node ended is told", run: exit_failed },
        Case { name: "every shard hears the signal", run: |h| together(h, 3, signal::<H>) },
    ]
}

async fn exit_all<H: Harness>(rt: H::Runtime, _: MeshOf<H, ()>, _: Scratch) {
    rt.yield_now().await;
    if rt.shard() == ShardId(2) {
        rt.exit(Exit::Clean);
    }
    rt.sleep_until(Instant::FAR).await;
}

fn exit_failed<H: Harness>(harness: &mut H) {
    let main = |rt: H::Runtime, _: MeshOf<H, ()>, _: Scratch| async move {
        rt.exit(Exit::Failed);
        rt.sleep_until(Instant::FAR).await;
    };
    assert_eq!(harness.run(1, main), Exit::Failed);
}

async fn signal<H: Harness>(rt: H::Runtime, mesh: MeshOf<H, ()>, scratch: Scratch) {
    if rt.shard() != ShardId(0) {
        // One message says that this shard is up, the next that it heard.
        assert!(mesh.try_send(ShardId(0), Lane::Reply, ()).is_ok());
        assert_eq!(rt.signal().await, Signal::Stop);
        assert!(mesh.try_send(ShardId(0), Lane::Reply, ()).is_ok());
        return rt.sleep_until(Instant::FAR).await;
    }
    mesh.recv().await;
    mesh.recv().await;
    (scratch.ask_to_stop)();
    assert_eq!(rt.signal().await, Signal::Stop);
    mesh.recv().await;
    mesh.recv().await;
    rt.exit(Exit::Clean);
}
