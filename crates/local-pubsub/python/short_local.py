"""A publisher and a subscriber in one process."""

from pubsub import pub

NEWS = [
    ("catD", "hatA"),
    ("catC", "hatB"),
    ("catA", "hatA"),
    ("catB", "hatD"),
]


def show(cat, hat):
    print(f"Subscribe: {cat} wears a {hat}")


# Each cat is a topic. The function is called for each
# message about these two.
pub.subscribe(show, "catA")
pub.subscribe(show, "catC")

sent = 0
for cat, hat in NEWS:
    sent += 1
    news = f"{cat} wears a {hat}"
    print(f"Publish: message {sent} : {news}")
    # Calls whoever has subscribed, and returns after that.
    pub.sendMessage(cat, cat=cat, hat=hat)
