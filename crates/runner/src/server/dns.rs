//! DNS: BIND's `named`, and the section's own dns-server. Both are called with
//! `--zone FILE`, whose name is the zone's with `.zone` behind it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{Embedded, Kind, Launch, Lent, Place, Ready, Real, connect_udp};

pub static KIND: Kind = Kind {
    name: "dns",
    variable: "DNS_URL",
    scheme: "dns",
    port: 5300,
    embedded: Some(Embedded {
        program: "dns-server",
        arguments: &[],
        lent: Some(Lent {
            port: 5300,
            arguments: &["--exit-when-idle", "10"],
        }),
    }),
    real: Some(Real {
        program: "named",
        with: &[],
        how: "Debian, Ubuntu: apt install bind9; macOS: brew install bind",
        launch,
        ready: Ready::Answers,
        within: Duration::from_secs(20),
        space: None,
        more_ports: 0,
    }),
    answers: |address| {
        // Whatever it says to "which name servers has the root?", it begins
        // with the same id, and with the bit that makes it an answer.
        let question = b"\x4e\x45\0\0\0\x01\0\0\0\0\0\0\0\0\x02\0\x01";
        let socket = connect_udp(address)?;
        socket.send(question)?;
        let mut answer = [0; 512];
        let length = socket.recv(&mut answer)?;
        Ok(length >= 12
            && answer[..2] == question[..2]
            && answer[2] & 0x80 != 0)
    },
};

fn launch(place: &Place) -> Result<Launch> {
    let port = place.ports[0];
    let folder = place.folder.display();
    // What a server of one's own needs to be told, to be nobody else's.
    let mut configuration = format!(
        "options {{\n\
         directory \"{folder}\"; pid-file none; session-keyfile none;\n\
         listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};\n\
         recursion no; dnssec-validation no; minimal-responses no-auth;\n\
         rrset-order {{ order none; }};\n\
         }};\ncontrols {{ }};\n"
    );
    for pair in place.arguments.chunks(2) {
        ensure!(
            pair.len() == 2 && pair[0] == "--zone",
            "a name server's args are --zone FILE, not {pair:?}"
        );
        let file = Path::new(&pair[1]);
        let zone = file.file_stem().and_then(|name| name.to_str());
        let zone = zone.context("a zone file without a name")?;
        configuration += &format!(
            "zone \"{zone}\" {{ type primary; check-names ignore; \
             file \"{}\"; }};\n",
            pair[1]
        );
    }
    let file = place.folder.join("named.conf");
    std::fs::write(&file, configuration)?;
    let mut command = Command::new(place.program);
    command
        .arg("-g")
        .arg("-c")
        .arg(file)
        .current_dir(place.folder);
    Ok(command.into())
}
