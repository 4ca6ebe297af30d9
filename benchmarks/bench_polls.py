"""How many "nothing new" polls a second nginx answers from the policy repository, on this machine.

A client that has the newest policy asks for ``timestamp.json`` with ``If-None-Match`` and gets 304.
nginx serves the files as docs/publishing.md has it; wrk asks. Both share the processors.

    python benchmarks/bench_polls.py --seconds 10
"""

from __future__ import annotations

import argparse
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from jupyter_tos_guard.central.publishing.setup import ensure_repository

CONFIGURATION = """
worker_processes auto;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    sendfile on;
    open_file_cache max=1000 inactive=60s;
    open_file_cache_valid 1s;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        root {root};
        location / {{ add_header Cache-Control "public, no-cache"; }}
    }}
}}
"""


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--connections", type=int, default=100)
    options = parser.parse_args()
    nginx, wrk = shutil.which("nginx"), shutil.which("wrk")
    if not nginx or not wrk:
        sys.exit("nginx and wrk are needed: apt-get install nginx-light wrk")
    with tempfile.TemporaryDirectory(prefix="tosg-polls-") as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx's workers are another user
        ensure_repository(folder / "state")
        (folder / "state").chmod(0o755)
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        configuration = folder / "nginx.conf"
        configuration.write_text(
            CONFIGURATION.format(folder=folder, port=port, root=folder / "state" / "repository")
        )
        server = subprocess.Popen([nginx, "-c", str(configuration), "-g", "daemon off;"])
        try:
            url = f"http://127.0.0.1:{port}/metadata/timestamp.json"
            tag = etag_of(url)
            done = subprocess.run(
                [
                    wrk,
                    "-t2",
                    f"-c{options.connections}",
                    f"-d{options.seconds}s",
                    "--latency",
                    "-H",
                    f"If-None-Match: {tag}",
                    url,
                ],
                capture_output=True,
                text=True,
                check=True,
            )
            print(done.stdout)
            unchanged = unchanged_at(url, tag)
            rate = re.search(r"Requests/sec:\s*([\d.]+)", done.stdout)
            print(f"{rate[1] if rate else '?'} polls a second; each is a {unchanged}")
        finally:
            server.terminate()
            server.wait(30)


def etag_of(url: str) -> str:
    """Return the file's tag once nginx answers."""
    deadline = time.monotonic() + 30
    while not (found := tag_at(url)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def tag_at(url: str) -> str:
    """Return the file's tag, nothing when nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return str(answer.headers["ETag"])
    except urllib.error.URLError:
        return ""


def unchanged_at(url: str, tag: str) -> int:
    """Return the status of one poll."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, headers={"If-None-Match": tag}), timeout=10
        ) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


if __name__ == "__main__":
    main()
