"""What BuildKit says while it builds (``--progress=plain``), and what its failures mean."""

from __future__ import annotations

import re
from collections import deque
from dataclasses import dataclass, field

from modelway.errors import Failure, Malformed, Unavailable

_LINE = re.compile(r"#(?P<step>\d+) (?P<text>.*)")
_HEADING = re.compile(r"\[(?:[\w.-]+ +)?\d+/\d+\] .+|\[internal\] load metadata for .+")
_TIMED = re.compile(r"^\d+\.\d+ ")
_NOISE = re.compile(r"sha256:[0-9a-f]{64}.*|DONE .*|CACHED|transferring .*|extracting .*|resolve .*|\.\.\.")
_RAN = re.compile(r"executor failed running|did not complete successfully|process \".*\" did not")
_CERTIFICATE = re.compile(
    r"CERTIFICATE_VERIFY_FAILED|SSLCertVerificationError|self.signed certificate", re.IGNORECASE
)
_OFFLINE = re.compile(
    r"Temporary failure in name resolution|Could not resolve host|NewConnectionError|Network is unreachable"
    r"|ReadTimeoutError|ConnectTimeoutError"
)
_ENGINE = re.compile(
    r"Cannot connect to the Docker daemon|failed to dial gRPC|error during connect|connection to the daemon"
    r"|permission denied while trying to connect",
    re.IGNORECASE,
)
_DENIED = re.compile(
    r"pull access denied|authorization failed|unauthorized|no basic auth|failed to authorize", re.IGNORECASE
)
_REGISTRY = re.compile(
    r"failed to do request|no such host|i/o timeout|TLS handshake|connection re(?:fused|set)|toomanyrequests"
    r"|unexpected status.*(?:429|5\d\d)",
    re.IGNORECASE,
)
_KEPT = 20
_WIDEST = 100


@dataclass(slots=True)
class Progress:
    """The steps of one build as they go by."""

    current: str = ""
    """Heading of the step that speaks."""
    failed: int = 0
    """Number of the step that failed, 0 if none did."""
    headings: dict[int, str] = field(default_factory=dict)
    tails: dict[int, deque[str]] = field(default_factory=dict)
    last: deque[str] = field(default_factory=lambda: deque(maxlen=_KEPT))

    def read(self, line: str) -> None:
        """Take in one line."""
        parsed = _LINE.fullmatch(line)
        if not parsed:
            if line.strip() and not line.startswith(("------", " > ")):
                self.last.append(line)
            return
        step, text = int(parsed["step"]), parsed["text"]
        if _HEADING.fullmatch(text):
            self.headings[step] = self.current = _short(text)
        elif text.startswith("ERROR"):
            self.failed = step
        elif not _NOISE.fullmatch(text):
            self.tails.setdefault(step, deque(maxlen=_KEPT)).append(_TIMED.sub("", text))

    def failure(self) -> Failure:
        """Why the build failed: the Dockerfile, or what it stands on."""
        step = self.headings.get(self.failed, "")
        said = [*self.tails.get(self.failed, ()), *self.last]
        seen, end = "\n".join(said[-_KEPT:]), "\n".join(self.last)
        ran = bool(_RAN.search(end))
        if not ran and (unavailable := _surroundings(end, seen)):
            return unavailable
        if ran and _CERTIFICATE.search(seen):
            return Unavailable(
                f"the build could not verify a server's certificate in {step}",
                seen=seen,
                cure="mount your CA bundle as a build secret:"
                " image.build_secrets: [{id: ca_bundle, file: /etc/ssl/certs/ca-certificates.crt}]",
            )
        if ran and _OFFLINE.search(seen):
            cure = (
                "check the network of builds (proxy: HTTP_PROXY in ~/.docker/config.json), then run it again"
            )
            return Unavailable(f"the build could not reach the network in {step}", seen=seen, cure=cure)
        what = f"the build failed in {step}" if step else "the Dockerfile cannot be built"
        return Malformed(what, seen=seen, cure="correct the Dockerfile or the files it copies")


def _short(heading: str) -> str:
    """A step's heading on one line."""
    flat = " ".join(heading.split())
    return flat if len(flat) <= _WIDEST else f"{flat[: _WIDEST - 3]}..."


def _surroundings(end: str, seen: str) -> Unavailable | None:
    """The failure, if it is not the Dockerfile's."""
    if _ENGINE.search(end):
        return Unavailable(
            "the Docker engine does not answer", seen=seen, cure="start Docker, then run it again"
        )
    if "no space left on device" in end:
        return Unavailable(
            "the disk is full", seen=seen, cure="docker builder prune; docker image prune; then run it again"
        )
    if _DENIED.search(end):
        return Unavailable(
            "a base image may not be pulled",
            seen=seen,
            cure="check its name; docker login to its registry where it is private; then run it again",
        )
    if _REGISTRY.search(end):
        return Unavailable(
            "a registry could not be reached for a base image",
            seen=seen,
            cure="check network and proxy, or set the base to a mirror (image.build_args); then run it again",
        )
    return None
