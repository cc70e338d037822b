//! The programs, run as a person runs them, beside tshark, which must
//! say the same in both directions. What is not installed, or not allowed
//! here, is ignored with its reason.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};

const CRAFT: &str = env!("CARGO_BIN_EXE_packet-craft");
const DISSECT: &str = env!("CARGO_BIN_EXE_packet-dissect");
const CAPTURE: &str = env!("CARGO_BIN_EXE_packet-capture");

type Test = fn(&Path) -> Result<(), Failed>;

fn main() {
    let arguments = Arguments::from_args();
    let own_network = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--net", "true"]);
        let ran = command.stderr(Stdio::null()).status();
        let allowed = ran.is_ok_and(|status| status.success());
        (!allowed).then_some("a network of its own is not allowed here")
    };
    let linux = || (!cfg!(target_os = "linux")).then_some("only on Linux");
    let tshark = || missing("tshark", "no tshark here");
    let setpriv = || {
        let not_root = linux().or_else(|| missing("setpriv", "no setpriv"));
        not_root.or_else(|| missing("unshare", "no unshare here"))
    };
    let trials: [(&str, Option<&str>, Test); 7] = [
        ("bad_usage_and_bad_values", None, bad_usage),
        ("what_we_write_tshark_reads", tshark(), tshark_reads),
        ("what_tshark_writes_we_read", tshark(), tshark_writes),
        ("tshark_sees_the_same_packets", tshark(), the_same),
        ("no_such_interface", linux(), no_interface),
        ("without_permission", setpriv(), without_permission),
        ("own_network", linux().or_else(own_network), in_own_network),
    ];
    let trials = trials.into_iter().map(|(name, ignored, test)| {
        let trial = Trial::test(name, move || {
            let folder = std::env::temp_dir()
                .join(format!("packets-{name}-{}", std::process::id()));
            fs::create_dir_all(&folder)?;
            let result = test(&folder);
            fs::remove_dir_all(&folder)?;
            result
        });
        trial
            .with_kind(ignored.unwrap_or(""))
            .with_ignored_flag(ignored.is_some())
    });
    libtest_mimic::run(&arguments, trials.collect()).exit();
}

fn missing(program: &str, reason: &'static str) -> Option<&'static str> {
    let mut command = Command::new(program);
    let ran = command.arg("--version").stdout(Stdio::null());
    let ran = ran.stderr(Stdio::null()).status();
    ran.is_err().then_some(reason)
}

fn run(program: &str, arguments: &[&str], folder: &Path) -> Output {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder);
    command.stdin(Stdio::null()).output().unwrap()
}

/// What it printed, if it ended well.
fn said(program: &str, arguments: &[&str], folder: &Path) -> String {
    let output = run(program, arguments, folder);
    assert!(
        output.status.success(),
        "{program} {arguments:?}: {output:?}"
    );
    String::from_utf8(output.stdout).unwrap()
}

fn captures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("captures")
}

fn bad_usage(folder: &Path) -> Result<(), Failed> {
    for (program, arguments, code, words) in [
        (CRAFT, "toast", 2, "invalid value 'toast'"),
        (CRAFT, "udp --checksum xyz", 2, "hexadecimal digits"),
        (CRAFT, "udp --length 65536", 2, "65536 is not in"),
        (CRAFT, "arp --checksum 1", 1, "leave out --checksum"),
        (CRAFT, "arp --length 1", 1, "leave out --length"),
        (CRAFT, "syn --text x", 1, "leave out --text"),
        (CRAFT, "syn --write no/such", 1, "cannot write no/such"),
        (DISSECT, "", 2, "<FILE>"),
        (
            DISSECT,
            "no.pcap",
            1,
            "cannot open no.pcap: entity not found",
        ),
        (CAPTURE, "lo", 2, "--write <FILE>"),
        (CAPTURE, "lo --write x --count 0", 2, "0 is not in"),
    ] {
        let arguments: Vec<&str> = arguments.split_whitespace().collect();
        let output = run(program, &arguments, folder);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?} {errors}");
        assert!(errors.contains(words), "{arguments:?} {errors}");
        assert!(code == 2 || errors.lines().count() == 1, "{errors}");
    }
    let lo = captures().join("lo.pcap");
    let lo = lo.to_str().unwrap();
    let output = run(DISSECT, &[lo, "--packet", "15"], folder);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        errors.ends_with("no packet 15; its last one is 14\n"),
        "{errors}"
    );
    let drawn = said(DISSECT, &[lo, "--draw"], folder);
    assert_eq!(drawn.lines().count(), 11);
    let answer = "|<-- PSH, ACK seq 1 ack 7: Are you talking to me?";
    assert!(drawn.contains(answer) && drawn.ends_with("-|\n"), "{drawn}");
    let long = "x".repeat(65_508);
    let output = run(CRAFT, &["udp", "--text", &long], folder);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    Ok(())
}

/// A row of tshark's values for each packet of a file.
fn tshark(file: &Path, fields: &[&str]) -> Vec<Vec<String>> {
    let mut command = Command::new("tshark");
    // The checksums are looked at only if asked for.
    for protocol in ["ip", "tcp", "udp"] {
        command.args(["-o", &format!("{protocol}.check_checksum:TRUE")]);
    }
    // Each packet by itself.
    for protocol in ["ip", "ipv6"] {
        command.args(["-o", &format!("{protocol}.defragment:FALSE")]);
    }
    command
        .args(["-n", "-T", "fields", "-E", "separator=|", "-r"])
        .arg(file);
    for field in fields {
        command.args(["-e", field]);
    }
    let output = command.output().unwrap();
    let rows = String::from_utf8(output.stdout).unwrap();
    let row = |row: &str| row.split('|').map(str::to_owned).collect();
    rows.lines().map(row).collect()
}

fn tshark_reads(folder: &Path) -> Result<(), Failed> {
    let fields = [
        "frame.len",
        "ip.checksum.status",
        "tcp.checksum.status",
        "udp.checksum.status",
        "icmp.checksum.status",
        "arp.dst.proto_ipv4",
        "_ws.malformed",
    ];
    // 1 is right, 0 is wrong.
    for (arguments, right) in [
        (&["syn"][..], "66|1|1||||"),
        (&["udp"], "48|1||1|||"),
        (&["udp", "--checksum", "beef"], "48|1||0|||"),
        (&["echo"], "48|1|||1||"),
        (&["echo", "--checksum", "0"], "48|1|||0||"),
        (&["arp"], "42|||||192.0.2.2|"),
    ] {
        let write = [arguments, &["--write", "it.pcap"]].concat();
        said(CRAFT, &write, folder);
        let rows = tshark(&folder.join("it.pcap"), &fields);
        assert_eq!(rows.len(), 1);
        assert_eq!(rows[0].join("|"), right, "{arguments:?}");
    }
    Ok(())
}

/// The same lines, whichever format tshark writes: pcapng with microseconds,
/// pcap with nanoseconds.
fn tshark_writes(folder: &Path) -> Result<(), Failed> {
    for name in [
        "odd.pcap",
        "lo.pcap",
        "cooked.pcap",
        "nano.pcap",
        "snapped.pcap",
    ] {
        let file = captures().join(name);
        let file = file.to_str().unwrap();
        let ours = said(DISSECT, &[file, "--times", "--headers"], folder);
        for format in ["pcapng", "nsecpcap"] {
            let write = ["-r", file, "-F", format, "-w", "theirs"];
            said("tshark", &write, folder);
            let theirs =
                said(DISSECT, &["theirs", "--times", "--headers"], folder);
            assert_eq!(ours, theirs, "{name} {format}");
        }
    }
    Ok(())
}

/// Who talks to whom, how long it is, what the checksums are, and when.
fn the_same(folder: &Path) -> Result<(), Failed> {
    let mut seen = 0;
    for name in ["odd.pcap", "lo.pcap", "nano.pcap", "cooked.pcap"] {
        let file = captures().join(name);
        let fields = [
            "frame.time_epoch",
            "ip.src",
            "ip.dst",
            "ipv6.src",
            "ipv6.dst",
            "tcp.srcport",
            "tcp.dstport",
            "tcp.len",
            "udp.srcport",
            "udp.dstport",
            "udp.length",
            "vlan.id",
        ];
        let rows = tshark(&file, &fields);
        let ours = said(DISSECT, &[file.to_str().unwrap(), "--times"], folder);
        let lines: Vec<&str> = ours.lines().collect();
        assert_eq!(lines.len(), rows.len() + 1, "{name}");
        for (line, row) in lines.iter().zip(&rows) {
            let contains = |part: String| {
                assert!(
                    line.contains(&part),
                    "{name}: {line}\n{row:?}: {part}"
                );
            };
            contains(format!(": {} ", row[0]));
            // Several, if there is a packet in the packet.
            for pair in [[1, 2], [3, 4], [5, 6], [8, 9]] {
                let [from, to] = pair.map(|at| row[at].split(','));
                for (from, to) in from.zip(to).filter(|pair| !pair.0.is_empty())
                {
                    contains(format!("{from} > {to}"));
                    seen += 1;
                }
            }
            if let Ok(length @ 1..) = row[7].parse::<usize>() {
                contains(format!(", {length} byte"));
            }
            for length in row[10].split(',').flat_map(str::parse::<usize>) {
                contains(format!(", {} byte", length - 8));
            }
            for id in row[11].split(',').filter(|id| !id.is_empty()) {
                contains(format!("VLAN {id},"));
            }
        }
    }
    assert!(seen > 60, "{seen}");
    Ok(())
}

fn no_interface(folder: &Path) -> Result<(), Failed> {
    let output = run(CAPTURE, &["nope0", "--write", "x.pcap"], folder);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    // Who may not capture at all learns that first.
    let right = "cannot capture on nope0: no such interface; there are ";
    let other = "needs root or CAP_NET_RAW";
    assert!(errors.contains(right) || errors.contains(other), "{errors}");
    assert!(!folder.join("x.pcap").exists());
    Ok(())
}

/// A user without rights, whoever runs this. `bounding` takes away even those
/// that root has.
fn without_permission(folder: &Path) -> Result<(), Failed> {
    let bounding = [
        "--bounding-set=-net_raw",
        "--no-new-privs",
        CAPTURE,
        "--write",
        "x.pcap",
    ];
    let root = run("id", &["-u"], folder).stdout == b"0\n";
    let output = match root {
        true => run("setpriv", &bounding, folder),
        false => run(CAPTURE, &["--write", "x.pcap"], folder),
    };
    let errors = String::from_utf8_lossy(&output.stderr);
    let right = "packet-capture: cannot capture on lo: this needs root or \
                 CAP_NET_RAW; run it by sudo, or on a loopback of your own, by \
                 'unshare --user --map-root-user --net'\n";
    assert_eq!(errors, right);
    assert_eq!(output.status.code(), Some(1));
    Ok(())
}

/// Any user captures on a loopback of its own, each packet once; and the
/// capture ends by its time, though nobody says anything more.
fn in_own_network(folder: &Path) -> Result<(), Failed> {
    let ping = "python3 -c \"import socket; \
                socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\
                .sendto(b'six', ('::1', 9))\"";
    let script = format!(
        "PATH=$PATH:/usr/sbin:/sbin; {CAPTURE} --write x.pcap 2>&1
         ip link set lo up; mkfifo said
         {CAPTURE} --write x.pcap --time 3 --port 9 >said & exec <said
         read -r line; echo $line; {ping}; cat; wait"
    );
    let own = ["--user", "--map-root-user", "--net", "sh", "-c", &script];
    let text = said("unshare", &own, folder);
    let mut lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.remove(0), "Capturing on lo: 10 packets, or 60 s");
    let down = lines.remove(0);
    assert!(
        down.ends_with("it is down; run 'ip link set lo up'"),
        "{text}"
    );
    assert_eq!(lines[0], "Capturing on lo: 10 packets, or 3 s");
    assert!(lines[1].starts_with("1: IPv6 ::1 > ::1 / UDP "), "{text}");
    assert!(
        lines[1].ends_with(" > 9, 3 bytes [checksum partial]"),
        "{text}"
    );
    assert_eq!(lines[2..], ["1 packet in x.pcap"], "{text}");
    assert!(said(DISSECT, &["x.pcap"], folder).starts_with(lines[1]));
    Ok(())
}
