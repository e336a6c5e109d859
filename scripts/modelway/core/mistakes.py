"""Why a container does not serve as SageMaker wants it, from what was seen of it.

The contract: ``docker run IMAGE serve``, port 8080 on all interfaces, ``GET /ping`` answered with 200
within two seconds, the artifact unpacked under ``/opt/ml/model``
(docs.aws.amazon.com/sagemaker/latest/dg/your-algorithms-inference-code.html).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

PORT = 8080
PING_SECONDS = 2.0
_LISTENING = re.compile(
    r"\s*\d+: (?P<address>[0-9A-F]{8}|[0-9A-F]{32}):(?P<port>[0-9A-F]{4}) [0-9A-F]+:0000 0A "
)
_LOOPBACK = ("0100007F", "00000000000000000000000001000000", "0000000000000000FFFF00000100007F")
_NOT_FOUND = re.compile(
    r"executable file not found|no such file or directory|serve: not found", re.IGNORECASE
)
_NO_INTERPRETER = re.compile(r"^exec \S+: no such file or directory", re.MULTILINE)
_OUT_OF_MEMORY = 137
_CANNOT_RUN, _NO_COMMAND = 126, 127


@dataclass(frozen=True, slots=True, kw_only=True)
class Socket:
    """A port something listens on in the container."""

    port: int
    loopback: bool
    """Reachable from inside the container only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was seen of a container that did not get healthy."""

    start_error: str = ""
    """What the engine said when it could not start it."""
    unusable: str = ""
    """A file named serve on PATH that may not be executed."""
    exit_code: int | None = None
    """``None`` while it runs."""
    killed_for_memory: bool = False
    logs: tuple[str, ...] = ()
    sockets: tuple[Socket, ...] | None = None
    """``None`` where it could not be looked at."""
    ping: int | None = None
    """The last status ``/ping`` answered; ``None`` where it never did."""
    slow: bool = False
    """The last ``/ping`` took longer than SageMaker waits."""
    model: tuple[str, ...] | None = None
    """Paths under ``/opt/ml/model``; ``None`` where the version has no artifact."""
    waited: float = 0.0
    image: str = ""
    """The image's platform, ``linux/arm64`` say."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, and what to do about it."""

    what: str
    cure: str


def diagnose(seen: Seen) -> Mistake:
    """The usual mistake behind what was seen; the most telling one first."""
    return _not_started(seen) or _layout(seen) or _exited(seen) or _not_listening(seen) or _ping(seen)


def sockets(proc_net_tcp: str) -> tuple[Socket, ...]:
    """What listens, from the text of ``/proc/net/tcp`` and ``/proc/net/tcp6`` (man 5 proc; state 0A)."""
    found = {
        Socket(port=int(match["port"], 16), loopback=match["address"] in _LOOPBACK)
        for match in map(_LISTENING.match, proc_net_tcp.splitlines())
        if match
    }
    return tuple(sorted(found, key=lambda socket: (socket.port, socket.loopback)))


def _not_started(seen: Seen) -> Mistake | None:
    """``serve`` could not be run at all."""
    said = "\n".join((seen.start_error, *seen.logs))
    if "exec format error" in said:
        return Mistake(
            f"the image is for another processor ({seen.image or 'unknown'}), or serve has no #! line",
            "set image.platform to linux/amd64 and build again; begin the serve script with #!/bin/sh",
        )
    if _NO_INTERPRETER.search(said):
        return Mistake(
            "serve cannot be run: the interpreter in its #! line is not in the image",
            "correct its #! line, and see that its lines end in LF, not CR LF",
        )
    if not seen.start_error and seen.exit_code not in {_CANNOT_RUN, _NO_COMMAND}:
        return None
    if seen.unusable or "permission denied" in said.lower():
        return Mistake(
            f"{seen.unusable or 'serve'} is not executable",
            "chmod +x it in the repository, commit that, and build again",
        )
    if _NOT_FOUND.search(said):
        return Mistake(
            "serve was not found in the image: SageMaker runs `docker run IMAGE serve`",
            "put a program named serve into a folder on PATH, or an ENTRYPOINT that understands serve",
        )
    if "permission denied" in said.lower():
        return Mistake(
            "serve is not executable", "chmod +x serve in the repository, commit it and build again"
        )
    return Mistake("serve could not be started", "run `docker run --rm IMAGE serve` and read what it says")


def _layout(seen: Seen) -> Mistake | None:
    """The artifact is not what the container expects under ``/opt/ml/model``."""
    healthy_but_unhappy = seen.exit_code is None and seen.ping is not None and not seen.slow
    if seen.model is None or healthy_but_unhappy:
        return None
    if not seen.model:
        return Mistake(
            "the artifact is empty: nothing is in /opt/ml/model",
            "put the model's files into model.tar.gz, at its top",
        )
    nested = [path for path in seen.model if path.endswith((".tar.gz", ".tgz"))]
    if nested:
        return Mistake(
            f"the artifact holds another archive ({nested[0]}), which SageMaker does not unpack",
            "tar the model's files themselves: tar -czf model.tar.gz -C FOLDER .",
        )
    tops = {path.split("/", 1)[0] for path in seen.model}
    if len(tops) == 1 and all("/" in path for path in seen.model) and _missing_file(seen.logs):
        top = next(iter(tops))
        return Mistake(
            f"the artifact has all its files in a folder {top}/, so they are in /opt/ml/model/{top}/",
            f"tar from inside the folder: tar -czf model.tar.gz -C {top} .",
        )
    return None


def _missing_file(logs: Iterable[str]) -> bool:
    """Whether the log speaks of a file that is not there."""
    text = "\n".join(logs)
    return bool(
        re.search(r"no such file|FileNotFound|is missing|does not exist|not found", text, re.IGNORECASE)
    )


def _exited(seen: Seen) -> Mistake | None:
    """It ended by itself."""
    if seen.exit_code is None:
        return None
    if seen.killed_for_memory or seen.exit_code == _OUT_OF_MEMORY:
        return Mistake(
            "the container was killed, most likely for want of memory",
            "give the engine more memory, load fewer workers, or a smaller model",
        )
    if seen.exit_code == 0:
        return Mistake(
            "serve ended by itself, with success: it must keep running in the foreground",
            "start the server in the foreground (exec gunicorn ..., no --daemon, no &)",
        )
    return Mistake(f"serve ended with exit code {seen.exit_code}", "correct what its last log lines say")


def _not_listening(seen: Seen) -> Mistake | None:
    """It runs and cannot be reached."""
    if seen.sockets is None or seen.ping is not None:
        return None
    here = [socket for socket in seen.sockets if socket.port == PORT]
    if any(not socket.loopback for socket in here):
        return None
    if here:
        return Mistake(
            f"the server listens on 127.0.0.1:{PORT}, inside the container only",
            f"bind to 0.0.0.0:{PORT}",
        )
    ports = ", ".join(str(socket.port) for socket in seen.sockets)
    where = f"it listens on {ports} instead" if ports else "nothing listens at all"
    return Mistake(
        f"the server does not listen on port {PORT}: {where}",
        f"bind to 0.0.0.0:{PORT}",
    )


def _ping(seen: Seen) -> Mistake:
    """It can be reached and says that it is not healthy."""
    if seen.slow or seen.ping is None:
        return Mistake(
            f"GET /ping took longer than {PING_SECONDS:g} s, all through {seen.waited:.0f} s of waiting",
            "answer /ping at once: load the model before the server starts, not in /ping",
        )
    return Mistake(
        f"GET /ping answered {seen.ping}, SageMaker wants 200",
        "add a route GET /ping that answers 200 when the model is loaded",
    )
