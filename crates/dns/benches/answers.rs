//! How many questions of eight kinds dns-server answers in a second, asked by
//! dnsperf, and how many for each second of its processor time, which says the
//! same on a machine that is busy with other things. The server has one core
//! and dnsperf another, as for the others beside it; Linux only. Prints
//! `job value unit`.
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
    let before = ticks(server.id());
    let measured = measure(port);
    let after = ticks(server.id());
    server.kill()?;
    server.wait()?;
    let [completed, speed] = measured?;
    println!("answers {speed} answers/s");
    // A tick is a hundredth of a second.
    let cost = (after? - before?) / 100.0;
    println!("answers_by_processor_time {} answers/s", completed / cost);
    Ok(())
}

/// The processor time that a process has used (proc(5), fields 14 and 15).
fn ticks(id: u32) -> Result<f64, Box<dyn Error>> {
    let text = std::fs::read_to_string(format!("/proc/{id}/stat"))?;
    let fields: Vec<&str> = text.split_whitespace().collect();
    Ok(fields[13].parse::<f64>()? + fields[14].parse::<f64>()?)
}

/// How many questions were answered, and how many a second.
fn measure(port: &str) -> Result<[f64; 2], Box<dyn Error>> {
    let output = Command::new("taskset")
        .args(["-c", "1", "dnsperf", "-s", "127.0.0.1", "-p", port])
        .args(["-d", QUERIES, "-l", "3", "-c", "4", "-q", "200"])
        .output()
        .map_err(|error| format!("cannot run taskset and dnsperf: {error}"))?;
    let output = String::from_utf8_lossy(&output.stdout);
    let find = |what: &str, place: usize| {
        let line = output.lines().find(|line| line.contains(what))?;
        line.split_whitespace().nth(place)?.parse().ok()
    };
    let found = find("completed:", 2).zip(find("per second:", 3));
    let (completed, speed) =
        found.ok_or("dnsperf said no speed; is it installed?")?;
    Ok([completed, speed])
}
