//! Redis with streams: `redis-server`, and the stand-in of the section
//! redis-streams. What answers at 6379 may be the stand-in of another section,
//! which knows no streams; so this one has a port of its own.

use std::io::{BufRead, BufReader, Write};

use super::{Embedded, Kind, Lent, connect, redis};

pub static KIND: Kind = Kind {
    name: "redis-streams",
    variable: "REDIS_URL",
    scheme: "redis",
    port: 6379,
    embedded: Some(Embedded {
        program: "redis-streams-server",
        arguments: &[],
        lent: Some(Lent {
            port: 6380,
            arguments: &["--exit-when-idle", "10"],
        }),
    }),
    real: Some(redis::REAL),
    answers: |address| {
        let mut stream = connect(address)?;
        stream.write_all(b"XLEN runner:nothing\r\n")?;
        let mut reply = Vec::new();
        BufReader::new(stream).read_until(b'\n', &mut reply)?;
        // Any other error is a server's answer: it wants a password first, is
        // full, or still loading. It begins with a word in capitals.
        let word = reply.split(|byte| *byte == b' ').next();
        let error = word.is_some_and(|word| {
            word.len() > 3
                && word[0] == b'-'
                && word[1..].iter().all(u8::is_ascii_uppercase)
        });
        let unknown = reply.starts_with(b"-ERR unknown command");
        Ok(reply.starts_with(b":") || error && !unknown)
    },
};

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;
    use std::thread::spawn;

    use super::*;
    use crate::server::Found;

    /// A server without streams is a stranger; one that refuses is none.
    #[test]
    fn who_has_streams() {
        for (answer, expected) in [
            (":0\r\n", Found::Server),
            (
                "-ERR unknown command 'XLEN', with args\r\n",
                Found::Stranger,
            ),
            ("-ERR max number of clients reached\r\n", Found::Server),
            ("-NOAUTH Authentication required.\r\n", Found::Server),
            ("HTTP/1.1 400 Bad Request\r\n", Found::Stranger),
        ] {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            let port = listener.local_addr().unwrap().port();
            let server = spawn(move || {
                let (mut client, _) = listener.accept().unwrap();
                client.read_exact(&mut [0; 21]).unwrap();
                client.write_all(answer.as_bytes()).unwrap();
            });
            assert_eq!(KIND.probe(port), expected, "{answer}");
            server.join().unwrap();
        }
    }
}
