// ANCHOR: all
//! The cats for people: pages made from templates, and forms.

use std::path::Path;
use std::sync::Arc;

use anyhow::Context;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Query, State};
use axum::http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderMap};
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderName, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Router, middleware};
use minijinja::{Environment, context};
use serde::Deserialize;

use crate::api::{Asked, Name, Place, escaped};
use crate::cats::{Cat, Cats, Expect};
use crate::problem::Problem;

/// Scripts and styles come from here alone, so a name that is a script is
/// only a name; and no other site shows our page as a part of its own.
const POLICY: &str =
    "default-src 'self'; form-action 'self'; frame-ancestors 'none'";

/// The templates. What they show is escaped by the template engine.
pub struct Pages(Environment<'static>);

impl Pages {
    /// With the page of all cats from a file, if one is given.
    ///
    /// # Errors
    /// If the file cannot be read, or is no template.
    pub fn new(list: Option<&Path>) -> anyhow::Result<Self> {
        let mut pages = Environment::new();
        pages.add_filter("link", |name: String| escaped(&name));
        let own = include_str!("../pages/list.html").to_owned();
        let list = list.map_or(Ok(own), |file| {
            let shown = file.display();
            std::fs::read_to_string(file)
                .with_context(|| format!("cannot read {shown}"))
        })?;
        pages
            .add_template_owned("list.html", list)
            .context("cannot understand the page")?;
        pages.add_template("cat.html", include_str!("../pages/cat.html"))?;
        Ok(Self(pages))
    }

    fn show(&self, name: &str, values: minijinja::Value) -> Response {
        let page = self.0.get_template(name);
        match page.and_then(|page| page.render(values)) {
            Ok(text) => Html(text).into_response(),
            Err(error) => {
                tracing::error!("cannot make {name}: {error}");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

struct Site {
    cats: Arc<Cats>,
    pages: Pages,
}
type Here = State<Arc<Site>>;
type Sent = Result<Form<Entry>, FormRejection>;

/// What a form says.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    name: String,
    hat: String,
    version: String,
}

impl Entry {
    /// The version that the person saw travels in the form.
    fn seen(&self) -> Expect {
        Expect::Versions(self.version.parse().into_iter().collect())
    }
}

pub fn routes(cats: Arc<Cats>, pages: Pages) -> Router {
    let script = include_str!("../pages/cats.js");
    let style = include_str!("../pages/cats.css");
    let file = |kind, text| get(async move || ([(CONTENT_TYPE, kind)], text));
    Router::new()
        .route("/", get(list).post(add))
        .route("/cat/{name}", get(one).post(change))
        .route("/cat/{name}/remove", post(remove))
        .with_state(Arc::new(Site { cats, pages }))
        .route("/cats.js", file("text/javascript", script))
        .route("/cats.css", file("text/css", style))
        .layer(middleware::map_response(async |response: Response| {
            let sniff = HeaderName::from_static("x-content-type-options");
            let headers =
                [(CONTENT_SECURITY_POLICY, POLICY), (sniff, "nosniff")];
            (headers, response)
        }))
}

async fn list(State(site): Here, place: Asked) -> Response {
    match place {
        Ok(Query(place)) => site.list(&place, None, &Entry::default()),
        Err(error) => site.sorry(error.into()),
    }
}

async fn one(State(site): Here, Name(name): Name) -> Response {
    match site.cats.get(&name) {
        Ok(cat) => site.cat(&cat, None),
        Err(error) => site.sorry(error.into()),
    }
}

async fn add(State(site): Here, headers: HeaderMap, sent: Sent) -> Response {
    let entry = match entry(&headers, sent) {
        Ok(entry) => entry,
        Err(problem) => return site.sorry(problem),
    };
    match site.cats.put(&entry.name, &entry.hat, &Expect::Nothing) {
        // 303: the browser gets the page anew, and reloading adds nothing.
        Ok(_) => Redirect::to("/").into_response(),
        Err(error) => site.list(&Place::default(), Some(error.into()), &entry),
    }
}

async fn change(
    State(site): Here,
    Name(name): Name,
    headers: HeaderMap,
    sent: Sent,
) -> Response {
    let changed = entry(&headers, sent).and_then(|entry| {
        let put = site.cats.put(&name, &entry.hat, &entry.seen());
        put.map(drop).map_err(Problem::from)
    });
    site.done(&name, changed)
}

async fn remove(
    State(site): Here,
    Name(name): Name,
    headers: HeaderMap,
    sent: Sent,
) -> Response {
    let removed = entry(&headers, sent).and_then(|entry| {
        let removed = site.cats.remove(&name, &entry.seen());
        removed.map_err(Problem::from)
    });
    site.done(&name, removed)
}

// ANCHOR: origin
/// What a form of one of our pages says. Any other site can show a form that
/// leads here, and the browser says so: in `Origin`, with each POST.
fn entry(headers: &HeaderMap, sent: Sent) -> Result<Entry, Problem> {
    let text = |name| Some(headers.get(name)?.to_str().unwrap_or_default());
    let origin = text(ORIGIN).map(|one| one.split("//").last());
    if origin.is_some_and(|origin| origin != text(HOST)) {
        let detail = "this form stands on a page of another site";
        return Err(Problem::new(StatusCode::FORBIDDEN, detail));
    }
    let Form(entry) =
        sent.map_err(|error| Problem::new(error.status(), error.body_text()))?;
    Ok(entry)
}
// ANCHOR_END: origin

impl Site {
    fn list(
        &self,
        place: &Place,
        problem: Option<Problem>,
        entry: &Entry,
    ) -> Response {
        let (limit, problem) = match place.limit() {
            Ok(limit) => (limit, problem),
            Err(wrong) => (crate::api::PAGE, Some(wrong)),
        };
        let (cats, more) = self.cats.list(&place.after, limit);
        let last = cats.last().filter(|_| more);
        let page = self.pages.show(
            "list.html",
            context! {
                cats,
                next => last.map(|cat| &cat.name),
                name => entry.name,
                hat => entry.hat,
                problem => problem.as_ref().map(|one| &one.detail),
                field => problem.as_ref().and_then(|one| one.field.as_ref()),
            },
        );
        with_status(problem, page)
    }

    fn cat(&self, cat: &Cat, problem: Option<Problem>) -> Response {
        let page = self.pages.show(
            "cat.html",
            context! {
                cat,
                version => cat.version,
                problem => problem.as_ref().map(|one| &one.detail),
            },
        );
        with_status(problem, page)
    }

    /// After a change of a cat: all cats, or what is wrong, beside the cat if
    /// it is still there.
    fn done(&self, name: &str, result: Result<(), Problem>) -> Response {
        match (result, self.cats.get(name)) {
            (Ok(()), _) => Redirect::to("/").into_response(),
            (Err(problem), Ok(cat)) => self.cat(&cat, Some(problem)),
            (Err(problem), Err(_)) => self.sorry(problem),
        }
    }

    fn sorry(&self, problem: Problem) -> Response {
        self.list(&Place::default(), Some(problem), &Entry::default())
    }
}

fn with_status(problem: Option<Problem>, page: Response) -> Response {
    match problem {
        Some(problem) => (problem.status, page).into_response(),
        None => page,
    }
}
// ANCHOR_END: all
