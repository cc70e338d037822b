// ANCHOR: all
//! What is wrong with a request, said so that a program and a person
//! understand it (RFC 9457), and how a body becomes a value.

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::http::header::{CONTENT_TYPE, HeaderMap};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use crate::cats::Refused;

#[derive(Debug, Serialize)]
pub struct Problem {
    #[serde(serialize_with = "code")]
    pub status: StatusCode,
    pub detail: String,
    /// Which field of the body or of the query it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
}

fn code<S: serde::Serializer>(
    status: &StatusCode,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}

impl Problem {
    pub fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            status,
            detail,
            field: None,
        }
    }

    pub fn of(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = HeaderValue::from_static("application/problem+json");
        // A line of its own, for whoever looks at it in a terminal.
        let body = serde_json::to_string(&self).unwrap_or_default() + "\n";
        (self.status, [(CONTENT_TYPE, kind)], body).into_response()
    }
}

impl From<QueryRejection> for Problem {
    fn from(error: QueryRejection) -> Self {
        Self::new(error.status(), error.body_text())
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let status = match refused {
            Refused::NotFound(_) => StatusCode::NOT_FOUND,
            Refused::Taken(_) => StatusCode::CONFLICT,
            Refused::Changed(_) | Refused::Gone(_) => {
                StatusCode::PRECONDITION_FAILED
            }
            Refused::SayWhich => StatusCode::PRECONDITION_REQUIRED,
            Refused::Full => StatusCode::INSUFFICIENT_STORAGE,
            Refused::Unfit(..) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let problem = Self::new(status, refused.to_string());
        match refused {
            Refused::Unfit(field, _) => problem.of(field),
            _ => problem,
        }
    }
}

/// The value that a JSON object in a request's body stands for: 415 if it is
/// said to be no JSON, 400 if it is none, 422 with the field's name if it is
/// JSON of another shape.
///
/// # Errors
/// What to answer.
pub fn object<T: DeserializeOwned>(
    headers: &HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<T, Problem> {
    use StatusCode as S;
    if !is_json(headers) {
        let detail = "send JSON, and say Content-Type: application/json";
        return Err(Problem::new(S::UNSUPPORTED_MEDIA_TYPE, detail));
    }
    let body =
        body.map_err(|error| Problem::new(error.status(), error.body_text()))?;
    // Some editors put a byte-order mark in front (RFC 8259, section 8.1).
    let text = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&body);
    let no_json = |error: serde_json::Error| {
        Problem::new(S::BAD_REQUEST, format!("this is no JSON: {error}"))
    };
    // ANCHOR: shape
    // serde would fill a struct from an array, too, by the fields' order.
    if text.trim_ascii_start().first() != Some(&b'{') {
        let _: IgnoredAny = serde_json::from_slice(text).map_err(no_json)?;
        let detail = "this is JSON, but no object: write {\"name\": \"...\"}";
        return Err(Problem::new(S::UNPROCESSABLE_ENTITY, detail));
    }
    let mut json = serde_json::Deserializer::from_slice(text);
    let value = match serde_path_to_error::deserialize(&mut json) {
        Ok(value) => value,
        Err(error) if error.inner().is_data() => return Err(unfit(&error)),
        Err(error) => return Err(no_json(error.into_inner())),
    };
    json.end().map_err(no_json)?;
    // ANCHOR_END: shape
    Ok(value)
}

/// JSON with the wrong fields. serde says `hat: invalid type`, or names the
/// field in backticks: "missing field `hat`".
fn unfit(error: &serde_path_to_error::Error<serde_json::Error>) -> Problem {
    let detail = error.inner().to_string();
    let path = error.path().to_string();
    let field = match (path.as_str(), detail.split('`').nth(1)) {
        (".", Some(named)) => named.to_owned(),
        _ => path,
    };
    let detail = format!("{field}: {detail}");
    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail).of(field)
}

/// `application/json` with any parameters, or a type whose suffix is `+json`
/// (RFC 6839). A form or plain text that another site's page makes a browser
/// send is neither.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let essence = kind.unwrap_or_default().split(';').next();
    let essence = essence.unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json"
        || essence.starts_with("application/") && essence.ends_with("+json")
}
// ANCHOR_END: all
