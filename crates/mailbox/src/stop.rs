//! Ctrl-C and SIGTERM. This file is only scaffolding; it is the same in every
//! section whose programs await.

use std::time::Duration;
use std::{io, process, thread};

use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::words::lines;

/// How long a line may wait to be written once the program was told to end,
/// and how long the program has after a second signal.
const GRACE: Duration = Duration::from_millis(300);

/// Completes on Ctrl-C or SIGTERM (on Windows: Ctrl-C or Ctrl-Break). The
/// signals are caught from this call on, not from the first `await`.
///
/// A program that waits in a write, because nobody reads its output, polls no
/// future. So a thread hears the signals, and ends the program itself (exit
/// code 0) if a line is stuck after the first one, or after a second one.
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    hear_signals().map_err(|error| {
        let text = format!("cannot catch Ctrl-C: {error}");
        io::Error::new(error.kind(), text)
    })
}

fn hear_signals() -> io::Result<impl Future<Output = ()>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let entered = runtime.enter();
    let (mut interrupt, mut terminate) = catch()?;
    drop(entered);
    let (sender, heard) = oneshot::channel();
    let listen = async move {
        let mut signal = async || {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        };
        signal().await;
        let _ = sender.send(());
        tokio::select! {
            () = stuck() => {}
            () = async { signal().await; sleep(GRACE).await } => {}
        }
        process::exit(0);
    };
    thread::Builder::new().spawn(move || runtime.block_on(listen))?;
    Ok(async {
        let _ = heard.await;
    })
}

/// Completes when one and the same line has waited for the whole grace time.
async fn stuck() {
    loop {
        let (done, waiting) = lines();
        sleep(GRACE).await;
        if waiting && lines().0 == done {
            return;
        }
    }
}

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};
#[cfg(unix)]
fn catch() -> io::Result<(Signal, Signal)> {
    let interrupt = signal(SignalKind::interrupt())?;
    Ok((interrupt, signal(SignalKind::terminate())?))
}

#[cfg(windows)]
use tokio::signal::windows::{CtrlBreak, CtrlC, ctrl_break, ctrl_c};
#[cfg(windows)]
fn catch() -> io::Result<(CtrlC, CtrlBreak)> {
    Ok((ctrl_c()?, ctrl_break()?))
}
