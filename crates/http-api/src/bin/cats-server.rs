//! Tells programs and people which cat wears which hat, until Ctrl-C. Its
//! partners are cats-client, cats-scraper, and any browser.
//!
//! cargo run --bin cats-server [HOST:PORT]

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::anyhow;
use clap::Parser;
use http_api::cats::Expect;
use http_api::{
    Cats, Limits, Pages, app, finish, log, say, serve, stop_signal,
};
use tokio::net::TcpListener;

/// The cats that there are at the start.
const CATS: [(&str, &str); 4] = [
    ("catA", "hatA"),
    ("catB", "hatD"),
    ("catC", "hatB"),
    ("catD", "hatA"),
];

/// Tells programs (at /cats) and people (at /) which cat wears which hat
#[derive(Parser)]
struct Options {
    /// Where to listen; port 0 takes any free port
    #[arg(default_value = "127.0.0.1:8080")]
    address: String,
    /// Another template for the page of all cats
    #[arg(long, value_name = "FILE")]
    page: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    finish("cats-server", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    log();
    let stop = stop_signal()?;
    let cats = Arc::new(Cats::default());
    for (name, hat) in CATS {
        cats.put(name, hat, &Expect::Nothing)?;
    }
    let pages = Pages::new(options.page.as_deref())?;
    let limits = Limits::default();
    let address = &options.address;
    let listener = TcpListener::bind(address).await.map_err(|error| {
        let advice = "end what listens there, or give another address";
        anyhow!("cannot listen at {address}: {}; {advice}", error.kind())
    })?;
    say(format_args!("Cats at http://{}/", listener.local_addr()?))?;
    let stop = async {
        stop.await;
        // Whoever waits for news would wait on.
        cats.close();
    };
    let app = app(cats.clone(), pages, limits);
    say(serve(listener, app, limits, stop).await)?;
    Ok(())
}
