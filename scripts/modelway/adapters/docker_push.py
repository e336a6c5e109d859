"""Pushes and pulls through the Docker engine, with credentials given for the one request.

No ``docker login``: nothing is written to ``~/.docker/config.json``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypedDict, TypeVar

from modelway.adapters import engine
from modelway.adapters.oci import Login
from modelway.core.image import Digest
from modelway.errors import Malformed, Unavailable
from modelway.ports import Clock

_FINAL = re.compile(
    r"denied|unauthorized|no basic auth|not exist|not found|immutable|invalid|unknown|no matching manifest",
    re.IGNORECASE,
)
_TRIES = 4
T = TypeVar("T")


class Refused(Exception):
    """The registry said no, and would say it again."""


class _Detail(TypedDict, total=False):
    current: int
    total: int


class _Aux(TypedDict, total=False):
    Digest: str


class _Event(TypedDict, total=False):
    """One message of the engine (Docker Engine API, ImagePush)."""

    id: str
    status: str
    error: str
    progressDetail: _Detail
    aux: _Aux


@dataclass(frozen=True, slots=True)
class Mover:
    """Moves images between this machine and registries."""

    say: Callable[[str], None]
    clock: Clock

    def push(self, local: str, repository: str, tag: str, login: Login) -> Digest:
        """Push under a tag; returns the digest the engine says it pushed, raises ``Refused``."""
        image = engine.image(local)
        if image is None:
            raise Unavailable(f"there is no local image {local}", cure="scripts/run build CONFIG")
        with engine.reached():
            image.tag(repository, tag)

        def once() -> Digest:
            stream: Iterable[_Event] = engine.client().api.push(
                repository, tag=tag, stream=True, decode=True, auth_config=_auth(login)
            )
            told = [event["aux"].get("Digest", "") for event in self._followed(stream) if "aux" in event]
            return Digest.parse([digest for digest in told if digest][-1])

        try:
            return self._insist(once, f"push to {repository}")
        finally:
            with engine.reached():
                engine.client().images.remove(f"{repository}:{tag}", noprune=True)

    def pull(self, source: str, local: str, platform: str, login: Login | None) -> None:
        """Bring ``repository@sha256:...`` here under a local name."""

        def once() -> None:
            stream: Iterable[_Event] = engine.client().api.pull(
                source, platform=platform, stream=True, decode=True, auth_config=_auth(login)
            )
            for _ in self._followed(stream):
                pass

        try:
            self._insist(once, f"pull {source}")
        except Refused as error:
            cure = "check image.source: its repository and digest; docker login to its registry"
            raise Malformed(f"{source} cannot be pulled", seen=str(error), cure=cure) from error
        image = engine.image(source)
        if image is None:
            cure = "run the same command again"
            raise Unavailable(f"the engine pulled {source} and does not have it", cure=cure)
        with engine.reached():
            image.tag(*local.rsplit(":", 1))

    def _insist(self, move: Callable[[], T], doing: str) -> T:
        """Try again, with back-off, what may pass."""
        from docker.errors import APIError  # noqa: PLC0415 - keeps --help fast

        seen: list[str] = []
        for attempt in range(_TRIES):
            try:
                with engine.reached():
                    return move()
            except (_Failed, APIError) as error:
                seen.append(str(error))
                if _FINAL.search(seen[-1]):
                    raise Refused(seen[-1]) from error
            self.say(f"could not {doing}, trying again")
            self.clock.sleep(2.0**attempt)
        raise Unavailable(
            f"the Docker engine could not {doing}",
            seen=f"{_TRIES} attempts; the last said: {seen[-1]}",
            cure="check the engine's network and proxy, then run the same command again",
        )

    def _followed(self, stream: Iterable[_Event]) -> Iterator[_Event]:
        """The engine's messages, its progress said and its error raised."""
        layers: dict[str, tuple[int, int]] = {}
        for event in stream:
            if "error" in event:
                raise _Failed(event["error"])
            detail = event.get("progressDetail", {})
            if "total" in detail:
                layers[event.get("id", "")] = detail.get("current", 0), detail["total"]
                done, total = (sum(sizes) / 2**20 for sizes in zip(*layers.values(), strict=True))
                self.say(f"{event.get('status', '')} {done:.0f} of {total:.0f} MiB")
            yield event


class _Failed(Exception):
    """The engine reported an error in its stream."""


def _auth(login: Login | None) -> dict[str, str] | None:
    return {"username": login.user, "password": login.password} if login else None
