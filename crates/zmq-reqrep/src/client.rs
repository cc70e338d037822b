// ANCHOR: all
//! A client that does not trust its connection: the lazy pirate of the
//! ZeroMQ guide (<https://zguide.zeromq.org/docs/chapter4/>).

use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, timeout_at};
use zeromq::{ReqSocket, Socket, SocketRecv, SocketSend, ZmqError, ZmqMessage};

use crate::sockets::{Failure, cause, check, connect, socket_options};
use crate::{printable, say, warn};

/// Asks a server, one request at a time.
pub struct Client {
    endpoint: String,
    timeout: Duration,
    socket: Option<ReqSocket>,
}

impl Client {
    /// Connects only when there is something to ask. `timeout` is for a
    /// whole attempt: until the server is reached, and has answered.
    pub fn new(endpoint: &str, timeout: Duration) -> anyhow::Result<Self> {
        check(endpoint)?;
        Ok(Self {
            endpoint: endpoint.into(),
            timeout,
            socket: None,
        })
    }

    // ANCHOR: ask
    /// Sends `request` and waits for its answer. After a failure nobody
    /// knows whether the server has done what it was asked for.
    pub async fn ask(&mut self, request: &str) -> Result<ZmqMessage, Failure> {
        let deadline = Instant::now() + self.timeout;
        // ANCHOR: attempt
        // Who fails below leaves without the socket, and that closes its
        // connection. A late answer can only come on the connection of its
        // request: it is never taken for the answer to the next one.
        let mut socket = match self.socket.take() {
            Some(socket) => socket,
            None => {
                let mut socket = ReqSocket::with_options(socket_options());
                connect(&mut socket, &self.endpoint, self.timeout).await?;
                socket
            }
        };
        let talk = async {
            socket.send(request.into()).await?;
            socket.recv().await
        };
        match timeout_at(deadline, talk).await {
            Ok(Ok(answer)) => {
                self.socket = Some(socket);
                Ok(answer)
            }
            Ok(Err(error)) => Err(Failure::passing(why(&error))),
            Err(_) => Err(Failure::passing(
                "timed out; is the server busy, or too slow (see --timeout)?",
            )),
        }
        // ANCHOR_END: attempt
    }
    // ANCHOR_END: ask

    /// Sends `request` again and again, at most `retries` times, until it is
    /// answered. The server may have done it each time: this is only right
    /// for requests that do no harm when they are done twice.
    pub async fn ask_again(
        &mut self,
        request: &str,
        retries: u32,
    ) -> anyhow::Result<ZmqMessage> {
        let attempts = u64::from(retries) + 1;
        let endpoint = self.endpoint.clone();
        let shown = printable(request);
        let (mut attempt, mut again) = (1, "");
        // ANCHOR: again
        loop {
            say(format_args!("Sending {shown}{again}"))?;
            let failure = match self.ask(request).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let what = format!(
                "no answer to {shown} from {endpoint} \
                 (attempt {attempt} of {attempts})"
            );
            if failure.is_final || attempt == attempts {
                bail!("{what}: {failure}");
            }
            let cause = failure.cause();
            warn(format_args!("zmq-client: {what}: {cause}; trying again"));
            (attempt, again) = (attempt + 1, " again");
        }
        // ANCHOR_END: again
    }
}

fn why(error: &ZmqError) -> String {
    let cause = match error {
        // The end of the connection, where an answer should be.
        ZmqError::NoMessage => "connection reset".into(),
        other => cause(other),
    };
    match cause.as_str() {
        "connection reset" => format!("{cause}; has the server ended?"),
        _ => cause,
    }
}
// ANCHOR_END: all
