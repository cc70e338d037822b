//! What a ZeroMQ peer greets with: the library only says that the time is
//! over. This file is the same in every section that connects.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use zeromq::ZmqError;

/// Says in words why no socket could be connected to `address` (HOST:PORT)
/// in time: nobody is there, or one who does not greet, or who asks for more
/// than this library can. The beginning of a greeting finds out.
pub async fn why_not(address: &str, partner: &str, limit: Duration) -> String {
    let stream = match timeout(limit, TcpStream::connect(address)).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            return format!(
                "connection refused; start {partner} there, or give another \
                 endpoint"
            );
        }
        _ => {
            return "timed out; is that machine on, and the address right?"
                .into();
        }
    };
    match timeout(limit, mechanism(stream)).await {
        Ok(Ok(Some(other))) if other != "NULL" => format!(
            "it greets with the mechanism {other}; these programs know only \
             NULL, without encryption or password"
        ),
        Ok(Ok(Some(_))) => {
            "timed out; something greets there, and then says no more".into()
        }
        _ => "timed out; something listens there, but it does not greet as \
             ZeroMQ does"
            .into(),
    }
}

/// The mechanism that a peer names in bytes 12 to 31 of its greeting (ZMTP
/// 3.0), or nothing if that is no greeting.
async fn mechanism(mut stream: TcpStream) -> io::Result<Option<String>> {
    let mut greeting = [0; 64];
    (greeting[0], greeting[9], greeting[10]) = (0xff, 0x7f, 3);
    // Up to the version, no more: libzmq hangs up on a mechanism that is not
    // its own before it has named that.
    stream.write_all(&greeting[..11]).await?;
    stream.read_exact(&mut greeting).await?;
    if greeting[0] != 0xff || greeting[9] & 1 == 0 {
        return Ok(None);
    }
    let name = greeting[12..32].split(|byte| *byte == 0).next();
    Ok(name.map(crate::words::printable))
}

/// What to say of a peer that broke the protocol after the handshake, most
/// likely by a heartbeat (ZMTP 3.1): then it is no stranger.
pub fn broke_off(error: &ZmqError) -> Option<&'static str> {
    // The words are the library's, of a part that has no public name.
    let ZmqError::Codec(error) = error else {
        return None;
    };
    (error.to_string() == "Unknown command received").then_some(
        "it sent a command that this library does not know, such as the PING \
         of a heartbeat; do without ZMQ_HEARTBEAT_IVL there",
    )
}
