//! Mail: `postfix`, and the section email's own server. Both take every letter
//! for anybody at example.com, example.net and example.org, and put it into the
//! Maildir `mail` in their folder; postfix a little after it said 250.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Embedded, Kind, Launch, Place, Ready, Real, greets};

pub static KIND: Kind = Kind {
    name: "email",
    variable: "SMTP_URL",
    scheme: "smtp",
    port: 2525,
    embedded: Some(Embedded {
        program: "email-server",
        arguments: &[],
        lent: None,
    }),
    real: Some(Real {
        program: "postfix",
        with: &["chown"],
        how: "Debian, Ubuntu: apt install postfix; it must be started by root",
        launch,
        ready: Ready::Answers,
        within: Duration::from_secs(30),
        space: None,
        more_ports: 0,
    }),
    answers: |address| greets(address, b"220 "),
};

/// Everything that postfix touches is in the folder, whose owner stays who it
/// is: other users must be able to pass through it.
fn launch(place: &Place) -> Result<Launch> {
    let folder = place.folder.display();
    let port = place.ports[0];
    for name in ["etc", "queue", "data"] {
        fs::create_dir_all(place.folder.join(name))?;
    }
    own(&place.folder.join("data"), "postfix")?;
    open(place.folder)?;
    let mail = place.folder.join("mail");
    fs::create_dir_all(&mail)?;
    own(&mail, "nobody")?;
    let settings = format!(
        "compatibility_level = 3.6
queue_directory = {folder}/queue
data_directory = {folder}/data
maillog_file = {folder}/mail.log
maillog_file_prefixes = {folder}
mail_owner = postfix
myhostname = localhost
mydomain = localdomain
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_forbid_bare_newline = yes
smtpd_forbid_bare_newline_exclusions =
virtual_mailbox_domains = example.com, example.net, example.org
virtual_mailbox_base = {folder}
virtual_mailbox_maps = static:mail/
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 100
default_transport = error:nothing leaves this machine
alias_maps =
alias_database =
"
    );
    let settings = settings + &place.arguments.join("\n") + "\n";
    fs::write(place.folder.join("etc/main.cf"), settings)?;
    let services = fs::read_to_string("/etc/postfix/master.cf")
        .context("postfix is installed without /etc/postfix/master.cf")?;
    fs::write(place.folder.join("etc/master.cf"), master(&services, port))?;
    let etc = place.folder.join("etc");
    // It makes the folders of the queue.
    let mut check = Command::new(place.program);
    let checked = check.arg("-c").arg(&etc).arg("check").output()?;
    let why = String::from_utf8_lossy(&checked.stderr);
    ensure!(checked.status.success(), "postfix finds fault: {why}");
    let mut ask = Command::new(place.program.with_file_name("postconf"));
    let daemons = ask.arg("-c").arg(&etc).args(["-h", "daemon_directory"]);
    let daemons = String::from_utf8(daemons.output()?.stdout)?;
    // `postfix start-fg` would leave our process group, and survive us.
    let mut command = Command::new(Path::new(daemons.trim()).join("master"));
    command.arg("-c").arg(etc).arg("-d");
    Ok(command.into())
}

/// The services of an installed postfix, outside of its usual cage, and at a
/// port of our own.
fn master(services: &str, port: u16) -> String {
    let mut out = String::new();
    let mut has_log = false;
    for line in services.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        has_log |= line.starts_with("postlog");
        if words.len() < 8 || line.starts_with([' ', '\t', '#']) {
            out += line;
        } else if words[..2] == ["smtp", "inet"] {
            out += &format!("127.0.0.1:{port} inet n - n - - smtpd");
        } else {
            let mut words = words;
            words[4] = "n";
            out += &words.join(" ");
        }
        out.push('\n');
    }
    if !has_log {
        out += "postlog unix-dgram n - n - 1 postlogd\n";
    }
    out
}

fn own(path: &Path, user: &str) -> Result<()> {
    let done = Command::new("chown").arg(user).arg(path).status()?;
    ensure!(done.success(), "only root can start postfix");
    Ok(())
}

/// Lets other users pass.
pub fn open(folder: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    }
    let _ = folder;
    Ok(())
}
