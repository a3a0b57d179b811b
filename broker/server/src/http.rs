//! The HTTP endpoint for metrics and health: one more listener on a shard, so that it is simulated too.
//!
//! Promises: answers GET and HEAD, one request per connection, within five seconds and 8 KiB of
//! headers; at most 16 connections at a time.
//! Does not: know what the pages hold; the caller renders them.

use core::cell::Cell;
use core::time::Duration;
use model::{Buf, Instant};
use runtime::{Conn, Listener, More, Runtime, TaskClass};
use std::rc::Rc;

const HEAD_BYTES_MAX: usize = 8 * 1024;
const HEADERS_MAX: usize = 64;
const CONNECTIONS_MAX: u32 = 16;
const PATIENCE: Duration = Duration::from_secs(5);

/// One answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) status: Status,
    pub(crate) content_type: &'static str,
    pub(crate) body: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Ok,
    BadRequest,
    NotFound,
    MethodNotAllowed,
    ServiceUnavailable,
}

impl Status {
    fn line(self) -> &'static str {
        match self {
            Self::Ok => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::ServiceUnavailable => "503 Service Unavailable",
        }
    }
}

impl Page {
    pub(crate) fn text(status: Status, body: impl Into<String>) -> Self {
        Self { status, content_type: "text/plain; charset=utf-8", body: body.into() }
    }
}

/// Accepts until the listener fails (the node stops) and answers each connection with `page(path)`.
pub(crate) async fn serve<R: Runtime>(
    rt: R,
    listener: R::Listener,
    page: impl AsyncFn(&str) -> Page + Clone + 'static,
) {
    let open = Rc::new(Cell::new(0));
    while let Ok(conn) = listener.accept().await {
        if open.get() == CONNECTIONS_MAX {
            conn.shutdown();
            continue;
        }
        open.set(open.get() + 1);
        let (task_rt, page, open) = (rt.clone(), page.clone(), Rc::clone(&open));
        rt.spawn("http", TaskClass::Background, async move {
            let deadline = task_rt.now().mono + PATIENCE;
            answer(&task_rt, &conn, &page, deadline).await;
            conn.shutdown();
            open.set(open.get() - 1);
        });
    }
}

async fn answer<R: Runtime>(
    rt: &R,
    conn: &R::Conn,
    page: &impl AsyncFn(&str) -> Page,
    deadline: Instant,
) {
    let exchange = async {
        let mut head = Vec::new();
        loop {
            match conn.recv_any().await {
                Ok(bytes) if !bytes.is_empty() && head.len() + bytes.len() <= HEAD_BYTES_MAX => {
                    head.extend_from_slice(&bytes);
                }
                _ => return,
            }
            let (reply, body_wanted) = match parse(&head) {
                Parsed::Incomplete => continue,
                Parsed::Get { path } => (page(&path).await, true),
                Parsed::Head { path } => (page(&path).await, false),
                Parsed::Refused(status) => (Page::text(status, "only GET and HEAD\n"), true),
            };
            // The peer may be gone: nothing is owed to it then.
            let _ = conn.send(vec![render(&reply, body_wanted)], More::Done).await;
            return;
        }
    };
    runtime::sync::race(exchange, rt.sleep_until(deadline)).await;
}

#[derive(Debug, PartialEq, Eq)]
enum Parsed {
    Incomplete,
    Get { path: String },
    Head { path: String },
    Refused(Status),
}

fn parse(head: &[u8]) -> Parsed {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Parsed::Incomplete,
        Err(_) => return Parsed::Refused(Status::BadRequest),
    }
    let path = request.path.unwrap_or("/").split('?').next().unwrap_or("/").to_owned();
    match request.method {
        Some("GET") => Parsed::Get { path },
        Some("HEAD") => Parsed::Head { path },
        _ => Parsed::Refused(Status::MethodNotAllowed),
    }
}

fn render(page: &Page, body_wanted: bool) -> Buf {
    let mut text = format!(
        "HTTP/1.1 {}\r\ncontent-type: {}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        page.status.line(),
        page.content_type,
        page.body.len()
    );
    if body_wanted {
        text.push_str(&page.body);
    }
    Buf::from(text.into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_read_once_its_head_is_complete() {
        assert_eq!(parse(b"GET /metr"), Parsed::Incomplete);
        let get = b"GET /metrics?x=1 HTTP/1.1\r\nhost: a\r\n\r\n";
        assert_eq!(parse(get), Parsed::Get { path: "/metrics".into() });
        let put = b"PUT / HTTP/1.1\r\n\r\n";
        assert_eq!(parse(put), Parsed::Refused(Status::MethodNotAllowed));
        assert_eq!(parse(b"\x16\x03\x01\x02\x00"), Parsed::Refused(Status::BadRequest));
    }

    #[test]
    fn head_gets_the_length_without_the_body() {
        let page = Page::text(Status::Ok, "up\n");
        let head = render(&page, false);
        let whole = render(&page, true);
        assert!(core::str::from_utf8(&head).unwrap().contains("content-length: 3\r\n"));
        assert_eq!(whole.len(), head.len() + 3);
    }
}
