//! Values as other programs write them, and as nobody should. What is right
//! was found with msgpack-python 1.2, msgspec 0.22 and the specification.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::{Duration, SystemTime};

use msgpack::explain::explain;
use msgpack::{Cat, Counter, Hat, Reply, Request, Timestamp, decode, encode};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

fn bytes(hex: &str) -> Vec<u8> {
    let pairs = hex.as_bytes().chunks(2);
    let byte = |pair| std::str::from_utf8(pair).unwrap();
    pairs
        .map(|pair| u8::from_str_radix(byte(pair), 16).unwrap())
        .collect()
}

/// What is read from these bytes, and written again.
fn same<T: DeserializeOwned + Serialize>(hex: &str) -> T {
    let value =
        decode(&bytes(hex)).unwrap_or_else(|why| panic!("{hex}: {why}"));
    assert_eq!(encode(&value).unwrap(), bytes(hex), "{hex}");
    value
}

fn why<T: Debug + DeserializeOwned>(hex: &str) -> String {
    decode::<T>(&bytes(hex)).unwrap_err().to_string()
}

fn text(hex: &str) -> String {
    explain(&bytes(hex)).text
}

#[test]
fn times() {
    for (hex, seconds, nanoseconds, shown) in [
        (
            "c70cff1dcd6500fffffffffffffffe",
            -2,
            500_000_000,
            "1969-12-31T23:59:58.5Z",
        ),
        ("d6ffffffffff", 4_294_967_295, 0, "2106-02-07T06:28:15Z"),
        (
            "d7ff0000000100000000",
            4_294_967_296,
            0,
            "2106-02-07T06:28:16Z",
        ),
        ("d6ff00000000", 0, 0, "1970-01-01T00:00:00Z"),
        (
            "d7ffee6b27fc00000000",
            0,
            999_999_999,
            "1970-01-01T00:00:00.999999999Z",
        ),
        (
            "d7ff00000003ffffffff",
            17_179_869_183,
            0,
            "2514-05-30T01:53:03Z",
        ),
        (
            "c70cff000000000000000400000000",
            17_179_869_184,
            0,
            "2514-05-30T01:53:04Z",
        ),
        (
            "c70cff00000000ffffffffffffffff",
            -1,
            0,
            "1969-12-31T23:59:59Z",
        ),
        ("d6ff386d4380", 946_684_800, 0, "2000-01-01T00:00:00Z"),
        ("d6ff38bc5e3f", 951_868_991, 0, "2000-03-01T00:03:11Z"),
        (
            "c70cff00000000fffffff1886e0900",
            -62_135_596_800,
            0,
            "0001-01-01T00:00:00Z",
        ),
    ] {
        let time: Timestamp = same(hex);
        let parts = (time.seconds, time.nanoseconds);
        assert_eq!(parts, (seconds, nanoseconds), "{hex}");
        assert_eq!(time.to_string(), shown);
        assert_eq!(text(hex), format!("@{shown}"));
    }
    // Longer than needed is no fault; so many nanoseconds are.
    let wide: Timestamp = decode(&bytes("d7ff0000000000000007")).unwrap();
    assert_eq!((wide.seconds, wide.nanoseconds), (7, 0));
    for hex in [
        "d7ffffffffff00000000",
        "d6fe00000001",
        "d4ff01",
        "c70cff3b9aca000000000000000000",
    ] {
        assert!(why::<Timestamp>(hex).contains("is no time"), "{hex}");
    }
    for (before, after) in [(-1_500, 0), (-1, 0), (0, 0), (0, 1_500)] {
        let time = SystemTime::UNIX_EPOCH + Duration::from_millis(after)
            - Duration::from_millis(u64::try_from(-before).unwrap_or(0));
        let time = Timestamp::from(time);
        let millis =
            time.seconds * 1000 + i64::from(time.nanoseconds) / 1_000_000;
        assert_eq!(millis, before + after as i64);
        assert_eq!(decode::<Timestamp>(&encode(&time).unwrap()), Ok(time));
    }
}

#[test]
fn keys_that_are_no_text() {
    let map: BTreeMap<i64, u8> = same("8201010202");
    assert_eq!(map, BTreeMap::from([(1, 1), (2, 2)]));
    assert_eq!(text("8201010202"), "{1: 1, 2: 2}");
    let map: BTreeMap<Vec<u8>, u8> = same("819301020305");
    assert_eq!(map, BTreeMap::from([(vec![1, 2, 3], 5)]));
    assert_eq!(text("819301020305"), "{[1, 2, 3]: 5}");
}

#[test]
fn bytes_are_not_an_array() {
    type Bytes = serde_bytes::ByteBuf;
    assert_eq!(same::<Bytes>("c40201c8").as_ref(), [0x01, 0xc8]);
    assert_eq!(same::<Vec<u8>>("9201ccc8"), [1, 200]);
    // Who wants bytes takes both.
    assert_eq!(
        decode::<Bytes>(&bytes("9201ccc8")).unwrap().as_ref(),
        [1, 200]
    );
    assert_eq!(text("c40201c8"), "h'01c8'");
}

#[test]
fn text_that_is_no_utf8() {
    for hex in ["a2ff80", "da0002ff80"] {
        let told = "text that is not UTF-8 from its byte 0 on";
        assert!(why::<String>(hex).ends_with(told), "{}", why::<String>(hex));
        assert_eq!(explain(&bytes(hex)).rows[0].meaning, told);
        assert_eq!(text(hex), "h'ff80'");
    }
}

#[test]
fn integers() {
    assert_eq!(same::<u64>("cfffffffffffffffff"), u64::MAX);
    assert_eq!(text("cfffffffffffffffff"), "18446744073709551615");
    let told = why::<i64>("cfffffffffffffffff");
    assert!(told.contains("18446744073709551615"), "{told}");
    for (hex, value) in [
        ("7f", 127),
        ("cc80", 128),
        ("ccff", 255),
        ("cd0100", 256),
        ("ce00010000", 65_536),
        ("cf0000000100000000", 4_294_967_296),
        ("ff", -1),
        ("e0", -32),
        ("d0df", -33),
        ("d080", -128),
        ("d1ff7f", -129),
        ("d18000", -32_768),
        ("d2ffff7fff", -32_769),
        ("d3ffffffff7fffffff", -2_147_483_649_i64),
    ] {
        assert_eq!(same::<i64>(hex), value);
        assert_eq!(text(hex), value.to_string());
    }
    // Wider than they need to be.
    for (hex, value) in [
        ("d30000000000000001", 1),
        ("cf0000000000000001", 1),
        ("d1007f", 127),
    ] {
        assert_eq!(decode::<u8>(&bytes(hex)), Ok(value));
        assert_eq!(text(hex), value.to_string());
    }
    assert!(why::<u8>("cd0100").contains("256"));
    // The bytes do not say which type a number came from.
    assert_eq!(encode(&100_i64).unwrap(), encode(&100_u8).unwrap());
    assert!(why::<i8>("ccc8").contains("integer `200`, expected i8"));
}

#[test]
fn floats() {
    assert_eq!(decode::<f64>(&bytes("ca3dcccccd")), Ok(0.10000000149011612));
    assert_eq!(text("ca3dcccccd"), "0.1");
    assert_eq!(same::<f64>("cb3fb999999999999a"), 0.1);
    assert_eq!(decode::<f64>(&bytes("05")), Ok(5.0));
    let told = why::<i64>("cb4000000000000000");
    assert!(
        told.ends_with("floating point `2.0`, expected i64"),
        "{told}"
    );
    // Not equal to itself, but its bytes are the same.
    assert!(same::<f64>("cb7ff8000000000000").is_nan());
    assert_eq!(text("cb7ff8000000000000"), "NaN");
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
enum Req {
    Ping,
    Add(i64, i64),
    Get { key: String },
}

#[test]
fn kinds() {
    for hex in ["81a446726f6201", "a446726f62"] {
        let told = why::<Req>(hex);
        for part in ["`Frob`", "`Ping`", "`Add`", "`Get`"] {
            assert!(told.contains(part), "{told}");
        }
    }
    assert_eq!(same::<Req>("a450696e67"), Req::Ping);
    // As rmp-serde before 1.0 wrote it.
    assert_eq!(decode(&bytes("81a450696e67c0")), Ok(Req::Ping));
    assert_eq!(same::<Req>("81a3416464920102"), Req::Add(1, 2));
    let get = Req::Get { key: "k".into() };
    assert_eq!(same::<Req>("81a347657481a36b6579a16b"), get);
    for hex in ["82a450696e67c0a450696e67c0", "9201920102"] {
        why::<Req>(hex);
    }
}

#[test]
fn cut_short_and_claimed() {
    for (hex, told) in [
        ("", "at byte 0: cut short, a value is missing"),
        ("a56869", "at byte 0: text of 5 bytes, cut short after 2"),
        ("82a16101", "at byte 4: cut short, a value is missing"),
        ("c1", "at byte 0: c1, which begins no value"),
        (
            "d6ff0000",
            "at byte 0: an extension of 4 bytes, cut short after 2",
        ),
        ("cd01", "at byte 0: cut short after cd"),
        ("ddffffffff", "at byte 5: cut short, a value is missing"),
        ("dfffffffff", "at byte 5: cut short, a value is missing"),
        (
            "dbffffffff",
            "at byte 0: text of 4294967295 bytes, cut short after 0",
        ),
        (
            "c6ffffffff",
            "at byte 0: binary data of 4294967295 bytes, cut short after 0",
        ),
        (
            "c9ffffffff01",
            "at byte 0: an extension of 4294967295 bytes, cut short after 0",
        ),
    ] {
        assert_eq!(why::<Request>(hex), told, "{hex}");
        assert_eq!(why::<Cat>(hex), told, "{hex}");
    }
    assert_eq!(why::<u8>("0102"), "at byte 1: something behind the value");
    let long = encode(&"x".repeat(70_000)).unwrap();
    let told = decode::<String>(&long).unwrap_err().to_string();
    assert_eq!(told, "70005 bytes; the limit is 65536");
}

/// Whatever it is asked, the next request is answered.
#[test]
fn a_counter_goes_on() {
    let mut counter = Counter::default();
    for hex in ["", "c1", "81a446726f6201", "dfffffffff", "a55765617273"] {
        let (request, reply) = counter.answer(&bytes(hex));
        assert!(request.is_err());
        let Reply::Refused { why } = reply else {
            panic!("{reply:?}")
        };
        assert!(!why.is_empty() && !why.contains(char::is_control));
    }
    let wears = |cat: String| {
        encode(&Request::Wears {
            cat,
            hat: "hatA".into(),
        })
        .unwrap()
    };
    for hats in 1..4 {
        let (_, reply) = counter.answer(&wears("catA".into()));
        assert_eq!(
            reply,
            Reply::Hats {
                cat: "catA".into(),
                hats
            }
        );
    }
    // An array will do, too: who sends one is not wrong.
    let array = rmp_serde::to_vec(&Request::Wears {
        cat: "catA".into(),
        hat: "h".into(),
    });
    let (_, reply) = counter.answer(&array.unwrap());
    assert_eq!(
        reply,
        Reply::Hats {
            cat: "catA".into(),
            hats: 4
        }
    );
    // Strangers cannot fill the memory with cats.
    let last = (0..1000)
        .map(|n| counter.answer(&wears(n.to_string())).1)
        .last();
    assert!(matches!(last, Some(Reply::Refused { .. })), "{last:?}");
    assert!(matches!(
        counter.answer(&wears("catA".into())).1,
        Reply::Hats { hats: 5, .. }
    ));
    // What is quoted cannot play with a terminal, and has an end.
    let bad = encode(&BTreeMap::from([("\x1b[2J".repeat(999), 1)])).unwrap();
    let told = decode::<Request>(&bad).unwrap_err().to_string();
    assert!(
        told.len() < 300 && !told.contains(char::is_control),
        "{told}"
    );
}

#[test]
fn a_cat_as_a_map_and_as_an_array() {
    let mut cat = Cat::example();
    for hat in [
        Hat::Bowler,
        Hat::Top {
            height: f32::MIN_POSITIVE,
        },
    ] {
        cat.hat = hat;
        for owner in [None, Some("Tom".to_owned())] {
            cat.owner = owner;
            assert_eq!(decode(&encode(&cat).unwrap()).as_ref(), Ok(&cat));
            let array = rmp_serde::to_vec(&cat).unwrap();
            assert_eq!(decode(&array).as_ref(), Ok(&cat));
        }
    }
}
