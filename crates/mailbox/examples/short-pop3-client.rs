//! Fetches letters by POP3 and prints them.
//! Run: cargo run --example short-pop3-client [HOST:PORT]
//! In Python: python/short_pop3_client.py

use std::io::{BufRead, BufReader, Read, Write};
use std::{env, net::TcpStream};

fn main() -> anyhow::Result<()> {
    let usual = "127.0.0.1:1100".into();
    let address = env::args().nth(1).unwrap_or(usual);
    let server = TcpStream::connect(address)?;
    let mut server = BufReader::new(server);
    // The server speaks first.
    server.read_line(&mut String::new())?;
    ask(&mut server, "USER bob")?;
    ask(&mut server, "PASS secret")?;
    let stat = ask(&mut server, "STAT")?;
    let count = stat.split(' ').nth(1).unwrap_or("0");
    println!("Letters: {count}");
    for number in 1..=count.parse::<usize>()? {
        println!("Fetch: letter {number}");
        ask(&mut server, &format!("RETR {number}"))?;
        // The letter, up to a line with only a dot.
        let lines = server.by_ref().lines();
        let lines = lines.map_while(Result::ok);
        for line in lines.take_while(|l| l != ".") {
            let text = line.strip_prefix('.');
            println!("| {}", text.unwrap_or(&line));
        }
    }
    ask(&mut server, "QUIT").map(drop)
}

type Pop = BufReader<TcpStream>;
fn ask(to: &mut Pop, line: &str) -> anyhow::Result<String> {
    write!(to.get_ref(), "{line}\r\n")?;
    let reply = to.lines().next().unwrap_or(Ok("".into()))?;
    anyhow::ensure!(reply.starts_with("+OK"), "{reply}");
    Ok(reply)
}
