"""aiosmtpd into a Maildir, each letter synced by Python's mailbox module. (Its
own handler of that name writes each letter anew, and not quite the same.)
Run: python aiosmtpd_maildir.py DIR"""
import asyncio
import mailbox
import sys

from aiosmtpd.smtp import SMTP


class Keeper:
    def __init__(self, folder):
        self.maildir = mailbox.Maildir(folder)

    async def handle_DATA(self, server, session, envelope):
        self.maildir.add(envelope.content)
        return "250 kept"


async def main():
    keeper = Keeper(sys.argv[1])
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: SMTP(keeper), "127.0.0.1", 0)
    print("Ready at %s:%s" % listener.sockets[0].getsockname(), flush=True)
    await listener.serve_forever()

asyncio.run(main())
