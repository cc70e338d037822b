//! Shows what each byte of a cat means, and reads the bytes again.
//!
//! cargo run --bin msgpack-roundtrip

use std::process::ExitCode;

use anyhow::ensure;
use clap::Parser;
use msgpack::explain::explain;
use msgpack::words::{finish, say};
use msgpack::{Cat, decode, encode};

/// Shows what each byte of a cat means, and reads the bytes again
#[derive(Parser)]
struct Options {}

fn main() -> ExitCode {
    Options::parse();
    finish("msgpack-roundtrip", run())
}

fn run() -> anyhow::Result<()> {
    let cat = Cat::example();
    let bytes = encode(&cat)?;
    let array = rmp_serde::to_vec(&cat)?;
    let json = serde_json::to_vec(&cat)?;
    say(format_args!(
        "{} bytes as a map, {} as an array, {} as JSON:",
        bytes.len(),
        array.len(),
        json.len()
    ))?;
    let explained = explain(&bytes);
    for row in &explained.rows {
        let hex = format!("{}{}", row.indent(), row.hex(&bytes));
        say(format_args!("{hex:29}{}", row.meaning))?;
    }
    say(format_args!("In short: {}", explained.text))?;
    let again: Cat = decode(&bytes)?;
    ensure!(again == cat, "another cat came back: {again:?}");
    ensure!(encode(&again)? == bytes, "its bytes are others");
    say("Read again: the same cat, and the same bytes")?;
    Ok(())
}
