"""A file server on this machine that misbehaves as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Manners:
    """`cuts` are how many bytes the next answers send before they hang up, `codes` what comes instead of one."""

    files: dict[str, bytes] = field(default_factory=dict)
    cuts: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    knows_ranges: bool = True
    honest_ranges: bool = True
    tag: str = '"first"'
    asked: list[tuple[str, str]] = field(default_factory=list)  # path and Range of each request


@contextmanager
def serving(manners: Manners) -> Iterator[str]:
    """The address of a server with these manners."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self, manners)

        def log_message(self, *_: object) -> None:
            """Nobody listens."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(request: BaseHTTPRequestHandler, manners: Manners) -> None:
    wanted = request.headers.get("Range", "")
    manners.asked.append((request.path, wanted))
    data = manners.files.get(request.path)
    if manners.codes or data is None:
        request.send_error(manners.codes.pop(0) if manners.codes else 404)
        return
    same = request.headers.get("If-Range", manners.tag) == manners.tag
    start = (
        int(wanted.removeprefix("bytes=").rstrip("-"))
        if wanted and manners.knows_ranges and same
        else 0
    )
    request.send_response(206 if start else 200)
    if start:
        told = start if manners.honest_ranges else start - 1
        request.send_header("Content-Range", f"bytes {told}-{len(data) - 1}/{len(data)}")
    request.send_header("Content-Length", str(len(data) - start))
    request.send_header("ETag", manners.tag)
    request.end_headers()
    rest = data[start:]
    request.wfile.write(rest[: manners.cuts.pop(0)] if manners.cuts else rest)
