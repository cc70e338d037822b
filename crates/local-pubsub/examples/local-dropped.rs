// ANCHOR: all
//! A subscription lasts as long as its handle.
//! cargo run --example local-dropped

use local_pubsub::Topics;

fn main() -> anyhow::Result<()> {
    let topics = Topics::default();
    let listener = |name: &'static str| {
        move |_: &str, hat: &&str| {
            println!("{name}: catA wears a {hat}");
            Ok(())
        }
    };
    let kept = topics.subscribe("cats", listener("kept"))?;
    // ANCHOR: trap
    let _named = topics.subscribe("cats", listener("named"))?;
    // `_` alone is no name: this handle is dropped at once.
    let _ = topics.subscribe("cats", listener("nameless"))?;
    // ANCHOR_END: trap
    {
        let _inner = topics.subscribe("cats", listener("inner"))?;
    } // Here its handle is dropped.

    println!("Publish: catA wears a hatA");
    topics.publish("cats.catA", &"hatA")?;
    drop(kept);
    println!("Publish: catA wears a hatB");
    topics.publish("cats.catA", &"hatB")?;
    Ok(())
}
// ANCHOR_END: all
