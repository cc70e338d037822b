//! Turns a cat into bytes and the bytes into a cat again.
//! cargo run --example short-msgpack
//! Its Python partner is python/short_msgpack.py.

use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Cat {
    name: String,
    lives: u8,
    hat: Option<String>,
}

fn main() -> anyhow::Result<()> {
    let cat = Cat {
        name: "catA".into(),
        lives: 9,
        hat: Some("hatB".into()),
    };
    println!("{} has {} lives", cat.name, cat.lives);

    // A map with the names of the fields, as Python has it.
    let bytes = rmp_serde::to_vec_named(&cat)?;
    println!("{} bytes: {bytes:02x?}", bytes.len());

    // The type says what the bytes must be.
    let again: Cat = rmp_serde::from_slice(&bytes)?;
    println!("{} has {} lives", again.name, again.lives);
    println!("The same cat: {}", again == cat);
    Ok(())
}
