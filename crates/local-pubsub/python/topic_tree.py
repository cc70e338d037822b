"""Topics that lie inside each other: cats hears what cats.catA hears."""

from pubsub import pub

heard = []


# The first listener decides what a message consists of.
def everything(**message):
    heard.append("everything")


def cats(hat):
    heard.append("cats")


def cat_a(hat):
    heard.append("cats.catA")


pub.subscribe(everything, pub.ALL_TOPICS)
pub.subscribe(cats, "cats")
pub.subscribe(cat_a, "cats.catA")

for topic in ["cats.catA", "cats.catB", "cats", "dogs", "catsA"]:
    heard.clear()
    pub.sendMessage(topic, hat="hatA")
    # In which order they are called is not promised.
    print(f"Publish to {topic}, heard by:", *sorted(heard))
