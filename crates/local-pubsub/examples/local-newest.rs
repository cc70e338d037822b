//! Only the newest value counts: what was there in between is never seen.
//! cargo run --example local-newest

use tokio::sync::watch;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    // The first value counts as seen.
    let (publisher, mut subscriber) = watch::channel("no hat");
    let listening = tokio::spawn(async move {
        while subscriber.changed().await.is_ok() {
            let hat = *subscriber.borrow_and_update();
            println!("Subscribe: catA wears a {hat}");
        }
    });
    for hat in ["hatA", "hatB", "hatC"] {
        println!("Publish: catA wears a {hat}");
        publisher.send(hat)?;
    }
    // Lets the subscriber look.
    tokio::task::yield_now().await;
    println!("Publish: catA wears a hatD");
    publisher.send("hatD")?;
    // The value of a publisher that is gone is still told.
    drop(publisher);
    listening.await?;
    Ok(())
}
