//! dns-lookup and dns-services, on a system made for the test: a name space
//! with a hosts file, a search list and a name server of its own. Where that is
//! not allowed or something is missing, the test is ignored and says why.

mod common;

use std::path::Path;
use std::process::Command;

use common::{SERVER, text};
use libtest_mimic::{Arguments, Failed, Trial};

const LOOKUP: &str = env!("CARGO_BIN_EXE_dns-lookup");
const SERVICES: &str = env!("CARGO_BIN_EXE_dns-services");
const QUERY: &str = env!("CARGO_BIN_EXE_dns-query");
const ZONES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/zones");

type Test = fn() -> Result<(), Failed>;

fn main() {
    let arguments = Arguments::from_args();
    let no_spaces = no_name_spaces();
    let no_list = (!Path::new("/etc/services").exists())
        .then_some("no /etc/services here");
    let tests: [(&str, Test, Option<&str>); 4] = [
        ("search_list_and_ndots", search, no_spaces),
        ("hosts_file", hosts, no_spaces),
        ("kinds_of_no", kinds_of_no, no_spaces),
        ("services_by_tcp_and_udp", services, no_list),
    ];
    let trials = tests.map(|(name, test, missing)| {
        Trial::test(name, test)
            .with_kind(missing.unwrap_or_default())
            .with_ignored_flag(missing.is_some())
    });
    libtest_mimic::run(&arguments, trials.into()).exit();
}

fn no_name_spaces() -> Option<&'static str> {
    if !cfg!(target_os = "linux") {
        return Some("only on linux");
    }
    let made = Command::new("unshare")
        .args(["-Urmn", "ip", "link", "set", "lo", "up"])
        .output();
    match made {
        Ok(output) if output.status.success() => None,
        _ => Some("no user name spaces, or no ip, here"),
    }
}

/// Runs commands where resolv.conf and hosts have this in them, and a server
/// of the zones is at port 53; `{LOOKUP}` and the like are the programs.
fn in_space(resolv: &str, hosts: &str, commands: &str) -> String {
    let folder = std::env::temp_dir().join(format!(
        "dns-space-{}-{}",
        std::process::id(),
        std::thread::current().name().unwrap_or_default().len()
            + commands.len()
    ));
    std::fs::create_dir_all(&folder).unwrap();
    for (file, content) in [
        ("resolv.conf", resolv),
        ("hosts", hosts),
        ("nsswitch.conf", "hosts: files dns\nservices: files\n"),
    ] {
        std::fs::write(folder.join(file), content).unwrap();
    }
    let script = format!(
        "set -e; cd {folder}; ip link set lo up
         for file in resolv.conf hosts nsswitch.conf; do
             mount --bind $file /etc/$file
         done
         mkfifo ready
         {SERVER} 127.0.0.1:53 --zone {ZONES}/root.zone \
             --zone {ZONES}/search.zone --zone {ZONES}/compare.zone > ready &
         read line < ready
         set +e
         {commands}
         kill $!",
        folder = folder.display()
    );
    let output = Command::new("unshare")
        .args(["-Urmn", "sh", "-c", &script])
        .output()
        .unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    text(&output.stdout) + &text(&output.stderr)
}

const HOSTS: &str = "127.0.0.1 localhost\n::1 localhost\n\
                     127.7.7.7 hosted.net.example myhost\n";

fn first(resolv: &str, name: &str) -> String {
    let output = in_space(resolv, HOSTS, &format!("{LOOKUP} {name}"));
    let line = output
        .lines()
        .find(|line| line.starts_with("gethostbyname:"));
    line.unwrap_or(&output).to_owned()
}

fn search() -> Result<(), Failed> {
    let one = "nameserver 127.0.0.1\nsearch search.example\n";
    let three = format!("{one}options ndots:3\n");
    for (resolv, name, address) in [
        (one, "www", "127.9.9.1"),
        (one, "both", "127.9.9.5"),
        (one, "plain", "127.9.9.3"),
        (one, "foo.bar", "127.9.9.8"),
        (one, "www.net.example", "127.0.0.80"),
        (&three, "www.net.example", "127.9.9.2"),
        (&three, "www.net.example.", "127.0.0.80"),
        (&three, "foo.bar", "127.9.9.7"),
        (one, "myhost", "127.7.7.7"),
        (one, "hosted.net.example", "127.7.7.7"),
        (one, "bücher.net.example", "127.0.0.70"),
    ] {
        let expected = format!("gethostbyname: {address}");
        assert_eq!(first(resolv, name), expected, "{name}, {resolv}");
    }
    // Asked directly, none of that plays a part.
    let commands = format!(
        "{QUERY} www @127.0.0.1; {QUERY} hosted.net.example @127.0.0.1"
    );
    let output = in_space(&three, HOSTS, &commands);
    assert!(output.contains("there is no name www."), "{output}");
    assert!(
        output.contains("hosted.net.example. exists, but"),
        "{output}"
    );
    Ok(())
}

fn hosts() -> Result<(), Failed> {
    let resolv = "nameserver 127.0.0.1\n";
    let both = in_space(resolv, HOSTS, &format!("{LOOKUP} localhost http"));
    // By RFC 6724, ::1 comes first.
    assert!(
        both.ends_with("getaddrinfo: [::1]:80\ngetaddrinfo: 127.0.0.1:80\n"),
        "{both}"
    );
    let alone = "127.0.0.1 localhost\n";
    let six = format!("{LOOKUP} localhost --family 6");
    let output = in_space(resolv, alone, &six);
    assert!(
        output.contains("no address is known for localhost"),
        "{output}"
    );
    // The other way round: the hosts file is asked first there, too.
    let output = in_space(resolv, HOSTS, &format!("{LOOKUP} 127.7.7.7"));
    assert!(
        output.contains("gethostbyaddr: hosted.net.example\n"),
        "{output}"
    );
    Ok(())
}

fn kinds_of_no() -> Result<(), Failed> {
    let resolv = "nameserver 127.0.0.1\n";
    let commands = ["v6only", "nomail", "nope.www"]
        .map(|name| format!("{LOOKUP} {name}.net.example"))
        .join("\n");
    let output = in_space(resolv, HOSTS, &commands);
    for expected in [
        "gethostbyname: none\ngetaddrinfo: [fd00::6]:0\n",
        "nomail.net.example exists, but has no address",
        "no address is known for nope.www.net.example (EAI_NONAME)",
    ] {
        assert!(output.contains(expected), "{expected}: {output}");
    }
    Ok(())
}

fn services() -> Result<(), Failed> {
    for (asked, tcp, udp) in [
        ("domain", "53 is domain", "53 is domain"),
        ("http", "80 is http", "http is unknown"),
        ("www", "80 is http, alias www", "www is unknown"),
        ("tftp", "tftp is unknown", "69 is tftp"),
        ("ntp", "ntp is unknown", "123 is ntp"),
        ("https", "443 is https", "443 is https"),
        ("shell", "514 is shell", "shell is unknown"),
        ("syslog", "514 is shell, alias syslog", "514 is syslog"),
        ("514", "514 is shell", "514 is syslog"),
        ("512", "512 is exec", "512 is biff"),
        ("HTTP", "HTTP is unknown", "HTTP is unknown"),
        ("6789", "6789 has no name", "6789 has no name"),
        (
            "nosuchservice",
            "nosuchservice is unknown",
            "nosuchservice is unknown",
        ),
    ] {
        let output = Command::new(SERVICES).arg(asked).output()?;
        let expected = format!("tcp: {tcp}\nudp: {udp}\n");
        assert_eq!(text(&output.stdout), expected);
        let known = !["HTTP", "6789", "nosuchservice"].contains(&asked);
        assert_eq!(output.status.success(), known, "{asked}");
    }
    let output = Command::new(SERVICES).arg("65536").output()?;
    assert!(text(&output.stderr).contains("65536 is no port"));
    Ok(())
}
