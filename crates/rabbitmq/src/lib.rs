// ANCHOR: all
//! What the starters share: a broker to connect to, the queues and exchanges
//! that both sides agree on, errors that a person can act on, a clean end.

mod broker;
mod keys;
mod knit;
mod steps;
pub mod stop;
pub mod words;

use std::process;
use std::time::Duration;

use clap::Parser;
use lapin::message::Delivery;
use lapin::options::{ExchangeDeclareOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, ExchangeKind};

pub use broker::Broker;
pub use knit::{Shelf, knit};
pub use steps::Steps;
pub use stop::stop_signal;
pub use words::{beginning, finish, printable, say, seconds, warn};

/// The queue in which tasks wait for a worker.
pub const TASKS: &str = "hats-to-knit";
/// The queue of the tasks that no worker could do.
pub const DEAD: &str = "hats-to-knit-dead";
/// The exchange of those who emit and listen; a cat is a routing key.
pub const CATS_EXCHANGE: &str = "cats-by-name";

pub const CATS: [&str; 4] = ["catA", "catB", "catC", "catD"];
pub const HATS: [&str; 4] = ["hatA", "hatB", "hatC", "hatD"];

/// Bytes of a message that are shown; of a longer one, the beginning.
const MAX_SHOWN: usize = 200;

/// Makes the queue of tasks and the one for dead letters, unless they are
/// there already. They outlive a restart of the broker, and so does a task
/// that is sent as [persistent](lapin::BasicProperties::with_delivery_mode).
///
/// With a limit the queue counts: after so many second tries that nobody
/// acknowledged either, the broker itself takes a task to the dead letters.
///
/// # Errors
/// Whoever declares a queue otherwise than it is gets 406 from the broker.
pub async fn declare_tasks(
    channel: &Channel,
    limit: Option<u8>,
) -> lapin::Result<()> {
    // ANCHOR: declare
    let how = QueueDeclareOptions {
        durable: true,
        ..Default::default()
    };
    let mut more = FieldTable::default();
    let text = |value: &str| AMQPValue::LongString(value.into());
    more.insert("x-dead-letter-exchange".into(), text(""));
    more.insert("x-dead-letter-routing-key".into(), text(DEAD));
    if let Some(limit) = limit {
        // Only this type of queue counts deliveries.
        more.insert("x-queue-type".into(), text("quorum"));
        more.insert("x-delivery-limit".into(), limit.into());
    }
    let none = FieldTable::default();
    channel.queue_declare(DEAD.into(), how, none).await?;
    channel.queue_declare(TASKS.into(), how, more).await?;
    // ANCHOR_END: declare
    Ok(())
}

/// Makes the exchange between emitters and listeners, unless it is there.
pub async fn declare_cats(channel: &Channel) -> lapin::Result<()> {
    channel
        .exchange_declare(
            CATS_EXCHANGE.into(),
            ExchangeKind::Direct,
            ExchangeDeclareOptions::default(),
            FieldTable::default(),
        )
        .await
}

/// What all programs are told.
#[derive(clap::Args)]
pub struct Place {
    /// Where the RabbitMQ broker is
    #[arg(env = "AMQP_URL", hide_env_values = true)]
    #[arg(default_value = "amqp://127.0.0.1:5672")]
    url: String,
    /// Seconds to wait for the connection, and for each answer
    #[arg(long, default_value = "5", value_parser = seconds)]
    #[arg(value_name = "SECONDS", allow_negative_numbers = true)]
    timeout: Duration,
}

impl Place {
    /// # Errors
    /// When the URL cannot be read.
    pub fn broker(&self) -> anyhow::Result<Broker> {
        Broker::from_url(&self.url, self.timeout)
    }
}

/// Works until it is done, or until Ctrl-C or SIGTERM.
pub async fn until_stopped(
    work: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let stop = stop_signal()?;
    tokio::select! {
        () = stop => Ok(()),
        result = work => result,
    }
}

/// What a message says, for a terminal.
pub fn shown(delivery: &Delivery) -> String {
    printable(beginning(&delivery.data, MAX_SHOWN))
}

/// Reads the program's arguments, or ends the program. What clap quotes may
/// be a URL, and a URL may hold a password.
pub fn parse<Options: Parser>() -> Options {
    Options::try_parse().unwrap_or_else(|error| {
        let text = error.render().to_string();
        match error.use_stderr() && (text.contains("://") || text.contains('@'))
        {
            true => warn("error: an argument in the wrong place; see --help"),
            false => {
                let _ = error.print();
            }
        }
        process::exit(error.exit_code())
    })
}
// ANCHOR_END: all
