"""Runs in the environment of ``doudian``: the SDK sends calls to an address here, and what came is told."""

from __future__ import annotations

import json
import logging
import os
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import shims


def main() -> None:
    """Standard input: ``[app_key, app_secret, [[path, parameters], …]]``; standard output: ``[[target, body], …]``."""
    os.environ["TZ"] = "Asia/Shanghai"
    time.tzset()
    logging.disable(logging.CRITICAL)
    app_key, app_secret, calls = json.load(sys.stdin)
    came: list[tuple[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            came.append((self.path, self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server, tempfile.TemporaryDirectory() as folder:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        tokens = Path(folder) / "tokens"
        tokens.write_text(json.dumps({"access_token": "t", "refresh_token": "r", "expires_in": time.time() + 600_000}))
        address = f"http://127.0.0.1:{server.server_port}"
        client = shims.doudian_client(address, app_key=app_key, app_secret=app_secret, token_file=str(tokens))
        for path, parameters in calls:
            client.request(path, parameters)
        server.shutdown()
        thread.join()
    json.dump(came, sys.stdout)


if __name__ == "__main__":
    main()
