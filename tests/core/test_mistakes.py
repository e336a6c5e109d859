"""The usual mistakes of SageMaker containers, each told from what was seen of it."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from modelway.core.mistakes import Seen, Socket, diagnose, sockets

NOT_FOUND = 'exec: "serve": executable file not found in $PATH: unknown'
OPEN, INSIDE = Socket(port=8080, loopback=False), Socket(port=8080, loopback=True)

CASES: Mapping[str, tuple[Seen, str]] = {
    "no serve": (Seen(start_error=NOT_FOUND), "serve was not found in the image"),
    "serve is a plain file": (
        Seen(start_error=NOT_FOUND, unusable="/opt/program/serve"),
        "/opt/program/serve is not executable",
    ),
    "not executable, as the engine says": (
        Seen(start_error='exec: "/serve": permission denied'),
        "serve is not executable",
    ),
    "a shell could not find it": (Seen(exit_code=127, logs=("sh: serve: not found",)), "serve was not found"),
    "no interpreter": (
        Seen(exit_code=1, logs=("exec /usr/local/bin/serve: no such file or directory",)),
        "the interpreter in its #! line",
    ),
    "another processor": (
        Seen(exit_code=1, logs=("exec /serve: exec format error",), image="linux/arm64"),
        "another processor (linux/arm64)",
    ),
    "ends at once": (Seen(exit_code=0), "must keep running in the foreground"),
    "crashes": (Seen(exit_code=3, logs=("boom",)), "ended with exit code 3"),
    "out of memory": (Seen(exit_code=137), "want of memory"),
    "out of memory, as the engine says": (Seen(exit_code=1, killed_for_memory=True), "want of memory"),
    "empty artifact": (Seen(exit_code=1, model=()), "nothing is in /opt/ml/model"),
    "archive in the archive": (Seen(exit_code=1, model=("model.tar.gz",)), "another archive (model.tar.gz)"),
    "all in a folder": (
        Seen(exit_code=1, model=("m/a", "m/b/c"), logs=("FileNotFoundError: a",)),
        "all its files in a folder m/",
    ),
    "a folder is no mistake when nothing misses a file": (
        Seen(exit_code=1, model=("m/a",), logs=("out of luck",)),
        "ended with exit code 1",
    ),
    "another port": (Seen(sockets=(Socket(port=5000, loopback=False),)), "it listens on 5000 instead"),
    "no port": (Seen(sockets=()), "nothing listens at all"),
    "inside only": (Seen(sockets=(INSIDE,)), "127.0.0.1:8080, inside the container only"),
    "no route": (Seen(ping=404, sockets=(OPEN,)), "GET /ping answered 404"),
    "no route, and a fine artifact in a folder": (
        Seen(ping=404, sockets=(OPEN,), model=("m/a",), logs=("not found",)),
        "GET /ping answered 404",
    ),
    "slow": (Seen(slow=True, sockets=(OPEN,), waited=60), "longer than 2 s, all through 60 s"),
    "listening and silent": (Seen(sockets=(OPEN,), waited=9), "longer than 2 s"),
    "nothing could be looked at": (Seen(waited=9), "longer than 2 s"),
}


@pytest.mark.parametrize(("seen", "what"), CASES.values(), ids=CASES.keys())
def test_diagnosis(seen: Seen, what: str) -> None:
    mistake = diagnose(seen)
    assert what in mistake.what
    assert mistake.cure


PROC = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   1: 00000000:1388 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
   2: 0200000A:1F90 0100000A:D431 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0 100 0 0 10 0
  sl  local_address                         remote_address                        st tx_queue rx_queue
   0: 00000000000000000000000000000000:1F91 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0
   1: 00000000000000000000000001000000:1F92 00000000000000000000000000000000:0000 0A 00000000:00000000 00:0
"""


def test_listening_sockets_are_read_and_connections_are_not() -> None:
    assert sockets(PROC) == (
        Socket(port=5000, loopback=False),
        Socket(port=8080, loopback=True),
        Socket(port=8081, loopback=False),
        Socket(port=8082, loopback=True),
    )
