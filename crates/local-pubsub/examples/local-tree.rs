//! Topics that lie inside each other: `cats` hears what `cats.catA` hears.
//! cargo run --example local-tree

use local_pubsub::{Subscription, Topics};

fn main() -> anyhow::Result<()> {
    let topics = Topics::default();
    let mut kept = Vec::new();
    for topic in ["", "cats", "cats.catA"] {
        kept.push(listen(&topics, topic)?);
    }
    for topic in ["cats.catA", "cats.catB", "cats", "dogs", "catsA"] {
        println!("Publish: {topic} wears a hatA");
        let heard = topics.publish(topic, &"hatA")?.heard;
        println!("Heard by: {heard}");
    }
    if let Err(error) = topics.publish("cats..catA", &"hatA") {
        println!("Refused: {error}");
    }
    Ok(())
}

/// Subscribes to a topic, until what it returns is dropped.
fn listen(
    topics: &Topics<&'static str>,
    topic: &'static str,
) -> anyhow::Result<Subscription<&'static str>> {
    let name = if topic.is_empty() {
        "everything"
    } else {
        topic
    };
    Ok(topics.subscribe(topic, move |about, hat| {
        println!("Subscribe to {name}: {about} wears a {hat}");
        Ok(())
    })?)
}
