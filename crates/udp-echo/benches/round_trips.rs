//! How many times a second one blocking client is answered, by the blocking
//! server and by the echo server on tokio. Each server is a process of its
//! own. All share one core: else the figures would tell where the system
//! happened to put them. Prints `job value unit`.
//!
//! cargo bench --bench round_trips

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, UdpSocket};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use socket2::{Domain, Protocol, Socket, Type};
use udp_echo::{Faults, Limits, serve};

const WARM_UP: Duration = Duration::from_millis(200);
const MEASURE: Duration = Duration::from_millis(1500);
const BATCH: u32 = 100;

fn main() -> Result<(), Box<dyn Error>> {
    // The servers inherit it.
    if let Some(core) = core_affinity::get_core_ids().unwrap_or_default().pop()
    {
        core_affinity::set_for_current(core);
    }
    match std::env::args().nth(1).as_deref() {
        Some("blocking") => blocking(),
        Some("tokio") => tokio(),
        _ => {
            measure("udp_round_trips", "blocking")?;
            measure("udp_echo_round_trips", "tokio")
        }
    }
}

fn bound() -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into())?;
    Ok(socket)
}

/// As udp-server, over and over.
fn blocking() -> Result<(), Box<dyn Error>> {
    let socket = UdpSocket::from(bound()?);
    println!("{}", socket.local_addr()?);
    let mut buffer = vec![0; 65_507];
    loop {
        let (_, client) = socket.recv_from(&mut buffer)?;
        socket.send_to(b"Are you talking to me?", client)?;
    }
}

/// As udp-echo-server.
#[tokio::main(flavor = "current_thread")]
async fn tokio() -> Result<(), Box<dyn Error>> {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await?;
    println!("{}", socket.local_addr()?);
    let limits = Limits {
        largest: 65_507,
        held: 1024,
    };
    let for_ever = std::future::pending();
    serve(socket, limits, Faults::default(), for_ever).await?;
    Ok(())
}

fn measure(job: &str, server: &str) -> Result<(), Box<dyn Error>> {
    let mut child = Command::new(std::env::current_exe()?)
        .arg(server)
        .stdout(Stdio::piped())
        .spawn()?;
    let result = (|| -> Result<(), Box<dyn Error>> {
        let stdout = child.stdout.take().ok_or("no stdout")?;
        let mut address = String::new();
        BufReader::new(stdout).read_line(&mut address)?;
        let address: SocketAddr = address.trim().parse()?;
        round_trips(address, WARM_UP)?;
        let rate = round_trips(address, MEASURE)?;
        println!("{job} {rate:.0} /s");
        Ok(())
    })();
    child.kill()?;
    child.wait()?;
    result
}

/// As udp-client, over and over on one socket.
fn round_trips(
    server: SocketAddr,
    time: Duration,
) -> Result<f64, Box<dyn Error>> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP))?;
    let socket = UdpSocket::from(socket);
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut buffer = vec![0; 65_507];
    let begin = Instant::now();
    let mut done = 0;
    while begin.elapsed() < time {
        for _ in 0..BATCH {
            socket.send_to(b"Hello!", server)?;
            let (_, from) = socket.recv_from(&mut buffer)?;
            if from != server {
                return Err("a stranger answered".into());
            }
        }
        done += BATCH;
    }
    Ok(f64::from(done) / begin.elapsed().as_secs_f64())
}
