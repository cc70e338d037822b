//! The clients, and servers that do what servers should not.

mod common;

use common::Step::{Hear, SayTagged};
use common::{Folder, LIMIT, Step, imap_client, pop3_client, say, scripted};
use mailbox::{Account, Imap};

/// A server up to the letter that `RETR` asks for.
fn until_retr() -> Vec<Step> {
    let mut steps = vec![say("+OK hello\r\n")];
    for (heard, said) in [
        ("USER", "+OK\r\n"),
        ("PASS", "+OK\r\n"),
        ("LIST", "+OK\r\n1 9\r\n.\r\n"),
        ("UIDL", "+OK\r\n1 ../../odd\r\n.\r\n"),
        ("TOP", "+OK\r\nSubject: \x1b[2Jx\r\n.\r\n"),
    ] {
        steps.extend([Hear(heard), say(said)]);
    }
    steps.push(Hear("RETR"));
    steps
}

/// Collects from such a server. Returns what the client says, and the files.
fn collect(steps: Vec<Step>) -> (String, String, Option<i32>, Vec<String>) {
    let folder = Folder::new();
    let url = format!("pop3://{}", scripted(steps));
    let save = folder.path("saved");
    let (out, error, code) = pop3_client(&[&url, "--save", &save]);
    let entries = std::fs::read_dir(&save).into_iter().flatten();
    let files = entries.map(|entry| {
        std::fs::read_to_string(entry.expect("a file").path()).expect("text")
    });
    (out, error, code, files.collect())
}

#[test]
fn half_a_letter_is_none() {
    let mut steps = until_retr();
    steps.push(say("+OK 500 octets\r\nSubject: cut\r\n\r\nhalf\r\n"));
    let (out, error, code, files) = collect(steps);
    assert!(error.contains("RETR: the server hung up in the middle"));
    assert_eq!((code, files.len()), (Some(1), 0));
    assert!(out.ends_with("Fetch: letter 1\n"), "{out}");
}

#[test]
fn a_long_line_arrives_and_hostile_words_do_no_harm() {
    let mut steps = until_retr();
    let line = "x".repeat(20_000);
    let letter = format!("Subject: l\r\n\r\n{line}\r\nend\r\n");
    steps.push(say(format!("+OK\r\n{letter}.\r\n")));
    steps.extend([Hear("QUIT"), say("+OK\r\n")]);
    let (out, error, code, files) = collect(steps);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    assert_eq!(files, [letter]);
    let shown = r"1: ../../odd, 9 bytes, \u{1b}[2Jx";
    assert!(out.contains(shown), "{out}");
}

/// Each ends with one line that names the server and its words, and exit 1.
#[test]
fn pop3_servers_that_refuse_or_are_none() {
    let refused = "-ERR [SYS/TEMP] too many connections\r\n";
    for (said, told) in [
        (
            refused,
            "the greeting: the server refuses it: [SYS/TEMP] too many",
        ),
        ("220 smtp\r\n", "this is no POP3 server; it says '220 smtp'"),
        ("", "the greeting: the server hung up in the middle"),
        (&"x".repeat(5000), "the answer is larger than 4096 bytes"),
    ] {
        let url = format!("pop3://bob:hush@{}", scripted(vec![say(said)]));
        let (out, error, code) = pop3_client(&[&url]);
        assert_eq!((out.as_str(), code), ("", Some(1)));
        assert!(error.contains(told), "{error}");
        assert!(error.lines().count() == 1 && !error.contains("hush"));
    }
    // The server may know the password, and the terminal not.
    let steps = vec![
        say("+OK\r\n"),
        Hear("USER"),
        say("+OK\r\n"),
        Hear("PASS"),
        say("-ERR what is PASS hush?\r\n"),
    ];
    let url = format!("pop3://bob:hush@{}", scripted(steps));
    let (_, error, _) = pop3_client(&[&url]);
    assert!(error.ends_with("what is PASS ***?\n"), "{error}");
}

/// A letter without an id would be saved nowhere, and then deleted.
#[test]
fn lists_that_make_no_sense_and_letters_that_are_too_large() {
    let listed = |list: &str, ids: &str| {
        let mut steps = until_retr();
        steps.truncate(5);
        for (heard, lines) in [("LIST", list), ("UIDL", ids)] {
            let said = say(format!("+OK\r\n{lines}\r\n.\r\n"));
            steps.extend([Hear(heard), said]);
        }
        steps.extend([Hear("TOP"), say("+OK\r\n.\r\n")]);
        steps.extend([Hear("QUIT"), say("+OK\r\n")]);
        collect(steps)
    };
    for (list, ids) in [
        ("no numbers", "1 a"),
        ("1 9", "1 "),
        ("1 9\r\n2 9", "1 a"),
        ("1 9", "2 a"),
        ("0 9", "0 a"),
    ] {
        let (out, error, code, files) = listed(list, ids);
        assert!(error.contains("the answer makes no sense"), "{error}");
        assert_eq!((&out[..], code, files.len()), ("", Some(1), 0));
    }
    // It keeps nobody from collecting the others.
    let (out, error, code, _) = listed("1 99999999999 odd words", "1 a");
    assert_eq!((&error[..], code), ("", Some(0)));
    assert!(out.ends_with("Too large, left there: letter 1\n"), "{out}");
}

#[test]
fn nobody_answers() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let arguments = |scheme: &str| {
        [format!("{scheme}://{address}"), "--timeout=0.2".into()]
    };
    for (_, error, code) in [
        pop3_client(&arguments("pop3").each_ref().map(String::as_str)),
        imap_client(&arguments("imap").each_ref().map(String::as_str)),
    ] {
        assert!(error.contains("in time"), "{error}");
        assert_eq!(code, Some(1));
    }
}

#[test]
fn addresses_that_are_none() {
    let line_break = "pop3://bob%0D%0ADELE%201:x@127.0.0.1";
    for (url, told) in [
        ("pop3://bob@host", "a password is missing after the user"),
        ("http://bob:hush@host", "this is no address here"),
        ("bob:hush", "this is no address here"),
        (line_break, "a user or a password is one line"),
        ("pop3://bob:%FF@host", "user and password are UTF-8"),
    ] {
        let (out, error, code) = pop3_client(&[url]);
        assert_eq!((out.as_str(), code), ("", Some(1)));
        assert!(error.contains(told), "{url}: {error}");
        assert!(!error.contains("hush"), "{error}");
    }
}

/// An IMAP server that has let us in and opened the mailbox.
fn selected() -> Vec<Step> {
    vec![
        say("* OK [CAPABILITY IMAP4rev1] hi\r\n"),
        Hear("LOGIN"),
        SayTagged("{tag} OK in\r\n"),
        Hear("SELECT"),
        SayTagged("* 2 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n{tag} OK done\r\n"),
    ]
}

async fn opened(steps: Vec<Step>) -> Imap {
    let url = format!("imap://{}", scripted(steps));
    let account = Account::read(&url, "imap", 143).expect("an address");
    Imap::open(&account, LIMIT).await.expect("it is open")
}

const NO_IMAP: &str = "FETCH: the server does not speak IMAP";

/// Between the letters the server tells of other things.
#[tokio::test]
async fn only_letters_are_taken_for_letters() {
    let mut steps = selected();
    steps.extend([
        Hear("FETCH"),
        SayTagged(
            "* 1 FETCH (UID 5 BODY[] {3}\r\nabc)\r\n* 3 EXISTS\r\n\
             * 2 FETCH (FLAGS (\\Seen))\r\n* 1 EXPUNGE\r\n\
             * 1 FETCH (UID 6 BODY[] \"quoted \\\"b\\\\ody\")\r\n\
             {tag} OK done\r\n",
        ),
    ]);
    let mut imap = opened(steps).await;
    let found = imap.bodies("1:*").await.expect("letters");
    let texts: Vec<(u32, &[u8])> =
        found.iter().map(|one| (one.uid, &one.text[..])).collect();
    assert_eq!(texts[0], (5, &b"abc"[..]));
    assert_eq!(texts[1], (6, &b"quoted \"b\\ody"[..]));
    assert_eq!(texts.len(), 2);
}

#[tokio::test]
async fn a_farewell_in_the_middle_is_an_error() {
    let half = "* 1 FETCH (UID 5 BODY[] {300}\r\nhalf\r\n* BYE now\r\n";
    let text = "x".repeat(1_000_000);
    let flood = format!("* 1 FETCH (UID 6 BODY[] {{1000000}}\r\n{text})\r\n");
    let flood = flood.repeat(70);
    for (said, told) in [
        (half, "FETCH: "),
        // It need not hang up.
        ("* BYE now\r\n", "FETCH: the server says BYE: now"),
        ("* 1 FETCH (UID 5 BODY[] {1099511627776}\r\nx", NO_IMAP),
        ("* 1 FETCH (UID 5 BODY[] {4294967295}\r\nx", NO_IMAP),
        ("* 1 FETCH (UID 5 \0 FLAGS ())\r\n", NO_IMAP),
        (&flood, "FETCH: it is larger than 68157440 bytes"),
    ] {
        let mut steps = selected();
        steps.extend([Hear("FETCH"), say(said)]);
        // A command that does not come: the connection stays open.
        steps.push(Hear("LATER"));
        if told == "FETCH: " {
            steps.pop();
        }
        let mut imap = opened(steps).await;
        let error = imap.bodies("1:*").await.expect_err("no letter");
        let error = format!("{error:#}");
        assert!(
            error.starts_with(told) && error.len() < 80,
            "{told}: {error}"
        );
    }
}

/// async-imap's own `uid_search` says that nothing was found. When this test
/// fails, it has learnt better, and the page must be changed.
#[tokio::test]
async fn a_refused_search_is_an_error_here_and_not_in_the_crate() {
    let refused = || {
        let mut steps = selected();
        steps.extend([Hear("SEARCH"), SayTagged("{tag} BAD no such key\r\n")]);
        steps
    };
    let mut imap = opened(refused()).await;
    let error = imap.search("NONSENSE").await.expect_err("it was refused");
    let told = "SEARCH: the server says BAD: no such key";
    assert_eq!(format!("{error:#}"), told);

    let stream = tokio::net::TcpStream::connect(scripted(refused())).await;
    let mut client = async_imap::Client::new(stream.expect("a server"));
    client.read_response().await.expect("a greeting");
    let session = client.login("bob", "secret").await;
    let mut session = session.map_err(|(error, _)| error).expect("it is in");
    session.select("INBOX").await.expect("it is open");
    let found = session.uid_search("NONSENSE").await;
    assert!(found.expect("no error").is_empty());
}

/// Nothing with a second line in it goes out.
#[tokio::test]
async fn a_search_is_one_line() {
    let mut imap = opened(selected()).await;
    for keys in ["ALL\r\na9 LOGOUT", "ALL\n", "ALL\r", "ALL\0"] {
        let error = imap.search(keys).await.expect_err("it is not sent");
        assert_eq!(format!("{error:#}"), "SEARCH: one line only");
    }
}

#[test]
fn imap_servers_that_refuse_or_are_none() {
    let login = |said| vec![say("* OK hi\r\n"), Hear("LOGIN"), said];
    let refused = login(SayTagged("{tag} NO [AUTHENTICATIONFAILED] no\r\n"));
    let echoed = login(SayTagged("{tag} BAD what is hush?\r\n"));
    let unselected = vec![
        say("* OK hi\r\n"),
        Hear("LOGIN"),
        SayTagged("{tag} OK in\r\n"),
        Hear("SELECT"),
        SayTagged("{tag} NO no \x07such mailbox\r\n"),
    ];
    for (steps, told) in [
        (vec![say("* BYE too many\r\n")], "says BYE: too many"),
        (vec![say("+OK POP3\r\n")], "the server does not speak IMAP"),
        (vec![], "the server hung up"),
        (refused, "LOGIN: wrong user or password"),
        (echoed, "what is ***?"),
        (unselected, "SELECT: "),
    ] {
        let url = format!("imap://bob:hush@{}", scripted(steps));
        let (out, error, code) = imap_client(&[&url]);
        assert_eq!((out.as_str(), code), ("", Some(1)), "{error}");
        assert!(error.contains(told), "{error}");
        assert!(error.lines().count() == 1 && !error.contains("hush"));
    }
}
