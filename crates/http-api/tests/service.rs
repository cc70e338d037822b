//! What the server answers, byte by byte, in a server of each test's own. The
//! right values are those of nginx, uvicorn, node and the RFCs.

mod common;

use std::time::{Duration, Instant};

use common::{Server, answers, event};
use http_api::cats::{Cats, Expect};
use http_api::server::{LONGEST_BODY, Limits};

const JSON: &str = "Content-Type: application/json\r\n";

/// Method and target, further header lines, body: the status, and what must
/// stand in the answer.
type Case<'a> = (&'a str, &'a str, &'a str, u16, &'a str);

fn check(server: &Server, cases: &[Case]) {
    for (asked, headers, body, status, part) in cases {
        let answer = server.ask(asked, headers, body);
        let shown = format!("{asked} {headers:?} {body:?}: {answer}");
        let line = format!("HTTP/1.1 {status} ");
        assert!(answer.starts_with(&line), "{status}: {shown}");
        assert!(answer.contains(part), "{part}: {shown}");
    }
}

#[test]
fn a_body_that_is_wrong_is_told_which_field() {
    let server = Server::start(Limits::default());
    let post = |body, status, part| ("POST /cats", JSON, body, status, part);
    check(
        &server,
        &[
            post(r#"{"name":"a"}"#, 422, r#""field":"hat""#),
            post(r#"{"name":"a","hat":7}"#, 422, r#""field":"hat""#),
            post(r#"{"name":"a","hat":null}"#, 422, r#""field":"hat""#),
            post(r#"{"name":"a","hat":1e99}"#, 422, r#""field":"hat""#),
            post(r#"{"name":"a","hat":"b","hat":"c"}"#, 422, "duplicate"),
            post(r#"{"name":"a","hat":"b","c":1}"#, 422, r#""field":"c""#),
            post(r#"{"name":"a\nb","hat":"b"}"#, 422, r#""field":"name""#),
            post(r#"{"name":"..","hat":"b"}"#, 422, r#""field":"name""#),
            post(r#"{"name":"a","hat":" "}"#, 422, r#""field":"hat""#),
            post(r#"["a","b"]"#, 422, "no object"),
            post("null", 422, "no object"),
            post(r#"{"name":"a","hat":"b","#, 400, "no JSON"),
            post(r#"{"name":"a","hat":"b"} more"#, 400, "no JSON"),
            post("", 400, "no JSON"),
            post("[1,", 400, "no JSON"),
            post("\u{feff}{\"name\":\"bom\",\"hat\":\"b\"}", 201, "bom"),
            post(r#"{"name":"bom","hat":"b"}"#, 409, "already"),
        ],
    );
    let long = format!(r#"{{"name":"{}","hat":"b"}}"#, "ü".repeat(41));
    check(&server, &[post(&long, 422, "more than 40 characters")]);
}

#[test]
fn only_json_is_json() {
    let server = Server::start(Limits::default());
    for (number, (kind, status)) in [
        ("", 415),
        ("Content-Type: text/plain\r\n", 415),
        ("Content-Type: application/x-www-form-urlencoded\r\n", 415),
        ("Content-Type: application/json; charset=utf-8\r\n", 201),
        ("Content-Type: application/merge-patch+json\r\n", 201),
    ]
    .into_iter()
    .enumerate()
    {
        let body = format!(r#"{{"name":"n{number}","hat":"b"}}"#);
        check(&server, &[("POST /cats", kind, &body, status, "")]);
    }
}

#[test]
fn names_in_paths_and_queries() {
    let server = Server::start(Limits::default());
    let hat = r#"{"hat":"h"}"#;
    check(
        &server,
        &[
            ("PUT /cats/a+b", JSON, hat, 201, "location: /cats/a%2Bb\r\n"),
            ("PUT /cats/a%20b", JSON, hat, 201, r#""name":"a b""#),
            ("PUT /cats/a%2Fb", JSON, hat, 201, r#""name":"a/b""#),
            ("GET /cats/a%2Fb", "", "", 200, r#""name":"a/b""#),
            ("GET /cats/%ff", "", "", 400, "UTF-8"),
            ("GET /cats/../cats/catA", "", "", 404, ""),
            // In a query + is a blank; the plus comes after it.
            (
                "GET /cats?limit=1&after=a+b",
                "",
                "",
                200,
                r#""name":"a+b""#,
            ),
            (
                "GET /cats?limit=1&after=a%20b",
                "",
                "",
                200,
                r#""name":"a+b""#,
            ),
            (
                "GET /cats?limit=1&after=a%2Bb",
                "",
                "",
                200,
                r#""name":"a/b""#,
            ),
            // Broken escapes stand for themselves, or for U+FFFD.
            (
                "GET /cats?limit=1&after=%zz",
                "",
                "",
                200,
                r#""name":"a b""#,
            ),
            (
                "GET /cats?after=%ff",
                "",
                "",
                200,
                r#"{"cats":[],"next":null}"#,
            ),
            ("GET /cats?limit=0", "", "", 400, r#""field":"limit""#),
            ("GET /cats?limit=1e9", "", "", 400, r#""field":"limit""#),
            ("GET /cats?limit=1&limit=2", "", "", 400, r#"{"status":400"#),
        ],
    );
}

#[test]
fn paths_and_methods() {
    let server = Server::start(Limits::default());
    check(
        &server,
        &[
            ("GET /cats/", "", "", 404, "nothing is here"),
            ("POST /cats/", JSON, "{}", 404, "nothing is here"),
            ("GET /Cats", "", "", 404, ""),
            ("GET //cats", "", "", 404, ""),
            ("DELETE /cats", "", "", 405, "allow: GET,HEAD,POST\r\n"),
            ("BREW /cats", "", "", 405, "allow: GET,HEAD,POST\r\n"),
            ("OPTIONS /cats", "Origin: http://x\r\n", "", 405, "allow: "),
        ],
    );
    let get = server.ask("GET /cats/catA", "", "");
    let head = server.ask("HEAD /cats/catA", "", "");
    assert!(get.contains("content-length: 28\r\n"), "{get}");
    assert!(head.contains("content-length: 28\r\n"), "{head}");
    assert!(head.ends_with("\r\n\r\n"), "{head}");
}

#[test]
fn nobody_overwrites_what_was_not_seen() {
    let server = Server::start(Limits::default());
    let (one, two) = (r#"{"hat":"hatX"}"#, r#"{"hat":"hatY"}"#);
    let seen = |tag: &str| format!("{JSON}If-Match: {tag}\r\n");
    let cat = server.ask("GET /cats/catA", "", "");
    assert!(cat.contains("etag: \"1\"\r\n"), "{cat}");
    check(
        &server,
        &[
            ("PUT /cats/catA", JSON, one, 428, "If-Match"),
            ("PUT /cats/catA", &seen("\"1\""), one, 200, "etag: \"3\""),
            ("PUT /cats/catA", &seen("\"1\""), two, 412, "hatX"),
            ("PUT /cats/catA", &seen("W/\"3\""), two, 412, ""),
            ("PUT /cats/catA", &seen("\"9\", \"3\""), two, 200, "hatY"),
            ("PUT /cats/catA", &seen("*"), one, 200, "hatX"),
            ("PUT /cats/new", &seen("*"), one, 412, "is gone"),
            ("DELETE /cats/new", "If-Match: \"1\"\r\n", "", 412, ""),
            ("DELETE /cats/new", "", "", 404, ""),
            (
                "PUT /cats/new",
                &seen("*\r\nIf-None-Match: *"),
                one,
                400,
                "",
            ),
            ("DELETE /cats/catA", "If-Match: \"1\"\r\n", "", 412, ""),
            ("DELETE /cats/catA", "", "", 204, ""),
            ("DELETE /cats/catA", "", "", 404, ""),
            ("PUT /cats/catA", JSON, one, 201, "etag: \"6\""),
        ],
    );
    let new = format!("{JSON}If-None-Match: *\r\n");
    check(&server, &[("PUT /cats/catA", &new, one, 409, "already")]);
    let named = r#"{"name":"catC","hat":"hatZ"}"#;
    check(
        &server,
        &[("PUT /cats/catA", &seen("*"), named, 422, "name")],
    );
}

#[test]
fn pages_neither_repeat_nor_skip() {
    let cats = Cats::default();
    for number in 10..20 {
        let name = format!("cat{number}");
        cats.put(&name, "hatA", &Expect::Nothing).unwrap();
    }
    let (first, more) = cats.list("", 4);
    assert!(more && first.len() == 4);
    // Before the place where the reader stands, one comes and one goes.
    cats.put("aaa", "hatA", &Expect::Nothing).unwrap();
    cats.remove("cat11", &Expect::Anything).unwrap();
    let (second, more) = cats.list(&first[3].name, 100);
    let names: Vec<&str> = first
        .iter()
        .chain(&second)
        .map(|cat| &cat.name[..])
        .collect();
    let all: Vec<String> = (10..20).map(|n| format!("cat{n}")).collect();
    assert_eq!((names, more), (all.iter().map(|n| &n[..]).collect(), false));
}

/// The requests, as they are sent; the statuses that come back, and whether
/// the connection is closed then.
#[test]
fn raw_requests() {
    let limits = Limits {
        header: Duration::from_millis(300),
        request: Duration::from_millis(300),
        ..Limits::default()
    };
    let server = Server::start(limits);
    let get = "GET /cats/catA HTTP/1.1\r\nHost: x\r\n";
    let post = format!("POST /cats HTTP/1.1\r\nHost: x\r\n{JSON}");
    let large = format!("1000\r\n{}\r\n", "A".repeat(LONGEST_BODY));
    for (sent, statuses) in [
        // Two lengths, a blank before the colon, no size of a chunk.
        (
            format!("{post}Content-Length: 5\r\nContent-Length: 40\r\n\r\n"),
            "400",
        ),
        (
            format!("{post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n"),
            "400",
        ),
        (
            format!("{post}Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
            "400",
        ),
        // No Host, two hosts, and HTTP/1.0, which needs none.
        ("GET /cats HTTP/1.1\r\n\r\n".into(), "400"),
        (format!("{get}Host: y\r\n\r\n"), "400"),
        ("GET /cats HTTP/1.0\r\n\r\n".into(), "200"),
        // Two in one piece, answered in their order; then the end.
        (
            format!("{get}\r\n{get}Connection: close\r\n\r\n"),
            "200 200",
        ),
        (
            format!(
                "{post}Expect: 100-continue\r\nContent-Length: 2\r\n\r\n{{}}"
            ),
            "100 422",
        ),
        // Too large, by its length and without one.
        (format!("{post}Content-Length: 5000\r\n\r\n"), "413"),
        (
            format!(
                "{post}Transfer-Encoding: chunked\r\n\r\n\
                 {large}1\r\nA\r\n0\r\n\r\n"
            ),
            "413",
        ),
        (format!("{get}X: {}\r\n\r\n", "y".repeat(20_000)), "431"),
        (format!("{get}{}\r\n", "X: y\r\n".repeat(100)), "431"),
        // Bare LF is allowed, CR inside a line is not.
        (
            "GET /cats HTTP/1.1\nHost: x\nConnection: close\n\n".into(),
            "200",
        ),
        (format!("{get}X-A: b\rX-Evil: 1\r\n\r\n"), "400"),
        // A body, a header, a second request that never come.
        (format!("{post}Content-Length: 10\r\n\r\n{{"), "408"),
        ("GET /cats HTTP/1.1\r\nHo".into(), ""),
        (format!("{get}\r\n"), "200"),
    ] {
        let begin = Instant::now();
        assert_eq!(answers(&server.raw(&sent)), statuses, "{sent:?}");
        assert!(begin.elapsed() < Duration::from_secs(5), "{sent:?}");
    }
}

#[test]
fn a_half_sent_header_and_watchers_do_not_hold_up_the_end() {
    let limits = Limits {
        grace: Duration::from_millis(300),
        ..Limits::default()
    };
    let mut server = Server::start(limits);
    let half = server.begin("GET /cats HTTP/1.1\r\nHo");
    let watcher = server.begin("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    // Both have been accepted: this one comes after them.
    server.ask("GET /cats", "", "");
    let served = server.stop();
    assert_eq!((served.connections, served.cut_off), (3, 1));
    drop((half, watcher));
}

#[test]
fn connections_have_a_limit_and_the_others_wait() {
    let limits = Limits {
        connections: 1,
        header: Duration::from_millis(300),
        ..Limits::default()
    };
    let server = Server::start(limits);
    let _first = server.begin("GET /cats HTTP/1.1\r\nHo");
    // Answered once the first has been hung up on.
    check(&server, &[("GET /cats", "", "", 200, "catA")]);
}

#[test]
fn the_page_for_people() {
    let server = Server::start(Limits::default());
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let evil = format!("{form}Origin: http://evil.test\r\n");
    let own = format!("{form}Origin: http://x\r\n");
    check(
        &server,
        &[
            ("GET /", "", "", 200, "content-security-policy: default-src"),
            (
                "POST /",
                &own,
                "name=%3Cb%3E&hat=h+1",
                303,
                "location: /\r\n",
            ),
            ("GET /", "", "", 200, "&lt;b&gt;"),
            ("GET /?limit=1", "", "", 200, "rel=\"next\""),
            ("GET /?limit=x", "", "", 400, "role=\"alert\""),
            ("GET /?limit=1&limit=2", "", "", 400, "role=\"alert\""),
            ("POST /", form, "name=%3Cb%3E&hat=h", 409, "already"),
            ("POST /", form, "name=&hat=h", 422, "aria-invalid"),
            ("POST /", &evil, "name=c&hat=h", 403, "another site"),
            ("POST /cat/catA", form, "hat=z&version=1", 303, ""),
            ("POST /cat/catA", form, "hat=q&version=1", 412, "wears a z"),
            ("GET /cat/nobody", "", "", 404, "no cat is called nobody"),
            ("POST /cat/catA/remove", form, "version=1", 412, ""),
            ("POST /cat/catC/remove", form, "version=2", 303, ""),
            ("GET /cats/catC", "", "", 404, ""),
        ],
    );
}

#[test]
fn changes_are_told_while_they_happen() {
    let server = Server::start(Limits::default());
    let mut news = server.begin("GET /events HTTP/1.1\r\nHost: x\r\n\r\n");
    news.until("\r\n\r\n");
    server.ask("PUT /cats/catX", JSON, r#"{"hat":"<hat>"}"#);
    news.until(&event("hat", r#"{"name":"catX","hat":"<hat>"}"#));
    server.ask("DELETE /cats/catX", "", "");
    news.until(&event("gone", r#"{"name":"catX"}"#));
}
