//! Keeps cats and their hats, and tells of them as JSON.
//! cargo run --example short-http-server [HOST:PORT]
//! Its partner in Python: python/short_http_server.py

use std::sync::Arc;

use axum::{Json, Router, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use tokio::{net::TcpListener, sync::Mutex};

#[derive(Clone, Serialize, Deserialize)]
struct Cat {
    name: String,
    hat: String,
}
type Cats = State<Arc<Mutex<Vec<Cat>>>>;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // One path, and a function for each method.
    let methods = axum::routing::get(list).post(add);
    let app = Router::new().route("/cats", methods);
    let app = app.with_state(Arc::default());
    let local = "127.0.0.1:8080".to_owned();
    let address = std::env::args().nth(1).unwrap_or(local);
    let listener = TcpListener::bind(address).await?;
    let own = listener.local_addr()?;
    println!("Cats at http://{own}/cats");
    Ok(axum::serve(listener, app).await?)
}

async fn list(cats: Cats) -> Json<Vec<Cat>> {
    Json(cats.lock().await.clone())
}

async fn add(cats: Cats, cat: Json<Cat>) -> StatusCode {
    println!("{} wears a {}", cat.name, cat.hat);
    cats.lock().await.push(cat.0);
    StatusCode::CREATED
}
