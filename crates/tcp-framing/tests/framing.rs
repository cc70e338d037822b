//! What the framing promises, one by one. tests/fuzz.rs has the rest.

use bytes::BytesMut;
use futures_util::StreamExt;
use tcp_framing::{FrameError, Framing};
use tokio::io::AsyncWriteExt;
use tokio_util::codec::{AnyDelimiterCodec, Decoder, Encoder};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

const LENGTH: Framing = Framing::Length { limit: 65_536 };
const DELIMITER: Framing = Framing::Delimiter {
    delimiter: b'\n',
    limit: 65_536,
};
const FIXED: Framing = Framing::Fixed { size: 8 };

fn encode(framing: Framing, message: &[u8]) -> Result<Vec<u8>, FrameError> {
    let mut stream = BytesMut::new();
    framing.codec().encode(message, &mut stream)?;
    Ok(stream.to_vec())
}

#[test]
fn on_the_wire() {
    assert_eq!(encode(FIXED, b"Hello!").unwrap(), b"Hello!\0\0");
    assert_eq!(encode(LENGTH, b"Hello!").unwrap(), b"\0\0\0\x06Hello!");
    assert_eq!(encode(DELIMITER, b"Hello!").unwrap(), b"Hello!\n");
}

#[test]
fn what_would_not_come_out_again_does_not_go_in() {
    for (framing, message, why) in [
        (
            FIXED,
            &b"Hello all"[..],
            "the message has 9 bytes; the limit is 8 bytes",
        ),
        (
            FIXED,
            b"Hello\0",
            "the message ends with a zero byte, as padding does",
        ),
        (
            DELIMITER,
            b"Hello\n!",
            r"the message contains the delimiter, \n",
        ),
        (
            LENGTH,
            &[b'x'; 65_537],
            "the message has 65537 bytes; the limit is 65536 bytes",
        ),
    ] {
        let error = encode(framing, message).unwrap_err();
        assert_eq!(error.to_string(), why);
    }
}

/// Reads a stream to its end, and says how large the buffer became.
async fn read(framing: Framing, stream: &[u8]) -> (Vec<String>, usize) {
    let (mut far, near) = tokio::io::duplex(1 << 20);
    far.write_all(stream).await.unwrap();
    drop(far);
    let mut near = Framed::new(near, framing.codec());
    let mut seen = Vec::new();
    while let Some(next) = near.next().await {
        seen.push(match next {
            Ok(message) => String::from_utf8_lossy(&message).into_owned(),
            Err(error) => format!("error: {error}"),
        });
    }
    (seen, near.read_buffer().capacity())
}

#[tokio::test]
async fn the_limit_holds_before_memory_is_taken() {
    let (seen, capacity) = read(LENGTH, b"\xff\xff\xff\xffHello!").await;
    let error = "error: a message of 4294967295 bytes is announced; \
                 the limit is 65536 bytes";
    assert_eq!(seen, [error]);
    assert!(capacity <= 8192, "{capacity}");

    let (seen, capacity) = read(DELIMITER, &[b'x'; 1_000_000]).await;
    let error = "error: the message does not end within the limit of \
                 65536 bytes";
    assert_eq!(seen, [error]);
    assert!(capacity <= 2 * 65_536 + 8192, "{capacity}");

    // What is within the limit is taken on the peer's word alone.
    let (_, capacity) = read(LENGTH, b"\0\x01\0\0").await;
    assert!(capacity >= 65_536, "{capacity}");
}

#[tokio::test]
async fn half_a_message_is_none() {
    let cut = "error: the stream ended in the middle of a message";
    for (framing, stream) in [
        (FIXED, &b"Hello"[..]),
        (LENGTH, b"\0\0"),
        (LENGTH, b"\0\0\0\x06"),
        (LENGTH, b"\0\0\0\x06Hel"),
        (DELIMITER, b"Hello"),
    ] {
        assert_eq!(read(framing, stream).await.0, [cut], "{framing:?}");
    }
}

/// Why `FrameCodec` has a `decode_eof` of its own. When this fails, that has
/// changed in tokio-util.
#[test]
fn what_the_codecs_make_of_half_a_message_by_themselves() {
    let mut codec = AnyDelimiterCodec::new(b"\n".to_vec(), b"\n".to_vec());
    let mut stream = BytesMut::from("pay 10");
    let last = codec.decode_eof(&mut stream).unwrap();
    assert_eq!(last.as_deref(), Some(&b"pay 10"[..]));

    let mut codec = LengthDelimitedCodec::new();
    let mut stream = BytesMut::from(&b"\0\0\0\x06"[..]);
    assert!(codec.decode(&mut stream).unwrap().is_none());
    assert!(codec.decode_eof(&mut stream).unwrap().is_none());
}
