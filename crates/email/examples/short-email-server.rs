//! Takes letters by SMTP and prints them.
//! Run: cargo run --example short-email-server [HOST:PORT]
//! In Python: python/short_email_server.py

use std::io::{self, BufRead, BufReader, Write};
use std::{env, net::TcpListener};

fn main() -> io::Result<()> {
    let usual = "127.0.0.1:2525".into();
    let address = env::args().nth(1).unwrap_or(usual);
    let listener = TcpListener::bind(address)?;
    println!("Waiting at {}", listener.local_addr()?);
    for client in listener.incoming() {
        let client = client?;
        let lines = BufReader::new(&client).lines();
        let mut lines = lines.map_while(Result::ok);
        write!(&client, "220 ready\r\n")?;
        while let Some(line) = lines.next() {
            // The envelope: who it is from and for.
            if line.contains('<') {
                println!("Envelope: {line}");
            }
            if line.to_uppercase() == "DATA" {
                write!(&client, "354 go on\r\n")?;
                // The letter, up to a line with only a dot.
                let rest = lines.by_ref();
                for line in rest.take_while(|l| l != ".") {
                    let text = line.strip_prefix('.');
                    println!("| {}", text.unwrap_or(&line));
                }
            }
            let bye = line.to_uppercase() == "QUIT";
            let code = if bye { 221 } else { 250 };
            write!(&client, "{code} ok\r\n")?;
        }
    }
    Ok(())
}
