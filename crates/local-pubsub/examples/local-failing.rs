//! A listener that fails, one that leaves while it is called, and one that
//! hears itself.
//! cargo run --example local-failing

use std::sync::{Arc, Mutex};

use anyhow::bail;
use local_pubsub::Topics;

fn main() -> anyhow::Result<()> {
    let topics = Arc::new(Topics::default());

    let _fails = topics.subscribe("cats", |_, hat| {
        bail!("the first listener has no room for a {hat}")
    })?;
    // Keeps its own handle, and drops it at the first message.
    let handle = Arc::new(Mutex::new(None));
    let own = Arc::clone(&handle);
    let once = topics.subscribe("cats", move |_, hat| {
        println!("once: catA wears a {hat}");
        if let Ok(mut own) = own.lock() {
            *own = None;
        }
        Ok(())
    })?;
    if let Ok(mut handle) = handle.lock() {
        *handle = Some(once);
    }
    let _always = topics.subscribe("cats", |_, hat| {
        println!("always: catA wears a {hat}");
        Ok(())
    })?;
    for hat in ["hatA", "hatB"] {
        println!("Publish: catA wears a {hat}");
        let published = topics.publish("cats", &hat)?;
        for failure in published.failures {
            println!("Failed: {failure}");
        }
        println!("Heard by: {}", published.heard);
    }

    // Each dog makes another one bark.
    let again = Arc::downgrade(&topics);
    let _echo = topics.subscribe("dogs", move |topic, hat| {
        if let Some(topics) = again.upgrade() {
            topics
                .publish(topic, hat)?
                .failures
                .pop()
                .map_or(Ok(()), Err)?;
        }
        Ok(())
    })?;
    println!("Publish: a dog wears a hatA");
    for failure in topics.publish("dogs", &"hatA")?.failures {
        println!("Failed: {failure}");
    }
    Ok(())
}
