//! One pipelined connection.
//!
//! Promises: requests leave in the order of `submit`; at most `in_flight_max` of them wait for an
//! answer; an answer belongs to the oldest waiting request, as Kafka guarantees, and anything else
//! breaks the connection. After a failure every waiting and later request gets the same error.

use core::cell::{Cell, RefCell};
use core::future::Future;
use core::marker::PhantomData;
use core::pin::Pin;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use model::{Buf, Bufs};
use runtime::sync::{self, First, Notify, Promise, oneshot, race};
use runtime::{Conn, More, Runtime, TaskClass};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::rc::Rc;
use wire::Request;
use wire::frame::{decode_correlation_id, decode_response, encode_request};
use wire::messages::ApiKey;

use crate::ClientError;
use crate::framing::Frames;
use crate::versions::{self, Told, Versions};

/// How a connection behaves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    pub client_id: String,
    pub connect_limit: Duration,
    /// Most requests that wait for an answer; at least 1.
    pub in_flight_max: usize,
    pub request_bytes_max: usize,
    /// A longer answer breaks the connection.
    pub response_bytes_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            client_id: "odradek".to_owned(),
            connect_limit: Duration::from_secs(5),
            in_flight_max: 5,
            request_bytes_max: wire::frame::REQUEST_BYTES_MAX,
            response_bytes_max: wire::frame::REQUEST_BYTES_MAX,
        }
    }
}

/// A handle to the connection. Clones share it; it closes with the last one, awaited replies
/// included.
pub struct Connection<R: Runtime>(Rc<Handle<R>>);

impl<R: Runtime> Clone for Connection<R> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

/// Closes the connection when the last user is gone; the reading task keeps only [`Shared`].
struct Handle<R: Runtime>(Rc<Shared<R>>);

impl<R: Runtime> Drop for Handle<R> {
    fn drop(&mut self) {
        self.0.conn.shutdown();
    }
}

struct Shared<R: Runtime> {
    rt: R,
    conn: R::Conn,
    options: Options,
    versions: RefCell<Versions>,
    next_correlation_id: Cell<i32>,
    /// Requests in the order in which they left; never more than `in_flight_max`.
    waiting: RefCell<VecDeque<Waiting>>,
    /// Somebody holds a [`Turn`].
    sending: Cell<bool>,
    /// A turn ended, an answer came, or the connection failed.
    changed: Notify,
    failure: RefCell<Option<ClientError>>,
}

struct Waiting {
    correlation_id: i32,
    promise: Promise<Buf>,
}

impl<R: Runtime> Connection<R> {
    /// Connects and learns the broker's versions.
    ///
    /// # Errors
    /// Nobody answers in time, or the broker speaks none of our versions of ApiVersions.
    pub async fn open(rt: &R, to: SocketAddr, options: Options) -> Result<Self, ClientError> {
        assert!(options.in_flight_max > 0, "a connection carries at least one request");
        let conn = rt.connect(to, options.connect_limit).await?;
        let limit = options.connect_limit;
        let shared = Rc::new(Shared {
            rt: rt.clone(),
            conn,
            options,
            versions: RefCell::default(),
            next_correlation_id: Cell::new(0),
            waiting: RefCell::default(),
            sending: Cell::new(false),
            changed: Notify::new(),
            failure: RefCell::default(),
        });
        rt.spawn("client answers", TaskClass::Latency, read_answers(Rc::clone(&shared)));
        let connection = Self(Rc::new(Handle(shared)));
        connection.negotiate(limit).await?;
        Ok(connection)
    }

    async fn negotiate(&self, limit: Duration) -> Result<(), ClientError> {
        for version in [versions::ASK_FIRST, versions::ASK_OLD] {
            let answer = self.submit_version(&versions::request(), version).await?;
            let frame = self.within(limit, answer.frame).await?;
            let frame = frame.ok_or_else(|| self.shared().failure())?;
            if let Told::Versions(versions) = versions::read(&frame, version)? {
                *self.shared().versions.borrow_mut() = versions;
                return Ok(());
            }
        }
        Err(ClientError::Unsupported { api: ApiKey::ApiVersions })
    }

    /// What both sides speak.
    #[must_use]
    pub fn versions(&self) -> Versions {
        self.shared().versions.borrow().clone()
    }

    /// Whether it failed: every request to come gets the same error.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.shared().failure.borrow().is_some()
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// As [`Connection::submit`], and [`ClientError::TimedOut`].
    pub async fn call<Q: Request>(
        &self,
        request: &Q,
        limit: Duration,
    ) -> Result<Q::Response, ClientError> {
        let answered = async { self.submit(request).await?.await };
        self.within(limit, answered).await?
    }

    /// As [`Connection::call`], in `version_max` at the highest: for an API whose later versions ask
    /// for what the caller does not have.
    ///
    /// # Errors
    /// As [`Connection::call`].
    pub async fn call_up_to<Q: Request>(
        &self,
        version_max: i16,
        request: &Q,
        limit: Duration,
    ) -> Result<Q::Response, ClientError> {
        let version = self.versions().of_api(Q::API)?.min(version_max);
        let answered = async { self.submit_version(request, version).await?.await };
        self.within(limit, answered).await?
    }

    /// Waits until a [`Connection::submit`] would not wait, so that the last moment can decide what
    /// goes into the next request.
    ///
    /// # Errors
    /// The connection failed.
    pub async fn room(&self) -> Result<(), ClientError> {
        self.shared().room().await
    }

    /// Waits for room in flight, then sends; completes when the kernel has accepted the last byte.
    ///
    /// Dropping this future in the middle of sending breaks the connection.
    ///
    /// # Errors
    /// The connection failed, or the request cannot be written in a common version.
    pub async fn submit<Q: Request>(&self, request: &Q) -> Result<Reply<R, Q>, ClientError> {
        let version = self.shared().versions.borrow().of_api(Q::API)?;
        self.submit_version(request, version).await
    }

    /// Sends a request that no answer follows: Produce with acks=0.
    ///
    /// # Errors
    /// As [`Connection::submit`].
    pub async fn submit_unanswered<Q: Request>(&self, request: &Q) -> Result<(), ClientError> {
        let version = self.shared().versions.borrow().of_api(Q::API)?;
        let turn = Turn::take(self.shared()).await?;
        let pieces = self.encode(request, version, turn.correlation_id)?;
        turn.send(pieces).await
    }

    /// As [`Connection::submit`], in this version whatever the broker listed.
    ///
    /// # Errors
    /// As [`Connection::submit`].
    pub async fn submit_version<Q: Request>(
        &self,
        request: &Q,
        version: i16,
    ) -> Result<Reply<R, Q>, ClientError> {
        let turn = Turn::take(self.shared()).await?;
        let correlation_id = turn.correlation_id;
        let pieces = self.encode(request, version, correlation_id)?;
        let (promise, frame) = oneshot();
        self.shared().waiting.borrow_mut().push_back(Waiting { correlation_id, promise });
        turn.send(pieces).await?;
        Ok(Reply { connection: self.clone(), frame, version, request: PhantomData })
    }

    fn encode<Q: Request>(
        &self,
        request: &Q,
        version: i16,
        correlation_id: i32,
    ) -> Result<Bufs, ClientError> {
        let options = &self.shared().options;
        let client_id = Some(options.client_id.as_str());
        let limit_bytes = options.request_bytes_max;
        Ok(encode_request(request, version, correlation_id, client_id, limit_bytes)?.into_bufs())
    }

    async fn within<F: Future>(&self, limit: Duration, work: F) -> Result<F::Output, ClientError> {
        let rt = &self.shared().rt;
        let deadline = rt.now().mono + limit;
        match race(work, rt.sleep_until(deadline)).await {
            First::Left(done) => Ok(done),
            First::Right(()) => Err(ClientError::TimedOut),
        }
    }

    fn shared(&self) -> &Rc<Shared<R>> {
        &self.0.0
    }
}

/// The answer to one request, once it arrives. Dropping it gives the answer up, not its place.
pub struct Reply<R: Runtime, Q> {
    connection: Connection<R>,
    frame: sync::Reply<Buf>,
    version: i16,
    request: PhantomData<fn() -> Q>,
}

impl<R: Runtime, Q: Request> Future for Reply<R, Q> {
    type Output = Result<Q::Response, ClientError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let frame = ready!(Pin::new(&mut self.frame).poll(context));
        Poll::Ready(match frame {
            Some(frame) => decode_response::<Q::Response>(&frame, self.version)
                .map(|(_correlation_id, response)| response)
                .map_err(ClientError::Decode),
            None => Err(self.connection.shared().failure()),
        })
    }
}

/// The right to send the next request. There is one per connection.
struct Turn<R: Runtime> {
    shared: Rc<Shared<R>>,
    correlation_id: i32,
    /// Bytes may have left, but not all: nobody can send after that.
    broken: bool,
}

impl<R: Runtime> Turn<R> {
    async fn take(shared: &Rc<Shared<R>>) -> Result<Self, ClientError> {
        shared.room().await?;
        shared.sending.set(true);
        let correlation_id = shared.next_correlation_id.get();
        shared.next_correlation_id.set(correlation_id.wrapping_add(1));
        Ok(Self { shared: Rc::clone(shared), correlation_id, broken: false })
    }

    async fn send(mut self, pieces: Bufs) -> Result<(), ClientError> {
        self.broken = true;
        match self.shared.conn.send(pieces, More::Done).await {
            Ok(()) => {
                self.broken = false;
                Ok(())
            }
            Err(error) => {
                self.shared.fail(error.into());
                Err(self.shared.failure())
            }
        }
    }
}

impl<R: Runtime> Drop for Turn<R> {
    fn drop(&mut self) {
        if self.broken {
            self.shared.conn.shutdown();
        }
        self.shared.sending.set(false);
        self.shared.changed.notify();
    }
}

async fn read_answers<R: Runtime>(shared: Rc<Shared<R>>) {
    let limit_bytes = shared.options.response_bytes_max;
    let mut frames = Frames::new(shared.rt.clone(), shared.conn.clone(), limit_bytes);
    let failure = loop {
        match frames.next().await {
            Ok(Some(frame)) => {
                if let Err(error) = shared.deliver(frame) {
                    break error;
                }
            }
            Ok(None) => break ClientError::ClosedByBroker,
            Err(error) => break error,
        }
    };
    shared.fail(failure);
}

impl<R: Runtime> Shared<R> {
    async fn room(&self) -> Result<(), ClientError> {
        loop {
            if let Some(failure) = self.failure.borrow().as_ref() {
                return Err(failure.clone());
            }
            let room = self.waiting.borrow().len() < self.options.in_flight_max;
            if room && !self.sending.get() {
                return Ok(());
            }
            self.changed.notified().await;
        }
    }

    fn deliver(&self, frame: Buf) -> Result<(), ClientError> {
        let got = decode_correlation_id(&frame)?;
        let oldest = self.waiting.borrow_mut().pop_front();
        let Some(Waiting { correlation_id, promise }) = oldest else {
            return Err(ClientError::OutOfOrder { expected: self.next_correlation_id.get(), got });
        };
        if got != correlation_id {
            return Err(ClientError::OutOfOrder { expected: correlation_id, got });
        }
        promise.fulfil(frame);
        self.changed.notify();
        Ok(())
    }

    /// Keeps the first failure and gives up everything that waits.
    fn fail(&self, error: ClientError) {
        self.failure.borrow_mut().get_or_insert(error);
        let waiting = core::mem::take(&mut *self.waiting.borrow_mut());
        drop(waiting);
        self.conn.shutdown();
        self.changed.notify();
    }

    fn failure(&self) -> ClientError {
        self.failure.borrow().clone().unwrap_or(ClientError::ClosedByBroker)
    }
}
