//! A study of one fault: every file that this server sends ends after its
//! first line, and it says 226 all the same.
//!
//! cargo run --example half-ftp-server [HOST:PORT]

use std::io::{self, BufRead, BufReader, Write};
use std::{env, net::TcpListener, net::TcpStream};

const WHOLE: &str = "catA wears a hatB.\ncatB wears a hatC.\n";

fn main() -> io::Result<()> {
    let usual = "127.0.0.1:2121".into();
    let address = env::args().nth(1).unwrap_or(usual);
    let listener = TcpListener::bind(address)?;
    println!("Waiting at {}", listener.local_addr()?);
    for client in listener.incoming() {
        // One after the other; a client that goes is no reason to end.
        let _ = talk(&client?);
    }
    Ok(())
}

fn talk(client: &TcpStream) -> io::Result<()> {
    let second = TcpListener::bind((client.local_addr()?.ip(), 0))?;
    let [high, low] = second.local_addr()?.port().to_be_bytes();
    let mut client = client;
    client.write_all(b"220 ready\r\n")?;
    for line in BufReader::new(client).lines() {
        let line = line?;
        let size = WHOLE.len();
        let reply = match line.split(' ').next().unwrap_or_default() {
            "USER" => "331 go on".into(),
            "PASS" => "230 in".into(),
            "SIZE" => format!("213 {size}"),
            "PASV" => format!("227 at (127,0,0,1,{high},{low})"),
            "RETR" => {
                client.write_all(b"150 here it comes\r\n")?;
                let (mut data, _) = second.accept()?;
                let half = WHOLE.split_inclusive('\n').next();
                data.write_all(half.unwrap_or_default().as_bytes())?;
                "226 done".into()
            }
            _ => "200 yes".into(),
        };
        client.write_all(format!("{reply}\r\n").as_bytes())?;
    }
    Ok(())
}
