//! How many questions of eight kinds dns-server answers in a second, asked by
//! dnsperf. The server has one core and dnsperf another, as for the others
//! beside it; Linux only. Prints `job value unit`.
//!
//! cargo bench --bench answers

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

const QUERIES: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/benches/queries.txt");
const SERVER: &str = env!("CARGO_BIN_EXE_dns-server");

fn main() -> Result<(), Box<dyn Error>> {
    let mut server = Command::new("taskset")
        .args(["-c", "0", SERVER, "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .spawn()?;
    let output = server.stdout.take().ok_or("no output")?;
    let mut ready = String::new();
    BufReader::new(output).read_line(&mut ready)?;
    let port = ready.trim().rsplit(':').next().unwrap_or_default();
    let measured = measure(port);
    server.kill()?;
    server.wait()?;
    println!("answers {} answers/s", measured?);
    Ok(())
}

fn measure(port: &str) -> Result<f64, Box<dyn Error>> {
    let output = Command::new("taskset")
        .args(["-c", "1", "dnsperf", "-s", "127.0.0.1", "-p", port])
        .args(["-d", QUERIES, "-l", "3", "-c", "4", "-q", "200"])
        .output()
        .map_err(|error| format!("cannot run taskset and dnsperf: {error}"))?;
    let output = String::from_utf8_lossy(&output.stdout);
    let line = output.lines().find(|line| line.contains("per second"));
    let value = line.and_then(|line| line.split_whitespace().last());
    Ok(value
        .ok_or("dnsperf said no speed; is it installed?")?
        .parse()?)
}
