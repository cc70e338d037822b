//! The programs as a person starts them: the scraper that a new layout
//! breaks, and bad usage.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

struct Server(Child, String);

impl Server {
    fn start(options: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cats-server"))
            .arg("127.0.0.1:0")
            .args(options)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let stdout = child.stdout.take().unwrap();
        let mut ready = String::new();
        BufReader::new(stdout).read_line(&mut ready).unwrap();
        let url = ready.trim().rsplit(' ').next().unwrap().to_owned();
        Self(child, url)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What it said, and its exit code.
fn told(program: &str, arguments: &[&str]) -> (String, i32) {
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    (
        String::from_utf8(text).unwrap(),
        output.status.code().unwrap(),
    )
}

const CLIENT: &str = env!("CARGO_BIN_EXE_cats-client");
const SCRAPER: &str = env!("CARGO_BIN_EXE_cats-scraper");

#[test]
fn a_new_layout_breaks_the_scraper_alone() {
    let pages = concat!(env!("CARGO_MANIFEST_DIR"), "/pages/");
    let (cards, swapped) = (
        format!("{pages}cards.html"),
        format!("{pages}hat-first.html"),
    );
    let usual: &[&str] = &[];
    let changed =
        "cats-scraper: the page has no table of cats: it has changed\n";
    for (options, first, code) in [
        (usual, "catA wears a hatA\n", 0),
        (&["--page", &swapped], "hatA wears a catA\n", 0),
        (&["--page", &cards], changed, 1),
    ] {
        let server = Server::start(options);
        let (said, ended) = told(SCRAPER, &[&server.1]);
        assert!(said.starts_with(first), "{said}");
        assert_eq!(ended, code);
        let (said, ended) = told(CLIENT, &[&server.1, "list"]);
        assert!(said.starts_with("catA wears a hatA\n"), "{said}");
        assert_eq!(ended, 0);
    }
}

#[test]
fn what_a_person_gets_wrong() {
    let server = Server::start(&[]);
    let taken = server.1.trim_start_matches("http://").trim_end_matches('/');
    let client = |what: &[&str]| {
        let all = [&[&server.1[..]], what].concat();
        told(CLIENT, &all)
    };
    let says = |why: &str| (format!("cats-client: asking {taken}: {why}\n"), 1);
    let no = "the answer is no: there is a cat called catA already \
              (409 Conflict)";
    let (said, code) = client(&["add", "catA", "hatB"]);
    let sent = "Send: catA wears a hatB\n";
    assert_eq!((&said[sent.len()..], code), (&says(no).0[..], 1));
    let no = "the answer is no: no cat is called ca/t?# (404 Not Found)";
    assert_eq!(client(&["change", "ca/t?#"]), says(no));
    let (said, code) = client(&["change", "catA"]);
    assert!(
        said.ends_with(": no hat was typed\n") && code == 1,
        "{said}"
    );
    let (said, code) = client(&["list", "--timeout", "0"]);
    assert!(said.contains("more than 0 seconds") && code == 2, "{said}");
    let (said, code) = told(CLIENT, &["http://me:secret@[", "list"]);
    let no = "cats-client: this is no URL; write it as http://HOST:PORT\n";
    assert_eq!((&said[..], code), (no, 1));
    let server = env!("CARGO_BIN_EXE_cats-server");
    let no = format!(
        "cats-server: cannot listen at {taken}: address in use; end what \
         listens there, or give another address\n"
    );
    assert_eq!(told(server, &[taken]), (no, 1));
    let (said, code) = told(server, &["127.0.0.1:0", "--page", "no/such"]);
    assert!(
        said.starts_with("cats-server: cannot read no/such: "),
        "{said}"
    );
    assert_eq!(code, 1);
}
