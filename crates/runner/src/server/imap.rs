//! IMAP: `dovecot`. It serves the Maildir `letters` in its folder to bob, whose
//! password is secret: the same that the kind `pop3` serves.

use std::time::Duration;

use super::pop3::dovecot;
use super::{Kind, Ready, Real, greets};

pub static KIND: Kind = Kind {
    name: "imap",
    variable: "IMAP_URL",
    scheme: "imap",
    port: 1143,
    embedded: None,
    real: Some(Real {
        program: "dovecot",
        with: &["id", "chown"],
        how: "Debian, Ubuntu: apt install dovecot-imapd dovecot-pop3d",
        launch: |place| dovecot(place, "imap"),
        ready: Ready::Answers,
        within: Duration::from_secs(30),
        space: None,
        more_ports: 0,
    }),
    answers: |address| greets(address, b"* OK"),
};
