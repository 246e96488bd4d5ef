"""An HTTP server on this machine, with files that behave badly too."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Server(ThreadingHTTPServer):
    """Serves `files` by their paths; those in `stalling` end in silence, those in `trickling` in a byte now and then.

    Args:
        files: path -> contents.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files = files
        self.stalling: set[str] = set()
        self.trickling: set[str] = set()
        self.moved: dict[str, str] = {}
        self.asked: list[str] = []
        self.over = threading.Event()

    @property
    def address(self) -> str:
        """What its addresses begin with."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """Answers GET."""

    server: Server

    def do_GET(self) -> None:
        """One file."""
        server, path = self.server, self.path
        server.asked.append(path)
        if path in server.moved:
            self.send_response(302)
            self.send_header("Location", server.moved[path])
            self.end_headers()
            return
        if path not in server.files:
            self.send_error(404)
            return
        if path == "/silent":
            server.over.wait()
            return
        self.send_response(200)
        self.end_headers()
        try:
            self.wfile.write(server.files[path])
            while path in server.trickling and not server.over.wait(0.005):
                self.wfile.write(b"x")
            if path in server.stalling:
                server.over.wait()
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def serving(files: dict[str, bytes]) -> Iterator[Server]:
    """A server that ends with the block."""
    server = Server(files)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        server.server_close()
        thread.join()
