//! All that one shard may say to another.

use model::Slot;
use runtime::{Conn, Net, Runtime};

/// One element of a queue between shards.
#[expect(private_interfaces, reason = "a backend moves messages, it does not read them")]
pub enum Message<R: Runtime> {
    /// Wants a reply that carries the token back.
    Request {
        token: Slot,
        request: Request<R>,
    },
    Reply {
        token: Slot,
        reply: Reply,
    },
    Notice(Notice<R>),
}

/// A question to the shard that owns the answer.
pub(crate) enum Request<R: Runtime> {
    /// The asker has finished this step of the start; answered when every shard has.
    Barrier(u32),
    #[expect(dead_code, reason = "names the backend's types until the data path is here")]
    Nothing(core::marker::PhantomData<fn(R)>),
}

/// The answer to a [`Request`] of the same name.
pub(crate) enum Reply {
    Done,
}

/// One way: nobody waits for it.
pub(crate) enum Notice<R: Runtime> {
    /// Serve this connection from now on.
    Adopt { connection: <<R as Net>::Conn as Conn>::Detached, listener: usize },
    /// Connections that shard 0 handed out were closed.
    ConnectionsClosed(u32),
}
