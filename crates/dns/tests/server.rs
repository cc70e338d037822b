//! dns-server: zone files with mistakes, clients with bad manners.

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::process::Command;
use std::time::Duration;

use common::{LIMIT, Running, SERVER, by_tcp, by_udp, serve, text};
use dns::Zone;

const QUESTION: &[u8] =
    b"42\0\0\0\x01\0\0\0\0\0\0\x03www\x03net\x07example\0\0\x01\0\x01";
const OPT: &[u8] = b"\0\0\x29\x04\xd0\0\0\0\0\0\0";

fn code(answer: &[u8]) -> u8 {
    answer[3] & 15
}

/// Still answers a plain question.
fn works(server: SocketAddr) {
    let answer = by_udp(server, QUESTION);
    assert!(answer.ends_with(&[127, 0, 0, 80]), "{answer:?}");
}

#[test]
fn mistakes_in_a_zone_are_named_by_their_line() {
    let head = "$TTL 300\n$ORIGIN net.example.\n\
                @ IN SOA ns1 john ( 1 2 3 4 5 )\n  IN NS ns1\n";
    Zone::read(&format!("{head}ns1 IN A 127.0.0.1")).unwrap();
    // The SOA record over several lines, and comments.
    let spread = head.replace("( 1 2", "( ; numbers\n 1\n 2");
    Zone::read(&(spread.clone() + "; more\n\nns1 IN A 127.0.0.1\n")).unwrap();
    for (line, error) in [
        ("www IN A 127.0.0.800", "line 5: expected IPv4 address"),
        ("www IN A 127.0.0", "line 5: expected IPv4 address"),
        ("www IN FOO bar", "line 5: expected rtype"),
        ("www IN A 127.0.0.1 junk", "line 5: trailing tokens"),
        ("www IN MX mail", "line 5: expected decimal number"),
        ("www IN", "line 5: unexpected end of entry"),
        ("$FOO", "line 5: unknown control"),
        ("$INCLUDE other", "line 5: $INCLUDE is not known here"),
        (
            "a.elsewhere.test. IN A 127.0.0.1",
            "line 5: a.elsewhere.test. is",
        ),
        (
            "@ IN SOA a b ( 1 2 3 4 5 )",
            "line 5: net.example. has a second",
        ),
        (
            "a IN CNAME b\na IN A 127.0.0.1",
            "line 6: a.net.example. is an",
        ),
        (
            "a IN A 127.0.0.1\na IN CNAME b",
            "line 6: a.net.example. is an",
        ),
        (
            "a IN CNAME b\n\na IN CNAME c",
            "line 7: a.net.example. has a",
        ),
        ("a IN DNAME b", "line 5: DNAME records are not served"),
        ("a IN TXT \"unended", "line 5: "),
        ("a CH A 127.0.0.1", "line 5: "),
    ] {
        let found = Zone::read(&format!("{head}{line}\n")).unwrap_err();
        let found = found.to_string();
        assert!(found.starts_with(error), "{line}: {found}");
    }
    let none = Zone::read("$ORIGIN net.example.\na 5 IN A 127.0.0.1\n");
    assert!(none.unwrap_err().to_string().contains("no SOA record"));
    let long = spread + "www IN A 1\n";
    assert!(
        Zone::read(&long)
            .unwrap_err()
            .to_string()
            .starts_with("line 7:")
    );
}

#[test]
fn what_is_no_plain_question() {
    let (_server, address) = serve("compare.zone");
    let changed = |place: usize, byte: u8| {
        let mut query = QUESTION.to_vec();
        query[place] = byte;
        query
    };
    for (query, expected, what) in [
        (changed(2, 0x20), 4, "NOTIFY"),
        (changed(2, 0x28), 4, "UPDATE"),
        (changed(5, 2), 1, "two questions, one is there"),
        (changed(5, 0), 1, "no question"),
        (changed(30, 252), 5, "AXFR"),
        (changed(32, 3), 5, "class CH"),
        (QUESTION[..20].to_vec(), 1, "cut"),
        ([&changed(11, 2)[..], OPT, OPT].concat(), 1, "EDNS twice"),
    ] {
        assert_eq!(code(&by_udp(address, &query)), expected, "{what}");
    }
    // A version of EDNS that nobody has yet: BADVERS is 16, in two places.
    let mut options = OPT.to_vec();
    options[6] = 1;
    let answer = by_udp(address, &[&changed(11, 1), &options[..]].concat());
    assert_eq!((code(&answer), answer[answer.len() - 6]), (0, 1));
    // Answers and scraps get none: else two servers could talk for ever.
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(address).unwrap();
    socket.set_read_timeout(Some(LIMIT)).unwrap();
    for silent in [&changed(2, 0x80)[..], b"", b"42\0\0\0\x01", &QUESTION[..11]]
    {
        socket.send(silent).unwrap();
    }
    socket.send(QUESTION).unwrap();
    let mut answer = [0; 512];
    let length = socket.recv(&mut answer).unwrap();
    assert!(answer[..length].ends_with(&[127, 0, 0, 80]));
}

#[test]
fn noise_costs_one_datagram_each() {
    let (_server, address) = serve("compare.zone");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    // A generator of its own: the same noise in every run.
    let mut state = 42_u32;
    let mut chance = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as u8
    };
    for round in 0..5_000 {
        let mut noise = [QUESTION, OPT].concat();
        for _ in 0..=round % 4 {
            let place = usize::from(chance()) % noise.len();
            noise[place] = chance();
        }
        noise.truncate(noise.len() - usize::from(chance() % 16));
        socket.send_to(&noise, address).unwrap();
        if round % 100 == 0 {
            works(address);
        }
    }
    works(address);
}

#[test]
fn several_questions_by_one_connection() {
    let (_server, address) = serve("compare.zone");
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    let length = (QUESTION.len() as u16).to_be_bytes();
    let framed = [&length, QUESTION].concat();
    // Two at once, and a third in two pieces.
    stream
        .write_all(&[&framed[..], &framed, &framed[..1]].concat())
        .unwrap();
    let mut read = || {
        let mut length = [0; 2];
        stream.read_exact(&mut length).unwrap();
        let mut answer = vec![0; u16::from_be_bytes(length).into()];
        stream.read_exact(&mut answer).unwrap();
        assert!(answer.ends_with(&[127, 0, 0, 80]));
    };
    read();
    read();
    (&stream).write_all(&framed[1..]).unwrap();
    let mut answer = [0; 2];
    (&stream).read_exact(&mut answer).unwrap();
    // One that says nothing holds up nobody.
    let _silent = TcpStream::connect(address).unwrap();
    assert_eq!(by_tcp(address, QUESTION).len(), 49);
    works(address);
}

/// The answer leaves from the address that was asked: a connected socket
/// takes no other.
#[test]
#[cfg(target_os = "linux")]
fn bound_to_all_addresses() {
    for (all, asked) in [
        ("0.0.0.0:0", &["127.0.0.1", "127.0.0.2", "127.9.9.9"][..]),
        ("[::]:0", &["::1", "127.0.0.1", "127.0.0.2"]),
    ] {
        if UdpSocket::bind(all).is_err() {
            continue; // a machine without IPv6
        }
        let server = Running::start(Command::new(SERVER).arg(all));
        let line = server.line_with("ready at");
        let port = line.rsplit(':').next().unwrap().parse().unwrap();
        for address in asked {
            let address = SocketAddr::new(address.parse().unwrap(), port);
            let local = if address.is_ipv4() {
                "0.0.0.0:0"
            } else {
                "[::]:0"
            };
            let socket = UdpSocket::bind(local).unwrap();
            socket.connect(address).unwrap();
            socket.set_read_timeout(Some(LIMIT)).unwrap();
            socket.send(QUESTION).unwrap();
            let mut answer = [0; 512];
            let length = socket.recv(&mut answer).unwrap();
            assert!(answer[..length].ends_with(&[127, 0, 0, 80]), "{address}");
        }
    }
}

#[test]
fn nobody_asks_for_a_while() {
    let mut command = Command::new(SERVER);
    command.args(["127.0.0.1:0", "--exit-when-idle", "0.2"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    let zone = ["--zone", "/no/such/file"];
    let output = Command::new(SERVER).args(zone).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let errors = text(&output.stderr);
    assert!(errors.contains("cannot read /no/such/file"), "{errors}");
    let _ = Duration::ZERO;
}
