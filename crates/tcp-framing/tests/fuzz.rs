//! The framing under random input: streams made of valid frames, mutated
//! ones, and noise, each cut into random pieces. Whatever comes, it does not
//! panic, gives no message above the limit, takes no memory for more, and
//! says the same however the stream is cut: what a plain second decoder,
//! which sees the whole stream at once, says too.
//!
//! cargo test --test fuzz
//! FUZZ_INPUTS=10000000 cargo test --release --test fuzz
//! FUZZ_SEED=123 FUZZ_INPUTS=1 cargo test --test fuzz     the one that failed

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use bytes::BytesMut;
use fastrand::Rng;
use tcp_framing::{FrameError, Framing};
use tokio_util::codec::{Decoder, Encoder};

/// All that a stream says: its messages, and how it ended.
#[derive(Debug, PartialEq, Eq)]
struct Said {
    messages: Vec<Vec<u8>>,
    end: End,
}

#[derive(Debug, PartialEq, Eq)]
enum End {
    Clean,
    CutShort,
    Announced(u32),
    Endless,
}

#[test]
fn random_streams() {
    let number = |name: &str, default| {
        let text = std::env::var(name);
        text.map_or(default, |text| text.parse().expect(name))
    };
    let (first, inputs) =
        (number("FUZZ_SEED", 1), number("FUZZ_INPUTS", 100_000));
    let (mut messages, mut ends) = (0, [0_u64; 4]);
    for seed in first..first + inputs {
        let said = catch_unwind(AssertUnwindSafe(|| one(seed)));
        let said = said.unwrap_or_else(|panic| {
            eprintln!("this was FUZZ_SEED={seed}");
            resume_unwind(panic)
        });
        messages += said.messages.len();
        ends[match said.end {
            End::Clean => 0,
            End::CutShort => 1,
            End::Announced(_) => 2,
            End::Endless => 3,
        }] += 1;
    }
    let [clean, cut, announced, endless] = ends;
    println!(
        "{inputs} streams with {messages} messages; ended clean {clean}, \
         cut short {cut}, announced too much {announced}, endless {endless}"
    );
    // A fuzzer that does not come everywhere proves nothing.
    assert!(inputs < 1000 || ends.iter().all(|count| *count > inputs / 100));
}

/// Each way to cut a short stream, not a sample of them.
#[test]
fn every_split_of_a_short_stream() {
    for framing in [
        Framing::Fixed { size: 4 },
        Framing::Length { limit: 4 },
        Framing::Delimiter {
            delimiter: b'\n',
            limit: 4,
        },
    ] {
        let sent = [&b"Hey!"[..], b"", b"I"];
        let stream = encoded(framing, &sent);
        for length in 0..=stream.len() {
            let stream = &stream[..length];
            let whole = reference(framing, stream);
            for cuts in 0..1_u32 << length.saturating_sub(1) {
                let mut pieces = Vec::new();
                let mut start = 0;
                for end in 1..=length {
                    if end == length || cuts & (1 << (end - 1)) != 0 {
                        pieces.push(&stream[start..end]);
                        start = end;
                    }
                }
                assert_eq!(decoded(framing, pieces), whole, "{framing:?}");
            }
        }
        assert_eq!(reference(framing, &stream).messages, sent);
    }
}

/// One input, wholly decided by its seed.
fn one(seed: u64) -> Said {
    let mut random = Rng::with_seed(seed);
    let limit = match random.u8(..4) {
        0 => random.usize(..4),
        1 => random.usize(..300),
        _ => random.usize(4..40),
    };
    let framing = match random.u8(..3) {
        0 => Framing::Fixed { size: limit.max(1) },
        1 => Framing::Length { limit },
        _ => Framing::Delimiter {
            delimiter: random.choice(*b"\n\0a\xff").unwrap_or(b'\n'),
            limit,
        },
    };
    let mut codec = framing.codec();
    let mut stream = BytesMut::new();
    let mut sent = Vec::new();
    for _ in 0..random.usize(..6) {
        let message = message(&mut random, limit);
        let before = stream.len();
        match codec.encode(&message, &mut stream) {
            Ok(()) => sent.push(message),
            Err(error) => {
                assert!(is_due(&error, framing, &message), "{error}");
                assert_eq!(stream.len(), before, "half a frame: {error}");
            }
        }
    }
    let valid = random.u8(..3) == 0;
    let mut stream = stream.to_vec();
    if !valid {
        mutate(&mut random, &mut stream);
    }
    let whole = reference(framing, &stream);
    if valid {
        assert_eq!((&whole.messages, &whole.end), (&sent, &End::Clean));
    }
    for _ in 0..2 {
        let pieces = pieces(&mut random, &stream);
        assert_eq!(decoded(framing, pieces), whole, "{framing:?} {stream:?}");
    }
    whole
}

/// Lengths near the limit, and bytes that mean something, come often.
fn message(random: &mut Rng, limit: usize) -> Vec<u8> {
    let length = match random.u8(..4) {
        0 => limit,
        1 => limit + random.usize(..3),
        _ => random.usize(..=limit),
    };
    let byte = |random: &mut Rng| match random.u8(..12) {
        0 => random.choice(*b"\n\0a\xff").unwrap_or(0),
        _ => random.u8(b'b'..=b'z'),
    };
    (0..length).map(|_| byte(random)).collect()
}

fn mutate(random: &mut Rng, stream: &mut Vec<u8>) {
    for _ in 0..random.usize(1..4) {
        let place = random.usize(..=stream.len());
        match random.u8(..6) {
            0 => stream.truncate(place),
            1 => drop(stream.drain(..place.min(5))),
            2 => stream.insert(place, random.u8(..)),
            3 => {
                let length = random.usize(..80);
                stream.extend((0..length).map(|_| random.u8(..)));
            }
            4 => {
                let length = if random.bool() {
                    random.u32(..)
                } else {
                    random.u32(..400)
                };
                stream.splice(place..place, length.to_be_bytes());
            }
            _ => {
                if let Some(byte) = stream.get_mut(place) {
                    *byte ^= 1 << random.u8(..8);
                }
            }
        }
    }
}

/// All at once, byte by byte, or at random.
fn pieces<'a>(random: &mut Rng, mut stream: &'a [u8]) -> Vec<&'a [u8]> {
    let most = match random.u8(..4) {
        0 => stream.len(),
        1 => 1,
        2 => 8,
        _ => 64,
    };
    let mut pieces = Vec::new();
    while !stream.is_empty() {
        let length = random.usize(1..=most).min(stream.len());
        let (piece, rest) = stream.split_at(length);
        pieces.push(piece);
        stream = rest;
    }
    pieces
}

/// What the codec makes of a stream that comes in these pieces, used as
/// `Framed` uses it.
fn decoded(framing: Framing, pieces: Vec<&[u8]>) -> Said {
    let mut codec = framing.codec();
    let limit = codec.limit();
    let longest = pieces.iter().map(|piece| piece.len()).max().unwrap_or(0);
    let mut buffer = BytesMut::new();
    let mut messages = Vec::new();
    let mut take = |buffer: &mut BytesMut, ended: bool| loop {
        let next = if ended {
            codec.decode_eof(buffer)
        } else {
            codec.decode(buffer)
        };
        // It doubles when it grows, and has the last message before it.
        let most = 4 * (limit + longest) + 64;
        assert!(buffer.capacity() <= most, "{} bytes", buffer.capacity());
        match next {
            Ok(Some(message)) => {
                assert!(message.len() <= limit, "a message above the limit");
                messages.push(message.to_vec());
            }
            Ok(None) => return None,
            Err(error) => return Some(error),
        }
    };
    let mut error = None;
    for piece in pieces {
        buffer.extend_from_slice(piece);
        error = take(&mut buffer, false);
        if error.is_some() {
            break;
        }
    }
    let end = match error.or_else(|| take(&mut buffer, true)) {
        None => End::Clean,
        Some(FrameError::CutShort) => End::CutShort,
        Some(FrameError::Announced { length, .. }) => End::Announced(length),
        Some(FrameError::Endless { .. }) => End::Endless,
        Some(error) => panic!("{error} while reading"),
    };
    Said { messages, end }
}

/// The same from the whole stream, written as plainly as can be.
fn reference(framing: Framing, mut stream: &[u8]) -> Said {
    let mut messages = Vec::new();
    let end = loop {
        if stream.is_empty() {
            break End::Clean;
        }
        match framing {
            Framing::Fixed { size } => {
                if stream.len() < size {
                    break End::CutShort;
                }
                let mut message = stream[..size].to_vec();
                while message.last() == Some(&0) {
                    message.pop();
                }
                messages.push(message);
                stream = &stream[size..];
            }
            Framing::Length { limit } => {
                if stream.len() < 4 {
                    break End::CutShort;
                }
                let (length, rest) = stream.split_at(4);
                let length = u32::from_be_bytes(length.try_into().unwrap());
                if length as usize > limit {
                    break End::Announced(length);
                }
                if rest.len() < length as usize {
                    break End::CutShort;
                }
                let (message, rest) = rest.split_at(length as usize);
                messages.push(message.to_vec());
                stream = rest;
            }
            Framing::Delimiter { delimiter, limit } => {
                let end = stream.iter().position(|byte| *byte == delimiter);
                match end {
                    Some(end) if end <= limit => {
                        messages.push(stream[..end].to_vec());
                        stream = &stream[end + 1..];
                    }
                    Some(_) => break End::Endless,
                    None if stream.len() > limit => break End::Endless,
                    None => break End::CutShort,
                }
            }
        }
    };
    Said { messages, end }
}

fn is_due(error: &FrameError, framing: Framing, message: &[u8]) -> bool {
    match (error, framing) {
        (FrameError::TooLong { length, limit }, _) => {
            *length == message.len() && length > limit
        }
        (FrameError::HasPadding, Framing::Fixed { .. }) => {
            message.last() == Some(&0)
        }
        (
            FrameError::HasDelimiter(found),
            Framing::Delimiter { delimiter, .. },
        ) => *found == delimiter && message.contains(found),
        _ => false,
    }
}

fn encoded(framing: Framing, messages: &[&[u8]]) -> Vec<u8> {
    let mut stream = BytesMut::new();
    for message in messages {
        framing.codec().encode(message, &mut stream).unwrap();
    }
    stream.to_vec()
}
