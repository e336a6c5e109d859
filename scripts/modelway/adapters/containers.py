"""Runs images on this machine as SageMaker would: ``IMAGE serve`` on port 8080, ``IMAGE train``."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from modelway.adapters import container_files, engine
from modelway.adapters.clock import RealClock
from modelway.adapters.lines import clean
from modelway.core import mistakes
from modelway.core.mistakes import PING_SECONDS, PORT, Seen
from modelway.errors import Unavailable, Unhealthy
from modelway.ports import Clock, HttpAnswer, HttpRequest

if TYPE_CHECKING:
    from docker.models.containers import Container as Handle
    from requests import Session

_POLL = 0.1
_LOG_LINES = 20
_LONGEST_ANSWER = 60.0
"""Seconds SageMaker waits for /invocations."""
LABEL = "modelway"


@dataclass(frozen=True, slots=True)
class Running:
    """A ``ports.Container``."""

    handle: Handle
    address: str
    session: Session
    clock: Clock

    def invoke(self, request: HttpRequest, /) -> HttpAnswer:
        """POST to ``/invocations``; a connection that breaks is an answer with status 0."""
        from requests.exceptions import RequestException  # noqa: PLC0415 - keeps --help fast

        headers = {"Content-Type": request.content_type}
        if request.accept:
            headers["Accept"] = request.accept
        started = self.clock.monotonic()
        try:
            answer = self.session.post(
                f"{self.address}/invocations", data=request.body, headers=headers, timeout=_LONGEST_ANSWER
            )
        except RequestException as error:
            took = self.clock.monotonic() - started
            return HttpAnswer(status=0, body=str(error).encode(), content_type="", latency=took)
        return HttpAnswer(
            status=answer.status_code,
            body=answer.content,
            content_type=answer.headers.get("Content-Type", ""),
            latency=self.clock.monotonic() - started,
        )

    def logs(self, lines: int = _LOG_LINES) -> tuple[str, ...]:
        """Its last log lines."""
        return _logs(self.handle, lines)


class DockerContainers:
    """A ``ports.Containers``."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # A container starts as fast as it can in a rehearsal too: polling is never compressed.
        self._pause = RealClock().sleep

    @contextmanager
    def serve(
        self, tag: str, /, *, environment: Mapping[str, str], model: Path | None, timeout: float
    ) -> Iterator[Running]:
        """Run ``IMAGE serve`` until ``/ping`` answers; ``model`` is a folder or a ``model.tar.gz``."""
        from requests import Session  # noqa: PLC0415 - keeps --help fast

        with (
            container_files.unpacked(model) as folder,
            _container(tag, "serve", environment, folder) as handle,
        ):
            files = container_files.paths(folder) if folder else None
            started = _start(handle)
            if started:
                raise _unhealthy(tag, handle, Seen(start_error=started, model=files))
            with Session() as session:
                session.trust_env = False  # no proxy stands between us and this machine
                running = Running(handle, self._address(handle), session, self._clock)
                seen = self._wait(running, timeout, files)
                if seen:
                    raise _unhealthy(tag, handle, seen)
                yield running

    def train(self, tag: str, output: Path, /, *, environment: Mapping[str, str]) -> None:
        """Run ``IMAGE train`` to its end; what it leaves in ``/opt/ml/model`` lands in ``output``."""
        with _container(tag, "train", environment, None) as handle:
            handle.put_archive("/", container_files.training_folders())
            started = _start(handle)
            code = 0 if started else handle.wait()["StatusCode"]
            if started or code:
                seen = Seen(start_error=started, exit_code=code, logs=_logs(handle, _LOG_LINES))
                said = "\n".join((*seen.logs, container_files.text(handle, "/opt/ml/output/failure")))
                raise Unhealthy(
                    f"{tag}: train ended with exit code {code}"
                    if code
                    else f"{tag}: train could not be started",
                    seen=(started + "\n" + said).strip(),
                    cure="correct what its last log lines say",
                )
            container_files.fetch(handle, "/opt/ml/model", output)

    def _address(self, handle: Handle) -> str:
        """Where its port 8080 is published."""
        handle.reload()
        published = (handle.ports.get(f"{PORT}/tcp") or [{}])[0].get("HostPort")
        return f"http://127.0.0.1:{published}"

    def _wait(self, running: Running, timeout: float, files: tuple[str, ...] | None) -> Seen | None:
        """Ask ``/ping`` until it answers 200; what was seen instead, when it never did."""
        from requests.exceptions import ConnectionError as Refused  # noqa: PLC0415 - keeps --help fast
        from requests.exceptions import RequestException  # noqa: PLC0415 - keeps --help fast

        status: int | None = None
        slow = False
        begun = self._clock.monotonic()
        while self._clock.monotonic() - begun < timeout:
            try:
                answer = running.session.get(f"{running.address}/ping", timeout=PING_SECONDS)
                status, slow = answer.status_code, False
                if status == HTTPStatus.OK:
                    return None
            except Refused:
                pass
            except RequestException:
                slow = True
            running.handle.reload()
            if running.handle.status in {"exited", "dead"}:
                break
            self._pause(_POLL)
        waited = self._clock.monotonic() - begun
        return Seen(ping=status, slow=slow, model=files, waited=waited)


def _unhealthy(tag: str, handle: Handle, seen: Seen) -> Unhealthy:
    """Why it did not get healthy, with its last log lines."""
    handle.reload()
    state = handle.attrs["State"]
    full = replace(
        seen,
        exit_code=None if state["Running"] or seen.start_error else state["ExitCode"],
        killed_for_memory=bool(state.get("OOMKilled")),
        logs=_logs(handle, _LOG_LINES),
        sockets=_sockets(handle) if state["Running"] else None,
        image=engine.platform(tag),
        unusable=_unusable_serve(handle) if seen.start_error else "",
    )
    mistake = mistakes.diagnose(full)
    said = "\n".join(filter(None, (full.start_error, *full.logs)))
    return Unhealthy(
        f"{tag} does not serve as SageMaker needs it: {mistake.what}",
        seen=f"its last log lines:\n{said}" if said else "it logged nothing",
        cure=mistake.cure,
    )


@contextmanager
def _container(
    tag: str, command: str, environment: Mapping[str, str], model: Path | None
) -> Iterator[Handle]:
    """A container that is not started yet, and is removed whatever happens."""
    from docker.errors import APIError, ImageNotFound, NotFound  # noqa: PLC0415 - keeps --help fast

    # Named before it exists, so that Ctrl-C while the engine makes it leaves nothing behind.
    name = f"modelway-{command}-{secrets.token_hex(4)}"
    volumes = {str(model): {"bind": "/opt/ml/model", "mode": "ro"}} if model else {}
    try:
        with engine.reached():
            try:
                yield engine.client().containers.create(
                    tag,
                    [command],
                    name=name,
                    environment=dict(environment),
                    volumes=volumes,
                    ports={f"{PORT}/tcp": ("127.0.0.1", 0)} if command == "serve" else {},
                    labels={LABEL: command},
                )
            except ImageNotFound as error:
                raise Unavailable(
                    f"there is no local image {tag}", cure="scripts/run build CONFIG"
                ) from error
    finally:
        with suppress(NotFound, APIError):
            engine.client().containers.get(name).remove(force=True, v=True)


def _start(handle: Handle) -> str:
    """Start it; returns what the engine says where it cannot."""
    from docker.errors import APIError  # noqa: PLC0415 - keeps --help fast

    try:
        handle.start()
    except APIError as error:
        return str(error.explanation or error)
    return ""


def _logs(handle: Handle, lines: int) -> tuple[str, ...]:
    """Last log lines, without control characters."""
    said: bytes | Iterator[bytes] = handle.logs(tail=lines * 4)
    text = said.decode(errors="replace") if isinstance(said, bytes) else ""
    kept = [line for line in clean(text) if line]
    telling = [line for line in kept if "/ping" not in line]  # a failed health check repeats itself
    return tuple((telling or kept)[-lines:])


def _sockets(handle: Handle) -> tuple[mistakes.Socket, ...] | None:
    """What listens inside: asked there, or read from here for images without ``cat``."""
    from docker.errors import APIError  # noqa: PLC0415 - keeps --help fast

    text = ""
    with suppress(APIError):
        output = handle.exec_run(["cat", "/proc/net/tcp", "/proc/net/tcp6"]).output
        text = output.decode(errors="replace") if isinstance(output, bytes) else ""
    if "local_address" not in text:
        process = Path("/proc", str(handle.attrs["State"]["Pid"]))
        with suppress(OSError):
            # The engine may run on another machine, where this number is another process.
            if str(handle.id) in (process / "cgroup").read_text():
                text = "".join((process / "net" / name).read_text() for name in ("tcp", "tcp6"))
    return mistakes.sockets(text) if "local_address" in text else None


def _unusable_serve(handle: Handle) -> str:
    """A file named serve on the image's PATH that nobody may execute; empty where there is none."""
    from docker.errors import APIError  # noqa: PLC0415 - keeps --help fast

    variables = dict(entry.partition("=")[::2] for entry in handle.attrs["Config"].get("Env") or [])
    folders = [*variables.get("PATH", "").split(":"), handle.attrs["Config"].get("WorkingDir") or ""]
    for path in (f"{folder.rstrip('/')}/serve" for folder in folders if folder):
        with suppress(APIError):
            about = handle.get_archive(path)[1]
            if about and not about["mode"] & 0o111:
                return path
    return ""
