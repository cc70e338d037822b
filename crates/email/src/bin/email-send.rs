//! Writes a letter and hands it to a server. Its partner is email-server.
//!
//! cargo run --bin email-send [smtps://HOST:PORT] [--attach FILE]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, anyhow};
use clap::Parser;
use email::{Server, Trust, finish, is_legal, printable, say, seconds, warn};
use lettre::Message;
use lettre::message::header::ContentTransferEncoding::Base64;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Body, Mailbox, MultiPart, SinglePart};

/// Sends a letter
#[derive(Parser)]
struct Options {
    /// Where the server is: smtps:// for TLS, smtp:// without it
    #[arg(env = "SMTP_URL", hide_env_values = true)]
    #[arg(default_value = "smtp://127.0.0.1:2525")]
    url: String,
    #[arg(long, default_value = "Alice <alice@example.com>")]
    from: String,
    #[arg(long, default_value = "Bob <bob@example.org>")]
    to: Vec<String>,
    /// Gets the letter, and nobody else can see it
    #[arg(long)]
    bcc: Vec<String>,
    #[arg(long, default_value = "Which hat?")]
    subject: String,
    #[arg(long, default_value = "catA wears a hatB.")]
    text: String,
    /// The same text with markup, for programs that show it
    #[arg(long)]
    html: Option<String>,
    #[arg(long, value_name = "FILE")]
    attach: Vec<PathBuf>,
    /// The only certificate to trust, in PEM
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,
    /// Trust any certificate: whoever is on the way can read along
    #[arg(long, conflicts_with = "ca")]
    insecure: bool,
    /// Seconds that the server may take for each step
    #[arg(long, default_value = "30", value_parser = seconds)]
    timeout: Duration,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("email-send", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let server: Server = options.url.parse()?;
    let message = compose(&options).context("cannot write the letter")?;
    let letter = message.formatted();
    is_legal(&letter)
        .map_err(|why| anyhow!("cannot write the letter: {why}"))?;
    let trust = match (&options.ca, options.insecure) {
        (Some(file), _) => Trust::Only(read(file)?),
        (None, true) => {
            warn("email-send: the server's certificate is not checked");
            Trust::Anybody
        }
        (None, false) => Trust::Public,
    };
    let envelope = message.envelope();
    for to in envelope.to() {
        say(format_args!(
            "Send: {} to {to}",
            printable(&options.subject)
        ))?;
    }
    let sent = server
        .send(envelope, &letter, &trust, options.timeout)
        .await;
    let reply = sent.with_context(|| format!("cannot send by {server}"))?;
    say(format_args!("The server has it: {}", reply.code()))?;
    Ok(())
}

fn compose(options: &Options) -> anyhow::Result<Message> {
    let mut builder = Message::builder()
        .from(mailbox(&options.from)?)
        .subject(&options.subject)
        .message_id(None);
    for to in &options.to {
        builder = builder.to(mailbox(to)?);
    }
    for to in &options.bcc {
        builder = builder.bcc(mailbox(to)?);
    }
    // On the wire every line ends with CR LF, however it was typed.
    let text = options.text.replace("\r\n", "\n").replace('\r', "\n");
    if options.html.is_none() && options.attach.is_empty() {
        return Ok(builder.singlepart(SinglePart::plain(text))?);
    }
    let mut parts = MultiPart::mixed().build();
    parts = match options.html.clone() {
        // The best comes last: a program takes the last that it can show.
        Some(html) => {
            parts.multipart(MultiPart::alternative_plain_html(text, html))
        }
        None => parts.singlepart(SinglePart::plain(text)),
    };
    for file in &options.attach {
        // Where it lies on this machine is nobody's business.
        let name = file.file_name().context("an attachment has no name")?;
        let name = name.to_string_lossy().into_owned();
        let kind = ContentType::parse("application/octet-stream")?;
        // Always in base64: as plain text, its own line ends would go out.
        let body = Body::new_with_encoding(read(file)?, Base64);
        let body = body.map_err(|_| anyhow!("cannot encode {name}"))?;
        let attachment = Attachment::new(name).body(body, kind);
        parts = parts.singlepart(attachment);
    }
    Ok(builder.multipart(parts)?)
}

fn mailbox(text: &str) -> anyhow::Result<Mailbox> {
    text.parse().map_err(|_| {
        let shown = printable(text);
        anyhow!(
            "'{shown}' is no address; write Jane <jane@example.com>, and a \
             name with a comma in quotes"
        )
    })
}

fn read(file: &PathBuf) -> anyhow::Result<Vec<u8>> {
    let shown = printable(file.as_os_str().as_encoded_bytes());
    std::fs::read(file).with_context(|| format!("cannot read {shown}"))
}
