//! Counts the hats that each cat wears.
//! cargo run --example short-msgpack-server [ENDPOINT]
//! Its Python partner is python/short_msgpack_server.py.

use std::{collections::HashMap, env};

use serde::{Deserialize, Serialize};
use zeromq::{RepSocket, Socket, SocketRecv, SocketSend};

#[derive(Deserialize)]
enum Request {
    Wears { cat: String, hat: String },
}

#[derive(Serialize)]
enum Reply {
    Hats { cat: String, hats: u32 },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let at = env::args().nth(1);
    let at = at.unwrap_or("tcp://127.0.0.1:6789".into());
    let mut socket = RepSocket::new();
    let here = socket.bind(&at).await?;
    println!("Waiting for requests at {here}");
    let mut count = HashMap::new();
    loop {
        let body = socket.recv().await?.into_vec().concat();
        // What is no such request ends the program here.
        let request = rmp_serde::from_slice(&body)?;
        let Request::Wears { cat, hat } = request;
        println!("Request: {cat} wears a {hat}");
        let hats = count.entry(cat.clone()).or_insert(0);
        *hats += 1;
        let reply = Reply::Hats { cat, hats: *hats };
        let body = rmp_serde::to_vec_named(&reply)?;
        socket.send(body.into()).await?;
    }
}
