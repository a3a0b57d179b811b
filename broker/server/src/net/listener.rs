//! Accepts connections and gives each to the shard with the fewest.

use core::time::Duration;
use std::rc::Rc;

use runtime::{Conn, Listener, Runtime, TaskClass};

use super::serve;
use crate::boot::Level;
use crate::mesh::Notice;
use crate::shard::Shard;

/// Pause after a failed accept (descriptors used up, for example), so that it does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Starts accepting. `index` is the listener's place in `Boot::listeners`.
pub(crate) fn spawn_listener<R: Runtime>(
    shard: &Rc<Shard<R>>,
    index: usize,
    listener: R::Listener,
) {
    let shard = Rc::clone(shard);
    let rt = shard.rt.clone();
    rt.spawn("listener", TaskClass::Latency, async move {
        while !shard.stopping.get() {
            match listener.accept().await {
                Ok(conn) => hand_out(&shard, index, conn).await,
                Err(error) => {
                    shard.log(Level::Warn, format!("cannot accept a connection: {error}"));
                    shard.rt.sleep_until(shard.rt.now().mono + ACCEPT_PAUSE).await;
                }
            }
        }
    });
}

async fn hand_out<R: Runtime>(shard: &Rc<Shard<R>>, index: usize, conn: R::Conn) {
    if shard.stopping.get() {
        conn.shutdown();
        return;
    }
    shard.count(|stats| stats.connections_accepted += 1);
    let to = shard.connections.borrow_mut().hand_out(shard.shards());
    if to == shard.id {
        serve(shard, conn, index);
    } else {
        let connection = conn.detach();
        shard.mesh.notify(to, Notice::Adopt { connection, listener: index }).await;
    }
}
