//! The same hundred tasks, some five seconds of work, with 1, 2 and 4
//! workers: how long it takes, as the sink says. Each program is a process of
//! its own. The work is waiting, so it needs no cores. Measured once.

use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};

const VENTILATOR: &str = env!("CARGO_BIN_EXE_zmq-ventilator");
const WORKER: &str = env!("CARGO_BIN_EXE_zmq-worker");
const SINK: &str = env!("CARGO_BIN_EXE_zmq-sink");

fn main() -> Result<(), Box<dyn Error>> {
    let only = std::env::var("BENCH_ONLY").unwrap_or_default();
    let round = std::env::var("BENCH_ROUND").unwrap_or("1".into());
    for workers in [1, 2, 4] {
        let job = format!("workers-{workers}");
        if round == "1" && job.contains(&only) {
            println!("{job} {} s", batch(workers)?);
        }
    }
    Ok(())
}

/// Returns how many seconds the sink says it took.
fn batch(workers: usize) -> Result<f64, Box<dyn Error>> {
    let any = "tcp://127.0.0.1:0";
    let (mut sink, mut report, results) = start(SINK, &[any])?;
    let count = workers.to_string();
    let options = [any, &results, "--seed", "7", "--workers", &count];
    let (mut ventilator, mut rest, tasks) = start(VENTILATOR, &options)?;
    let all: Vec<Child> = (0..workers)
        .map(|_| {
            let mut worker = Command::new(WORKER);
            worker
                .args([&tasks, &results])
                .stdout(Stdio::null())
                .spawn()
        })
        .collect::<Result<_, _>>()?;
    let mut text = String::new();
    rest.read_to_string(&mut text)?;
    text.clear();
    report.read_to_string(&mut text)?;
    for mut program in all {
        program.wait()?;
    }
    ventilator.wait()?;
    sink.wait()?;
    let took = text.trim_end().rsplit(' ').nth(1);
    Ok(took.ok_or("the sink did not say how long")?.parse()?)
}

/// Starts a program that binds; returns where, too.
fn start(
    program: &str,
    options: &[&str],
) -> Result<(Child, BufReader<ChildStdout>, String), Box<dyn Error>> {
    let mut command = Command::new(program);
    let mut child = command.args(options).stdout(Stdio::piped()).spawn()?;
    let output = child.stdout.take().ok_or("it was asked for")?;
    let mut output = BufReader::new(output);
    let mut line = String::new();
    output.read_line(&mut line)?;
    let endpoint = line.trim_end().rsplit(' ').next().unwrap_or_default();
    let endpoint = endpoint.to_owned();
    Ok((child, output, endpoint))
}
