"""Data are fetched once on a node, however many processes want them at once, and whichever of them is killed."""

import gzip
import hashlib
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from launches import ROOT, wait_for

from models.specs import MNIST

FILES = {name: gzip.compress(bytes(16) + bytes([i]) * 784 * 5) for i, name in enumerate(MNIST.fingerprint)}

FETCH = """
import json, sys
from models.data.download import fetch
from models.specs import MNIST

url, sums = sys.argv[1], json.loads(sys.argv[2])
MNIST.fingerprint = sums
MNIST.url = url
print(*[path.name for path in fetch(MNIST())], sep="\\n")
"""


class Source(ThreadingHTTPServer):
    """Serves the files, and counts what it is asked for. The first answer stops half way until it may go on."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked, self.half_sent, self.go_on = Counter(), threading.Event(), threading.Event()
        self.daemon_threads = True


class Answer(BaseHTTPRequestHandler):
    def do_GET(self):
        source: Any = self.server
        name = self.path.removeprefix("/")
        content, is_first = FILES[name], not source.asked
        source.asked[name] += 1
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2])
        self.wfile.flush()
        if is_first:
            source.half_sent.set()
            source.go_on.wait(60)
        self.wfile.write(content[len(content) // 2 :])

    def log_message(self, format: str, *_: Any) -> None:  # noqa: A002 (the base's own name)
        pass


@pytest.fixture
def source():
    with Source() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.go_on.set()
        server.shutdown()


def wanting(source, cache):
    """A process that wants the data."""
    sums = {name: hashlib.md5(content).hexdigest() for name, content in FILES.items()}
    environment = {name: value for name, value in os.environ.items() if name != "COLLAPSAR_DATA"}
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, f"http://127.0.0.1:{source.server_port}/", json.dumps(sums)],
        env=environment | {"XDG_CACHE_HOME": str(cache)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )


def waiting():
    """The processes of this machine that wait for a lock."""
    lines = Path("/proc/locks").read_text().splitlines()
    return {int(line.split()[5]) for line in lines if "->" in line}


@pytest.mark.parametrize("is_killed", [False, True])
def test_a_file_is_fetched_once_by_all_who_want_it_at_once(source, tmp_path, is_killed):
    """One begins, two wait; where the first is killed half way, one of the others begins anew, and nobody reads the half."""
    first = wanting(source, tmp_path)
    assert source.half_sent.wait(60)
    others = [wanting(source, tmp_path) for _ in range(2)]
    wait_for(lambda: {other.pid for other in others} <= waiting(), "process that waits for the first", 30)
    if is_killed:
        first.kill()
        first.communicate()
    else:
        source.go_on.set()
        others.append(first)
    for process in others:
        assert process.communicate(timeout=60)[0].split() == list(FILES)
        assert process.returncode == 0
    begun_twice = {next(iter(FILES))} if is_killed else set()
    assert source.asked == {name: 2 if name in begun_twice else 1 for name in FILES}
    folder = tmp_path / "collapsar/mnist"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == FILES | {".lock": b""}
