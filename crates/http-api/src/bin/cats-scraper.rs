// ANCHOR: all
//! Reads the cats from the page that is made for people. It works until
//! somebody changes how that page looks.
//!
//! cargo run --bin cats-scraper http://127.0.0.1:8080

use std::process::ExitCode;

use anyhow::{Context, anyhow};
use clap::Parser;
use http_api::client::{Client, Limits};
use http_api::{finish, printable, say, stop_signal};
use reqwest::Method;
use scraper::{ElementRef, Html, Selector};

/// Reads the cats from the page that is made for people
#[derive(Parser)]
struct Options {
    /// Where the server is, such as http://127.0.0.1:8080
    url: String,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    finish("cats-scraper", run(&Options::parse()).await)
}

async fn run(options: &Options) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    let client = Client::new(&options.url, Limits::default())?;
    let asking = client.ask(Method::GET, &[""], |request| request);
    let answer = tokio::select! {
        () = stop => return Ok(()),
        answer = asking => answer.with_context(|| {
            format!("asking {}", client.server())
        })?,
    };
    let page = String::from_utf8_lossy(&answer.body);
    for line in cats(&page)? {
        say(printable(line))?;
    }
    Ok(())
}

// ANCHOR: cats
/// What is known of the page: a table whose rows have the cat in their first
/// cell and the hat in their second. Nobody has promised that.
fn cats(page: &str) -> anyhow::Result<Vec<String>> {
    let select = |css| Selector::parse(css).map_err(|_| anyhow!("bad {css}"));
    let (rows, cells) = (select("table#cats tbody tr")?, select("td")?);
    let page = Html::parse_document(page);
    let text = |cell: ElementRef| cell.text().collect::<String>();
    let mut cats = Vec::new();
    for row in page.select(&rows) {
        let mut cells = row.select(&cells).map(text);
        let (name, hat) = cells.next().zip(cells.next()).context(
            "a row of the table has less than two cells: the page has changed",
        )?;
        cats.push(format!("{name} wears a {hat}"));
    }
    if cats.is_empty() {
        return Err(anyhow!("the page has no table of cats: it has changed"));
    }
    Ok(cats)
}
// ANCHOR_END: cats
// ANCHOR_END: all
