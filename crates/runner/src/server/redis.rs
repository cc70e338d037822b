//! Redis: `redis-server`, and the stand-in of the section redis-pubsub.

use std::io::{Read, Write};
use std::process::Command;
use std::time::Duration;

use super::{Embedded, Kind, Lent, Ready, Real, connect};

pub static KIND: Kind = Kind {
    name: "redis",
    variable: "REDIS_URL",
    scheme: "redis",
    port: 6379,
    embedded: Some(Embedded {
        program: "redis-server",
        arguments: &[],
        lent: Some(Lent {
            port: 6379,
            arguments: &["--exit-when-idle", "10"],
        }),
    }),
    real: Some(REAL),
    answers: |address| {
        let mut stream = connect(address)?;
        stream.write_all(b"PING\r\n")?;
        let mut reply = [0; 5];
        stream.read_exact(&mut reply)?;
        // Any error is a server's answer: it wants a password first, is full,
        // still loading, or knows no PING. It begins with a word in capitals.
        let error =
            reply[0] == b'-' && reply[1..4].iter().all(u8::is_ascii_uppercase);
        Ok(&reply == b"+PONG" || error)
    },
};

pub const REAL: Real = Real {
    program: "redis-server",
    with: &[],
    how: "Debian, Ubuntu: apt install redis-server; macOS: brew install redis",
    launch: |place| {
        let mut command = Command::new(place.program);
        command
            .args(["--port", &place.ports[0].to_string()])
            .args(["--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .args(place.arguments);
        Ok(command.into())
    },
    ready: Ready::Line("Ready to accept connections"),
    within: Duration::from_secs(20),
    space: None,
    more_ports: 0,
};

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread::spawn;

    use super::KIND;
    use super::*;
    use crate::server::Found;

    /// Whoever answers by an error is a server; only other words are a
    /// stranger's. Nobody is taken for a stranger who does not answer.
    #[test]
    fn who_is_there() {
        for (answer, expected) in [
            ("+PONG\r\n", Found::Server),
            ("-ERR max number of clients reached\r\n", Found::Server),
            ("-ERR unknown command 'PING'\r\n", Found::Server),
            ("-NOAUTH Authentication required.\r\n", Found::Server),
            ("-LOADING Redis is loading\r\n", Found::Server),
            ("HTTP/1.1 400 Bad Request\r\n", Found::Stranger),
            ("", Found::Silent),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let server = spawn(move || {
                let (mut client, _) = listener.accept().unwrap();
                client.read_exact(&mut [0; 6]).unwrap();
                client.write_all(answer.as_bytes()).unwrap();
            });
            assert_eq!(KIND.probe(port), expected, "{answer}");
            server.join().unwrap();
        }
        // Busy: the system takes the connection, and no word comes.
        let busy = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = busy.local_addr().unwrap().port();
        assert_eq!(KIND.probe(port), Found::Silent);
        drop(busy);
        assert_eq!(KIND.probe(port), Found::Nobody);
    }
}
