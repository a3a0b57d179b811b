//! Requests to whichever broker is the right one, tried again while that can help.
//!
//! Promises: at most one shared connection per broker, opened again when it broke; a try that failed for a reason that
//! passes ([`ClientError::is_retriable`]) is made again, with growing pauses, until the limit.
//! Does not: keep requests in flight side by side, or hide what a broker refuses for good.

use core::cell::RefCell;
use core::time::Duration;
use model::{ErrorCode, NodeId};
use runtime::{Purpose, Runtime};
use std::collections::BTreeMap;
use std::rc::Rc;
use wire::messages::find_coordinator::FindCoordinatorRequest;
use wire::messages::metadata::MetadataResponse;

use crate::backoff::Backoff;
use crate::cluster::{CALL_LIMIT, metadata_request, open_at, open_host};
use crate::{Broker, ClientError, Cluster, Connection, Options};

/// Groups whose coordinator is remembered; past it they are asked for again.
const COORDINATORS_MAX: usize = 1_000;
/// FindCoordinator's type of key for a group.
const KEY_GROUP: i8 = 0;
/// From this version on one request asks for several keys, and the answer has another shape.
const FIND_SEVERAL: i16 = 4;

/// A cluster's brokers, each reached when it is needed. Clones share connections.
pub struct Router<R: Runtime>(Rc<Shared<R>>);

impl<R: Runtime> Clone for Router<R> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

struct Shared<R: Runtime> {
    rt: R,
    options: Options,
    /// `host:port`, at least one.
    bootstrap: Vec<String>,
    /// To whoever answered at a bootstrap address: for requests that any broker serves.
    any: RefCell<Option<Connection<R>>>,
    /// One for each broker at most.
    connections: RefCell<BTreeMap<NodeId, Connection<R>>>,
    /// As the last metadata answer named them.
    brokers: RefCell<BTreeMap<NodeId, Broker>>,
    /// At most `COORDINATORS_MAX`.
    coordinators: RefCell<BTreeMap<String, NodeId>>,
}

impl<R: Runtime> Router<R> {
    /// Connects to the first of `bootstrap` (`host:port`) that answers, once: whoever is there at the beginning is
    /// waited for later.
    ///
    /// # Errors
    /// As [`crate::Client::connect`].
    pub async fn connect(
        rt: &R,
        bootstrap: &[String],
        options: Options,
    ) -> Result<Self, ClientError> {
        let router = Self(Rc::new(Shared {
            rt: rt.clone(),
            options,
            bootstrap: bootstrap.to_vec(),
            any: RefCell::default(),
            connections: RefCell::default(),
            brokers: RefCell::default(),
            coordinators: RefCell::default(),
        }));
        router.any().await?;
        Ok(router)
    }

    #[must_use]
    pub fn runtime(&self) -> &R {
        &self.0.rt
    }

    /// Makes `attempt` until it succeeds, fails for a reason that does not pass, or `limit` is over.
    ///
    /// # Errors
    /// The last one of `attempt`.
    pub async fn retry<T>(
        &self,
        limit: Duration,
        attempt: impl AsyncFn() -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        self.retry_if(limit, ClientError::is_retriable, attempt).await
    }

    /// As [`Router::retry`], where `passes` says which reasons do.
    pub(crate) async fn retry_if<T>(
        &self,
        limit: Duration,
        passes: impl Fn(&ClientError) -> bool,
        attempt: impl AsyncFn() -> Result<T, ClientError>,
    ) -> Result<T, ClientError> {
        let rt = &self.0.rt;
        let deadline = rt.now().mono + limit;
        let mut backoff = Backoff::new();
        loop {
            let error = match attempt().await {
                Ok(done) => return Ok(done),
                Err(error) => error,
            };
            self.heed(&error);
            let again = rt.now().mono + backoff.pause(rt.random(Purpose::Jitter));
            if !passes(&error) || again >= deadline {
                return Err(error);
            }
            rt.sleep_until(again).await;
        }
    }

    /// Forgets what an error shows to be out of date.
    pub(crate) fn heed(&self, error: &ClientError) {
        if *error == ClientError::TimedOut {
            // Whoever is silent may have gone without a word.
            self.0.connections.borrow_mut().clear();
            *self.0.any.borrow_mut() = None;
        }
        let coordinator_moved = matches!(
            error.code(),
            Some(ErrorCode::NotCoordinator | ErrorCode::CoordinatorNotAvailable)
        );
        if coordinator_moved || error.code().is_none() {
            self.0.coordinators.borrow_mut().clear();
        }
    }

    /// A connection to some broker.
    ///
    /// # Errors
    /// As [`crate::Client::connect`].
    pub async fn any(&self) -> Result<Connection<R>, ClientError> {
        let shared = &self.0;
        let open = shared.any.borrow().clone().filter(|connection| !connection.is_broken());
        if let Some(connection) = open {
            return Ok(connection);
        }
        let mut last = ClientError::Address(String::new());
        for address in &shared.bootstrap {
            match open_at(&shared.rt, address, &shared.options).await {
                Ok(connection) => return Ok(self.keep_any(connection)),
                Err(error) => last = error,
            }
        }
        // The addresses of the beginning may be gone while others of the cluster live.
        let brokers: Vec<_> = shared.brokers.borrow().values().cloned().collect();
        for broker in brokers {
            match open_host(&shared.rt, &broker.host, broker.port, &shared.options).await {
                Ok(connection) => return Ok(self.keep_any(connection)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    fn keep_any(&self, connection: Connection<R>) -> Connection<R> {
        *self.0.any.borrow_mut() = Some(connection.clone());
        connection
    }

    /// The shared connection to a broker.
    ///
    /// # Errors
    /// [`ClientError::NoBroker`], or as [`Connection::open`].
    pub async fn node(&self, id: NodeId) -> Result<Connection<R>, ClientError> {
        let open = self.0.connections.borrow().get(&id).cloned();
        if let Some(connection) = open.filter(|connection| !connection.is_broken()) {
            return Ok(connection);
        }
        let connection = self.open(id, |_| {}).await?;
        self.0.connections.borrow_mut().insert(id, connection.clone());
        Ok(connection)
    }

    /// A connection to a broker that nobody shares, for requests that hold it up: a parked fetch, a join.
    ///
    /// # Errors
    /// As [`Router::node`].
    pub async fn open(
        &self,
        id: NodeId,
        adjust: impl FnOnce(&mut Options),
    ) -> Result<Connection<R>, ClientError> {
        let known = self.0.brokers.borrow().get(&id).cloned();
        let broker = match known {
            Some(broker) => broker,
            None => {
                self.metadata(Some(&[])).await?;
                let brokers = self.0.brokers.borrow();
                brokers.get(&id).cloned().ok_or(ClientError::NoBroker { id })?
            }
        };
        let mut options = self.0.options.clone();
        adjust(&mut options);
        open_host(&self.0.rt, &broker.host, broker.port, &options).await
    }

    /// What a broker says of the named topics, of all when `None`. Creates none.
    ///
    /// # Errors
    /// As [`Connection::call`]; the error codes of topics are in the answer.
    pub async fn metadata(&self, topics: Option<&[&str]>) -> Result<MetadataResponse, ClientError> {
        let request = metadata_request(topics);
        let response = self.any().await?.call(&request, CALL_LIMIT).await?;
        ClientError::check("Metadata", response.error_code, None)?;
        *self.0.brokers.borrow_mut() = Cluster::of(&response).brokers;
        Ok(response)
    }

    /// The broker that coordinates a group.
    ///
    /// # Errors
    /// [`ClientError::Refused`] while there is none, or as [`Connection::call`].
    pub async fn coordinator(&self, group: &str) -> Result<NodeId, ClientError> {
        let known = self.0.coordinators.borrow().get(group).copied();
        if let Some(id) = known {
            return Ok(id);
        }
        let connection = self.any().await?;
        let version = connection.versions().of_api(wire::ApiKey::FindCoordinator)?;
        let mut request =
            FindCoordinatorRequest { key_type: KEY_GROUP, ..FindCoordinatorRequest::default() };
        if version >= FIND_SEVERAL {
            request.coordinator_keys.push(group.to_owned());
        } else {
            request.key = group.to_owned();
        }
        let response = connection.call(&request, CALL_LIMIT).await?;
        let what = format!("finding the coordinator of group {group}");
        let (id, at) = if version >= FIND_SEVERAL {
            let found = response.coordinators.into_iter().find(|found| found.key == group);
            let found = found.ok_or_else(|| ClientError::refused(&what, COORDINATOR_GONE, None))?;
            ClientError::check(&what, found.error_code, found.error_message.as_ref())?;
            (NodeId(found.node_id), (found.host, found.port))
        } else {
            ClientError::check(&what, response.error_code, response.error_message.as_ref())?;
            (NodeId(response.node_id), (response.host, response.port))
        };
        self.remember(group, id, at);
        Ok(id)
    }

    fn remember(&self, group: &str, id: NodeId, (host, port): (String, i32)) {
        if let Ok(port) = u16::try_from(port) {
            self.0.brokers.borrow_mut().insert(id, Broker { host, port });
        }
        let mut coordinators = self.0.coordinators.borrow_mut();
        if coordinators.len() == COORDINATORS_MAX {
            coordinators.clear();
        }
        coordinators.insert(group.to_owned(), id);
    }

    /// The shared connection to the coordinator of a group.
    ///
    /// # Errors
    /// As [`Router::coordinator`] and [`Router::node`].
    pub async fn on_coordinator(&self, group: &str) -> Result<Connection<R>, ClientError> {
        let id = self.coordinator(group).await?;
        self.node(id).await
    }
}

const COORDINATOR_GONE: i16 = ErrorCode::CoordinatorNotAvailable as i16;
