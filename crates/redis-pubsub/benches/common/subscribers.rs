//! Many cheap subscribers that lose nothing unnoticed.

use anyhow::{Context, Result, bail, ensure};
use redis::{ConnectionAddr, IntoConnectionInfo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::common::{PATIENCE, url};

/// A message about catA as it is on the wire, in RESP2.
pub fn frame(hat: &str) -> Vec<u8> {
    let length = hat.len();
    format!("*3\r\n$7\r\nmessage\r\n$4\r\ncatA\r\n${length}\r\n{hat}\r\n")
        .into_bytes()
}

/// Subscribers to catA, as bare sockets.
pub struct Subscribers {
    sockets: Vec<TcpStream>,
    input: Vec<u8>,
}

impl Subscribers {
    /// Returns when the server has confirmed all subscriptions.
    pub async fn open(count: usize) -> Result<Self> {
        // Each subscriber is a file descriptor, and a few others are open.
        let wanted = count as u64 + 32;
        let allowed = rlimit::increase_nofile_limit(wanted)?;
        ensure!(
            allowed >= wanted,
            "only {allowed} files may be open here; {wanted} are needed"
        );
        let info = url().into_connection_info()?;
        let ConnectionAddr::Tcp(host, port) = info.addr() else {
            bail!("the subscribers can only use redis://HOST:PORT");
        };
        let mut sockets = Vec::with_capacity(count);
        for _ in 0..count {
            sockets.push(TcpStream::connect((host.as_str(), *port)).await?);
        }
        let mut subscribers = Self {
            sockets,
            input: Vec::new(),
        };
        subscribers
            .ask(
                b"SUBSCRIBE catA\r\n",
                b"*3\r\n$9\r\nsubscribe\r\n$4\r\ncatA\r\n:1\r\n",
            )
            .await?;
        Ok(subscribers)
    }

    pub fn count(&self) -> usize {
        self.sockets.len()
    }

    /// Reads these bytes from every socket; anything else is an error.
    pub async fn receive(&mut self, expected: &[u8]) -> Result<()> {
        timeout(PATIENCE, self.read(expected))
            .await
            .context("a message was lost: it did not come within 5 s")?
    }

    async fn read(&mut self, expected: &[u8]) -> Result<()> {
        self.input.resize(expected.len(), 0);
        for socket in &mut self.sockets {
            let read = socket.read_exact(&mut self.input).await;
            read.context("a message was lost: a connection ended")?;
            ensure!(
                self.input == expected,
                "instead of the next message came: {}",
                self.input.escape_ascii()
            );
        }
        Ok(())
    }

    /// A server answers PING after all that it sent before.
    pub async fn expect_nothing_more(&mut self) -> Result<()> {
        self.ask(b"PING\r\n", b"*2\r\n$4\r\npong\r\n$0\r\n\r\n")
            .await
    }

    async fn ask(&mut self, command: &[u8], reply: &[u8]) -> Result<()> {
        for socket in &mut self.sockets {
            socket.write_all(command).await?;
        }
        self.receive(reply).await
    }
}
