//! FTP (RFC 959): commands and replies, and, inside replies, the places at
//! which other connections are to come.

use std::net::{IpAddr, SocketAddr};

use anyhow::Result;

use super::smtp::{Dialogue, Manner, reply_with_code};
use super::{Decoder, Kind, Link, Look, Message, Side, no_parameter};

pub static KIND: Kind = Kind {
    name: "ftp",
    about: "files: commands and replies; the other connections beside them",
    datagrams: false,
    make,
};

fn make(parameter: Option<&str>, look: Look) -> Result<Box<dyn Decoder>> {
    no_parameter(parameter)?;
    let announcements = (look.side == Side::Server && look.normalise)
        .then(Announcements::default);
    Ok(Box::new(Ftp {
        dialogue: Dialogue::new(&FTP, look),
        announcements,
        shown: 50_000,
    }))
}

static FTP: Manner = Manner {
    protocol: "FTP",
    command: |line| {
        let word = line.split(' ').next().unwrap_or_default();
        match word.to_ascii_uppercase().as_str() {
            "USER" => "this is my name",
            "PASS" => "this is my password",
            "TYPE" => "I: the bytes as they are; A: lines of text",
            "PASV" | "EPSV" => "where do I find the second connection?",
            "PORT" | "EPRT" => "the second connection: come to me, there",
            "RETR" => "send me this file",
            "STOR" | "APPE" => "take this file",
            "REST" => "begin at this byte",
            "SIZE" => "how long is it?",
            "LIST" | "NLST" | "MLSD" => "what is in the folder?",
            "DELE" => "remove this file",
            "AUTH" => "encrypted from here on",
            "QUIT" => "that was all",
            _ => "a command",
        }
    },
    text_follows: |_| false,
    reply: |line| {
        if line.starts_with(b" ") {
            return Some(("more of the reply", true));
        }
        let (meaning, goes_on) = reply_with_code(line)?;
        let meaning = match &line[..3] {
            b"226" => "yes, and the second connection is done",
            b"227" => "yes: four numbers of the host, two of the port",
            b"229" => "yes: here, at this port",
            _ if line[0] == b'1' => "it begins; the end will be told",
            _ => meaning,
        };
        Some((meaning, goes_on))
    },
    reply_with_text: false,
    greets: true,
    text: "",
};

struct Ftp {
    dialogue: Dialogue,
    /// Only where what changes from play to play is replaced: the ports.
    announcements: Option<Announcements>,
    shown: u16,
}

impl Ftp {
    fn decode(&mut self, bytes: &[u8], found: &mut Vec<Message>) {
        let before = found.len();
        self.dialogue.feed(bytes, found);
        link(&mut found[before..]);
    }
}

/// A reply that begins with 1 is not the last one to its command.
fn link(messages: &mut [Message]) {
    for message in messages {
        if message.link == Link::Answers && message.summary.starts_with('1') {
            message.link = Link::Part;
        }
    }
}

impl Decoder for Ftp {
    fn feed(&mut self, bytes: &[u8], found: &mut Vec<Message>) {
        let Some(announcements) = &mut self.announcements else {
            return self.decode(bytes, found);
        };
        let shown = &mut self.shown;
        let bytes = announcements.pass(bytes, &mut |place| {
            *shown += 1;
            Some(SocketAddr::new(place.ip(), *shown))
        });
        self.decode(&bytes, found);
    }

    fn finish(&mut self, found: &mut Vec<Message>) {
        if let Some(announcements) = &mut self.announcements {
            let rest = announcements.rest();
            self.decode(&rest, found);
        }
        self.dialogue.finish(found);
    }
}

/// A reply is not longer, else it is no announcement.
const LONGEST: usize = 512;

/// Passes on what a server says, and with it other places than those that the
/// server names. Only the beginning of such a reply is held back until the
/// rest of it has come.
#[derive(Default)]
pub struct Announcements {
    held: Vec<u8>,
    /// In a line that is none.
    inside: bool,
}

/// An address of no host: of the one who said it.
const SAME_HOST: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);

impl Announcements {
    /// `other` is asked with which place to replace one; the unspecified host
    /// stands for the server's own.
    pub fn pass(
        &mut self,
        bytes: &[u8],
        other: &mut dyn FnMut(SocketAddr) -> Option<SocketAddr>,
    ) -> Vec<u8> {
        let mut out = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            let ends = piece.ends_with(b"\n");
            self.held.extend_from_slice(piece);
            let may_be =
                b"22".starts_with(&self.held) || self.held.starts_with(b"22");
            if ends && !self.inside {
                let line = std::mem::take(&mut self.held);
                out.extend(replaced(&line, other).unwrap_or(line));
            } else if ends
                || self.inside
                || !may_be
                || self.held.len() > LONGEST
            {
                out.append(&mut self.held);
                self.inside = !ends;
            }
        }
        out
    }

    /// What is held back when nothing more comes.
    pub fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }
}

/// A reply to PASV or EPSV with another place in it.
fn replaced(
    line: &[u8],
    other: &mut dyn FnMut(SocketAddr) -> Option<SocketAddr>,
) -> Option<Vec<u8>> {
    let line = str::from_utf8(line).ok()?;
    let (before, rest) = line.split_once('(')?;
    let (inside, after) = rest.split_once(')')?;
    let inside = match before.get(..4)? {
        "227 " => {
            let numbers: Result<Vec<u8>, _> =
                inside.split(',').map(str::parse).collect();
            let [a, b, c, d, e, f] = numbers.ok()?[..] else {
                return None;
            };
            let port = u16::from_be_bytes([e, f]);
            let place = other(SocketAddr::from(([a, b, c, d], port)))?;
            let IpAddr::V4(host) = place.ip() else {
                return None;
            };
            let [a, b, c, d] = host.octets();
            let [e, f] = place.port().to_be_bytes();
            format!("{a},{b},{c},{d},{e},{f}")
        }
        "229 " => {
            let port = inside.strip_prefix("|||")?.strip_suffix('|')?;
            let place = other((SAME_HOST, port.parse().ok()?).into())?;
            format!("|||{}|", place.port())
        }
        _ => return None,
    };
    Some(format!("{before}({inside}){after}").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::tests::{decode, summaries};
    use super::super::{Side, weave};
    use super::Announcements;

    #[test]
    fn a_transfer_has_two_replies_and_changing_ports() {
        let client = decode(
            "ftp",
            Side::Client,
            b"EPSV\r\nRETR a\r\nPASV\r\nRETR b\r\nQUIT\r\n",
        );
        let server = decode(
            "ftp",
            Side::Server,
            b"220 hi\r\n229 there (|||40111|)\r\n150-a\r\n150 b\r\n226 ok\r\n\
              227 x (127,0,0,1,9,9).\r\n550 no\r\n221 bye\r\n",
        );
        let order: Vec<String> = weave(client, server)
            .into_iter()
            .map(|(_, message)| message.summary)
            .collect();
        assert_eq!(
            order,
            [
                "220 hi",
                "EPSV",
                "229 there (|||50001|)",
                "RETR a",
                "150-a",
                "226 ok",
                "PASV",
                "227 x (127,0,0,1,195,82).",
                "RETR b",
                "550 no",
                "QUIT",
                "221 bye",
            ]
        );
    }

    #[test]
    fn what_announces_nothing_passes_as_it_is() {
        for text in [
            &b"211-Features:\r\n EPSV\r\n211 End\r\n"[..],
            b"227 no place\r\n229 (|||x|)\r\n227 (1,2,3)\r\n",
            b"227 (1,2,3,4,5,256)\r\n22",
            b"\x16\x03\x01 encrypted \xff\n22 too",
            &[b'2'; 2000],
        ] {
            for cut in 0..text.len() {
                let mut announcements = Announcements::default();
                let mut none = |_| panic!("there is none");
                let (one, other) = text.split_at(cut);
                let mut out = announcements.pass(one, &mut none);
                out.extend(announcements.pass(other, &mut none));
                out.extend(announcements.rest());
                assert_eq!(out, text);
            }
        }
        let found = decode("ftp", Side::Server, b"220 a\r\n\x16\x03\x01");
        assert_eq!(summaries(&found)[0], "220 a");
    }
}
