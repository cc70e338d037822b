//! Connecting to a name with several addresses.
#![cfg(target_os = "linux")]

use std::time::Duration;

use tcp_framing::connect;
use tokio::net::TcpListener;

/// The first address swallows what comes: its backlog is full.
#[tokio::test]
async fn each_address_of_a_name_has_its_share_of_the_time() {
    let any: std::net::SocketAddr = "127.0.0.1:0".parse().unwrap();
    let full = socket2::Socket::new(
        socket2::Domain::IPV4,
        socket2::Type::STREAM,
        None,
    );
    let full = full.unwrap();
    full.bind(&any.into()).unwrap();
    full.listen(0).unwrap();
    let silent = full.local_addr().unwrap().as_socket().unwrap();
    let waits = Duration::from_millis(300);
    let mut waiting = Vec::new();
    while let Ok(client) = std::net::TcpStream::connect_timeout(&silent, waits)
    {
        waiting.push(client);
    }
    let listener = TcpListener::bind(any).await.unwrap();
    let there = listener.local_addr().unwrap();
    let limit = Duration::from_secs(2);
    let stream = connect(&[silent, there], limit).await.unwrap();
    assert_eq!(stream.peer_addr().unwrap(), there);
    let error = connect(&[silent, silent], waits).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}
