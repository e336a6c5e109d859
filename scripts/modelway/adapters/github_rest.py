"""Asking GitHub's REST API: one host, one token, answers and refusals.

The token goes to the API's own host and nowhere else. Requests and answers follow docs.github.com/rest
(version 2022-11-28); nothing here was seen on GitHub itself.
"""

from __future__ import annotations

import http.client
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import IO, cast

from modelway.adapters import environment
from modelway.core.json import Json, JsonObject
from modelway.errors import Malformed, Unavailable
from modelway.ports import Clock

API = "https://api.github.com"
_VERSION = "2022-11-28"
_TIMEOUT = 20.0
_TRIES = 3
_PAGE, _PAGES = 100, 30
_MOST = 32 << 20
_SERVER_ERROR = 500
NAME = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """An answer that is no success."""

    status: int
    message: str
    waits: bool = False
    """Asked too often."""


class GitHubRest:
    """The API as one repository's token may ask it."""

    def __init__(self, repository: str, token: str, clock: Clock, *, api: str = API) -> None:
        if not NAME.fullmatch(repository):
            cure = "write it as OWNER/REPOSITORY."
            raise Malformed(f"{repository!r} is not a repository of GitHub's", cure=cure)
        if not _safe(api):
            what = f"GITHUB_API_URL cannot be {api!r}"
            raise Malformed(what, cure="use https://; plain http only to this machine.")
        self.repository, self.api = repository, api.rstrip("/")
        self._token, self._clock = token, clock

    def get(self, path: str, doing: str, *, needs: str = "") -> JsonObject:
        """An object; raises ``Unavailable``, which names the permission it ``needs``."""
        try:
            found = self.ask("GET", path)
        except Refused as refused:
            raise self.failure(refused, doing, needs=needs) from refused
        return found if isinstance(found, Mapping) else {}

    def listed(self, path: str, key: str = "") -> Iterator[JsonObject]:
        """Every item of a list, page by page."""
        for page in range(1, _PAGES + 1):
            found = self.ask("GET", f"{path}?per_page={_PAGE}&page={page}")
            items = found.get(key) if isinstance(found, Mapping) else found
            listed = [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
            yield from listed
            if len(listed) < _PAGE:
                return

    def query(self, text: str, variables: JsonObject, doing: str) -> JsonObject:
        """GraphQL's answer to a question, errors and all; raises ``Unavailable``."""
        url = environment.get("GITHUB_GRAPHQL_URL") or f"{self.api}/graphql"
        try:
            found = self.ask("POST", url, {"query": text, "variables": variables}, again=True)
        except Refused as refused:
            raise self.failure(refused, doing) from refused
        return found if isinstance(found, Mapping) else {}

    def ask(
        self, method: str, path: str, body: JsonObject | None = None, *, again: bool | None = None
    ) -> Json:
        """The answer; raises ``Refused`` for one that is no success, ``Unavailable`` for none.

        What is only read is asked ``again`` where GitHub fails.
        """
        again = method == "GET" if again is None else again
        url = path if "://" in path else f"{self.api}/{path}"
        request = urllib.request.Request(  # noqa: S310 - checked by _safe, and only of the API's own host
            url,
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers=self._headers(url),
        )
        for attempt in range(1, _TRIES + 1):
            try:
                return _sent(request)
            except Refused as refused:
                if not again or refused.status < _SERVER_ERROR or attempt == _TRIES:
                    raise
            except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
                # A comment may have been written although no answer came: it is not written twice.
                if not again or attempt == _TRIES:
                    raise _silent(self.api, error) from error
            self._clock.sleep(2.0**attempt)
        raise AssertionError  # the last attempt returned or raised

    def _headers(self, url: str) -> dict[str, str]:
        """The token only for the API's own host."""
        told = {
            "Accept": "application/vnd.github+json",
            "X-GitHub-Api-Version": _VERSION,
            "User-Agent": "modelway",
            "Content-Type": "application/json",
        }
        same = urllib.parse.urlsplit(url).netloc == urllib.parse.urlsplit(self.api).netloc
        return told | ({"Authorization": f"Bearer {self._token}"} if same and self._token else {})

    def failure(self, refused: Refused, doing: str, *, needs: str = "") -> Unavailable:
        """What an answer means, and what to do."""
        seen = f"GitHub answered {refused.status}: {refused.message}"
        what = f"GitHub does not let this token {doing} ({self.repository})"
        match refused.status:
            case _ if refused.waits:
                what, cure = f"GitHub was asked too often to {doing}", "wait a few minutes and run it again."
            case 401:
                cure = "set GITHUB_TOKEN to a token that is still valid: export GITHUB_TOKEN=$(gh auth token)"
            case 403 | 404:
                given = f"`{needs}` among the job's `permissions`" if needs else "the job's `permissions`"
                cure = f"give the token what it needs: in a workflow {given}; gh auth refresh"
            case _:
                what, cure = f"GitHub failed to {doing}", "see githubstatus.com, then run it again."
        return Unavailable(what, seen=seen, cure=cure)


def _sent(request: urllib.request.Request) -> Json:
    """One try."""
    opener = urllib.request.build_opener(_NoRedirects)
    try:
        with opener.open(request, timeout=_TIMEOUT) as answer:
            return cast("Json", json.loads(answer.read(_MOST) or b"null"))
    except urllib.error.HTTPError as error:
        with error:
            text = error.read(4096).decode(errors="replace")
        waits = error.headers.get("x-ratelimit-remaining") == "0" or "retry-after" in error.headers
        raise Refused(error.code, _message(text), waits) from error


def _message(text: str) -> str:
    """What GitHub says in the body of a refusal."""
    try:
        document = json.loads(text)
    except ValueError:
        return text[:200]
    return str(document.get("message", ""))[:500] if isinstance(document, dict) else text[:200]


def _silent(api: str, error: Exception) -> Unavailable:
    cure = "check network and proxy (HTTPS_PROXY), then run it again."
    return Unavailable(f"{api} does not answer", seen=str(error), cure=cure)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token away (urllib's own place to decide it)."""

    def redirect_request(  # noqa: PLR0913, PLR0917  (urllib's signature)
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """None: the redirect itself is the answer."""


def _safe(url: str) -> bool:
    """HTTPS, or plain HTTP to this machine."""
    parts = urllib.parse.urlsplit(url)
    local = parts.hostname in {"127.0.0.1", "::1", "localhost"}
    return bool(parts.hostname) and (parts.scheme == "https" or (parts.scheme == "http" and local))


def word(value: Json, key: str) -> str:
    """Text under a key; empty where there is none."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else ""


def number(value: Json, key: str) -> int:
    """A whole number under a key; 0 where there is none."""
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, int) else 0
