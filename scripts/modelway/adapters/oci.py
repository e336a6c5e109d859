"""A registry's own HTTP interface: manifests, blobs, and logging in to registries that are not ours.

OCI distribution-spec 1.1; https://distribution.github.io/distribution/spec/auth/token
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from modelway.core.image import DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, Digest
from modelway.core.manifest import Blob, Manifest, digest_of, read, referrers
from modelway.errors import Differs, Unavailable

if TYPE_CHECKING:
    from requests import Response, Session

ACCEPTED = (DOCKER_MANIFEST, DOCKER_INDEX, OCI_MANIFEST, OCI_INDEX)
_CHUNK = 1 << 20
_TIMEOUT = (5, 60)
_UNAUTHORIZED, _NOT_FOUND = 401, 404
_NO_REFERRERS = {400, 404, 405, 406, 501}
"""How registries say that they have no referrers API: 404 is the specification's, the others are seen."""
_PAGES = 1000
_CHALLENGE = re.compile(r'(\w+)="([^"]*)"')


@dataclass(frozen=True, slots=True)
class Login:
    """A user of a registry."""

    user: str
    password: str


class Repository:
    """One repository of one registry."""

    def __init__(self, address: str, name: str, login: Login | None) -> None:
        self._origin = f"{_scheme(address)}://{address}"
        self._name = name
        self._login = login
        self._session = _session()
        self._token = ""

    def manifest(self, digest: Digest) -> Manifest:
        """A manifest by digest; raises ``Differs`` where the bytes are not the ones named."""
        headers = {"Accept": ", ".join(ACCEPTED)}
        answer = self._ask("GET", self._url("manifests", str(digest)), headers=headers)
        self._good(answer, f"read the manifest {digest}")
        if digest_of(answer.content) != digest:
            raise Differs(
                f"{self._name}@{digest}: the registry answered with other bytes",
                seen=f"their digest is {digest_of(answer.content)}",
                cure="do not use this registry; something between it and this machine changes images",
            )
        return read(answer.content.decode(), answer.headers.get("Content-Type", "").partition(";")[0])

    def referrers(self, subject: Digest) -> tuple[Digest, ...] | None:
        """What is attached to a digest; ``None`` where the registry has no referrers API.

        Its tags are never asked instead: what stands under one is whatever somebody pushed there last.
        """
        found: list[Digest] = []
        url, doing = self._url("referrers", str(subject)), f"list what is attached to {subject}"
        for _ in range(_PAGES):
            answer = self._ask("GET", url, headers={"Accept": OCI_INDEX})
            if answer.status_code in _NO_REFERRERS or (answer.ok and _is_page(answer)):
                return None  # distribution-spec, "Listing Referrers": an empty list is no 404
            self._good(answer, doing)
            try:
                found += referrers(answer.text)
            except ValueError as error:
                raise self._not(doing, f"it answered with what is no such list: {error}") from error
            if "next" not in answer.links:
                return tuple(dict.fromkeys(found))
            url = urljoin(url, answer.links["next"]["url"])
        raise self._not(doing, f"after {_PAGES} pages it still names another")

    def _not(self, doing: str, seen: str) -> Unavailable:
        """The registry's answer is of no use."""
        cure = "Run it again; if it stays so, ask whoever runs the registry, or name an image of another."
        return Unavailable(f"the registry did not {doing} of {self._name}", seen=seen, cure=cure)

    def has(self, blob: Blob) -> bool:
        """Whether the repository has the blob."""
        answer = self._ask("HEAD", self._url("blobs", str(blob.digest)))
        return answer.ok and answer.headers.get("Content-Length") == str(blob.size)

    def read(self, digest: Digest) -> Iterator[bytes]:
        """A blob's bytes; raises ``Differs`` at their end where they are not the ones named."""
        answer = self._ask("GET", self._url("blobs", str(digest)), stream=True)
        self._good(answer, f"read the blob {digest}")
        seen = hashlib.sha256()
        for chunk in answer.iter_content(_CHUNK):
            seen.update(chunk)
            yield chunk
        if seen.hexdigest() != digest.hex:
            raise Differs(
                f"the blob {digest} of {self._name} has other bytes",
                seen=f"their digest is sha256:{seen.hexdigest()}",
                cure="run the same command again; if it stays so, the source image is damaged",
            )

    def write(self, digest: Digest, chunks: Iterable[bytes]) -> None:
        """Upload a blob; the registry checks its digest."""
        opened = self._ask("POST", self._url("blobs", "uploads/"))
        self._good(opened, f"begin the upload of {digest}")
        there = urljoin(opened.url, opened.headers["Location"])
        headers = {"Content-Type": "application/octet-stream"}
        sent = self._ask("PATCH", there, headers=headers, data=iter(chunks))
        self._good(sent, f"upload {digest}")
        there = urljoin(sent.url, sent.headers["Location"])
        there += ("&" if "?" in there else "?") + f"digest={digest}"
        self._good(self._ask("PUT", there), f"finish the upload of {digest}")

    def put(self, manifest: Manifest) -> None:
        """Write a manifest by digest, without a tag."""
        url = self._url("manifests", str(manifest.digest))
        answer = self._ask(
            "PUT", url, headers={"Content-Type": manifest.media_type}, data=manifest.body.encode()
        )
        self._good(answer, f"write the manifest {manifest.digest}")

    def _url(self, kind: str, rest: str) -> str:
        return f"{self._origin}/v2/{self._name}/{kind}/{rest}"

    def _ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        data: bytes | Iterator[bytes] | None = None,
        stream: bool = False,
    ) -> Response:
        """One request; a registry that wants a token gets one."""
        from requests.exceptions import RequestException  # noqa: PLC0415 - keeps --help fast

        def send() -> Response:
            given = {**(headers or {}), **self._authorization(url)}
            return self._session.request(
                method, url, headers=given, data=data, stream=stream, timeout=_TIMEOUT, allow_redirects=True
            )

        try:
            answer = send()
            if (
                answer.status_code == _UNAUTHORIZED
                and self._new_token(answer)
                and not isinstance(data, Iterator)
            ):
                answer = send()
        except RequestException as error:
            raise Unavailable(
                f"the registry {self._origin} did not answer",
                seen=str(error),
                cure="check network and proxy, then run the same command again: it goes on where it stopped",
            ) from error
        return answer

    def _authorization(self, url: str) -> Mapping[str, str]:
        """The header for our registry; never for the storage it sends us to."""
        from requests.auth import _basic_auth_str  # noqa: PLC0415 - keeps --help fast

        if urlsplit(url)[:2] != urlsplit(self._origin)[:2]:
            return {}
        if self._token:
            return {"Authorization": f"Bearer {self._token}"}
        if self._login:
            return {"Authorization": _basic_auth_str(self._login.user, self._login.password)}
        return {}

    def _new_token(self, refused: Response) -> bool:
        """Fetch the token a registry asks for, anew where it took the last no more; whether there is one.

        They expire within minutes, and a large image takes longer.
        """
        kind, _, rest = refused.headers.get("WWW-Authenticate", "").partition(" ")
        wanted = dict(_CHALLENGE.findall(rest))
        if kind.lower() != "bearer" or "realm" not in wanted:
            return False
        user = (self._login.user, self._login.password) if self._login else None
        parameters = {key: wanted[key] for key in ("service", "scope") if key in wanted}
        answer = self._session.get(wanted["realm"], params=parameters, auth=user, timeout=_TIMEOUT)
        told: dict[str, str] = answer.json() if answer.ok else {}
        self._token = told.get("token") or told.get("access_token") or ""
        return bool(self._token)

    def _good(self, answer: Response, doing: str) -> None:
        """Raise ``Unavailable`` for an answer that is none."""
        if answer.ok:
            return
        cure = (
            "check its name and digest"
            if answer.status_code == _NOT_FOUND
            else "docker login to it, or try again"
        )
        raise Unavailable(
            f"the registry did not {doing} of {self._name}",
            seen=f"HTTP {answer.status_code} from {urlsplit(answer.url).netloc}: {answer.text[:500]}",
            cure=cure,
        )


def carry(source: Repository, here: Repository, manifest: Manifest, say: Callable[[str], None]) -> None:
    """Copy the blobs of a manifest that are not here yet."""
    missing = [blob for blob in manifest.blobs if not here.has(blob)]
    for number, blob in enumerate(missing, start=1):
        say(f"copying blob {number} of {len(missing)} ({blob.size / 2**20:.1f} MiB)")
        here.write(blob.digest, source.read(blob.digest))


def address_and_name(repository: str) -> tuple[str, str]:
    """A repository's registry and its name there; short names are Docker Hub's."""
    first, _, rest = repository.partition("/")
    if rest and ("." in first or ":" in first or first == "localhost"):
        return ("registry-1.docker.io", rest) if first == "docker.io" else (first, rest)
    return "registry-1.docker.io", repository if rest else f"library/{repository}"


def kept_login(address: str) -> Login | None:
    """What ``docker login`` keeps for a registry."""
    from docker.auth import load_config  # noqa: PLC0415 - keeps --help fast

    hub = address == "registry-1.docker.io"
    kept: dict[str, str] = load_config().resolve_authconfig(None if hub else address) or {}
    told = {key.lower(): value for key, value in kept.items()}
    return Login(told["username"], told["password"]) if {"username", "password"} <= set(told) else None


def _is_page(answer: Response) -> bool:
    """Whether something for browsers answered, which takes every address for one of its own."""
    return answer.headers.get("Content-Type", "").startswith("text/html")


def _session() -> Session:
    """A session that asks again where a registry is busy."""
    from requests import Session  # noqa: PLC0415 - keeps --help fast
    from requests.adapters import HTTPAdapter  # noqa: PLC0415 - keeps --help fast
    from urllib3 import Retry  # noqa: PLC0415 - keeps --help fast

    session = Session()
    again = Retry(
        total=5,
        backoff_factor=0.5,
        status_forcelist=(429, 500, 502, 503, 504),
        allowed_methods={"GET", "HEAD", "PUT"},
        raise_on_status=False,
    )
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=again))
    return session


def _scheme(address: str) -> str:
    """Plain HTTP for this machine only, as Docker has it."""
    host = address.rpartition(":")[0] or address
    return "http" if host == "localhost" or host.startswith(("127.", "[::1]")) else "https"
