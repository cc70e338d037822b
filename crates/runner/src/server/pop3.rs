//! POP3: `dovecot`, and the section mailbox's own server. Both serve the
//! letters of the Maildir `letters` in their folder, to bob, whose password is
//! secret.

use std::fs;
use std::path::{self, Path};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Embedded, Kind, Launch, Place, Ready, Real, greets};

pub static KIND: Kind = Kind {
    name: "pop3",
    variable: "POP3_URL",
    scheme: "pop3",
    port: 1100,
    embedded: Some(Embedded {
        program: "pop3-server",
        arguments: &["--maildir", "letters"],
        lent: None,
    }),
    real: Some(Real {
        program: "dovecot",
        with: &["id", "chown"],
        how: "Debian, Ubuntu: apt install dovecot-pop3d dovecot-imapd",
        launch: |place| dovecot(place, "pop3"),
        ready: Ready::Answers,
        within: Duration::from_secs(30),
        space: None,
        more_ports: 0,
    }),
    answers: |address| greets(address, b"+OK"),
};

/// A dovecot that speaks one protocol. Everything that it touches is in the
/// folder, but for what two of them would both write, which is called by the
/// protocol.
pub fn dovecot(place: &Place, protocol: &str) -> Result<Launch> {
    let folder = path::absolute(place.folder)?;
    let run = folder.join(format!("dovecot-{protocol}"));
    let letters = folder.join("letters");
    fs::create_dir_all(&run)?;
    for part in ["new", "cur", "tmp"] {
        fs::create_dir_all(letters.join(part))?;
    }
    let me = id(&["-un"])?;
    let users = match &me[..] {
        // Its parts refuse to be root, and need three others.
        "root" => ["dovecot", "dovenull", "nobody"],
        me => [me; 3],
    };
    let [internal, login, owner] = users;
    let groups = [id(&["-gn", internal])?, id(&["-gn", owner])?];
    if owner != me {
        super::email::open(&folder)?;
        own(&letters, owner)?;
    }
    let users = run.join("users");
    fs::write(&users, "bob:{PLAIN}secret\n")?;
    let settings = format!(
        "protocols = {protocol}
listen = 127.0.0.1
base_dir = {run}
state_dir = {run}
log_path = /dev/stderr
login_greeting = Dovecot ready.
ssl = no
auth_failure_delay = 0
default_internal_user = {internal}
default_internal_group = {}
default_login_user = {login}
first_valid_uid = 1
mail_location = maildir:{letters}
pop3_uidl_format = %f
passdb {{
  driver = passwd-file
  args = {users}
}}
userdb {{
  driver = static
  args = uid={owner} gid={} home={folder}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service {protocol}-login {{
  chroot =
  inet_listener {protocol} {{
    port = {}
  }}
  inet_listener {protocol}s {{
    port = 0
  }}
}}
",
        groups[0],
        groups[1],
        place.ports[0],
        run = run.display(),
        letters = letters.display(),
        users = users.display(),
        folder = folder.display(),
    );
    let file = run.join("settings");
    fs::write(&file, settings + &place.arguments.join("\n") + "\n")?;
    let mut command = Command::new(place.program);
    command.arg("-F").arg("-c").arg(file);
    Ok(command.into())
}

/// What the system calls a user or a group.
pub fn id(arguments: &[&str]) -> Result<String> {
    let said = Command::new("id").args(arguments).output()?;
    ensure!(said.status.success(), "no such user: id {arguments:?}");
    let name = String::from_utf8(said.stdout).context("a user's name")?;
    Ok(name.trim().to_owned())
}

fn own(folder: &Path, user: &str) -> Result<()> {
    let mut chown = Command::new("chown");
    let done = chown.arg("-R").arg(user).arg(folder).status()?;
    ensure!(done.success(), "cannot give the letters to {user}");
    Ok(())
}
