//! The programs together: links, names, parts, servers that die, bad input,
//! and beside ftplib, curl and vsftpd.

mod common;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::Command;

use common::{Folder, Running, Vsftpd, client, told};

/// The client's folder, the server and its URL.
fn start(folder: &Folder) -> (Running, String) {
    std::fs::create_dir_all(folder.0.join("here")).unwrap();
    let server = Running::server(&folder.root(), &[]);
    let url = format!("ftp://{}", server.address);
    (server, url)
}

#[cfg(unix)]
#[test]
fn nothing_outside_can_be_reached() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    folder.write("secret.txt", "secret");
    folder.write("root/inside.txt", "inside");
    symlink("../secret.txt", folder.root().join("file")).unwrap();
    symlink("..", folder.root().join("folder")).unwrap();
    symlink("/etc", folder.root().join("etc")).unwrap();
    symlink("inside.txt", folder.root().join("good")).unwrap();
    let (_server, url) = start(&folder);
    let here = folder.0.join("here");
    for name in [
        "file",
        "folder/secret.txt",
        "etc/passwd",
        "../secret.txt",
        "/../../../../../../etc/passwd",
    ] {
        let (text, code) = told(&client(&here, &url, &["get", name]));
        assert!(code == 1 && text.contains("says 550"), "{name}: {text}");
        let put = ["put", "../secret.txt", name];
        let (text, code) = told(&client(&here, &url, &put));
        assert!(code == 1 && text.contains("says 550"), "{name}: {text}");
    }
    for name in ["folder", "etc", "..", "/../.."] {
        let (text, code) = told(&client(&here, &url, &["list", name]));
        assert!(code == 1 && text.contains("says 550"), "{name}: {text}");
    }
    // A link that stays inside is followed. But SIZE tells the link's own
    // length (unftp-sbe-fs 0.4), here of the text "inside.txt".
    let (text, code) = told(&client(&here, &url, &["get", "good"]));
    assert!(code == 1 && text.contains("6 of 10 bytes"), "{text}");
    assert_eq!(folder.read("here/good.part"), b"inside");
    assert_eq!(folder.read("secret.txt"), b"secret");
    // What was refused leaves nothing behind.
    assert_eq!(std::fs::read_dir(here).unwrap().count(), 1);
}

#[test]
fn names_go_there_and_come_back() {
    let folder = Folder::new();
    let (_server, url) = start(&folder);
    let here = folder.0.join("here");
    folder.write("here/a", "hat");
    for name in [
        " leading",
        "two  blanks",
        "grüße",
        "a\"b'c",
        "-l",
        "帽子",
        "\\",
    ] {
        if cfg!(windows) && name.contains(['"', '\\']) {
            continue;
        }
        let put = ["put", "--", "a", name];
        assert_eq!(told(&client(&here, &url, &put)).1, 0, "{name}");
        let (text, code) = told(&client(&here, &url, &["get", "--", name]));
        assert_eq!(code, 0, "{text}");
        assert_eq!(folder.read(&format!("here/{name}")), b"hat");
        let (text, _) = told(&client(&here, &url, &["list"]));
        let shown = ftp::printable(name);
        let line = format!("{shown}: 3 bytes\n");
        assert!(text.contains(&line), "{name}: {text}");
    }
    for name in ["a\rb", "a\nDELE a", ""] {
        let (text, code) = told(&client(&here, &url, &["put", "a", name]));
        assert!(code == 1 && text.contains("is no name"), "{text}");
    }
}

#[test]
fn parts_become_whole() {
    let folder = Folder::new();
    let (_server, url) = start(&folder);
    let here = folder.0.join("here");
    let mut random = fastrand::Rng::with_seed(3);
    let whole: Vec<u8> = std::iter::repeat_with(|| random.u8(..))
        .take(300_000)
        .collect();
    for part in [0, 1, 65_536, 299_999, 300_000] {
        folder.write("root/down", &whole);
        folder.write("here/down.part", &whole[..part]);
        let get = ["get", "down", "--resume"];
        let (text, code) = told(&client(&here, &url, &get));
        assert_eq!(code, 0, "{part}: {text}");
        assert!(folder.read("here/down") == whole, "{part}");
        folder.write("here/up", &whole);
        folder.write("root/up", &whole[..part]);
        let put = ["put", "up", "--resume"];
        let (text, code) = told(&client(&here, &url, &put));
        assert_eq!(code, 0, "{part}: {text}");
        assert!(folder.read("root/up") == whole, "{part}");
    }
    // Without --resume everything comes anew.
    folder.write("here/down.part", "something else");
    assert_eq!(told(&client(&here, &url, &["get", "down"])).1, 0);
    assert!(folder.read("here/down") == whole);
    folder.write("root/up", [&whole[..], b"more"].concat());
    assert_eq!(told(&client(&here, &url, &["put", "up"])).1, 0);
    assert!(folder.read("root/up") == whole);
    folder.write("root/up", [&whole[..], b"more"].concat());
    let (text, code) = told(&client(&here, &url, &["put", "up", "--resume"]));
    assert!(code == 1 && text.contains("is longer"), "{text}");
}

#[test]
fn one_user_only() {
    let folder = Folder::new();
    folder.write("root/hats", "x");
    let server = Running::server(&folder.root(), &["--user", "alice:s:e@cret"]);
    for (login, fits) in [
        ("alice:s%3ae%40cret@", true),
        ("alice:sesame@", false),
        ("bob:s%3ae%40cret@", false),
        ("", false),
    ] {
        let url = format!("ftp://{login}{}", server.address);
        let (text, code) = told(&client(&folder.0, &url, &["list"]));
        assert_eq!(code == 0, fits, "{login}: {text}");
        assert_eq!(text.contains("cannot log in"), !fits, "{text}");
        assert!(!text.contains("cret") && !text.contains("sesame"));
    }
}

#[test]
fn only_through_tls() {
    let folder = Folder::new();
    let pem = folder.0.join("server.pem");
    let pem = pem.to_str().unwrap();
    let options = ["--user", "alice:s3cret", "--certificate", pem];
    let server = Running::server(&folder.root(), &options);
    let port = server.address.rsplit(':').next().unwrap();
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n * 7) as u8).collect();
    folder.write("here/hats.bin", &bytes);
    let here = folder.0.join("here");
    let play = |host, options: &[&str]| {
        let url = format!("ftp://alice:s3cret@{host}:{port}");
        told(&client(&here, &url, options))
    };
    let (text, code) = play("localhost", &["list"]);
    assert!(code == 1 && text.contains("says 534"), "{text}");
    let (text, code) = play("127.0.0.1", &["list", "--ca", pem]);
    assert!(code == 1 && text.contains("not valid for name"), "{text}");
    let (text, code) = play("localhost", &["list", "--ca", "hats.bin"]);
    assert!(code == 1 && text.contains("takes one in PEM"), "{text}");
    // Another server's certificate, for the same name.
    let other = ftp::certificate("localhost").unwrap().0;
    folder.write("here/other.pem", other);
    let (text, code) = play("localhost", &["list", "--ca", "other.pem"]);
    assert!(code == 1 && text.contains("cannot begin TLS"), "{text}");
    let (text, code) = play("localhost", &["put", "hats.bin", "--ca", pem]);
    assert_eq!(code, 0, "{text}");
    assert!(folder.read("root/hats.bin") == bytes);
    std::fs::remove_file(here.join("hats.bin")).unwrap();
    let (text, code) = play("localhost", &["get", "hats.bin", "--ca", pem]);
    assert_eq!(code, 0, "{text}");
    assert!(folder.read("here/hats.bin") == bytes);
    // A server that offers no TLS hears no password.
    let plain = Running::server(&folder.root(), &["--user", "alice:s3cret"]);
    let port = plain.address.rsplit(':').next().unwrap();
    let url = format!("ftp://alice:s3cret@localhost:{port}");
    let (text, code) = told(&client(&here, &url, &["list", "--ca", pem]));
    assert!(code == 1 && text.contains("cannot begin TLS"), "{text}");
    assert!(!text.contains("s3cret"));
}

#[test]
fn a_refused_upload_says_why() {
    let folder = Folder::new();
    let (_server, url) = start(&folder);
    let here = folder.0.join("here");
    folder.write("here/big", vec![7; 20_000_000]);
    std::fs::create_dir(folder.root().join("dir")).unwrap();
    for name in ["dir", "nowhere/big"] {
        let (text, code) = told(&client(&here, &url, &["put", "big", name]));
        assert!(code == 1 && text.contains("the server says"), "{text}");
    }
}

/// What a server says that stops in the middle, after each of its replies.
#[test]
fn a_server_that_goes_is_no_success() {
    let folder = Folder::new();
    let replies = ["220 a", "331 b", "230 c", "200 d", "213 9", "227", "150 e"];
    for count in 0..=replies.len() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = std::thread::spawn(move || {
            let second = TcpListener::bind("127.0.0.1:0").unwrap();
            let [high, low] = second.local_addr().unwrap().port().to_be_bytes();
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            for (number, reply) in replies[..count].iter().enumerate() {
                let text = match *reply {
                    "227" => format!("227 (127,0,0,1,{high},{low})\r\n"),
                    text => format!("{text}\r\n"),
                };
                stream.write_all(text.as_bytes()).unwrap();
                if number + 1 == replies.len() {
                    let (mut data, _) = second.accept().unwrap();
                    data.write_all(b"half").unwrap();
                } else {
                    lines.next();
                }
            }
        });
        let url = format!("ftp://{address}");
        let (text, code) = told(&client(&folder.0, &url, &["get", "hats"]));
        assert_eq!(code, 1, "{count}: {text}");
        assert!(text.contains("ftp-client: get at"), "{text}");
        assert_eq!(text.lines().count(), 2.min(1 + usize::from(count > 3)));
        assert!(!folder.0.join("hats").exists());
        server.join().unwrap();
    }
    assert_eq!(folder.read("hats.part"), b"half");
}

#[test]
fn bad_input_is_named_and_no_secret_shown() {
    let folder = Folder::new();
    for (url, part) in [
        ("http://a", "no address of an FTP server"),
        ("ftp://a/hats", "no address of an FTP server"),
        ("ftp://", "write it as ftp://"),
        ("ftp://bob:sesame@@", "write it as ftp://"),
        ("ftp://bob:sesa%0d%0ame@a", "a line break"),
    ] {
        let (text, code) = told(&client(&folder.0, url, &["list"]));
        assert_eq!(code, 1, "{text}");
        assert!(text.contains(part), "{url}: {text}");
        assert!(!text.contains("sesa"), "{text}");
        assert_eq!(text.lines().count(), 1, "{text}");
    }
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let root = folder.root();
    let root = root.to_str().unwrap();
    for (options, part) in [
        ([&*address, "--root", root], "give another address"),
        (
            ["127.0.0.1:0", "--root", "Cargo.toml"],
            "choose with --root",
        ),
        (["127.0.0.1:0", "--user", "sesame"], "NAME:PASSWORD"),
    ] {
        let mut server = Command::new(env!("CARGO_BIN_EXE_ftp-server"));
        let (text, code) = told(&server.args(options).output().unwrap());
        assert_eq!(code, 1, "{text}");
        assert!(text.contains(part) && !text.contains("sesame"), "{text}");
    }
}

/// `cargo test -- --ignored`, with curl, Python and vsftpd installed.
#[test]
#[ignore = "needs curl, python3 and vsftpd"]
fn others_agree() {
    let folder = Folder::new();
    let (server, url) = start(&folder);
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n * 7) as u8).collect();
    folder.write("here/hats.bin", &bytes);
    let here = folder.0.join("here");
    let run = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        let output = command.args(arguments).current_dir(&here).output();
        let output = output.expect(program);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{program}: {said}");
        output.stdout
    };
    let curl = |arguments: &[&str]| run("curl", arguments);
    curl(&["-sST", "hats.bin", &format!("{url}/by%20curl.bin")]);
    assert!(folder.read("root/by curl.bin") == bytes);
    let got = curl(&["-sS", "-C", "5", &format!("{url}/by%20curl.bin")]);
    assert!(got == bytes[5..]);
    let python = std::env::var("PYTHON").unwrap_or("python3".into());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peers/both.py");
    run(&python, &[script, &server.address, "hats.bin"]);
    assert!(folder.read("root/by python.bin") == bytes);
    let pem = here.join("server.pem");
    let options = ["--certificate", pem.to_str().unwrap()];
    let secure = Running::server(&folder.root(), &options);
    let port = secure.address.rsplit(':').next().unwrap();
    let by_tls = format!("ftp://localhost:{port}/by%20tls.bin");
    let tls = ["-sS", "--ssl-reqd", "--cacert", "server.pem", &by_tls];
    curl(&[&tls[..], &["-T", "hats.bin"]].concat());
    assert!(curl(&tls) == bytes);

    // And the other way round: our client with vsftpd.
    let vsftpd = Vsftpd::start(&folder);
    let url = format!("ftp://127.0.0.1:{}", vsftpd.port);
    for options in [
        &["put", "hats.bin", " ours"][..],
        &["get", " ours"],
        &["list"],
    ] {
        let (text, code) = told(&client(&here, &url, options));
        assert_eq!(code, 0, "{options:?}: {text}");
    }
    assert!(folder.read("root/ ours") == bytes);
    assert!(folder.read("here/ ours") == bytes);
    folder.write("here/ ours.part", &bytes[..70_000]);
    let get = ["get", " ours", "--resume"];
    assert_eq!(told(&client(&here, &url, &get)).1, 0);
    assert!(folder.read("here/ ours") == bytes);
}
