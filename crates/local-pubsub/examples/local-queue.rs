//! Nothing is lost: whoever sends waits until there is room. Two send, one
//! receives, each message once.
//! cargo run --example local-queue

use tokio::sync::mpsc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let (sender, mut receiver) = mpsc::channel(2);
    for cat in ["catA", "catB"] {
        let sender = sender.clone();
        tokio::spawn(async move {
            for hat in ["hatA", "hatB", "hatC"] {
                // With two messages in the queue it waits here.
                if sender.send((cat, hat)).await.is_err() {
                    return;
                }
                println!("Sent: {cat} wears a {hat}");
            }
        });
    }
    // Else the receiver would wait for us, too.
    drop(sender);
    let mut received = 0;
    while let Some((cat, hat)) = receiver.recv().await {
        println!("Received: {cat} wears a {hat}");
        received += 1;
    }
    println!("Messages received: {received}");
    Ok(())
}
