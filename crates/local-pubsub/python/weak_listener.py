"""PyPubSub keeps no listener alive: some are gone before the first message."""

from pubsub import pub

heard = []


class Listener:
    def hear(self, hat):
        heard.append("method")


def function(hat):
    heard.append("function")


listener = Listener()
pub.subscribe(function, "cats")
pub.subscribe(listener.hear, "cats")
# Nobody else keeps these two.
pub.subscribe(lambda hat: heard.append("lambda"), "cats")
pub.subscribe(Listener().hear, "cats")

pub.sendMessage("cats", hat="hatA")
print("Publish: hatA, heard by:", *sorted(heard))
heard.clear()
del listener
pub.sendMessage("cats", hat="hatB")
print("Publish: hatB, heard by:", *sorted(heard))
