//! Listeners and calls.

use madsim::net::{TcpListener, TcpStream};
use model::Probe;
use runtime::{Error, Listener, Net, Result};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::conn::{Detached, MadsimConn};
use crate::disk::MadsimFile;
use crate::runtime::MadsimRuntime;

const BIND_PATIENCE: u32 = 20;
const BIND_STEP: Duration = Duration::from_millis(100);

pub struct MadsimListener {
    listener: TcpListener,
    addr: SocketAddr,
}

impl Listener for MadsimListener {
    type Conn = MadsimConn;

    fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    async fn accept(&self) -> Result<MadsimConn> {
        let (stream, _) = self.listener.accept().await.map_err(|error| seam_error(&error))?;
        Ok(MadsimConn::new(stream))
    }
}

impl<P: Probe> Net for MadsimRuntime<P> {
    type File = MadsimFile;
    type Conn = MadsimConn;
    type Listener = MadsimListener;

    async fn listen(&self, at: SocketAddr) -> Result<MadsimListener> {
        for _ in 0..BIND_PATIENCE {
            match TcpListener::bind(at).await {
                Ok(listener) => {
                    let addr = listener.local_addr().map_err(|error| seam_error(&error))?;
                    return Ok(MadsimListener { listener, addr });
                }
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    madsim::time::sleep(BIND_STEP).await;
                }
                Err(error) => return Err(seam_error(&error)),
            }
        }
        Err(Error::AddressInUse)
    }

    async fn connect(&self, to: SocketAddr, limit: Duration) -> Result<MadsimConn> {
        match madsim::time::timeout(limit, TcpStream::connect(to)).await {
            Ok(Ok(stream)) => Ok(MadsimConn::new(stream)),
            Ok(Err(error)) => Err(seam_error(&error)),
            Err(_) => Err(Error::TimedOut),
        }
    }

    async fn resolve(&self, host: &str, port: u16) -> Result<Vec<SocketAddr>> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(ip, port)]);
        }
        match madsim::net::lookup_host((host, port)).await {
            Ok(found) => Ok(found.collect()),
            Err(error) => Err(seam_error(&error)),
        }
    }

    fn adopt(&self, detached: Detached) -> MadsimConn {
        MadsimConn::adopt(detached)
    }
}

/// The seam's word for an error of madsim.
pub(crate) fn seam_error(error: &io::Error) -> Error {
    const EIO: i32 = 5;
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::Refused,
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe
        | io::ErrorKind::UnexpectedEof => Error::Reset,
        io::ErrorKind::AddrInUse => Error::AddressInUse,
        io::ErrorKind::TimedOut => Error::TimedOut,
        io::ErrorKind::NotFound => Error::NotFound,
        _ => Error::Failed(error.raw_os_error().unwrap_or(EIO)),
    }
}
