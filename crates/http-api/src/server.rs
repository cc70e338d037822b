// ANCHOR: all
//! The server around the cats: which requests get through to them, and what
//! clients may make it spend.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use axum::Router;
use axum::body::HttpBody;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::header::{CONNECTION, HOST, HeaderValue};
use axum::http::{StatusCode, Version};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::cats::Cats;
use crate::page::Pages;
use crate::problem::Problem;
use crate::{api, page};

/// What clients may make a server spend.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at a time. Others wait in the system's backlog.
    pub connections: usize,
    /// From the last answer (or the call) to the end of a request's header.
    pub header: Duration,
    /// From there to the answer: so long may a body take to come.
    pub request: Duration,
    /// Until a client has taken some of what was sent to it.
    pub write: Duration,
    /// How long what is being answered may go on after the end was asked for.
    pub grace: Duration,
}

/// Bytes of a request's header, of which hyper wants 8 KiB at least.
const LONGEST_HEADER: usize = 16 * 1024;
/// Lines of a request's header.
const MOST_HEADERS: usize = 64;
/// Bytes of a request's body.
pub const LONGEST_BODY: usize = 4 * 1024;

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            header: Duration::from_secs(10),
            request: Duration::from_secs(10),
            write: Duration::from_secs(10),
            grace: Duration::from_secs(2),
        }
    }
}

/// All that the server answers.
pub fn app(cats: Arc<Cats>, pages: Pages, limits: Limits) -> Router {
    let limit = limits.request;
    let watched = from_fn(move |request, next| watched(request, next, limit));
    Router::new()
        .merge(api::routes().with_state(cats.clone()))
        .merge(page::routes(cats, pages))
        .fallback(async || {
            let detail = "nothing is here: /cats is for programs, / for people";
            Problem::new(StatusCode::NOT_FOUND, detail)
        })
        .method_not_allowed_fallback(async || {
            let detail = "the header Allow says what can be done here";
            Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
        })
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .layer(watched)
}

/// Refuses what HTTP/1.1 forbids (RFC 9112, section 3.2), what is too large,
/// and what takes too long.
async fn watched(request: Request, next: Next, limit: Duration) -> Response {
    let hosts = request.headers().get_all(HOST).iter().count();
    if hosts > 1 || hosts == 0 && request.version() == Version::HTTP_11 {
        let detail = "say once for which host this is: Host: ...";
        return last(Problem::new(StatusCode::BAD_REQUEST, detail));
    }
    // Known before the body has come.
    if request.body().size_hint().lower() > LONGEST_BODY as u64 {
        let detail = format!("the body has more than {LONGEST_BODY} bytes");
        return last(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
    }
    let answer = timeout(limit, next.run(request)).await;
    answer.unwrap_or_else(|_| {
        let detail = "the rest of the request did not come";
        last(Problem::new(StatusCode::REQUEST_TIMEOUT, detail))
    })
}

/// An answer after which the connection ends.
fn last(problem: Problem) -> Response {
    let close = HeaderValue::from_static("close");
    ([(CONNECTION, close)], problem).into_response()
}

/// Serves until `stop` completes. What is being answered then may go on for
/// `limits.grace`; a client that has not said its whole request by then is
/// not waited for any longer.
pub async fn serve(
    listener: TcpListener,
    app: Router,
    limits: Limits,
    stop: impl Future<Output = ()>,
) -> Served {
    let mut stop = pin!(stop);
    let (stopping, stopped) = watch::channel(());
    let mut connections = JoinSet::new();
    let mut served = Served::default();
    loop {
        let free = connections.len() < limits.connections;
        tokio::select! {
            () = &mut stop => break,
            stream = accept(&listener), if free => {
                let talk = talk(stream, app.clone(), limits, stopped.clone());
                connections.spawn(talk);
                served.connections += 1;
            }
            Some(_) = connections.join_next() => {}
        }
    }
    // ANCHOR: grace
    // Whoever calls from now on is refused, instead of waiting for nothing.
    drop(listener);
    drop(stopping);
    let the_rest = async { while connections.join_next().await.is_some() {} };
    if timeout(limits.grace, the_rest).await.is_err() {
        served.cut_off = connections.len();
        connections.shutdown().await;
    }
    // ANCHOR_END: grace
    served
}

async fn talk(
    stream: TcpStream,
    app: Router,
    limits: Limits,
    mut stopped: watch::Receiver<()>,
) {
    // Answers are written whole; nothing is gained by waiting for more.
    let _ = stream.set_nodelay(true);
    let mut stream = tokio_io_timeout::TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits.write));
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_buf_size(LONGEST_HEADER)
        .max_headers(MOST_HEADERS)
        .serve_connection(
            TokioIo::new(Box::pin(stream)),
            TowerToHyperService::new(app),
        );
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        _ = stopped.changed() => {
            // No further request: an idle connection ends here.
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended: {error}");
    }
}

/// The next client. Accepting fails while the process has no file descriptor
/// left, and goes on failing: without a pause this would take a whole core.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                tracing::warn!("cannot accept: {error}");
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// What became of the clients.
#[derive(Debug, Default)]
pub struct Served {
    pub connections: usize,
    /// Connections that were still open when the grace was over.
    pub cut_off: usize,
}

impl fmt::Display for Served {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let Self {
            connections,
            cut_off,
        } = self;
        write!(formatter, "Connections: {connections}; cut off: {cut_off}")
    }
}
// ANCHOR_END: all
