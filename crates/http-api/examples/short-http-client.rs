//! Tells a server of a cat, and asks it for all cats.
//! cargo run --example short-http-client [URL]
//! Its partner in Python: python/short_http_client.py

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Cat {
    name: String,
    hat: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let local = "http://127.0.0.1:8080/cats".to_owned();
    let url = std::env::args().nth(1).unwrap_or(local);
    let (name, hat) = ("catC".into(), "hatB".into());
    let cat = Cat { name, hat };
    let client = reqwest::Client::new();

    println!("POST: {} wears a {}", cat.name, cat.hat);
    let answer = client.post(&url).json(&cat).send().await?;
    println!("Answer: {}", answer.status());

    println!("GET");
    let answer = client.get(&url).send().await?;
    // An answer that says no is no error by itself.
    let answer = answer.error_for_status()?;
    let cats: Vec<Cat> = answer.json().await?;
    for Cat { name, hat } in cats {
        println!("Answer: {name} wears a {hat}");
    }
    Ok(())
}
