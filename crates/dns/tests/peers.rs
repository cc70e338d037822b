//! The same questions to our server, to BIND and to Knot, on one zone: the
//! answers must be the same, but for what is listed here with its reason.
//! Where BIND or Knot is not installed, its comparison is ignored.

mod common;

use std::net::{SocketAddr, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use common::{Running, by_tcp, by_udp, serve};
use dns::{Checked, LARGEST_UDP, Record, check, read_name, read_type, show};
use domain::base::iana::Class;
use domain::base::{Message, MessageBuilder};
use libtest_mimic::{Arguments, Failed, Trial};

const ZONE: &str =
    concat!(env!("CARGO_MANIFEST_DIR"), "/tests/zones/compare.zone");
const ID: u16 = 4711;

/// A name, and the types to ask for.
const QUESTIONS: &[(&str, &str)] = &[
    ("net.example", "SOA NS MX TXT A ANY DS"),
    ("www.net.example", "A AAAA MX ANY CNAME"),
    ("WwW.nEt.ExAmPlE", "A"),
    ("ns1.net.example", "A AAAA"),
    ("v6only.net.example", "A AAAA"),
    ("nomail.net.example", "A MX"),
    ("quote.net.example", "TXT"),
    ("emptytxt.net.example", "TXT"),
    ("xn--bcher-kva.net.example", "A"),
    (r"a\.dot.net.example", "A"),
    (r"a\046dot2.net.example", "A"),
    ("odd.net.example", "TYPE65280"),
    ("short.net.example", "A"),
    ("_sip._tcp.net.example", "SRV"),
    ("_imap._tcp.net.example", "SRV"),
    ("_tcp.net.example", "SRV"),
    ("deep.net.example", "A TXT"),
    ("b.deep.net.example", "A TXT"),
    ("a.b.deep.net.example", "A TXT"),
    ("c.b.deep.net.example", "A TXT"),
    ("blog.net.example", "A AAAA CNAME MX ANY"),
    ("out.net.example", "A CNAME"),
    ("wrong.net.example", "A CNAME TXT"),
    ("tov6.net.example", "A AAAA"),
    ("c1.net.example", "A"),
    ("tosub.net.example", "A"),
    ("towild.net.example", "A"),
    ("loop.net.example", "A CNAME"),
    ("selfie.net.example", "A"),
    ("wild.net.example", "A TXT"),
    ("x.wild.net.example", "A MX TXT ANY"),
    ("x.y.wild.net.example", "A"),
    ("*.wild.net.example", "A"),
    ("there.wild.net.example", "A TXT"),
    ("x.there.wild.net.example", "A TXT"),
    ("ent.wild.net.example", "A"),
    ("y.ent.wild.net.example", "A"),
    ("x.alias.net.example", "A TXT"),
    ("nope.net.example", "A TXT"),
    ("x.y.z.net.example", "A TXT"),
    ("star.net.example", "A TXT"),
    ("x.star.net.example", "A TXT"),
    ("sub.*.star.net.example", "A"),
    ("sub.x.star.net.example", "A"),
    ("sub.net.example", "A NS DS SOA ANY"),
    ("host.sub.net.example", "A TXT"),
    ("ns.sub.net.example", "A"),
    ("no.such.sub.net.example", "A"),
    ("far.net.example", "A NS"),
    ("x.far.net.example", "A"),
    ("er.net.example", "A"),
    ("deep.er.net.example", "A"),
    ("x.in.deep.er.net.example", "A"),
    ("many.net.example", "A"),
    ("big.net.example", "TXT"),
    ("example", "A"),
    ("www.elsewhere.test", "A"),
    ("anet.example", "A"),
    (".", "NS"),
];

/// What differs. Each time the other of the two answers as we do, but for
/// the additional records of `ANY`, which nobody needs.
const DIFFERENT: &[(&str, &str, &str)] = &[
    // BIND calls a ring a failure; all send the aliases.
    ("bind", "loop.net.example", "A"),
    ("bind", "selfie.net.example", "A"),
    // Of the servers of a delegation, BIND tells the addresses of those below
    // it only; ours and Knot also of those elsewhere in the zone.
    ("bind", "sub.net.example", "A NS SOA ANY"),
    ("bind", "host.sub.net.example", "A TXT"),
    ("bind", "ns.sub.net.example", "A"),
    ("bind", "no.such.sub.net.example", "A"),
    ("bind", "tosub.net.example", "A"),
    // Knot adds the address of a mail server that is below a delegation,
    ("knot", "net.example", "MX"),
    // the same address twice,
    ("knot", "_imap._tcp.net.example", "SRV"),
    // and answers ANY by one type only (RFC 8482).
    ("knot", "net.example", "ANY"),
    ("knot", "www.net.example", "ANY"),
    ("knot", "x.wild.net.example", "ANY"),
];

fn main() {
    let arguments = Arguments::from_args();
    let trials = [("bind", "named"), ("knot", "knotd")]
        .map(|(name, program)| {
            let found = find(program);
            let missing = found.is_none();
            Trial::test(format!("as_{name}_answers"), move || {
                compare(name, &found.ok_or("not installed")?)
            })
            .with_ignored_flag(missing)
            .with_kind(if missing { "not installed" } else { "" })
        })
        .into();
    libtest_mimic::run(&arguments, trials).exit();
}

fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    places.push("/usr/sbin".into());
    let mut files = places.into_iter().map(|place| place.join(program));
    files.find(|file| file.is_file())
}

fn compare(name: &str, program: &Path) -> Result<(), Failed> {
    let folder =
        std::env::temp_dir().join(format!("dns-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let (_theirs, their_address) = match name {
        "bind" => bind(program, &folder),
        _ => knot(program, &folder),
    }?;
    let (_ours, our_address) = serve("compare.zone");
    let mut wrong = Vec::new();
    let mut compared = 0;
    for (question, kinds) in QUESTIONS {
        for kind in kinds.split(' ') {
            for way in ["plain", "edns", "tcp"] {
                let ours = ask(our_address, question, kind, way);
                let theirs = ask(their_address, question, kind, way);
                compared += 1;
                let known = DIFFERENT.iter().any(|(who, what, kinds)| {
                    (who, what) == (&name, question)
                        && kinds.split(' ').any(|one| one == kind)
                });
                if (ours == theirs) == known {
                    wrong.push(format!(
                        "{question} {kind} {way}\n  \
                         ours {ours}\n  {name} {theirs}"
                    ));
                }
            }
        }
    }
    drop(std::fs::remove_dir_all(&folder));
    println!("{name}: {compared} answers compared");
    if wrong.is_empty() {
        return Ok(());
    }
    Err(wrong.join("\n").into())
}

/// The answer as text in which the order of records plays no part.
fn ask(server: SocketAddr, name: &str, kind: &str, way: &str) -> String {
    let name = read_name(name).unwrap();
    let kind = read_type(kind).unwrap();
    let mut builder = MessageBuilder::new_vec();
    builder.header_mut().set_id(ID);
    let mut builder = builder.question();
    builder.push((&name, kind, Class::IN)).unwrap();
    let mut builder = builder.additional();
    if way == "edns" {
        let size = |opt: &mut domain::base::message_builder::OptBuilder<_>| {
            opt.set_udp_payload_size(LARGEST_UDP);
            Ok(())
        };
        builder.opt(size).unwrap();
    }
    let query = builder.finish();
    let answer = match way {
        "tcp" => by_tcp(server, &query),
        _ => by_udp(server, &query),
    };
    let limit = match way {
        "plain" => 512,
        "edns" => usize::from(LARGEST_UDP),
        _ => 65_535,
    };
    assert!(answer.len() <= limit, "{} bytes", answer.len());
    // Its question must come back just as it was asked.
    let asked = query[12..12 + name.len()].to_vec();
    assert_eq!(answer[12..12 + name.len()], asked);
    let message = Message::from_octets(Bytes::from(answer.clone())).unwrap();
    let opt = message.opt().is_some();
    match check(&answer, ID, (&name, kind)) {
        Ok(Checked::Reply(_, true)) => format!("cut short, edns {opt}"),
        Ok(Checked::Reply(reply, false)) => format!(
            "{} aa {} edns {opt}; {}; {}; {}",
            reply.rcode,
            reply.authoritative,
            lines(&reply.answer),
            lines(&reply.authority),
            lines(&reply.additional),
        ),
        Ok(Checked::Stray(what)) => what.into(),
        Err(error) => error.to_string(),
    }
}

/// Sorted, and the owner in small letters: it may be written as it was asked
/// for, or as it is in the zone.
fn lines(records: &[Record]) -> String {
    let line = |record: &Record| {
        let owner = show::name(record.owner());
        show::record(record).replacen(&owner, &owner.to_lowercase(), 1)
    };
    let mut lines: Vec<String> = records.iter().map(line).collect();
    lines.sort();
    lines.join(", ")
}

/// A port that is free now.
fn port() -> std::io::Result<u16> {
    Ok(UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn bind(
    program: &Path,
    folder: &Path,
) -> Result<(Running, SocketAddr), Failed> {
    let port = port()?;
    let place = folder.display();
    let configuration = format!(
        "options {{ directory \"{place}\";
         listen-on port {port} {{ 127.0.0.1; }};
         listen-on-v6 {{ none; }}; pid-file none; session-keyfile none;
         recursion no; minimal-responses no-auth; dnssec-validation no; }};
         controls {{ }};
         zone \"net.example\" {{ type primary; check-names ignore;
         file \"{ZONE}\"; }};"
    );
    let file = folder.join("named.conf");
    std::fs::write(&file, configuration)?;
    let mut command = Command::new(program);
    let server = Running::start(command.arg("-g").arg("-c").arg(file));
    server.line_with("all zones loaded");
    Ok((server, ([127, 0, 0, 1], port).into()))
}

fn knot(
    program: &Path,
    folder: &Path,
) -> Result<(Running, SocketAddr), Failed> {
    let port = port()?;
    let place = folder.display();
    let configuration = format!(
        "server:\n  listen: 127.0.0.1@{port}\n  rundir: \"{place}\"\n\
         database:\n  storage: \"{place}\"\n\
         log:\n  - target: stdout\n    any: info\n\
         zone:\n  - domain: net.example\n    file: \"{ZONE}\"\n"
    );
    let file = folder.join("knot.conf");
    std::fs::write(&file, configuration)?;
    let mut command = Command::new(program);
    let server = Running::start(command.arg("-c").arg(file));
    server.line_with("server started");
    Ok((server, ([127, 0, 0, 1], port).into()))
}
