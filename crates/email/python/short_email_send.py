"""Writes a letter and hands it to a server.
Run: python short_email_send.py [HOST:PORT]
In Rust: examples/short-email-send.rs"""
import smtplib
import sys
from email.message import EmailMessage

address = (sys.argv[1:] + ["127.0.0.1:2525"])[0]

# The letter. Bcc goes on the envelope only.
letter = EmailMessage()
letter["From"] = "Alice <alice@example.com>"
letter["To"] = "Bob <bob@example.org>"
letter["Bcc"] = "Carol <carol@example.net>"
letter["Subject"] = "Which hat?"
letter.set_content("catA wears a hatB.")

# The talk: EHLO, MAIL, RCPT, DATA, QUIT.
with smtplib.SMTP(address) as server:
    print("Send: Which hat?", flush=True)
    server.send_message(letter)
    print("The server says: 250", flush=True)
