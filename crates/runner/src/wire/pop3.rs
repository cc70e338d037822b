//! POP3 (RFC 1939): commands, replies, and the letters and lists that follow
//! them.

use anyhow::Result;

use super::smtp::{Dialogue, Manner};
use super::{Decoder, Kind, Look, no_parameter};

pub static KIND: Kind = Kind {
    name: "pop3",
    about: "mailboxes: commands, replies, lists and letters, up to STLS",
    datagrams: false,
    make,
};

fn make(parameter: Option<&str>, look: Look) -> Result<Box<dyn Decoder>> {
    no_parameter(parameter)?;
    Ok(Box::new(Dialogue::new(&POP3, look)))
}

static POP3: Manner = Manner {
    protocol: "POP3",
    command: |line| {
        let mut words = line.split(' ');
        let word = words.next().unwrap_or_default().to_ascii_uppercase();
        match (word.as_str(), words.next()) {
            ("USER", _) => "this is who I am",
            ("PASS", _) => "this is my password",
            ("STAT", _) => "how many letters, how many bytes?",
            ("LIST", None) => "how large is each letter?",
            ("LIST", _) => "how large is this letter?",
            ("UIDL", None) => "what is each letter called?",
            ("UIDL", _) => "what is this letter called?",
            ("RETR", _) => "send me this letter",
            ("TOP", _) => "send me the beginning of this letter",
            ("DELE", _) => "delete this letter when I quit",
            ("RSET", _) => "delete nothing",
            ("NOOP", _) => "are you there?",
            ("CAPA", _) => "what can you do?",
            ("STLS", _) => "encrypted from here on",
            ("QUIT", _) => "that was all",
            _ => "a line",
        }
    },
    text_follows: |_| false,
    reply: |line| match line {
        _ if line.starts_with(b"+OK") => Some(("yes", false)),
        _ if line.starts_with(b"-ERR") => Some(("no", false)),
        _ if line == b"+" || line.starts_with(b"+ ") => Some(("go on", false)),
        _ => None,
    },
    reply_with_text: true,
    greets: true,
    text: "a letter",
};

#[cfg(test)]
mod tests {
    use super::super::tests::{decode, summaries};
    use super::super::{Side, weave};

    #[test]
    fn what_follows_a_reply_stands_behind_it() {
        let client =
            decode("pop3", Side::Client, b"LIST\r\nRETR 1\r\nDELE 9\r\n");
        assert_eq!(summaries(&client), ["LIST", "RETR 1", "DELE 9"]);
        let server = decode(
            "pop3",
            Side::Server,
            b"+OK hi\r\n+OK\r\n1 9\r\n.\r\n\
              +OK\r\nSubject: x\r\n\r\n..\r\n+OK\r\n.\r\n-ERR no\r\n",
        );
        let letter = &server[4];
        let meanings: Vec<&str> =
            letter.parts.iter().map(|part| &part.meaning[..]).collect();
        assert_eq!(
            meanings,
            [
                "header",
                "the header ends",
                "a dot that was doubled",
                "text",
                "that was all of it"
            ]
        );
        let order: Vec<String> = weave(client, server)
            .into_iter()
            .map(|(_, message)| message.summary)
            .collect();
        assert_eq!(
            order.join(", "),
            "+OK hi, LIST, +OK, a list, RETR 1, +OK, a letter, DELE 9, -ERR no"
        );
    }

    #[test]
    fn a_list_may_be_empty_and_a_letter_cut_off() {
        let server =
            decode("pop3", Side::Server, b"+OK\r\n+OK\r\n.\r\n+OK\r\n");
        assert_eq!(summaries(&server), ["+OK", "+OK", "a list", "+OK"]);
        let server =
            decode("pop3", Side::Server, b"+OK\r\n+OK\r\nFrom: x\r\nTo");
        assert_eq!(
            summaries(&server),
            ["+OK", "+OK", "a letter, not finished"]
        );
    }

    #[test]
    fn what_is_no_pop3_is_not_explained() {
        let server = decode("pop3", Side::Server, b"220 smtp\r\n");
        assert_eq!(summaries(&server), ["no POP3, or encrypted"]);
        let server =
            decode("pop3", Side::Server, b"+OK\r\n+OK\r\n\x16\x03\x01\n.");
        assert_eq!(server[2].summary, "no POP3, or encrypted");
    }
}
