//! How many requests for one cat cats-server answers in a second, on 32
//! connections, and how long the slowest of a hundred take, both by wrk. The
//! same for nginx, which has the same bytes in a file, and for Python's usual
//! stack. Prints `job value unit`; of requests more is better, of
//! milliseconds less.
//!
//! cargo bench --bench http-api (it starts cats-server itself)

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, ensure};
use http_api::{finish, say};

fn main() -> ExitCode {
    finish("http-api", run())
}

fn run() -> Result<()> {
    let mut server = Command::new(env!("CARGO_BIN_EXE_cats-server"))
        .arg("127.0.0.1:0")
        .stdout(Stdio::piped())
        .spawn()?;
    let stdout = server.stdout.take().context("no pipe")?;
    let mut ready = String::new();
    BufReader::new(stdout).read_line(&mut ready)?;
    let url = ready.trim().rsplit(' ').next().context("no URL")?;
    let measured = measure(&format!("{url}cats/catA"));
    server.kill()?;
    server.wait()?;
    for line in measured?.lines() {
        say(line)?;
    }
    Ok(())
}

/// The same script measures the others.
fn measure(url: &str) -> Result<String> {
    let script =
        concat!(env!("CARGO_MANIFEST_DIR"), "/benches/common/measure.sh");
    let output = Command::new("sh").arg(script).arg(url).output()?;
    ensure!(output.status.success(), "is wrk installed?");
    Ok(String::from_utf8(output.stdout)?)
}
