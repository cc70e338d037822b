//! RabbitMQ: `rabbitmq-server`, and the stand-in of the section rabbitmq.
//!
//! The real one needs seconds and 130 MB, so all demos share one, each in a
//! virtual host of its own. A demo's `args` are lines of rabbitmq.conf.

use std::fs;
use std::io::{Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use super::{
    Embedded, Kind, Launch, Lent, Place, Ready, Real, connect, until_listening,
};
use crate::process::Process;

/// Debian's own program of this name, in PATH, is only for root, and becomes
/// another user before it starts this one.
const SERVER: &str = "/usr/lib/rabbitmq/bin/rabbitmq-server";

pub static KIND: Kind = Kind {
    name: "rabbitmq",
    variable: "AMQP_URL",
    scheme: "amqp",
    port: 5672,
    embedded: Some(Embedded {
        program: "rabbitmq-server",
        arguments: &[],
        lent: Some(Lent {
            port: 5672,
            arguments: &["--exit-when-idle", "60"],
        }),
    }),
    real: Some(Real {
        program: SERVER,
        with: &["epmd"],
        how: "Debian, Ubuntu: apt install rabbitmq-server; that also starts \
              one as a service, on all interfaces",
        launch,
        ready: Ready::Answers,
        within: Duration::from_secs(90),
        space: Some(virtual_host),
        more_ports: 2,
    }),
    answers: |address| {
        let mut stream = connect(address)?;
        stream.write_all(b"AMQP\0\0\x09\x01")?;
        let mut first = [0];
        stream.read_exact(&mut first)?;
        // A frame that holds a method, such as connection.start. Whoever
        // speaks another version of AMQP names it: `AMQP`.
        Ok(first[0] == 1)
    },
};

fn launch(place: &Place) -> Result<Launch> {
    let mut settings =
        format!("listeners.tcp.1 = 127.0.0.1:{}\n", place.ports[0]);
    settings += &place.arguments.join("\n");
    let file = |name| place.folder.join(name);
    fs::write(file("rabbitmq.conf"), settings + "\n")?;
    fs::write(file("enabled_plugins"), "[].\n")?;
    fs::write(file("env.conf"), "")?;
    // How often it looks for tasks that wait too long for their
    // acknowledgement; else once a minute. rabbitmq.conf cannot say it.
    fs::write(
        file("advanced.config"),
        "[{rabbit, [{channel_tick_interval, 1000}]}].\n",
    )?;
    // If nobody has started epmd, which tells Erlang programs each other's
    // ports, the server does, and leaves it behind.
    let mut epmd = Command::new("epmd");
    epmd.args(["-port", &place.ports[2].to_string()])
        .args(["-address", "127.0.0.1"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let epmd = Process::start(&mut epmd).context("cannot start epmd")?;
    until_listening(place.ports[2])?;
    Ok(Launch {
        command: command(place, SERVER),
        beside: vec![epmd],
    })
}

/// A virtual host is a broker of its own for whoever names it in a URL.
fn virtual_host(place: &Place, name: &str) -> Result<String> {
    // Two commands of rabbitmqctl in one: each starts an Erlang system.
    let work = format!(
        "ok = rabbit_vhost:add(<<\"{name}\">>, <<\"runner\">>), \
         ok = rabbit_auth_backend_internal:set_permissions(<<\"guest\">>, \
         <<\"{name}\">>, <<\".*\">>, <<\".*\">>, <<\".*\">>, <<\"runner\">>)."
    );
    let control = Path::new(SERVER).with_file_name("rabbitmqctl");
    let mut command = command(place, control);
    let done = command.args(["--quiet", "eval", &work]).output()?;
    let why = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "rabbitmqctl finds fault: {why}");
    Ok(format!("/{name}"))
}

/// A program of RabbitMQ that uses nothing but the folder and the ports.
fn command(place: &Place, program: impl AsRef<Path>) -> Command {
    let file = |name| place.folder.join(name);
    let mut command = Command::new(program.as_ref());
    command
        // The cookie, by which Erlang programs trust each other.
        .env("HOME", place.folder)
        .env("LC_ALL", "C.UTF-8")
        .env(
            "RABBITMQ_NODENAME",
            format!("demo-{}@localhost", place.ports[0]),
        )
        .env("RABBITMQ_DIST_PORT", place.ports[1].to_string())
        .env("ERL_EPMD_PORT", place.ports[2].to_string())
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("RABBITMQ_CONF_ENV_FILE", file("env.conf"))
        .env("RABBITMQ_CONFIG_FILE", file("rabbitmq.conf"))
        .env("RABBITMQ_ADVANCED_CONFIG_FILE", file("advanced.config"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", file("enabled_plugins"))
        .env("RABBITMQ_GENERATED_CONFIG_DIR", file("generated"))
        .env("RABBITMQ_MNESIA_BASE", file("mnesia"))
        .env("RABBITMQ_LOG_BASE", file("log"))
        .env("RABBITMQ_PID_FILE", file("pid"))
        // Loopback only; and no waiting in a loop, on busy machines.
        .env(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "-kernel inet_dist_use_interface {127,0,0,1} \
             +sbwt none +sbwtdcpu none +sbwtdio none",
        );
    command
}
