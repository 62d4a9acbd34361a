"""A stub in the place of `models.generators.vllm_child`: quick, and it fails as the name of its model says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

from models.generators.vllm_child import CANNOT_RUN


class _Models(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"object": "list", "data": [{"id": "stub", "object": "model"}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def main() -> None:
    arguments = dict(zip(sys.argv[2:-1], sys.argv[3:], strict=True))
    behaviour = Path(arguments["--model"]).name
    print("the stub starts", flush=True)
    if behaviour == "exits":
        sys.exit("ValueError: this model is no model")
    if behaviour == "cannot-run":
        print("vLLM needs the system library libnuma.so.1. Install it: apt-get install libnuma1", flush=True)
        sys.exit(CANNOT_RUN)
    if behaviour == "hangs":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        time.sleep(600)
    HTTPServer(("127.0.0.1", int(arguments["--port"])), _Models).serve_forever()


if __name__ == "__main__":
    assert os.getppid() == int(sys.argv[1])
    main()
