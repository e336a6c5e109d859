"""``python -m modelway.rehearsal.cloud``: a rehearsal cloud, and the supervisor that leaves nothing behind.

Whoever dies first, containers and processes go: the starter (its end of standard input closes), the
supervisor (Linux tells the server), the server (the supervisor removes what it had started).
"""

from __future__ import annotations

import argparse
import ctypes
import os
import secrets
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from modelway.errors import Failure, Unavailable
from modelway.rehearsal.namespace import namespace

if TYPE_CHECKING:
    from docker import DockerClient

_PR_SET_PDEATHSIG = 1
_GRACE_SECONDS = 30


def main(engine: Callable[[], DockerClient] | None = None) -> int:
    """Serve until SIGTERM, SIGINT or the end of standard input.

    ``engine`` runs containers instead of Docker.
    """
    options = _parse()
    options.state.mkdir(parents=True, exist_ok=True)
    run = f"{os.getpid()}-{namespace()}-{secrets.token_hex(4)}"
    supervisor = os.getpid()
    server = os.fork()
    if server == 0:
        os._exit(_serve(run, options, supervisor, engine))
    if not options.keep:
        threading.Thread(target=_watch, daemon=True).start()
    return _supervise(server, run, options.state)


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="modelway.rehearsal.cloud", description=__doc__)
    parser.add_argument("--state", type=Path, required=True, help="folder for this run's files")
    parser.add_argument(
        "--blobs", type=Path, help="folder that keeps image layers between runs (default: STATE/blobs)"
    )
    parser.add_argument(
        "--clock-factor", type=float, default=1.0, help="how many seconds pass for one on the wall"
    )
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: a free one)")
    parser.add_argument("--keep", action="store_true", help="do not stop when standard input ends")
    return parser.parse_args()


def _serve(
    run: str, options: argparse.Namespace, supervisor: int, engine: Callable[[], DockerClient] | None
) -> int:
    """The server's half of the fork."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the supervisor decides
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != supervisor:  # it was faster than the line above
        return Failure.exit_code
    from modelway.rehearsal import serve  # noqa: PLC0415 - the supervisor stays small

    try:
        serve.serve(
            serve.Options(
                run=run,
                state=options.state.resolve(),
                blobs=(options.blobs or options.state / "blobs").resolve(),
                port=options.port,
                clock_factor=options.clock_factor,
            ),
            engine,
        )
    except Failure as failure:
        sys.stderr.write(f"{failure}\n")
        return failure.exit_code
    except OSError as error:
        sys.stderr.write(f"The rehearsal cloud could not start: {error}\n")
        return Unavailable.exit_code
    except BaseException:  # noqa: BLE001 - nothing may run on in this half of the fork
        traceback.print_exc()
        return Failure.exit_code
    return 0


def _watch() -> None:
    """Stop when whoever started this is gone: nobody else holds the other end of standard input."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _supervise(server: int, run: str, state: Path) -> int:
    def stop(*_: object) -> None:
        os.kill(server, signal.SIGTERM)
        signal.alarm(_GRACE_SECONDS)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGALRM, lambda *_: os.kill(server, signal.SIGKILL))
    _, status = os.waitpid(server, 0)
    signal.alarm(0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        _bury(run, state)
    return code if code >= 0 else 1


def _bury(run: str, state: Path) -> None:
    """Remove what a server that was killed could not."""
    from modelway.rehearsal import leftovers  # noqa: PLC0415 - hardly ever needed

    (state / "cloud.json").unlink(missing_ok=True)
    if leftovers.reach_engine():
        leftovers.remove_containers(lambda other: other == run)
        leftovers.remove_orphans()


if __name__ == "__main__":
    raise SystemExit(main())
