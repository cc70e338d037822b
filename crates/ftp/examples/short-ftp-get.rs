//! Gets a file by FTP, over two connections.
//! Run: cargo run --example short-ftp-get [HOST:PORT NAME]
//! In Python: python/short_ftp_get.py

use anyhow::{Context, bail, ensure};
use std::io::{BufRead, BufReader, Write, copy, stdout};
use std::{env::args, net::SocketAddr, net::TcpStream};

fn main() -> anyhow::Result<()> {
    let usual = ["", "127.0.0.1:2121", "hats.txt"];
    let arg = |n| args().nth(n).unwrap_or(usual[n].into());
    let (address, name) = (arg(1), arg(2));
    println!("Get: {name}");
    // The first connection: commands and replies.
    let control = TcpStream::connect(address)?;
    let lines = BufReader::new(&control).lines();
    let mut lines = lines.map_while(Result::ok);
    let mut ask = |command: &str| {
        write!(&control, "{command}")?;
        // A reply's last line has a blank after the code.
        let last = lines.find(|l| l.get(3..4) == Some(" "));
        last.context("the server has gone")
    };
    for line in ["", "USER ftp\r\n", "PASS guest\r\n"] {
        ask(line)?;
    }
    // The second one, to where the server says: the file.
    let at = ask("PASV\r\n")?;
    let n = at.split(['(', ',', ')']).flat_map(str::parse);
    let n: Vec<u8> = n.collect();
    let [a, b, c, d, e, f] = n[..] else { bail!(at) };
    let port = u16::from_be_bytes([e, f]);
    let to = SocketAddr::from(([a, b, c, d], port));
    let mut data = TcpStream::connect(to)?;
    let begins = ask(&format!("RETR {name}\r\n"))?;
    ensure!(begins.starts_with('1'), begins);
    let length = copy(&mut data, &mut stdout())?;
    println!("{length} bytes, then {}", &ask("")?[..3]);
    Ok(())
}
