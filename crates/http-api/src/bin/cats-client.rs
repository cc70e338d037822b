//! Asks a cats-server for cats and changes their hats, as a program does it.
//!
//! cargo run --bin cats-client http://127.0.0.1:8080 list

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};
use http_api::cats::Cat;
use http_api::client::{Client, Limits};
use http_api::{finish, say, seconds, stop_signal, typed};
use reqwest::Method;
use reqwest::header::IF_MATCH;

/// Asks a cats-server for cats, and changes their hats
#[derive(Parser)]
struct Options {
    /// Where the server is, such as http://127.0.0.1:8080
    url: String,
    #[command(subcommand)]
    what: What,
    /// Seconds that the server may take for all of an answer
    #[arg(long, global = true)]
    #[arg(default_value = "10", value_parser = seconds)]
    timeout: Duration,
    /// Bytes of the largest answer, unpacked
    #[arg(long, global = true, value_name = "BYTES")]
    #[arg(default_value = "1048576")]
    max_body: usize,
}

#[derive(Subcommand)]
enum What {
    /// Show all cats
    List,
    /// Add a cat
    Add { name: String, hat: String },
    /// Show a cat, and give it the hat that you type
    Change { name: String },
    /// Show each change when it happens
    Watch,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("cats-client", run(Options::parse()).await)
}

async fn run(options: Options) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    let limits = Limits {
        time: options.timeout,
        body: options.max_body,
    };
    let client = Client::new(&options.url, limits)?;
    let server = client.server();
    tokio::select! {
        () = stop => Ok(()),
        result = ask(&client, options.what) => {
            result.with_context(|| format!("asking {server}"))
        }
    }
}

async fn ask(client: &Client, what: What) -> anyhow::Result<()> {
    match what {
        What::List => Ok(client.cats().await?.iter().try_for_each(say)?),
        What::Add { name, hat } => {
            let cat = Cat {
                name,
                hat,
                ..Cat::default()
            };
            say(format_args!("Send: {cat}"))?;
            let post = client.ask(Method::POST, &["cats"], |r| r.json(&cat));
            Ok(say(post.await?.json::<Cat>()?)?)
        }
        What::Change { name } => change(client, &name).await,
        What::Watch => client.watch(|told| Ok(say(told)?)).await,
    }
}

async fn change(client: &Client, name: &str) -> anyhow::Result<()> {
    let path = ["cats", name];
    let seen = client.ask(Method::GET, &path, |r| r).await?;
    let mut cat: Cat = seen.json()?;
    say(&cat)?;
    let tag = seen.etag.context("this answer has no ETag")?;
    say("Which hat instead?")?;
    cat.hat = typed().await?.context("no hat was typed")?;
    say(format_args!("Send: {cat}"))?;
    // Only if the cat is still as we have seen it.
    let put = client.ask(Method::PUT, &path, |request| {
        request.json(&cat).header(IF_MATCH, &tag)
    });
    Ok(say(put.await?.json::<Cat>()?)?)
}
