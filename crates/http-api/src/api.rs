// ANCHOR: all
//! The cats for programs: JSON, with an ETag for each cat.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::header::{ETAG, HeaderMap, IF_MATCH, IF_NONE_MATCH, LOCATION};
use axum::http::{StatusCode, request};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::stream::{self, Stream};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::cats::{Cat, Cats, Expect, News};
use crate::problem::{Problem, object};

/// Cats on one page, unless the query says `limit`, and the most of them.
pub const PAGE: usize = 20;
pub const MOST_ON_PAGE: usize = 100;
/// How often a stream of events says that it is still there.
const STILL_THERE: Duration = Duration::from_secs(15);

type Shop = State<Arc<Cats>>;
type Body = Result<Bytes, BytesRejection>;
/// A query, which can be wrong, such as with `limit` twice.
pub type Asked = Result<Query<Place>, QueryRejection>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewCat {
    name: String,
    hat: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    /// May be said, as a GET does, and must be that of the path then.
    name: Option<String>,
    hat: String,
}

#[derive(Serialize)]
struct List {
    cats: Vec<Cat>,
    /// What to say as `after` for the cats after these; none if there are none.
    next: Option<String>,
}

pub fn routes() -> Router<Arc<Cats>> {
    Router::new()
        .route("/cats", get(list).post(add))
        .route("/cats/{name}", get(one).put(change).delete(remove))
        .route("/events", get(events))
}

async fn list(State(cats): Shop, place: Asked) -> Result<Response, Problem> {
    let Query(place) = place?;
    let (found, more) = cats.list(&place.after, place.limit()?);
    let last = found.last().filter(|_| more);
    let next = last.map(|cat| cat.name.clone());
    Ok(Json(List { cats: found, next }).into_response())
}

async fn one(State(cats): Shop, Name(name): Name) -> Result<Response, Problem> {
    Ok(answer(StatusCode::OK, &cats.get(&name)?))
}

async fn add(
    State(cats): Shop,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let new: NewCat = object(&headers, body)?;
    let (cat, _) = cats.put(&new.name, &new.hat, &Expect::Nothing)?;
    Ok(answer(StatusCode::CREATED, &cat))
}

async fn change(
    State(cats): Shop,
    Name(name): Name,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let change: Change = object(&headers, body)?;
    if change.name.is_some_and(|said| said != name) {
        let detail = "the body and the path name different cats";
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Err(Problem::new(status, detail).of("name"));
    }
    // `If-Match: "7"`: only if nobody has changed the cat since version 7.
    let expect = expected(&headers)?;
    let (cat, is_new) = cats.put(&name, &change.hat, &expect)?;
    let status = if is_new {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(answer(status, &cat))
}

async fn remove(
    State(cats): Shop,
    Name(name): Name,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    cats.remove(&name, &expected(&headers)?)?;
    Ok(StatusCode::NO_CONTENT)
}

// ANCHOR: events
/// Server-sent events: an answer that does not end. A browser connects again
/// by itself; what happened meanwhile it must ask for.
async fn events(
    State(cats): Shop,
) -> Sse<impl Stream<Item = Result<Event, axum::Error>>> {
    let stream = stream::unfold(cats.news(), async |news| {
        let mut news = news?;
        // Too slow (`Lagged`) is the end, too: a gap must not go unnoticed.
        let event = match news.recv().await.ok()? {
            News::Hat(cat) => Event::default().event("hat").json_data(cat),
            News::Gone(name) => {
                let gone = json!({ "name": name });
                Event::default().event("gone").json_data(gone)
            }
        };
        Some((event, Some(news)))
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(STILL_THERE))
}
// ANCHOR_END: events

/// Which cats of the list: `?after=catB&limit=20`.
#[derive(Default, Deserialize)]
pub struct Place {
    #[serde(default)]
    pub after: String,
    limit: Option<String>,
}

impl Place {
    pub fn limit(&self) -> Result<usize, Problem> {
        let Some(limit) = &self.limit else {
            return Ok(PAGE);
        };
        let limit = limit.parse().ok();
        let limit = limit.filter(|limit| (1..=MOST_ON_PAGE).contains(limit));
        limit.ok_or_else(|| {
            let detail = format!("limit: a number from 1 to {MOST_ON_PAGE}");
            Problem::new(StatusCode::BAD_REQUEST, detail).of("limit")
        })
    }
}

/// A cat's name in a path: there `+` is a plus, and `%2F` is part of a name.
pub struct Name(pub String);

impl<S: Send + Sync> FromRequestParts<S> for Name {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut request::Parts,
        state: &S,
    ) -> Result<Self, Problem> {
        match Path::<String>::from_request_parts(parts, state).await {
            Ok(Path(name)) => Ok(Self(name)),
            Err(error) => Err(Problem::new(error.status(), error.body_text())),
        }
    }
}

/// A cat as an answer, with its version, and with its place if it is new.
fn answer(status: StatusCode, cat: &Cat) -> Response {
    let version = [(ETAG, format!("\"{}\"", cat.version))];
    let place = format!("/cats/{}", escaped(&cat.name));
    let place = (status == StatusCode::CREATED).then_some([(LOCATION, place)]);
    (status, version, place, Json(cat)).into_response()
}

/// As a segment of a path (RFC 3986, section 2.3).
pub fn escaped(name: &str) -> String {
    const PLAIN: AsciiSet = NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'.')
        .remove(b'_')
        .remove(b'~');
    utf8_percent_encode(name, &PLAIN).to_string()
}

/// What `If-Match` and `If-None-Match` expect (RFC 9110, section 13.1). A tag
/// that is not ours, or a weak one, never fits.
fn expected(headers: &HeaderMap) -> Result<Expect, Problem> {
    let text = |name| {
        let all: Vec<&str> = headers
            .get_all(name)
            .iter()
            .flat_map(|one| one.to_str())
            .collect();
        all.join(",").trim().to_owned()
    };
    let version = |tag: &str| {
        tag.trim()
            .strip_prefix('"')?
            .strip_suffix('"')?
            .parse()
            .ok()
    };
    let said = |name| headers.contains_key(&name).then(|| text(name));
    match (said(IF_MATCH).as_deref(), said(IF_NONE_MATCH).as_deref()) {
        (Some("*"), None) => Ok(Expect::Any),
        (Some(tags), None) => Ok(Expect::Versions(
            tags.split(',').filter_map(version).collect(),
        )),
        (None, Some("*")) => Ok(Expect::Nothing),
        (None, None) => Ok(Expect::Anything),
        _ => {
            let detail = "say If-Match: \"...\", or If-None-Match: *";
            Err(Problem::new(StatusCode::BAD_REQUEST, detail))
        }
    }
}
// ANCHOR_END: all
