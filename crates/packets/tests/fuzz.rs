//! Random damage. The dissector and the reader never panic, never stop
//! answering, and never show bytes that are not there. `FUZZ=10000000` tries
//! more.

use std::fs;
use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use packets::{Ladder, Packet, dissect, read_packets};

fn times() -> u64 {
    let times = std::env::var("FUZZ").ok();
    times.map_or(50_000, |times| times.parse().expect("FUZZ: a number"))
}

/// Packets that are whole: from all captures, and built.
fn seeds() -> Vec<(u32, Vec<u8>)> {
    let mut seeds = vec![
        (1, packets::tcp_syn().unwrap()),
        (1, packets::udp_datagram(b"Hello!").unwrap()),
        (1, packets::arp_request().unwrap()),
    ];
    for file in files() {
        let _ = read_packets(&*file, |packet| {
            seeds.push((packet.link, packet.bytes.to_vec()));
            Ok::<_, ()>(())
        });
    }
    assert!(seeds.len() > 30);
    seeds
}

fn files() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("captures");
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| fs::read(entry.unwrap().path()).unwrap())
        .collect()
}

fn damage(random: &mut Rng, bytes: &mut Vec<u8>) {
    for _ in 0..random.usize(..6) {
        if bytes.is_empty() {
            return;
        }
        let at = random.usize(..bytes.len());
        match random.u8(..5) {
            0 => bytes.truncate(at),
            1 => bytes[at] = random.u8(..),
            2 => bytes[at] ^= 1 << random.u8(..8),
            3 => bytes[at] = [0, 1, 0x7f, 0xff][random.usize(..4)],
            _ => bytes.insert(at, random.u8(..)),
        }
    }
}

#[test]
fn damaged_packets() {
    let seeds = seeds();
    let links = [0, 1, 101, 108, 113, 147, 276];
    let mut random = Rng::with_seed(6789);
    let mut ladder = Ladder::default();
    let mut odd = 0_u64;
    for number in 1..=times() {
        let (link, bytes) = &seeds[random.usize(..seeds.len())];
        let mut bytes = bytes.clone();
        damage(&mut random, &mut bytes);
        let cut = random.bool();
        let packet = Packet {
            number,
            time: Duration::ZERO,
            link: match random.u8(..10) {
                0 => links[random.usize(..links.len())],
                _ => *link,
            },
            bytes: &bytes,
            length: bytes.len() + if cut { random.usize(..99) } else { 0 },
        };
        let dissected = dissect(&packet);
        let fields = dissected.layers.iter().flat_map(|layer| &layer.fields);
        for field in fields {
            assert!(bytes.get(field.at.clone()).is_some(), "{packet:?}");
        }
        odd += u64::from(!dissected.marks.is_empty());
        let line = dissected.line(&packet);
        assert!(!line.chars().any(char::is_control), "{packet:?}");
        for line in dissected.lines(&packet) {
            assert!(!line.chars().any(char::is_control), "{packet:?}");
        }
        if let Some(segment) = &dissected.segment {
            ladder.draw(segment, &bytes[segment.data.clone()]);
        }
    }
    assert!(odd > times() / 10, "the damage does nothing: {odd}");
}

#[test]
fn packets_that_end_anywhere() {
    for (link, whole) in seeds().iter().filter(|seed| seed.1.len() < 2000) {
        for end in 0..whole.len() {
            for length in [end, whole.len()] {
                let time = Duration::ZERO;
                let (number, link, bytes) = (1, *link, &whole[..end]);
                dissect(&Packet {
                    number,
                    time,
                    link,
                    bytes,
                    length,
                });
            }
        }
    }
}

#[test]
fn damaged_files() {
    let files = files();
    let mut random = Rng::with_seed(1071);
    let (mut ends, mut errors) = (0, 0);
    for _ in 0..times() / 50 {
        let mut bytes = files[random.usize(..files.len())].clone();
        damage(&mut random, &mut bytes);
        let mut visited = 0;
        let read = read_packets(&*bytes, |packet| {
            visited += 1;
            assert!(packet.length >= packet.bytes.len());
            // Each takes at least 16 bytes of the file.
            assert!(visited <= bytes.len() / 16);
            Ok::<_, ()>(())
        });
        match read.unwrap() {
            Ok(_) => ends += 1,
            Err(_) => errors += 1,
        }
    }
    assert!(ends > 0 && errors > 0, "{ends} {errors}");
}
