"""Serve the built book on this machine: ``python -m tools.serve [port]``.

A port that is taken is passed over, as Jupyter does.
"""

from __future__ import annotations

import argparse
import errno
import functools
import sys
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

from tools.notebooks import ROOT

BOOK = ROOT / "_build" / "html"
LAST_PORT = 65535


def port_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= LAST_PORT):
        raise argparse.ArgumentTypeError(f"port must be a whole number from 1 to {LAST_PORT}, got {text!r}")
    return int(text)


def server_on(port: int, tries: int = 20) -> ThreadingHTTPServer:
    """A server of the book on the first free one of ``tries`` ports.

    Raises:
        SystemExit: None of them can be had; the message says why and what to do.
    """
    handler = functools.partial(SimpleHTTPRequestHandler, directory=BOOK)
    for candidate in range(port, min(port + tries, LAST_PORT + 1)):
        try:
            return ThreadingHTTPServer(("localhost", candidate), handler)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            print(f"port {candidate} cannot be used ({error.strerror}), trying the next one", flush=True)
    raise SystemExit(f"error: no free port from {port} on: choose another one, as in `make serve PORT=9000`")


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.serve", description=__doc__.splitlines()[0])
    parser.add_argument("port", nargs="?", type=port_number, default=8000, help="where to look first")
    with server_on(parser.parse_args(arguments).port) as server:
        print(f"The book is on http://localhost:{server.server_port}/ (Ctrl+C ends it)", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.exit(0)


if __name__ == "__main__":
    main()
