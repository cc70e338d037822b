//! FTP: `vsftpd`, and the section ftp's own server. Both give away the folder
//! `public` to anybody who calls himself anonymous, and take files into it.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;

use super::pop3::id;
use super::{Embedded, Kind, Launch, Place, Ready, Real, greets};

pub static KIND: Kind = Kind {
    name: "ftp",
    variable: "FTP_URL",
    scheme: "ftp",
    port: 2121,
    embedded: Some(Embedded {
        program: "ftp-server",
        arguments: &[],
        lent: None,
    }),
    real: Some(Real {
        program: "vsftpd",
        with: &["id"],
        how: "Debian, Ubuntu: apt install vsftpd",
        launch,
        ready: Ready::Answers,
        within: Duration::from_secs(20),
        space: None,
        more_ports: 0,
    }),
    answers: |address| greets(address, b"220 "),
};

/// It needs no root, and writes only into the folder.
fn launch(place: &Place) -> Result<Launch> {
    let folder = place.folder.display();
    let port = place.ports[0];
    fs::create_dir_all(place.folder.join("public"))?;
    fs::create_dir_all(place.folder.join("empty"))?;
    let user = id(&["-un"])?;
    let settings = format!(
        "listen=YES
background=NO
listen_address=127.0.0.1
listen_port={port}
run_as_launching_user=YES
nopriv_user={user}
secure_chroot_dir={folder}/empty
anonymous_enable=YES
anon_root={folder}/public
allow_writeable_chroot=YES
no_anon_password=NO
local_enable=NO
write_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
pasv_min_port=32768
pasv_max_port=60999
connect_from_port_20=NO
seccomp_sandbox=NO
one_process_model=YES
xferlog_enable=NO
"
    );
    let settings = settings + &place.arguments.join("\n") + "\n";
    let file = place.folder.join("vsftpd.conf");
    fs::write(&file, settings)?;
    let mut command = Command::new(place.program);
    command.arg(file);
    Ok(command.into())
}
