//! Reads letters by IMAP and prints them.
//! Run: cargo run --example short-imap-client [HOST:PORT]
//! In Python: python/short_imap_client.py

use std::io::{BufRead, BufReader, Read, Write};
use std::{env, net::TcpStream, str::from_utf8};

fn main() -> anyhow::Result<()> {
    let usual = "127.0.0.1:1143".into();
    let address = env::args().nth(1).unwrap_or(usual);
    let server = TcpStream::connect(address)?;
    let mut server = BufReader::new(server);
    // It speaks first. A line with our tag ends an answer.
    server.read_line(&mut String::new())?;
    ask(&mut server, "a1 LOGIN bob secret")?;
    ask(&mut server, "a2 SELECT INBOX")?;
    println!("Fetch: all letters");
    ask(&mut server, "a3 FETCH 1:* BODY[]")?;
    ask(&mut server, "a4 LOGOUT")
}

type Imap = BufReader<TcpStream>;
fn ask(to: &mut Imap, line: &str) -> anyhow::Result<()> {
    write!(to.get_ref(), "{line}\r\n")?;
    let mut said = String::new();
    while !said.starts_with(&line[..3]) {
        said.clear();
        anyhow::ensure!(to.read_line(&mut said)? > 0);
        // {99}: a letter follows, of 99 bytes.
        if let Some(size) = said.rsplit(['{', '}']).nth(1) {
            let mut letter = vec![0; size.parse()?];
            to.read_exact(&mut letter)?;
            for line in from_utf8(&letter)?.lines() {
                println!("| {line}");
            }
        }
    }
    anyhow::ensure!(said[3..].starts_with("OK"), "{said}");
    Ok(())
}
