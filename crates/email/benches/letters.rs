//! How many letters a second a server takes, each answered with 250: from one
//! client, one after the other, and from sixteen at once. Prints `job value
//! unit`; more is better.
//!
//! cargo bench --bench letters (it starts email-server itself)

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use email::{finish, say};

/// How long is measured.
const TIME: Duration = Duration::from_secs(3);

fn main() -> ExitCode {
    finish("letters", run())
}

fn run() -> Result<()> {
    let only = std::env::var("BENCH_ONLY").unwrap_or_default();
    for clients in [1, 16] {
        let job = format!("letters-{clients}");
        if !job.contains(&only) {
            continue;
        }
        let name = format!("email-bench-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let mut command = Command::new(env!("CARGO_BIN_EXE_email-server"));
        command.arg("127.0.0.1:0").arg("--maildir").arg(&folder);
        let mut server = command.stdout(Stdio::piped()).spawn()?;
        let mut stdout =
            BufReader::new(server.stdout.take().context("no pipe")?);
        let mut ready = String::new();
        stdout.read_line(&mut ready)?;
        thread::spawn(move || stdout.lines().for_each(drop));
        let address = ready.split_whitespace().last().context("no address")?;
        let speed = letters(address, clients);
        server.kill()?;
        server.wait()?;
        std::fs::remove_dir_all(&folder)?;
        say(format_args!("{job} {:.0} letters/s", speed?))?;
    }
    Ok(())
}

fn letters(address: &str, clients: usize) -> Result<f64> {
    let begin = Instant::now();
    let threads: Vec<_> = (0..clients)
        .map(|_| {
            let address = address.to_owned();
            thread::spawn(move || client(&address, begin + TIME))
        })
        .collect();
    let mut sent = 0;
    for thread in threads {
        sent += thread.join().expect("it does not panic")?;
    }
    Ok(f64::from(sent) / begin.elapsed().as_secs_f64())
}

fn client(address: &str, until: Instant) -> Result<u32> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut lines = BufReader::new(&stream).lines();
    let mut ask = |text: &str, code: &str| -> Result<()> {
        (&stream).write_all(text.as_bytes())?;
        loop {
            let line = lines.next().context("the server hung up")??;
            if line.as_bytes().get(3) != Some(&b'-') {
                ensure!(line.starts_with(code), "{line}");
                return Ok(());
            }
        }
    };
    let text = "catA wears a hatB.\r\n".repeat(100);
    let letter = format!("Subject: hats\r\n\r\n{text}.\r\n");
    ask("", "220")?;
    ask("EHLO bench\r\n", "250")?;
    let mut sent = 0;
    while Instant::now() < until {
        ask("MAIL FROM:<alice@example.com>\r\n", "250")?;
        ask("RCPT TO:<bob@example.org>\r\n", "250")?;
        ask("DATA\r\n", "354")?;
        ask(&letter, "250")?;
        sent += 1;
    }
    ask("QUIT\r\n", "221")?;
    Ok(sent)
}
