use std::io;

use tokio::sync::oneshot;

/// The next line that is typed, `None` at the end. The thread that reads it
/// cannot be interrupted, so nobody waits for it: whoever drops this can end.
pub async fn typed() -> io::Result<Option<String>> {
    let (sender, line) = oneshot::channel();
    std::thread::Builder::new().spawn(move || {
        // Nobody may want to know it any more.
        let _ = sender.send(io::stdin().lines().next().transpose());
    })?;
    let line = line.await.map_err(|_| io::ErrorKind::Interrupted)??;
    Ok(line.map(|line| line.trim().to_owned()))
}
