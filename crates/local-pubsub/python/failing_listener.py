"""A listener that fails keeps the message from those that come after it."""

from pubsub import pub

called = []


def failing(name):
    def hear(hat):
        called.append(name)
        raise ValueError(f"no room for a {hat}")

    return hear


listeners = [failing(name) for name in ("first", "second", "third")]
for listener in listeners:
    pub.subscribe(listener, "cats")

print("Publish: catA wears a hatA")
try:
    pub.sendMessage("cats", hat="hatA")
except ValueError as error:
    print("The publisher gets the error:", error)
print("Called:", len(called), "of", len(listeners))
