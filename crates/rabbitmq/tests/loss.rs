//! Workers are killed, and the broker too: which tasks are never done, and
//! which are done twice?
//!
//! `LOSS=100000 cargo test --test loss -- --nocapture` does it with so many
//! tasks on the stand-in, and kills 50 workers. With
//! `RABBITMQ_SERVER=/usr/lib/rabbitmq/bin/rabbitmq-server` it is the real
//! broker, which is killed five times as well.
#![cfg(unix)]

use std::env;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::spawn;
use std::time::{Duration, Instant};

mod common;
use common::{LIMIT, Server, TASK, WORKER};

const WORKERS: usize = 4;
const SENDERS: usize = 8;

#[test]
fn no_task_is_lost_and_no_hat_is_knitted_twice() {
    let (tasks, kills) = match env::var("LOSS") {
        Ok(tasks) => (tasks.parse().unwrap(), 50),
        Err(_) => (400, 5),
    };
    let folder =
        env::temp_dir().join(format!("rabbitmq-loss-{}", std::process::id()));
    let shelf = folder.join("shelf");
    fs::create_dir_all(&shelf).unwrap();
    let mut real = env::var("RABBITMQ_SERVER")
        .ok()
        .map(|program| Real::start(program.into(), &folder));
    let stand_in = real.is_none().then(Server::start);
    let url = match (&real, &stand_in) {
        (Some(real), _) => format!("amqp://127.0.0.1:{}", real.port),
        (None, Some(server)) => server.url(),
        (None, None) => unreachable!(),
    };
    let restarts = if real.is_some() { 5 } else { 0 };

    let (tell, lines) = channel();
    let worker = |tell: Sender<String>| {
        let shelf = shelf.to_str().unwrap();
        start(WORKER, &[&url, "--shelf", shelf], tell)
    };
    let mut workers: Vec<Child> =
        (0..WORKERS).map(|_| worker(tell.clone())).collect();
    let each = (tasks / SENDERS).to_string();
    let tasks = tasks / SENDERS * SENDERS;
    let mut senders: Vec<Child> = (0..SENDERS)
        .map(|_| start(TASK, &[&url, "--count", &each], tell.clone()))
        .collect();

    let (mut new, mut again, mut killed, mut restarted) = (0, 0, 0, 0);
    let mut confirmed = 0;
    let hats = || fs::read_dir(&shelf).unwrap().count();
    // A worker that is killed may have put a hat there without a word.
    while new + killed < tasks || confirmed < SENDERS || hats() < tasks {
        let line = next(&lines);
        new += usize::from(line.starts_with("Done: "));
        again += usize::from(line == "It was done before");
        confirmed += usize::from(line.starts_with("Tasks sent: "));
        if killed < kills && new > (killed + 1) * tasks / (kills + 2) {
            let at = killed % WORKERS;
            workers[at].kill().unwrap();
            workers[at].wait().unwrap();
            workers[at] = worker(tell.clone());
            killed += 1;
        }
        if let Some(real) = &mut real
            && restarted < restarts
            && new > (restarted + 1) * tasks / (restarts + 2)
        {
            real.kill_and_start();
            restarted += 1;
        }
    }
    for sender in &mut senders {
        assert!(sender.wait().unwrap().success());
    }
    for worker in &mut workers {
        worker.kill().unwrap();
        worker.wait().unwrap();
    }
    drop(tell);
    for line in lines {
        new += usize::from(line.starts_with("Done: "));
        again += usize::from(line == "It was done before");
    }
    let hats = hats();
    drop(real);
    fs::remove_dir_all(&folder).unwrap();
    assert_eq!((hats, killed, restarted), (tasks, kills, restarts));
    println!(
        "{tasks} tasks, {killed} workers killed, {restarted} brokers killed: \
         {hats} hats on the shelf, {new} reports of one, {again} tasks came \
         again"
    );
    // Without a shelf each task that came again would be a second hat.
    assert!(new <= hats, "a hat was knitted twice");
}

fn next(lines: &Receiver<String>) -> String {
    // A real broker needs some seconds to come back.
    lines.recv_timeout(LIMIT * 3).unwrap()
}

/// Starts a program that tells the lines of its stdout.
fn start(program: &str, arguments: &[&str], tell: Sender<String>) -> Child {
    let mut child = Command::new(program)
        .args(arguments)
        .env_remove("AMQP_URL")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    spawn(move || {
        for line in stdout.lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                break;
            }
        }
    });
    child
}

/// A RabbitMQ of our own, on loopback, with all that it writes in a folder.
struct Real {
    program: PathBuf,
    folder: PathBuf,
    port: u16,
    more_ports: [u16; 2],
    epmd: Child,
    server: Option<Child>,
}

impl Real {
    fn start(program: PathBuf, folder: &Path) -> Self {
        // Nobody holds the ports until the server does; a test that loses
        // one to another program fails.
        let free = [(); 3].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let [port, distribution, epmd] =
            free.map(|one| one.local_addr().unwrap().port());
        let settings = format!("listeners.tcp.1 = 127.0.0.1:{port}\n");
        fs::write(folder.join("rabbitmq.conf"), settings).unwrap();
        fs::write(folder.join("enabled_plugins"), "[].\n").unwrap();
        fs::write(folder.join("env.conf"), "").unwrap();
        let names = Command::new("epmd")
            .args(["-port", &epmd.to_string(), "-address", "127.0.0.1"])
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let mut real = Self {
            program,
            folder: folder.into(),
            port,
            more_ports: [distribution, epmd],
            epmd: names,
            server: None,
        };
        until(|| TcpStream::connect(("127.0.0.1", epmd)).is_ok());
        real.start_server();
        real
    }

    fn start_server(&mut self) {
        let log = fs::File::create(self.folder.join("out")).unwrap();
        let [distribution, epmd] = self.more_ports;
        let mut command = Command::new(&self.program);
        command
            .env("HOME", &self.folder)
            .env("RABBITMQ_NODENAME", format!("loss-{}@localhost", self.port))
            .env("RABBITMQ_DIST_PORT", distribution.to_string())
            .env("ERL_EPMD_PORT", epmd.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env(
                "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
                "-kernel inet_dist_use_interface {127,0,0,1}",
            )
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .process_group(0);
        for (name, file) in [
            ("CONF_ENV_FILE", "env.conf"),
            ("CONFIG_FILE", "rabbitmq.conf"),
            ("ENABLED_PLUGINS_FILE", "enabled_plugins"),
            ("GENERATED_CONFIG_DIR", "generated"),
            ("MNESIA_BASE", "mnesia"),
            ("LOG_BASE", "log"),
            ("PID_FILE", "pid"),
        ] {
            let name = format!("RABBITMQ_{name}");
            command.env(name, self.folder.join(file));
        }
        self.server = Some(command.spawn().unwrap());
        let port = self.port;
        until(|| {
            let mut first = [0];
            TcpStream::connect(("127.0.0.1", port)).is_ok_and(|mut stream| {
                stream
                    .set_read_timeout(Some(Duration::from_secs(1)))
                    .unwrap();
                stream.write_all(b"AMQP\0\0\x09\x01").is_ok()
                    && stream.read_exact(&mut first).is_ok()
                    && first == [1]
            })
        });
    }

    fn kill_and_start(&mut self) {
        self.kill();
        self.start_server();
    }

    /// The whole process group: a shell, and the Erlang system.
    fn kill(&mut self) {
        if let Some(mut server) = self.server.take() {
            let line = format!("kill -KILL -- -{}", server.id());
            let _ = Command::new("sh").args(["-c", &line]).status();
            server.wait().unwrap();
        }
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        self.kill();
        let _ = self.epmd.kill();
        let _ = self.epmd.wait();
    }
}

/// Asks again and again, until a server that takes its time is ready.
fn until(is_ready: impl Fn() -> bool) {
    let begin = Instant::now();
    while !is_ready() {
        assert!(begin.elapsed() < 2 * LIMIT, "not ready");
        std::thread::sleep(Duration::from_millis(50));
    }
}
