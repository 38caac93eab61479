"""A minimal Flask + waitress program. The start of the emulator is compared with its start."""

import sys

from flask import Flask
from waitress.server import create_server

app = Flask(__name__)


@app.get("/")
def index() -> str:
    return ""


if __name__ == "__main__":
    server = create_server(app, host="127.0.0.1", port=0)
    sys.stdout.write(f"ready: http://127.0.0.1:{server.effective_port}\n")
    sys.stdout.flush()
    server.run()
