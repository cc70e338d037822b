//! Datagrams: each is a message of its own, whatever is in it.

use anyhow::Result;

use super::{
    Decoder, Kind, Link, Look, Message, Raw, is_text, no_parameter, printable,
};

pub static KIND: Kind = Kind {
    name: "datagrams",
    about: "UDP: each datagram is a message",
    datagrams: true,
    make,
};

pub fn make(parameter: Option<&str>, look: Look) -> Result<Box<dyn Decoder>> {
    no_parameter(parameter)?;
    Ok(Box::new(Datagrams { look }))
}

struct Datagrams {
    look: Look,
}

impl Decoder for Datagrams {
    /// Takes one whole datagram.
    fn feed(&mut self, bytes: &[u8], found: &mut Vec<Message>) {
        let mut datagram = Raw::default();
        datagram.push(bytes, self.look.longest);
        let summary = if bytes.is_empty() {
            "an empty datagram".to_owned()
        } else if datagram.is_cut() {
            "a long datagram, its beginning".to_owned()
        } else if is_text(bytes) {
            printable(bytes)
        } else {
            "a datagram that is no text".to_owned()
        };
        let message = datagram.take(&summary);
        debug_assert_eq!(message.link, Link::Free);
        found.push(message);
    }

    fn finish(&mut self, _: &mut Vec<Message>) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Side;

    #[test]
    fn each_datagram_is_a_message() {
        let look = Look {
            side: Side::Client,
            longest: 100,
            normalise: true,
        };
        let mut decoder = make(None, look).unwrap();
        let mut found = Vec::new();
        let long = vec![0; 65_507];
        for datagram in [&b"Hello!"[..], b"", b"\xff\0", &long] {
            decoder.feed(datagram, &mut found);
        }
        decoder.finish(&mut found);
        let lengths: Vec<u64> = found.iter().map(|one| one.length).collect();
        assert_eq!(lengths, [6, 0, 2, 65_507]);
        assert_eq!(found[0].parts[0].bytes, "48 65 6c 6c 6f 21");
        assert_eq!(found[0].parts[0].meaning, "Hello!");
        assert_eq!(found[1].summary, "an empty datagram");
        assert_eq!(found[3].parts.last().unwrap().meaning, "65443 bytes more");
    }
}
