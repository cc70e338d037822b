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
    real: Some(Real {
        program: "redis-server",
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
    }),
    answers: |address| {
        let mut stream = connect(address)?;
        stream.write_all(b"PING\r\n")?;
        let mut reply = [0; 7];
        stream.read_exact(&mut reply)?;
        // One that wants a password first, or is still loading, says so by an
        // error, which begins with a word in capitals.
        let error = reply.split_first().is_some_and(|(first, word)| {
            *first == b'-' && word[..4].iter().all(u8::is_ascii_uppercase)
        });
        Ok(&reply == b"+PONG\r\n" || error)
    },
};
