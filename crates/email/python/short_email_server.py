"""Takes letters by SMTP and prints them.
Run: python short_email_server.py [HOST:PORT]
In Rust: examples/short-email-server.rs"""
import asyncio, sys
from aiosmtpd.smtp import SMTP

address = (sys.argv[1:] + ["127.0.0.1:2525"])[0]


class Printer:
    async def handle_DATA(self, server, session, envelope):
        # The envelope: who it is from, and who gets it.
        print(f"Envelope: MAIL FROM:<{envelope.mail_from}>")
        for to in envelope.rcpt_tos:
            print(f"Envelope: RCPT TO:<{to}>")
        # The letter.
        for line in envelope.content.decode().splitlines():
            print(f"| {line}", flush=True)
        return "250 ok"


async def main():
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(
        lambda: SMTP(Printer()), *address.split(":"))
    name = listener.sockets[0].getsockname()
    print("Waiting at %s:%s" % name, flush=True)
    await listener.serve_forever()

asyncio.run(main())
