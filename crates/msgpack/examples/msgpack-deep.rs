//! Ten bytes more, ten levels deeper: what a few hundred bytes do to a
//! reader whose limit is too high.
//!
//! cargo run --example msgpack-deep

use std::process::ExitCode;
use std::thread;

use anyhow::anyhow;
use msgpack::words::{finish, say};
use msgpack::{MAX_DEPTH, decode};
use serde::de::IgnoredAny;

/// What tokio and std give to a thread.
const STACK: usize = 2 * 1024 * 1024;

fn main() -> ExitCode {
    let thread = thread::Builder::new().stack_size(STACK).spawn(run);
    let result = thread.map_err(Into::into).and_then(|thread| {
        thread
            .join()
            .unwrap_or_else(|_| Err(anyhow!("it panicked")))
    });
    finish("msgpack-deep", result)
}

fn run() -> anyhow::Result<()> {
    for levels in [MAX_DEPTH - 1, 1000] {
        // An array of one, in an array of one, in an array of one …
        let mut bytes = vec![0x91; levels];
        bytes.push(0xc0);
        let length = bytes.len();
        let result = match decode::<IgnoredAny>(&bytes) {
            Ok(_) => "read".into(),
            Err(error) => format!("refused: {error}"),
        };
        say(format_args!("{length} bytes with our limit: {result}"))?;
        say(format_args!(
            "{length} bytes with the library's limit of 1,024:"
        ))?;
        rmp_serde::from_slice::<IgnoredAny>(&bytes)?;
        say("read")?;
    }
    Ok(())
}
