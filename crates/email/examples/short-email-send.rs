//! Writes a letter and hands it to a server.
//! Run: cargo run --example short-email-send [URL]
//! In Python: python/short_email_send.py

use lettre::{Message, SmtpTransport, Transport};
use std::env;

fn main() -> anyhow::Result<()> {
    let url = env::args().nth(1);
    let url = url.unwrap_or("smtp://127.0.0.1:2525".into());
    // The letter. Bcc goes on the envelope only.
    let letter = Message::builder()
        .from("Alice <alice@example.com>".parse()?)
        .to("Bob <bob@example.org>".parse()?)
        .bcc("Carol <carol@example.net>".parse()?)
        .subject("Which hat?")
        .body("catA wears a hatB.".to_string())?;

    // The talk: EHLO, MAIL, RCPT, DATA, QUIT.
    let server = SmtpTransport::from_url(&url)?.build();
    println!("Send: Which hat?");
    let reply = server.send(&letter)?;
    println!("The server says: {}", reply.code());
    Ok(())
}
