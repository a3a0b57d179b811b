//! From sockets to requests, and from responses back to sockets.

mod budget;
mod close;
mod connection;
mod connections;
mod context;
mod dispatch;
mod frames;
mod listener;
mod owed;

pub(crate) use budget::{Permit, ReceiveBudget};
pub(crate) use close::Close;
pub(crate) use connection::serve;
pub(crate) use connections::{Connections, close_all, spawn_idle_sweep};
pub(crate) use context::RequestContext;
pub(crate) use listener::spawn_listener;
pub(crate) use owed::{FileRange, Outgoing};
