//! How many messages a second pass through a connection on this machine, in
//! each framing: one thread writes them, another reads them. The peers in
//! peers/ do the same jobs.
//!
//! cargo bench --bench frames

use std::future::Future;
use std::thread;
use std::time::Instant;

use anyhow::{Context, ensure};
use futures_util::{SinkExt, StreamExt};
use tcp_framing::{FrameError, Framing};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime;
use tokio_util::codec::Framed;

const MESSAGES: usize = 5_000_000;
const MESSAGE: &[u8; 32] = b"catA wears a hatC, and catC two.";

fn main() -> anyhow::Result<()> {
    let only = std::env::var("BENCH_ONLY").unwrap_or_default();
    let limit = 65_536;
    for (job, framing) in [
        ("frames-fixed", Framing::Fixed { size: 32 }),
        ("frames-length", Framing::Length { limit }),
        (
            "frames-delimiter",
            Framing::Delimiter {
                delimiter: b'\n',
                limit,
            },
        ),
    ] {
        if job.contains(&only) {
            let rate = rate(framing)?;
            println!("{job} {rate:.0} messages/s");
        }
    }
    Ok(())
}

fn rate(framing: Framing) -> anyhow::Result<f64> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let reader = thread::spawn(move || {
        on_a_runtime(async {
            listener.set_nonblocking(true)?;
            let listener = TcpListener::from_std(listener)?;
            read(listener.accept().await?.0, framing).await
        })
    });
    let begin = Instant::now();
    on_a_runtime(async {
        write(TcpStream::connect(address).await?, framing).await
    })?;
    let count = reader.join().ok().context("the reader panicked")??;
    ensure!(count == MESSAGES, "{count} messages instead of {MESSAGES}");
    Ok(count as f64 / begin.elapsed().as_secs_f64())
}

async fn write(stream: TcpStream, framing: Framing) -> Result<(), FrameError> {
    let mut stream = Framed::new(stream, framing.codec());
    for _ in 0..MESSAGES {
        // Writes whenever 8 KiB have come together, unlike send.
        stream.feed(MESSAGE).await?;
    }
    stream.close().await
}

async fn read(
    stream: TcpStream,
    framing: Framing,
) -> Result<usize, FrameError> {
    let mut stream = Framed::new(stream, framing.codec());
    let mut count = 0;
    while let Some(message) = stream.next().await {
        if message? == MESSAGE[..] {
            count += 1;
        }
    }
    Ok(count)
}

fn on_a_runtime<T>(
    work: impl Future<Output = Result<T, FrameError>>,
) -> Result<T, FrameError> {
    let runtime = runtime::Builder::new_current_thread().enable_io().build();
    runtime?.block_on(work)
}
