//! Random bytes, and messages with random faults. Nothing may panic; what is
//! read must be one whole value and survive a round trip; and the reader
//! that explains bytes must agree with rmpv, a reader by somebody else, on
//! where each value ends and whether it is one.
//!
//! cargo test --test fuzz
//! FUZZ_INPUTS=10000000 cargo test --release --test fuzz -- --nocapture
//! FUZZ_SEED=123 FUZZ_INPUTS=1 cargo test --test fuzz     the one that failed

use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use fastrand::Rng;
use msgpack::explain::{Explained, explain};
use msgpack::{Cat, Counter, Hat, Reply, Request, Timestamp};
use msgpack::{DecodeError, MAX_DEPTH, decode, encode};
use rmpv::Value;
use rmpv::decode::{Error, read_value_with_max_depth};
use serde::Serialize;
use serde::de::{DeserializeOwned, IgnoredAny};

/// How many inputs were this.
#[derive(Debug, Default)]
struct Seen {
    no_messagepack: u64,
    values: u64,
    with_more_behind: u64,
    too_deep: u64,
    messages: u64,
}

#[test]
fn random_bytes() {
    let number = |name: &str, default| {
        let text = std::env::var(name);
        text.map_or(default, |text| text.parse().expect(name))
    };
    let inputs = number("FUZZ_INPUTS", 5_000);
    let first = number("FUZZ_SEED", 1);
    let mut seen = Seen::default();
    for seed in first..first + inputs {
        let input = input(seed);
        let checked =
            catch_unwind(AssertUnwindSafe(|| check(&input, &mut seen)));
        checked.unwrap_or_else(|panic| {
            eprintln!("this was FUZZ_SEED={seed}: {input:02x?}");
            resume_unwind(panic)
        });
    }
    println!("{inputs} inputs: {seen:?}");
    // A fuzzer that does not come everywhere proves nothing.
    let Seen {
        no_messagepack,
        values,
        with_more_behind,
        too_deep,
        messages,
    } = seen;
    let least = no_messagepack.min(values).min(with_more_behind);
    let least = least.min(messages).min(too_deep * 10);
    assert!(inputs < 1000 || least > inputs / 100, "{least}");
}

fn check(bytes: &[u8], seen: &mut Seen) {
    let explained = explain(bytes);
    let mut rest = bytes;
    let other = read_value_with_max_depth(&mut rest, MAX_DEPTH);
    match (&explained.end, other) {
        (Ok(end), Ok(_)) => {
            assert_eq!(*end, bytes.len() - rest.len());
            seen.values += 1;
            seen.with_more_behind += u64::from(*end < bytes.len());
        }
        (_, Err(Error::DepthLimitExceeded)) => seen.too_deep += 1,
        (Err(_), Err(_)) => seen.no_messagepack += 1,
        // rmpv takes this byte for nil. The specification: never used.
        (Err(fault), _) if bytes.get(fault.at) == Some(&0xc1) => {
            seen.no_messagepack += 1;
        }
        (ours, theirs) => panic!("{ours:?}, but rmpv: {theirs:?}"),
    }
    // The rows are all of the bytes, each once.
    let mut at = 0;
    for row in &explained.rows {
        assert_eq!(row.bytes.start, at);
        at = row.bytes.end;
        assert!(!row.meaning.contains(char::is_control));
    }
    let end = explained.end.clone().unwrap_or_else(|fault| fault.at);
    assert!(at == end || explained.left_out > 0, "{at} of {end}");
    assert!(!explained.text.contains(char::is_control));

    let is_one = typed::<Request>(bytes, &explained)
        | typed::<Reply>(bytes, &explained)
        | typed::<Cat>(bytes, &explained)
        | typed::<Vec<Cat>>(bytes, &explained);
    seen.messages += u64::from(is_one);
    told(decode::<IgnoredAny>(bytes), bytes, &explained);
    let (_, reply) = Counter::default().answer(bytes);
    assert_eq!(decode(&encode(&reply).unwrap()), Ok(reply));
}

/// Whether it is such a message. If so, it comes back from its bytes.
fn typed<T: Debug + DeserializeOwned + Serialize>(
    bytes: &[u8],
    explained: &Explained,
) -> bool {
    let Some(value) = told(decode::<T>(bytes), bytes, explained) else {
        return false;
    };
    // By its bytes, for NaN is not equal to itself.
    let written = encode(&value).unwrap();
    let again: T = decode(&written).unwrap();
    assert_eq!(encode(&again).unwrap(), written);
    true
}

fn told<T>(
    result: Result<T, DecodeError>,
    bytes: &[u8],
    explained: &Explained,
) -> Option<T> {
    match result {
        Ok(value) => {
            assert_eq!(explained.end, Ok(bytes.len()));
            Some(value)
        }
        Err(error) => {
            let text = error.to_string();
            assert!(text.len() < 1000, "{text}");
            assert!(!text.contains(char::is_control), "{text}");
            let is_none = matches!(error, DecodeError::NoMessagePack(_));
            assert!(!is_none || explained.end.is_err(), "{text}");
            None
        }
    }
}

/// One input, wholly decided by its seed.
fn input(seed: u64) -> Vec<u8> {
    let mut random = Rng::with_seed(seed);
    let mut bytes = match random.u8(..8) {
        0 => {
            let length = random.usize(..40);
            std::iter::repeat_with(|| random.u8(..))
                .take(length)
                .collect()
        }
        1 => {
            let mut bytes = vec![0x91; random.usize(55..200)];
            bytes.push(0xc0);
            bytes
        }
        2 => written(&request(&mut random), &mut random),
        3 => written(&vec![cat(&mut random); random.usize(..3)], &mut random),
        4 | 5 => written(&cat(&mut random), &mut random),
        _ => {
            let mut bytes = Vec::new();
            let value = value(&mut random, 0);
            rmpv::encode::write_value(&mut bytes, &value).unwrap();
            bytes
        }
    };
    for _ in 0..random.u8(..3) {
        mutate(&mut random, &mut bytes);
    }
    bytes
}

fn written(value: &impl Serialize, random: &mut Rng) -> Vec<u8> {
    match random.bool() {
        true => rmp_serde::to_vec_named(value).unwrap(),
        false => rmp_serde::to_vec(value).unwrap(),
    }
}

fn mutate(random: &mut Rng, bytes: &mut Vec<u8>) {
    let place = random.usize(..=bytes.len());
    match random.u8(..6) {
        0 => bytes.truncate(place),
        1 => bytes.insert(place, random.u8(..)),
        2 => drop(bytes.drain(place..(place + 3).min(bytes.len()))),
        // A head that claims something.
        3 => {
            let head = [random.u8(0xc0..0xe0), random.u8(..), random.u8(..)];
            bytes.splice(place..place, head);
        }
        4 => bytes.extend((0..random.u8(1..9)).map(|_| random.u8(..))),
        _ => {
            if let Some(byte) = bytes.get_mut(place) {
                *byte ^= 1 << random.u8(..8);
            }
        }
    }
}

fn text(random: &mut Rng) -> String {
    let most = if random.u8(..20) == 0 { 300 } else { 9 };
    let length = random.usize(..most);
    std::iter::repeat_with(|| random.char(..))
        .take(length)
        .collect()
}

fn request(random: &mut Rng) -> Request {
    match random.u8(..4) {
        0 => Request::Ping,
        _ => Request::Wears {
            cat: text(random),
            hat: text(random),
        },
    }
}

fn cat(random: &mut Rng) -> Cat {
    let toys = random.usize(..20);
    Cat {
        name: text(random),
        born: Timestamp {
            seconds: random.i64(..) >> random.u8(..64),
            nanoseconds: random.u32(..1_000_000_000) * u32::from(random.bool()),
        },
        toys: (0..toys).map(|_| text(random)).collect(),
        owner: random.bool().then(|| text(random)),
        hat: match random.bool() {
            true => Hat::Bowler,
            false => Hat::Top {
                height: f32::from_bits(random.u32(..)),
            },
        },
        picture: (0..random.usize(..300)).map(|_| random.u8(..)).collect(),
    }
}

fn value(random: &mut Rng, depth: u8) -> Value {
    let kinds = if depth < 4 { 12 } else { 9 };
    match random.u8(..kinds) {
        0 => Value::Nil,
        1 => Value::from(random.bool()),
        2 => Value::from(random.u64(..) >> random.u8(..64)),
        3 => Value::from(random.i64(..) >> random.u8(..64)),
        4 => Value::F32(f32::from_bits(random.u32(..))),
        5 => Value::F64(f64::from_bits(random.u64(..))),
        6 => Value::from(text(random)),
        7 => Value::Binary((0..random.u8(..)).collect()),
        8 => {
            let length = random.choice([0, 1, 2, 4, 8, 12, 16, 300]).unwrap();
            let bytes = (0..length).map(|_| random.u8(..)).collect();
            Value::Ext(random.i8(-2..3), bytes)
        }
        9 => {
            let count = random.usize(..20);
            Value::Array((0..count).map(|_| value(random, depth + 1)).collect())
        }
        _ => {
            let count = random.usize(..18);
            let pair = |random: &mut Rng| {
                (value(random, depth + 2), value(random, depth + 1))
            };
            Value::Map((0..count).map(|_| pair(random)).collect())
        }
    }
}
