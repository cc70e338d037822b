//! Cats per second, to bytes and back, on one thread: one cat, and a list of
//! a hundred. Ours is `encode` and `decode` of this section, with all their
//! limits, to and from structs. msgpack is the C extension of Python's module
//! of that name (the peer makes sure of it), to and from dicts, without types
//! or checks; msgspec is C, too, with the same structs as here. serde_json is
//! Rust with the same structs, as JSON. A time is a number here, because JSON
//! knows no times.

use std::fmt::Debug;
use std::hint::black_box;
use std::time::{Duration, Instant};

use msgpack::{Hat, decode, encode};
use serde::{Deserialize, Serialize};

const MANY: usize = 100;

#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
struct Cat {
    name: String,
    born: u64,
    toys: Vec<String>,
    owner: Option<String>,
    hat: Hat,
    #[serde(with = "serde_bytes")]
    picture: Vec<u8>,
}

fn main() {
    let one = Cat {
        name: "catA".into(),
        born: 1_769_860_800,
        toys: vec!["ball".into(), "mouse".into()],
        owner: None,
        hat: Hat::Top { height: 17.5 },
        picture: vec![0x01, 0xc8],
    };
    let many = vec![one.clone(); MANY];
    // The peer serde_json is this program, too.
    if std::env::var("BENCH_AS").as_deref() == Ok("serde_json") {
        jobs(&one, "cat", 1, serde_json::to_vec, |bytes| {
            serde_json::from_slice(bytes)
        });
        jobs(&many, "100-cats", MANY, serde_json::to_vec, |bytes| {
            serde_json::from_slice(bytes)
        });
    } else {
        jobs(&one, "cat", 1, encode, decode);
        jobs(&many, "100-cats", MANY, encode, decode);
    }
}

/// Both directions, for a while each.
fn jobs<T: Debug + PartialEq, E: Debug, D: Debug>(
    value: &T,
    what: &str,
    cats: usize,
    encode: impl Fn(&T) -> Result<Vec<u8>, E>,
    decode: impl Fn(&[u8]) -> Result<T, D>,
) {
    let bytes = encode(value).expect("bytes");
    assert_eq!(&decode(&bytes).expect("a value"), value);
    job(&format!("encode-{what}"), cats, || encode(black_box(value)));
    job(&format!("decode-{what}"), cats, || {
        decode(black_box(&bytes))
    });
}

fn job<T>(name: &str, cats: usize, mut once: impl FnMut() -> T) {
    if std::env::var("BENCH_ONLY").is_ok_and(|only| !name.contains(&only)) {
        return;
    }
    let mut run = |limit: Duration| {
        let begin = Instant::now();
        let mut count = 0;
        while begin.elapsed() < limit {
            for _ in 0..100 {
                black_box(once());
            }
            count += 100 * cats;
        }
        count as f64 / begin.elapsed().as_secs_f64()
    };
    run(Duration::from_millis(200));
    println!("{name} {:.0} cats/s", run(Duration::from_secs(1)));
}
