//! What a server logs. This file is only scaffolding; it is the same in every
//! section whose servers log.

use std::{env, io};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

/// Logs to stderr what RUST_LOG asks for, such as `debug`, or the name of a
/// crate: `tokio=info`. Nothing if it asks for nothing.
pub fn log() {
    let wanted = env::var("RUST_LOG").unwrap_or_default();
    let Ok(targets) = wanted.parse::<Targets>() else {
        return;
    };
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .log_internal_errors(false);
    tracing_subscriber::registry()
        .with(layer.with_filter(targets))
        .init();
}
