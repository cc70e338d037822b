//! The client's side of an echo.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::{connect, look_up, within};

/// Looks a server up and connects to it; each may take `limit`.
///
/// # Errors
/// Those of [`look_up`] and [`connect`], or `TimedOut`.
pub async fn call(
    address: &str,
    limit: Duration,
) -> io::Result<(TcpStream, SocketAddr)> {
    let addresses = within(limit, look_up(address)).await?;
    let stream = connect(&addresses, limit).await?;
    stream.set_nodelay(true)?;
    let server = stream.peer_addr()?;
    Ok((stream, server))
}

/// Sends a message and returns its echo. Both at once: if the message is
/// larger than all buffers in between, the server stops reading until
/// somebody reads what it sends.
///
/// # Errors
/// `InvalidData` when something else comes back.
pub async fn exchange(
    stream: &mut TcpStream,
    message: &[u8],
) -> io::Result<Vec<u8>> {
    let mut echo = vec![0; message.len()];
    let (mut reader, mut writer) = stream.split();
    tokio::try_join!(writer.write_all(message), reader.read_exact(&mut echo))?;
    same(&echo, message)?;
    Ok(echo)
}

/// Ends our direction. The server's ends when it has sent the rest, and of
/// that there is none.
///
/// # Errors
/// `InvalidData` when more comes.
pub async fn end(stream: &mut TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut rest = [0];
    let length = stream.read(&mut rest).await?;
    same(&rest[..length], b"")
}

fn same(echo: &[u8], message: &[u8]) -> io::Result<()> {
    let text = "it sent back something else";
    let differs = || io::Error::new(ErrorKind::InvalidData, text);
    (echo == message).then_some(()).ok_or_else(differs)
}
