#!/usr/bin/env python3
"""An SMTP server for tests, on a free port of the loopback address.

The first line of output is the port. Each mail that was taken is one line, a JSON object: from, to,
user (who signed in, or null), tls, raw (the text as it came), and what a mail reader makes of it:
headers (list of names), subject, date, message_id, body. The server ends when its input ends.

usage: smtp_server.py [--tls FOLDER] [--auth USER:PASSWORD] [--refuse N] [--stall]
  --tls FOLDER  offer STARTTLS with a certificate made for it; FOLDER/cert.pem is the root to trust
  --auth        take mail only from who signs in (after STARTTLS if there is --tls)
  --refuse N    refuse the first N recipients with 450
  --stall       accept connections and say nothing
"""

import argparse
import asyncio
import email
import email.policy
import json
import logging
import ssl
import subprocess
import sys

from aiosmtpd.smtp import SMTP, AuthResult


class Handler:
    def __init__(self, refuse):
        self.refuse = refuse

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self.refuse > 0:
            self.refuse -= 1
            return "450 4.2.0 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        user = session.auth_data
        print(json.dumps({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "user": user if isinstance(user, str) else None,
            "tls": session.ssl is not None,
            "raw": envelope.content.decode("utf-8", "backslashreplace"),
            "headers": list(message.keys()),
            "subject": str(message["Subject"]),
            "date": str(message["Date"]),
            "message_id": str(message["Message-ID"]),
            "body": message.get_content().replace("\r\n", "\n"),
        }), flush=True)
        return "250 OK"


def make_context(folder):
    """A TLS context with a new certificate for 127.0.0.1 and localhost."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
         "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
         "-keyout", folder + "/key.pem", "-out", folder + "/cert.pem"],
        check=True, stderr=subprocess.DEVNULL)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder + "/cert.pem", folder + "/key.pem")
    return context


def make_smtp(arguments, context, handler):
    if not arguments.auth:
        return SMTP(handler, tls_context=context, require_starttls=context is not None)
    name, password = arguments.auth.split(":", 1)

    def check(server, session, envelope, mechanism, data):
        good = data.login == name.encode() and data.password == password.encode()
        return AuthResult(success=good, handled=False, auth_data=name)

    return SMTP(handler, tls_context=context, require_starttls=context is not None,
                auth_required=True, auth_require_tls=context is not None, authenticator=check)


async def serve(arguments):
    loop = asyncio.get_running_loop()
    if arguments.stall:
        server = await asyncio.start_server(lambda reader, writer: asyncio.sleep(3600),
                                            "127.0.0.1", 0)
    else:
        context = make_context(arguments.tls) if arguments.tls else None
        handler = Handler(arguments.refuse)
        server = await loop.create_server(lambda: make_smtp(arguments, context, handler),
                                          "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tls", default="")
    parser.add_argument("--auth", default="")
    parser.add_argument("--refuse", type=int, default=0)
    parser.add_argument("--stall", action="store_true")
    logging.disable(logging.CRITICAL)  # refusals are what the tests are about
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
