//! A letter that is to be written.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};
use lettre::Message;
use lettre::message::header::ContentTransferEncoding::Base64;
use lettre::message::header::ContentType;
use lettre::message::{Attachment, Body, Mailbox, MultiPart, SinglePart};

use crate::printable;

/// Who writes what to whom; options of a program.
#[derive(clap::Args)]
pub struct Draft {
    #[arg(long, default_value = "Alice <alice@example.com>")]
    pub from: String,
    #[arg(long, default_value = "Bob <bob@example.org>")]
    pub to: Vec<String>,
    /// Gets the letter, and nobody else can see it
    #[arg(long)]
    pub bcc: Vec<String>,
    #[arg(long, default_value = "Which hat?")]
    pub subject: String,
    #[arg(long, default_value = "catA wears a hatB.")]
    pub text: String,
    /// The same text with markup, for programs that show it
    #[arg(long)]
    pub html: Option<String>,
    #[arg(long, value_name = "FILE")]
    pub attach: Vec<PathBuf>,
}

impl Draft {
    /// The letter, as it goes over the wire.
    pub fn compose(&self) -> anyhow::Result<Message> {
        let mut builder = Message::builder()
            .from(mailbox(&self.from)?)
            .subject(&self.subject)
            .message_id(None);
        for to in &self.to {
            builder = builder.to(mailbox(to)?);
        }
        for to in &self.bcc {
            builder = builder.bcc(mailbox(to)?);
        }
        // On the wire every line ends with CR LF, however it was typed.
        let text = self.text.replace("\r\n", "\n").replace('\r', "\n");
        if self.html.is_none() && self.attach.is_empty() {
            return Ok(builder.singlepart(SinglePart::plain(text))?);
        }
        let mut parts = MultiPart::mixed().build();
        parts = match self.html.clone() {
            // The best comes last: a program takes the last that it can show.
            Some(html) => {
                parts.multipart(MultiPart::alternative_plain_html(text, html))
            }
            None => parts.singlepart(SinglePart::plain(text)),
        };
        for file in &self.attach {
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

/// Reads a file.
pub fn read(file: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = printable(file.as_os_str().as_encoded_bytes());
    fs::read(file).with_context(|| format!("cannot read {shown}"))
}
