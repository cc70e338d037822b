//! What a gate lets pass, however the bytes fall into reads.

use bytes::BytesMut;
use zmq_gate::{Refused, Whole};

const GREETING: [u8; 64] = {
    let mut greeting = [0; 64];
    (greeting[0], greeting[9], greeting[10]) = (0xff, 0x7f, 3);
    greeting
};
const READY: &[u8] = b"\x04\x19\x05READY\x0bSocket-Type\0\0\0\x03REQ";

/// What passes of `stream` when it comes in pieces of `size` bytes.
fn pass(stream: &[u8], size: usize) -> Result<(Vec<u8>, u64), Refused> {
    let mut whole = Whole::new(1000, 3);
    let mut buffer = BytesMut::new();
    let mut passed = Vec::new();
    for piece in stream.chunks(size) {
        buffer.extend_from_slice(piece);
        passed.extend(whole.take(&mut buffer)?);
        assert_eq!(whole.is_within(), passed.len() < 64 || !buffer.is_empty());
    }
    Ok((passed, whole.messages()))
}

fn greeted(rest: &[u8]) -> Vec<u8> {
    [&GREETING[..], READY, rest].concat()
}

fn long(flags: u8, length: u64) -> Vec<u8> {
    [&[flags | 2][..], &length.to_be_bytes()].concat()
}

#[test]
fn whole_messages_pass_in_every_cutting() {
    let stream = greeted(
        &[
            &b"\x01\0\0\x05hello"[..],
            b"\x04\x06\x04PING\0",
            &long(0, 300),
            &[7; 300],
            b"\0\0",
        ]
        .concat(),
    );
    for size in 1..=stream.len() {
        let (passed, messages) = pass(&stream, size).unwrap();
        assert_eq!((passed, messages), (stream.clone(), 3), "{size}");
    }
}

#[test]
fn a_message_waits_until_its_last_part_is_whole() {
    let stream = greeted(b"\x01\x01a\x01\x01b\0\x05hell");
    for size in 1..=stream.len() {
        let (passed, messages) = pass(&stream, size).unwrap();
        assert_eq!((passed, messages), (greeted(b""), 0), "{size}");
    }
}

#[test]
fn what_breaks_a_rule_is_refused_in_every_cutting() {
    use Refused::{NoFrame, NoGreeting, TooLong, TooManyParts};
    let limit = 1000;
    let too_long = |bytes| TooLong { bytes, limit };
    let mut old = GREETING;
    old[10] = 1;
    for (stream, refused) in [
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), NoGreeting),
        (b"\xff12345678-and-so-on".to_vec(), NoGreeting),
        (old.to_vec(), NoGreeting),
        ([&GREETING[..], b"\0\x01x"].concat(), NoFrame),
        (greeted(b"\x08\0"), NoFrame),
        (greeted(b"\x05\0"), NoFrame),
        (greeted(b"\x01\x01a\x04\x01b"), NoFrame),
        (greeted(&long(0, 1001)), too_long(1001)),
        (greeted(&long(0, u64::MAX)), too_long(u64::MAX)),
        (
            greeted(&[b"\x01\x01a", &long(0, 1000)[..]].concat()),
            too_long(1001),
        ),
        (
            greeted(&[b"\x01\x01a", &long(0, u64::MAX)[..]].concat()),
            too_long(u64::MAX),
        ),
        (
            greeted(b"\x01\0\x01\0\x01\0\0\0"),
            TooManyParts { limit: 3 },
        ),
        (
            greeted(&long(4, 65537)),
            TooLong {
                bytes: 65537,
                limit: 65536,
            },
        ),
    ] {
        for size in 1..=stream.len() {
            let error = pass(&stream, size).unwrap_err();
            assert_eq!(error, refused, "{stream:?} by {size}");
        }
    }
    // As much as is allowed.
    let stream = greeted(&[&long(0, 1000)[..], &[1; 1000]].concat());
    assert_eq!(pass(&stream, 7).unwrap(), (stream, 1));
    let stream = greeted(b"\x01\0\x01\0\0\0");
    assert_eq!(pass(&stream, 7).unwrap(), (stream, 1));
}

/// No panic, and what passes is always what came, from its beginning.
#[test]
fn noise() {
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..20_000 {
        let mut stream = greeted(b"\x01\0\0\x05hello\0\x02hi");
        for _ in 0..random.usize(..4) {
            let place = random.usize(..stream.len());
            stream[place] = random.u8(..);
        }
        stream.truncate(random.usize(1..=stream.len()));
        let whole = pass(&stream, stream.len());
        assert_eq!(pass(&stream, 1).is_err(), whole.is_err());
        if let Ok((passed, _)) = whole {
            assert!(stream.starts_with(&passed));
        }
    }
}
