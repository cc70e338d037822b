//! A server of the test's own, and clients that send just these bytes.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use http_api::cats::Expect;
use http_api::{Cats, Limits, Pages, Served, app, serve};
use tokio::sync::oneshot;

/// No wait is longer.
const LIMIT: Duration = Duration::from_secs(20);

pub struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    ended: Option<std::thread::JoinHandle<Served>>,
}

impl Server {
    /// With catA (version 1) and catC (version 2).
    pub fn start(limits: Limits) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let cats = Arc::new(Cats::default());
        for name in ["catA", "catC"] {
            cats.put(name, "hatA", &Expect::Nothing).unwrap();
        }
        let (stop, stopped) = oneshot::channel();
        let run = async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let app = app(cats.clone(), Pages::new(None).unwrap(), limits);
            serve(listener, app, limits, async {
                let _ = stopped.await;
                cats.close();
            })
            .await
        };
        let ended = std::thread::spawn(|| {
            tokio::runtime::Runtime::new().unwrap().block_on(run)
        });
        Self {
            address,
            stop: Some(stop),
            ended: Some(ended),
        }
    }

    pub fn stop(&mut self) -> Served {
        self.stop.take();
        self.ended.take().unwrap().join().unwrap()
    }

    pub fn begin(&self, sent: &str) -> Talk {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(LIMIT)).unwrap();
        // The server may have refused already.
        let _ = stream.write_all(sent.as_bytes());
        Talk(stream)
    }

    /// All that comes back until the connection ends.
    pub fn raw(&self, sent: &str) -> String {
        let mut got = Vec::new();
        // A reset after the answer is an end, too; a time-out is none.
        if let Err(error) = self.begin(sent).0.read_to_end(&mut got) {
            assert_ne!(error.kind(), std::io::ErrorKind::WouldBlock);
        }
        String::from_utf8(got).unwrap()
    }

    pub fn ask(&self, asked: &str, headers: &str, body: &str) -> String {
        let length = match body.is_empty() && asked.starts_with(['G', 'H']) {
            true => String::new(),
            false => format!("Content-Length: {}\r\n", body.len()),
        };
        self.raw(&format!(
            "{asked} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\
             {headers}{length}\r\n{body}"
        ))
    }
}

pub struct Talk(TcpStream);

impl Talk {
    /// Reads until this has come.
    pub fn until(&mut self, text: &str) {
        let mut got = Vec::new();
        while !String::from_utf8_lossy(&got).contains(text) {
            let mut byte = [0];
            self.0.read_exact(&mut byte).unwrap();
            got.push(byte[0]);
        }
    }
}

/// The statuses of all answers.
pub fn answers(got: &str) -> String {
    let lines = got.split("HTTP/1.").skip(1);
    let statuses: Vec<&str> = lines.filter_map(|line| line.get(2..5)).collect();
    statuses.join(" ")
}

/// An event, as it is sent.
pub fn event(kind: &str, data: &str) -> String {
    format!("event: {kind}\ndata: {data}\n\n")
}
