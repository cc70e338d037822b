//! Tells a server which cat wears which hat.
//! cargo run --example short-msgpack-client [ENDPOINT]
//! Its Python partner is python/short_msgpack_client.py.

use std::env;

use serde::{Deserialize, Serialize};
use zeromq::{ReqSocket, Socket, SocketRecv, SocketSend};

#[derive(Serialize)]
enum Request<'a> {
    Wears { cat: &'a str, hat: &'a str },
}

#[derive(Deserialize)]
enum Reply {
    Hats { cat: String, hats: u32 },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let at = env::args().nth(1);
    let at = at.unwrap_or("tcp://127.0.0.1:6789".into());
    let mut socket = ReqSocket::new();
    socket.connect(&at).await?;
    for (cat, hat) in [("catA", "hatB"), ("catA", "hatD")] {
        println!("Request: {cat} wears a {hat}");
        // {"Wears": {"cat": "catA", "hat": "hatB"}}
        let request = Request::Wears { cat, hat };
        let body = rmp_serde::to_vec_named(&request)?;
        socket.send(body.into()).await?;
        let body = socket.recv().await?.into_vec().concat();
        let reply = rmp_serde::from_slice(&body)?;
        let Reply::Hats { cat, hats } = reply;
        println!("Reply: hats of {cat} so far: {hats}");
    }
    Ok(())
}
