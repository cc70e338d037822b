//! What the client makes of servers that misbehave. Each path of the server
//! here is one fault; curl and requests were seen to end alike.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use http_api::client::{Answer, Client, Fault, Limits};
use reqwest::Method;

/// The paths that were asked for, each with whether it had a password.
type Asked = Arc<Mutex<Vec<(String, bool)>>>;

/// A server whose redirects lead to `other`.
fn misbehaving(other: Option<SocketAddr>) -> (SocketAddr, Asked) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap();
    let asked = Asked::default();
    let list = asked.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (list, other) = (list.clone(), other.unwrap_or(own));
            // Whatever breaks here, the client is to notice.
            std::thread::spawn(move || talk(&stream, other, &list));
        }
    });
    (own, asked)
}

fn talk(mut stream: &TcpStream, other: SocketAddr, list: &Asked) {
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    while let Some(first) = lines.next() {
        let headers: Vec<String> =
            lines.by_ref().take_while(|line| !line.is_empty()).collect();
        let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
        let secret =
            headers.iter().any(|line| line.starts_with("authorization"));
        list.lock().unwrap().push((path.clone(), secret));
        let ok = "HTTP/1.1 200 OK\r\n";
        let moved = |to: &str| {
            format!(
                "HTTP/1.1 302 Found\r\nLocation: {to}\r\n\
                 Content-Length: 0\r\n\r\n"
            )
        };
        let answer = match path.as_str() {
            "/other" => moved(&format!("http://{other}/whoami")),
            "/same" => moved("/whoami"),
            "/loop" => moved("/loop"),
            "/file" => moved("file:///etc/hostname"),
            "/204" => {
                let none = "HTTP/1.1 204 No Content\r\n\r\n";
                format!("{none}{ok}Content-Length: 4\r\n\r\nevil")
            }
            "/short" => format!("{ok}Content-Length: 10\r\n\r\nhello"),
            "/chunked" => {
                format!("{ok}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
            }
            "/garbage" => "220 mail.test ESMTP\r\n".to_owned(),
            "/header" => {
                let line = format!("X: {}\r\n", "y".repeat(500));
                format!("{ok}{}", line.repeat(3000))
            }
            "/silent" => {
                let _ = stream.read(&mut [0]);
                return;
            }
            "/lost" => String::new(),
            "/bomb" => {
                bomb(stream, 5_000_000);
                return;
            }
            _ => format!("{ok}Content-Length: 2\r\n\r\nok"),
        };
        let _ = stream.write_all(answer.as_bytes());
        if !["/other", "/same", "/loop", "/whoami", "/204"].contains(&&*path) {
            return; // Closes.
        }
    }
}

fn bomb(mut stream: &TcpStream, bytes: usize) {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&vec![b' '; bytes]).unwrap();
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 6_000);
    let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n";
    let head = format!("{head}Content-Length: {}\r\n\r\n", packed.len());
    let _ = stream.write_all(&[head.as_bytes(), &packed].concat());
}

fn client(address: SocketAddr, limits: Limits) -> Client {
    Client::new(&format!("http://me:secret@{address}"), limits).unwrap()
}

async fn ask(
    client: &Client,
    method: Method,
    path: &str,
) -> Result<Answer, Fault> {
    client.ask(method, &[path], |request| request).await
}

#[tokio::test]
async fn each_fault_is_told_as_what_it_is() {
    let (address, _) = misbehaving(None);
    let limits = Limits {
        time: Duration::from_secs(2),
        ..Limits::default()
    };
    let client = client(address, limits);
    let begin = Instant::now();
    for (path, said) in [
        (
            "short",
            "the connection ended before the answer was whole (closed)",
        ),
        (
            "chunked",
            "the connection ended before the answer was whole (closed)",
        ),
        (
            "lost",
            "the connection ended before the answer was whole (closed)",
        ),
        ("garbage", "what came back is no HTTP; is the port right?"),
        ("header", "the answer's header is too long"),
        ("loop", "it redirects us more than 5 times"),
        (
            "file",
            "it sends us to file:///etc/hostname, and we do not follow; give \
             that URL if you trust it",
        ),
        (
            "bomb",
            "the answer is larger than 1048576 bytes (see --max-body)",
        ),
        (
            "silent",
            "timed out after 2s; is it the right server? (see --timeout)",
        ),
    ] {
        let fault = ask(&client, Method::GET, path).await.unwrap_err();
        assert_eq!(fault.to_string(), said, "{path}: {fault:?}");
    }
    assert!(begin.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn nothing_there() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let client = client(address, Limits::default());
    // Nothing was sent, so even this is tried again.
    let fault = ask(&client, Method::POST, "cats").await.unwrap_err();
    let said = "connection refused; start the server, or give another URL";
    assert_eq!(fault.to_string(), said);
    for url in ["", "cats", "https://localhost/", "http://", "ftp://me:pw@x"] {
        let Err(fault) = Client::new(url, Limits::default()) else {
            panic!("{url}");
        };
        let said = "this is no URL; write it as http://HOST:PORT";
        assert_eq!(fault.to_string(), said);
    }
}

#[tokio::test]
async fn a_password_stays_with_its_server() {
    let (there, heard) = misbehaving(None);
    let (here, asked) = misbehaving(Some(there));
    let client = client(here, Limits::default());
    assert!(!client.server().contains("secret"));
    for path in ["other", "same"] {
        let answer = ask(&client, Method::GET, path).await.unwrap();
        assert_eq!(answer.body, b"ok");
    }
    let all = |asked: Asked| asked.lock().unwrap().clone();
    let paths = |list: &[(&str, bool)]| -> Vec<(String, bool)> {
        list.iter()
            .map(|(path, it)| ((*path).to_owned(), *it))
            .collect()
    };
    assert_eq!(all(heard.clone()), paths(&[("/whoami", false)]));
    let own = [("/other", true), ("/same", true), ("/whoami", true)];
    assert_eq!(all(asked), paths(&own));
    // What changes something goes nowhere else at all.
    let fault = ask(&client, Method::POST, "other").await.unwrap_err();
    assert!(matches!(fault, Fault::Moved(_)), "{fault:?}");
    assert_eq!(all(heard).len(), 1);
}

#[tokio::test]
async fn only_what_changes_nothing_is_tried_again() {
    let (address, asked) = misbehaving(None);
    let client = client(address, Limits::default());
    let count = || asked.lock().unwrap().len();
    ask(&client, Method::GET, "lost").await.unwrap_err();
    assert_eq!(count(), 3);
    let fault = ask(&client, Method::POST, "lost").await.unwrap_err();
    assert!(matches!(fault, Fault::Lost(_)), "{fault:?}");
    assert_eq!(count(), 4);
    // What stands behind an answer that has no body is not the next answer.
    let empty = ask(&client, Method::GET, "204").await.unwrap();
    assert!(empty.body.is_empty());
    assert_eq!(ask(&client, Method::GET, "fine").await.unwrap().body, b"ok");
    // A server that closes after each answer is no fault.
    for method in [Method::GET, Method::GET, Method::POST] {
        assert_eq!(ask(&client, method, "fine").await.unwrap().body, b"ok");
    }
}
