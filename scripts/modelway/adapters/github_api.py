"""GitHub's REST API, as far as modelway asks it: one comment, and what doctor looks at.

The token goes to the API's own host and nowhere else. Nothing here was seen on GitHub itself: requests and
answers follow docs.github.com/rest (version 2022-11-28).
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
from functools import cached_property
from pathlib import Path
from typing import IO, cast

from modelway.adapters import environment, git
from modelway.core.hosting import HostedEnvironment, HostedRepository, Subject
from modelway.core.json import Json, JsonObject
from modelway.errors import Malformed, Unavailable
from modelway.ports import Clock, Reporter

_API = "https://api.github.com"
_VERSION = "2022-11-28"
_TIMEOUT = 20.0
_TRIES = 3
_PAGE, _PAGES = 100, 30
_MOST = 32 << 20
_SERVER_ERROR = 500
_NAME = re.compile(r"[A-Za-z0-9._-]+/[A-Za-z0-9._-]+")
_BOT = "github-actions[bot]"
"""Who writes with a workflow's own token."""


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """An answer that is no success."""

    status: int
    message: str
    waits: bool = False
    """Asked too often."""


class GitHubApi:
    """Implements ``ports.CodeHost`` for one repository."""

    def __init__(self, repository: str, token: str, clock: Clock, *, api: str = _API) -> None:
        if not _NAME.fullmatch(repository):
            cure = "write it as OWNER/REPOSITORY."
            raise Malformed(f"{repository!r} is not a repository of GitHub's", cure=cure)
        if not _safe(api):
            what = f"GITHUB_API_URL cannot be {api!r}"
            raise Malformed(what, cure="use https://; plain http only to this machine.")
        self._repository, self._token, self._clock, self._api = repository, token, clock, api.rstrip("/")

    # --- the comment ---

    def pull_request(self) -> int | None:
        """The number of the pull request this workflow runs for."""
        event = _event()
        pull = event.get("pull_request")
        number = pull.get("number") if isinstance(pull, Mapping) else None
        if isinstance(number, int):
            return number
        ref = re.fullmatch(r"refs/pull/([0-9]+)/(?:merge|head)", environment.get("GITHUB_REF"))
        return int(ref[1]) if ref else None

    def comment(self, pull_request: int, marker: str, markdown: str, /) -> str | None:
        """Write the comment, or update the one this token's owner wrote; its address.

        ``None`` where the token may only read, as a fork's.
        """
        issue = f"repos/{self._repository}/issues"
        try:
            found = self._own_comment(pull_request, marker)
            if found is None:
                answer = self._ask("POST", f"{issue}/{pull_request}/comments", {"body": markdown})
            else:
                answer = self._ask("PATCH", f"{issue}/comments/{found}", {"body": markdown})
        except Refused as refused:
            if refused.status == http.client.FORBIDDEN and not refused.waits:
                return None
            raise self._failure(refused, f"comment on pull request {pull_request}") from refused
        return _word(answer, "html_url")

    def _own_comment(self, pull_request: int, marker: str) -> int | None:
        """The id of the comment that begins with the marker and was written by this token's owner.

        Anybody can write a comment with the marker in it; that one is theirs.
        """
        for one in self._listed(f"repos/{self._repository}/issues/{pull_request}/comments"):
            author = one.get("user")
            mine = isinstance(author, Mapping) and author.get("login") == self._login
            if mine and _word(one, "body").startswith(marker):
                return _number(one, "id")
        return None

    @cached_property
    def _login(self) -> str:
        """Who this token is. A workflow's token may not ask REST's ``/user``, but GraphQL's ``viewer``."""
        url = environment.get("GITHUB_GRAPHQL_URL") or f"{self._api}/graphql"
        try:
            answer = self._ask("POST", url, {"query": "{ viewer { login } }"})
        except Refused:
            return _BOT
        data = answer.get("data") if isinstance(answer, Mapping) else None
        viewer = data.get("viewer") if isinstance(data, Mapping) else None
        return (_word(viewer, "login") if isinstance(viewer, Mapping) else "") or _BOT

    # --- what doctor looks at ---

    def repository(self) -> HostedRepository:
        """The repository and, where the token may ask, its owner's plan."""
        found = self._get(f"repos/{self._repository}", "read the repository")
        owner = found.get("owner")
        owner = owner if isinstance(owner, Mapping) else {}
        organisation = owner.get("type") == "Organization"
        return HostedRepository(
            name=_word(found, "full_name") or self._repository,
            id=_number(found, "id"),
            owner_id=_number(owner, "id"),
            private=found.get("private") is True,
            organisation=organisation,
            default_branch=_word(found, "default_branch"),
            plan=self._plan(_word(owner, "login")) if organisation and found.get("private") is True else "",
        )

    def _plan(self, organisation: str) -> str:
        """Only members' tokens are told."""
        try:
            found = self._ask("GET", f"orgs/{urllib.parse.quote(organisation, safe='')}")
        except Refused:
            return ""
        plan = found.get("plan") if isinstance(found, Mapping) else None
        return _word(plan, "name") if isinstance(plan, Mapping) else ""

    def environments(self) -> tuple[HostedEnvironment, ...]:
        """Its environments and their reviewers."""
        path = f"repos/{self._repository}/environments"
        try:
            return tuple(_environment(one) for one in self._listed(path, "environments"))
        except Refused as refused:
            raise self._failure(refused, "read its environments") from refused

    def subject(self) -> Subject:
        """How its jobs are named in OIDC tokens."""
        path = f"repos/{self._repository}/actions/oidc/customization/sub"
        found = self._get(path, "read how OIDC subjects are made")
        keys = found.get("include_claim_keys")
        immutable = found.get("use_immutable_subject")
        return Subject(
            default=found.get("use_default") is not False,
            claims=tuple(key for key in keys if isinstance(key, str)) if isinstance(keys, list) else (),
            immutable=immutable if isinstance(immutable, bool) else None,
        )

    # --- asking ---

    def _get(self, path: str, doing: str) -> JsonObject:
        """An object; raises ``Unavailable``."""
        try:
            found = self._ask("GET", path)
        except Refused as refused:
            raise self._failure(refused, doing) from refused
        return found if isinstance(found, Mapping) else {}

    def _listed(self, path: str, key: str = "") -> Iterator[JsonObject]:
        """Every item of a list, page by page."""
        for page in range(1, _PAGES + 1):
            found = self._ask("GET", f"{path}?per_page={_PAGE}&page={page}")
            items = found.get(key) if isinstance(found, Mapping) else found
            listed = [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else []
            yield from listed
            if len(listed) < _PAGE:
                return

    def _ask(self, method: str, path: str, body: JsonObject | None = None) -> Json:
        """The answer; raises ``Refused`` for one that is no success, ``Unavailable`` for none."""
        url = path if "://" in path else f"{self._api}/{path}"
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
                if method != "GET" or refused.status < _SERVER_ERROR or attempt == _TRIES:
                    raise
            except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError) as error:
                # A comment may have been written although no answer came: it is not written twice.
                if method != "GET" or attempt == _TRIES:
                    raise _silent(self._api, error) from error
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
        same = urllib.parse.urlsplit(url).netloc == urllib.parse.urlsplit(self._api).netloc
        return told | ({"Authorization": f"Bearer {self._token}"} if same and self._token else {})

    def _failure(self, refused: Refused, doing: str) -> Unavailable:
        """What an answer means, and what to do."""
        seen = f"GitHub answered {refused.status}: {refused.message}"
        what = f"GitHub does not let this token {doing} ({self._repository})"
        match refused.status:
            case _ if refused.waits:
                what, cure = f"GitHub was asked too often to {doing}", "wait a few minutes and run it again."
            case 401:
                cure = "set GITHUB_TOKEN to a token that is still valid: export GITHUB_TOKEN=$(gh auth token)"
            case 403 | 404:
                cure = "give the token what it needs: in a workflow the job's `permissions`; gh auth refresh"
            case _:
                what, cure = f"GitHub failed to {doing}", "see githubstatus.com, then run it again."
        return Unavailable(what, seen=seen, cure=cure)


def open_api(reporter: Reporter, clock: Clock, source: str) -> GitHubApi:
    """The API for the repository this runs in; raises ``Unavailable`` where it or the token is unknown."""
    token = environment.get("GITHUB_TOKEN") or environment.get("GH_TOKEN")
    repository = environment.get("GITHUB_REPOSITORY") or _of_remote(source)
    if not repository:
        cure = (
            "run it in a clone whose remote `origin` is on GitHub, or set GITHUB_REPOSITORY=OWNER/REPOSITORY"
        )
        raise Unavailable("which repository of GitHub's this is cannot be told", cure=cure)
    if not token:
        cure = "export GITHUB_TOKEN=$(gh auth token); in a workflow: env: {GITHUB_TOKEN: ${{ github.token }}}"
        raise Unavailable(
            "GitHub cannot be asked without a token", seen="GITHUB_TOKEN is not set.", cure=cure
        )
    reporter.mask(token)
    return GitHubApi(repository, token, clock, api=environment.get("GITHUB_API_URL") or _API)


def _of_remote(source: str) -> str:
    """The repository a clone's remote names, where that is on this GitHub."""
    host = urllib.parse.urlsplit(environment.get("GITHUB_SERVER_URL") or "https://github.com").hostname
    parts = urllib.parse.urlsplit(git.without_credentials(source))
    name = parts.path.strip("/")
    return name if parts.hostname == host and _NAME.fullmatch(name) else ""


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


def _event() -> JsonObject:
    """The event this workflow runs for."""
    path = environment.get("GITHUB_EVENT_PATH")
    try:
        event = json.loads(Path(path).read_text(encoding="utf-8")) if path else {}
    except (OSError, ValueError):
        event = {}
    return event if isinstance(event, dict) else {}


def _environment(one: JsonObject) -> HostedEnvironment:
    """One environment of the list."""
    rules = one.get("protection_rules")
    reviewers = 0
    for rule in rules if isinstance(rules, list) else []:
        if isinstance(rule, Mapping) and rule.get("type") == "required_reviewers":
            listed = rule.get("reviewers")
            reviewers += len(listed) if isinstance(listed, list) else 0
    restricted = one.get("deployment_branch_policy") is not None
    return HostedEnvironment(name=_word(one, "name"), reviewers=reviewers, restricted=restricted)


def _word(value: Json, key: str) -> str:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, str) else ""


def _number(value: Json, key: str) -> int:
    found = value.get(key) if isinstance(value, Mapping) else None
    return found if isinstance(found, int) else 0
