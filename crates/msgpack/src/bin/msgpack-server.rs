//! Counts the hats that each cat wears, for any number of clients, until
//! Ctrl-C. Its partner is msgpack-client.
//!
//! cargo run --bin msgpack-server [tcp://HOST:PORT]

use std::process::ExitCode;
use std::time::Duration;

use bytes::Bytes;
use clap::Parser;
use msgpack::sockets::{bind, cause};
use msgpack::words::{finish, say, warn};
use msgpack::{Counter, encode, stop_signal};
use tokio::time::timeout;
use zeromq::{RouterSocket, Socket, SocketRecv, SocketSend, ZmqMessage};

/// A client may take so long to take in a reply.
const PATIENCE: Duration = Duration::from_secs(1);

/// Counts the hats that each cat wears
#[derive(Parser)]
struct Options {
    /// Where clients find it; port 0 takes any free port
    #[arg(default_value = "tcp://127.0.0.1:6789")]
    endpoint: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("msgpack-server", run(&Options::parse()).await)
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    // A REP of this library keeps a connection that broke in the middle of a
    // message, and its error, for ever. A ROUTER lets go of it.
    let mut socket = RouterSocket::new();
    let here = bind(&mut socket, &options.endpoint).await?;
    say(format_args!("Waiting for requests at {here}"))?;
    tokio::select! {
        () = stop => Ok(()),
        result = serve(&mut socket) => result,
    }
}

async fn serve(socket: &mut RouterSocket) -> anyhow::Result<()> {
    let mut counter = Counter::default();
    loop {
        // The address of the client, an empty part, and the request.
        let parts = socket.recv().await?.into_vec();
        let [address, empty, body] = &parts[..] else {
            warn(format_args!(
                "msgpack-server: {} parts are no request of a REQ",
                parts.len()
            ));
            continue;
        };
        let (request, reply) = counter.answer(body);
        match request {
            Ok(request) => say(format_args!("Request: {request}"))?,
            Err(why) => warn(format_args!("msgpack-server: refused: {why}")),
        }
        let mut message = ZmqMessage::from(address.clone());
        message.push_back(empty.clone());
        message.push_back(Bytes::from(encode(&reply)?));
        match timeout(PATIENCE, socket.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => warn(format_args!(
                "msgpack-server: cannot reply: {}",
                cause(&error)
            )),
            Err(_) => {
                warn("msgpack-server: hung up on a client that does not read");
                let client = address.clone().try_into()?;
                zeromq::MultiPeerBackend::peer_disconnected(
                    &*socket.backend(),
                    &client,
                );
            }
        }
    }
}
