//! Conversations as text for a diff, and as HTML for the book.

use std::fmt::Write as _;

use super::tap::{Conversation, Wire};
use super::{Message, Side, count};
use crate::html::escape;

/// Bytes take at most so much of a line, before their meaning.
const COLUMN: usize = 50;

/// wire.txt and wire.html: name and text.
pub fn files(
    wire: &Wire,
    conversations: &[Conversation],
    demo: &str,
) -> Vec<(String, String)> {
    vec![
        ("wire.txt".to_owned(), text(conversations)),
        ("wire.html".to_owned(), html(wire, conversations, demo)),
    ]
}

fn text(conversations: &[Conversation]) -> String {
    let mut text = String::new();
    for (number, one) in conversations.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        let _ = writeln!(text, "[{}]", begins(one));
        for (side, message) in &one.messages {
            let (from, to) = ends_of(one, *side);
            let _ = writeln!(
                text,
                "\n{from} to {to}: {} ({})",
                message.summary,
                count(message.length)
            );
            for row in rows(message) {
                let _ = writeln!(text, "    {row}");
            }
        }
        if let Some(end) = ends(one) {
            let _ = writeln!(text, "\n[{end}]");
        }
    }
    text
}

/// The bytes of a message beside their meaning, in two columns.
pub fn rows(message: &Message) -> Vec<String> {
    let width = message
        .parts
        .iter()
        .map(|part| part.bytes.chars().count())
        .filter(|width| *width <= COLUMN)
        .max()
        .unwrap_or(0);
    message
        .parts
        .iter()
        .map(|part| {
            let row = format!("{:width$}  {}", part.bytes, part.meaning);
            row.trim_end().to_owned()
        })
        .collect()
}

fn ends_of(one: &Conversation, side: Side) -> (&str, &str) {
    match side {
        Side::Client => (&one.role, &one.partner),
        Side::Server => (&one.partner, &one.role),
    }
}

fn begins(one: &Conversation) -> String {
    let what = if one.ends.is_some() {
        "connects"
    } else {
        "sends"
    };
    let there = match one.announced {
        true => ", where it was told to",
        false => "",
    };
    format!("{} {what} to {}{there}", one.role, one.partner)
}

/// Which side was first is not always certain, so it is not said.
fn ends(one: &Conversation) -> Option<String> {
    let [client, server] = one.ends?;
    let ends: Vec<String> = [(&one.role, client), (&one.partner, server)]
        .into_iter()
        .filter_map(|(name, end)| Some(format!("{name} {}", end?)))
        .collect();
    Some(ends.join(", "))
}

/// It has no empty line: that would end the HTML block.
fn html(wire: &Wire, conversations: &[Conversation], demo: &str) -> String {
    let linked = wire.links().is_some()
        || conversations.iter().any(|one| {
            one.messages
                .iter()
                .any(|message| message.1.link.is_certain())
        });
    let order = if linked {
        "Each side's messages stand in their order, a reply after its \
         request; more is not certain between the two directions."
    } else {
        "Each side's messages stand in their order; which of two directions \
         was first is not certain."
    };
    let mut html = format!(
        "<figure class=\"wire\">\n<figcaption>What crossed the wire in \
         <code>cargo demo {}</code>: bytes beside their meaning. {order}\
         </figcaption>\n",
        escape(demo)
    );
    for one in conversations {
        let begins = escape(&begins(one));
        let _ = writeln!(
            html,
            "<p class=\"wire-connection\">{begins}</p>\n\
             <ol class=\"wire-messages\" aria-label=\"{begins}\">"
        );
        for (side, message) in &one.messages {
            let (from, to) = ends_of(one, *side);
            let class = match side {
                Side::Client => "wire-client",
                Side::Server => "wire-server",
            };
            let _ = write!(
                html,
                "<li class=\"{class}\"><p><b>{} to {}</b> \
                 <span>{}</span> <small>{}</small></p>",
                escape(from),
                escape(to),
                escape(&message.summary),
                count(message.length)
            );
            if !message.parts.is_empty() {
                html.push_str("<ul>\n");
                for part in &message.parts {
                    let _ = writeln!(
                        html,
                        "<li><code>{}</code> <span>{}</span></li>",
                        escape(&part.bytes),
                        escape(&part.meaning)
                    );
                }
                html.push_str("</ul>");
            }
            html.push_str("</li>\n");
        }
        if let Some(end) = ends(one) {
            let _ = writeln!(
                html,
                "<li class=\"wire-end\"><p>{}</p></li>",
                escape(&end)
            );
        }
        html.push_str("</ol>\n");
    }
    html.push_str("</figure>\n");
    html
}
