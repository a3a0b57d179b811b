//! Requests over whichever transport the plan chose.

use core::time::Duration;

use client::{ClientError, Connection, Options};
use wire::Request;

use super::frames::{FrameConnection, NoAnswer};
use super::{CALL_LIMIT, Rt, Seat};
use crate::plan::Through;

/// A connection to the broker that is opened when it is needed and again after a failure.
pub(super) struct Channel {
    through: Through,
    /// How many versions below the newest the frames are.
    age: i16,
    open: Option<Open>,
}

enum Open {
    Client(Connection<Rt>),
    Frames(FrameConnection),
}

impl Channel {
    pub(super) fn new(through: Through, seat: &mut Seat) -> Self {
        let age = i16::try_from(seat.dice.index(4)).expect("below 4");
        Self { through, age, open: None }
    }

    /// Sends a request; a connection that gives no answer is closed.
    pub(super) async fn call<Q: Request>(
        &mut self,
        seat: &Seat,
        request: &Q,
    ) -> Result<Q::Response, NoAnswer> {
        let answer = match self.opened(seat).await? {
            Open::Client(connection) => {
                connection.call(request, CALL_LIMIT).await.map_err(|_| NoAnswer)
            }
            Open::Frames(connection) => connection.call(request, CALL_LIMIT).await,
        };
        if answer.is_err() {
            self.open = None;
        }
        answer
    }

    pub(super) async fn call_unanswered<Q: Request>(
        &mut self,
        seat: &Seat,
        request: &Q,
    ) -> Result<(), NoAnswer> {
        let sent = match self.opened(seat).await? {
            Open::Client(connection) => {
                connection.submit_unanswered(request).await.map_err(|_| NoAnswer)
            }
            Open::Frames(connection) => connection.call_unanswered(request).await,
        };
        if sent.is_err() {
            self.open = None;
        }
        sent
    }

    /// The client's connection, for requests that share it; `None` through frames.
    pub(super) async fn shared(&mut self, seat: &Seat) -> Result<Option<Connection<Rt>>, NoAnswer> {
        match self.opened(seat).await? {
            Open::Client(connection) => Ok(Some(connection.clone())),
            Open::Frames(_) => Ok(None),
        }
    }

    /// The version in which this connection sends a request.
    pub(super) async fn version<Q: Request>(&mut self, seat: &Seat) -> Result<i16, NoAnswer> {
        match self.opened(seat).await? {
            Open::Client(connection) => connection.versions().of_api(Q::API).map_err(|_| NoAnswer),
            Open::Frames(connection) => connection.version::<Q>(),
        }
    }

    pub(super) fn close(&mut self) {
        self.open = None;
    }

    async fn opened(&mut self, seat: &Seat) -> Result<&mut Open, NoAnswer> {
        if self.open.is_none() {
            let to = seat.shared.address;
            let opened = match self.through {
                Through::Client => {
                    let options = Options {
                        connect_limit: Duration::from_secs(3),
                        client_id: format!("client-{}", seat.number),
                        ..Options::default()
                    };
                    let opened: Result<_, ClientError> =
                        Connection::open(&seat.rt, to, options).await;
                    Open::Client(opened.map_err(|_| NoAnswer)?)
                }
                Through::Frames => {
                    Open::Frames(FrameConnection::open(&seat.rt, to, self.age).await?)
                }
            };
            self.open = Some(opened);
        }
        Ok(self.open.as_mut().expect("just opened"))
    }
}
