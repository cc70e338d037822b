// ANCHOR: all
//! A client that limits what a server can do to it: time, bytes, redirects.
//! It tries again only where nothing can happen twice.

use std::error::Error;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, ErrorKind};
use std::time::Duration;

use reqwest::header::{ETAG, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use tokio::time::{sleep, timeout};

use crate::cats::{Cat, MOST_CATS};
use crate::words::printable;

/// How often a request is made that can be made again, and the longest pause
/// before the second time; each further pause is twice as long.
const TRIES: u32 = 3;
const PAUSE: Duration = Duration::from_millis(100);
/// Redirects that a request for reading follows.
const REDIRECTS: usize = 5;
/// A stream of events says at least every 15 seconds that it is there.
const EVENTS_SILENT: Duration = Duration::from_secs(45);
/// Bytes of one event.
const LONGEST_EVENT: usize = 64 * 1024;

#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For all of a request: every try, every redirect, and the body.
    pub time: Duration,
    /// Bytes of a body, once it is unpacked.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            time: Duration::from_secs(10),
            body: 1 << 20,
        }
    }
}

/// Why there is no answer, or not the one that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error("this is no URL; write it as http://HOST:PORT")]
    NoUrl,
    #[error("{0}; start the server, or give another URL")]
    Unreachable(ErrorKind),
    #[error("no address is known for that host; check the name")]
    Unknown,
    #[error("timed out after {0:?}; is it the right server? (see --timeout)")]
    Late(Duration),
    #[error("the connection ended before the answer was whole ({0})")]
    Lost(String),
    #[error("the events have ended; ask for all cats, then watch again")]
    Ended,
    #[error("what came back is no HTTP; is the port right?")]
    NoHttp,
    #[error("the answer's header is too long")]
    LongHeader,
    #[error("the answer is larger than {0} bytes (see --max-body)")]
    Large(usize),
    #[error("it redirects us more than {REDIRECTS} times")]
    Redirects,
    #[error(
        "it sends us to {0}, and we do not follow; give that URL if you trust \
         it"
    )]
    Moved(String),
    /// The server has answered, and says no.
    #[error("the answer is no: {1} ({0})")]
    Refused(StatusCode, String),
    #[error("the answer is not what this API says")]
    Unfit(#[from] serde_json::Error),
    #[error("{0}")]
    Other(String),
}

#[derive(Debug)]
pub struct Answer {
    pub etag: Option<String>,
    pub body: Vec<u8>,
}

impl Answer {
    /// # Errors
    /// [`Fault::Unfit`]
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Fault> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// A client for one server.
pub struct Client {
    /// Follows redirects: whoever reads changes nothing anywhere.
    reading: reqwest::Client,
    writing: reqwest::Client,
    base: Url,
    limits: Limits,
}

impl Client {
    /// A name and a password in the URL are sent to its host, port and scheme
    /// alone, redirects or not.
    ///
    /// # Errors
    /// [`Fault::NoUrl`], which does not repeat the URL: a password may be in
    /// it.
    pub fn new(url: &str, limits: Limits) -> Result<Self, Fault> {
        let base: Url = url.parse().map_err(|_| Fault::NoUrl)?;
        if base.scheme() != "http" || !base.has_host() {
            return Err(Fault::NoUrl);
        }
        // ANCHOR: redirects
        let client = |policy| {
            reqwest::Client::builder()
                .redirect(policy)
                // The URL that we come from is nobody's business.
                .referer(false)
                .build()
                .map_err(|error| fault(&error))
        };
        let reading = client(Policy::limited(REDIRECTS))?;
        let writing = client(Policy::none())?;
        // ANCHOR_END: redirects
        Ok(Self {
            reading,
            writing,
            base,
            limits,
        })
    }

    /// The server, without what may be secret in its URL.
    pub fn server(&self) -> String {
        let host = self.base.host_str().unwrap_or_default();
        format!("{host}:{}", self.base.port_or_known_default().unwrap_or(80))
    }

    /// The URL whose path has these segments, whatever stands in them.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// Asks once, or several times if that is safe, all within one limit.
    ///
    /// # Errors
    /// Any [`Fault`]; also for an answer that is no success.
    pub async fn ask(
        &self,
        method: Method,
        path: &[&str],
        with: impl Fn(RequestBuilder) -> RequestBuilder,
    ) -> Result<Answer, Fault> {
        let client = match method.is_safe() {
            true => &self.reading,
            false => &self.writing,
        };
        // ANCHOR: ask
        let once = || {
            let request = client.request(method.clone(), self.url(path));
            self.once(with(request))
        };
        let mut pause = PAUSE;
        let asking = async {
            for _ in 1..TRIES {
                match once().await {
                    // Nothing was sent, or asking changes nothing.
                    Err(Fault::Unreachable(_)) => {}
                    Err(Fault::Lost(_)) if method.is_safe() => {}
                    result => return result,
                }
                sleep(jittered(pause)).await;
                pause *= 2;
            }
            once().await
        };
        let limit = self.limits.time;
        timeout(limit, asking)
            .await
            .map_err(|_| Fault::Late(limit))?
        // ANCHOR_END: ask
    }

    async fn once(&self, request: RequestBuilder) -> Result<Answer, Fault> {
        let mut response =
            request.send().await.map_err(|error| fault(&error))?;
        let status = response.status();
        if let Some(place) = response.headers().get(LOCATION)
            && status.is_redirection()
        {
            return Err(Fault::Moved(printable(place.as_bytes())));
        }
        let etag = response.headers().get(ETAG);
        let etag = etag.and_then(|tag| Some(tag.to_str().ok()?.to_owned()));
        let body = read(&mut response, self.limits.body).await?;
        if !status.is_success() {
            return Err(Fault::Refused(status, detail(&body)));
        }
        Ok(Answer { etag, body })
    }

    /// All cats, page by page.
    ///
    /// # Errors
    /// Any [`Fault`].
    pub async fn cats(&self) -> Result<Vec<Cat>, Fault> {
        #[derive(Deserialize)]
        struct Page {
            cats: Vec<Cat>,
            next: Option<String>,
        }
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let query = [("after", &after)];
            let page = self.ask(Method::GET, &["cats"], |r| r.query(&query));
            let page: Page = page.await?.json()?;
            all.extend(page.cats);
            match page.next {
                None => return Ok(all),
                Some(_) if all.len() > MOST_CATS => break,
                Some(next) if next > after => after = next,
                Some(_) => break,
            }
        }
        Err(Fault::Other("its pages do not come to an end".to_owned()))
    }

    /// Calls `each` for each change, until the stream ends or `each` fails.
    ///
    /// # Errors
    /// What `each` returns, or a [`Fault`]; [`Fault::Ended`] at the end.
    pub async fn watch(
        &self,
        mut each: impl FnMut(Told) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let limit = self.limits.time;
        let sending = self.reading.get(self.url(&["events"])).send();
        let sent = timeout(limit, sending).await;
        let sent = sent.map_err(|_| Fault::Late(limit))?;
        let mut response = sent.map_err(|error| fault(&error))?;
        if !response.status().is_success() {
            let why = "it tells of no changes".to_owned();
            return Err(Fault::Refused(response.status(), why).into());
        }
        each(Told::Ready)?;
        let mut event = Event::default();
        loop {
            let chunk = timeout(EVENTS_SILENT, response.chunk()).await;
            let chunk = chunk.map_err(|_| Fault::Late(EVENTS_SILENT))?;
            let chunk = chunk.map_err(|error| fault(&error))?;
            event.unread.extend_from_slice(&chunk.ok_or(Fault::Ended)?);
            while let Some(told) = event.next()? {
                each(told)?;
            }
        }
    }
}

/// What [`Client::watch`] tells.
#[derive(Debug)]
pub enum Told {
    /// Whatever changes from now on is told.
    Ready,
    Hat(Cat),
    Gone(String),
}

impl fmt::Display for Told {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::Ready => formatter.write_str("Watching"),
            Self::Hat(cat) => cat.fmt(formatter),
            Self::Gone(name) => {
                write!(formatter, "{} is gone", printable(name))
            }
        }
    }
}

/// An event that is being read: lines `event: KIND` and `data: JSON`, and an
/// empty one at its end.
#[derive(Default)]
struct Event {
    unread: Vec<u8>,
    kind: String,
    data: String,
}

impl Event {
    fn next(&mut self) -> Result<Option<Told>, Fault> {
        while let Some(end) = self.unread.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.unread.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            match line.trim_end().split_once(':') {
                Some(("event", kind)) => kind.trim().clone_into(&mut self.kind),
                Some(("data", data)) => self.data += data.trim(),
                None if !self.data.is_empty() => {
                    let data = std::mem::take(&mut self.data);
                    return match std::mem::take(&mut self.kind).as_str() {
                        "hat" => {
                            Ok(Some(Told::Hat(serde_json::from_str(&data)?)))
                        }
                        "gone" => {
                            let Gone { name } = serde_json::from_str(&data)?;
                            Ok(Some(Told::Gone(name)))
                        }
                        _ => continue, // A newer server may tell more.
                    };
                }
                _ => {} // A comment says that the server is there.
            }
        }
        if self.unread.len() + self.data.len() > LONGEST_EVENT {
            return Err(Fault::Large(LONGEST_EVENT));
        }
        Ok(None)
    }
}

#[derive(Deserialize)]
struct Gone {
    name: String,
}

/// Between half of it and all of it, so that many clients of a server that
/// comes back do not all ask it at the same moment. Each `RandomState` is
/// seeded anew.
fn jittered(pause: Duration) -> Duration {
    let random = RandomState::new().hash_one(pause) as u32;
    pause / 2 + pause / 2 * (random >> 16) / (1 << 16)
}

// ANCHOR: read
/// The body. It is unpacked piece by piece, so a small one that becomes large
/// is noticed before it has.
async fn read(response: &mut Response, most: usize) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    while let Some(piece) =
        response.chunk().await.map_err(|error| fault(&error))?
    {
        if body.len() + piece.len() > most {
            return Err(Fault::Large(most));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}
// ANCHOR_END: read

/// What a refusal says, if it is in the form of RFC 9457.
fn detail(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Problem {
        detail: String,
    }
    match serde_json::from_slice::<Problem>(body) {
        Ok(problem) => printable(problem.detail),
        Err(_) => "the server says no, and not why".to_owned(),
    }
}

/// reqwest says "error sending request", whatever it was. What it was stands
/// in the error's source, or in the source of that.
fn fault(error: &reqwest::Error) -> Fault {
    if error.is_redirect() {
        return Fault::Redirects;
    }
    // ANCHOR: source
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    let mut kind = None;
    while let Some(one) = cause {
        if one.to_string() == "dns error" {
            return Fault::Unknown;
        }
        match one.downcast_ref::<hyper::Error>() {
            Some(http) if http.is_parse_too_large() => {
                return Fault::LongHeader;
            }
            Some(http) if http.is_parse() => return Fault::NoHttp,
            Some(http) if http.is_incomplete_message() => {
                kind = Some(ErrorKind::UnexpectedEof);
            }
            _ => {}
        }
        cause = one.source();
        if let Some(io) = one.downcast_ref::<io::Error>() {
            kind = Some(io.kind());
            // An error in its clothes, which `source` would leave out.
            cause = io.get_ref().map(|inner| inner as _);
        }
    }
    // ANCHOR_END: source
    match kind {
        Some(kind) if error.is_connect() => Fault::Unreachable(kind),
        Some(ErrorKind::UnexpectedEof) => Fault::Lost("closed".to_owned()),
        Some(kind) => Fault::Lost(kind.to_string()),
        None => Fault::Other(error.to_string()),
    }
}
// ANCHOR_END: all
