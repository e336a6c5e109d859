"""GitHub's REST API, as far as modelway asks it: one comment, issues, and what doctor looks at.

The token goes to the API's own host and nowhere else. Nothing here was seen on GitHub itself: requests and
answers follow docs.github.com/rest (version 2022-11-28).
"""

from __future__ import annotations

import http.client
import json
import re
import urllib.parse
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from modelway.adapters import environment, git
from modelway.adapters.github_rest import API, NAME, GitHubRest, Refused, number, word
from modelway.core.hosting import HostedEnvironment, HostedRepository, Subject
from modelway.core.json import JsonObject
from modelway.core.verdict import Approval
from modelway.errors import Unavailable
from modelway.ports import Clock, Reporter

_BOT = "github-actions[bot]"
"""Who writes with a workflow's own token."""
_RUNS = "actions: read"
"""What a workflow's token needs to read runs, their reviews and environments."""


class GitHubApi:
    """Implements ``ports.CodeHost`` for one repository."""

    def __init__(self, rest: GitHubRest) -> None:
        self._rest = rest
        self._repository, self._api = rest.repository, rest.api

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
                answer = self._rest.ask("POST", f"{issue}/{pull_request}/comments", {"body": markdown})
            else:
                answer = self._rest.ask("PATCH", f"{issue}/comments/{found}", {"body": markdown})
        except Refused as refused:
            if refused.status == http.client.FORBIDDEN and not refused.waits:
                return None
            raise self._rest.failure(refused, f"comment on pull request {pull_request}") from refused
        return word(answer, "html_url")

    def _own_comment(self, pull_request: int, marker: str) -> int | None:
        """The id of the comment that begins with the marker and was written by this token's owner.

        Anybody can write a comment with the marker in it; that one is theirs.
        """
        for one in self._rest.listed(f"repos/{self._repository}/issues/{pull_request}/comments"):
            if self._own(one, marker):
                return number(one, "id")
        return None

    def _own(self, one: JsonObject, marker: str) -> bool:
        """Whether this token's owner wrote it, with the marker at its beginning."""
        author = one.get("user")
        mine = isinstance(author, Mapping) and author.get("login") == self._login
        return mine and word(one, "body").startswith(marker)

    # --- the issue ---

    def issue(self, marker: str, title: str, markdown: str, /) -> str | None:
        """Open the issue, or update the open one this token's owner wrote; its address.

        docs.github.com/rest/issues/issues: "List repository issues", "Create an issue", "Update an issue".
        ``None`` where the token may only read.
        """
        issues = f"repos/{self._repository}/issues"
        try:
            found = self._own_issue(marker)
            if found is None:
                answer = self._rest.ask("POST", issues, {"title": title, "body": markdown})
            elif word(found, "body") == markdown:
                return word(found, "html_url")
            else:
                path = f"{issues}/{number(found, 'number')}"
                answer = self._rest.ask("PATCH", path, {"title": title, "body": markdown})
        except Refused as refused:
            if refused.status == http.client.FORBIDDEN and not refused.waits:
                return None
            raise self._rest.failure(refused, "open or update an issue") from refused
        return word(answer, "html_url")

    def close_issue(self, marker: str, words: str, /) -> str | None:
        """Say why, and close the open issue this token's owner wrote; its address, ``None`` without one."""
        try:
            found = self._own_issue(marker)
            if found is None:
                return None
            path = f"repos/{self._repository}/issues/{number(found, 'number')}"
            self._rest.ask("POST", f"{path}/comments", {"body": words})
            self._rest.ask("PATCH", path, {"state": "closed", "state_reason": "completed"})
        except Refused as refused:
            raise self._rest.failure(refused, "close an issue") from refused
        return word(found, "html_url")

    def _own_issue(self, marker: str) -> JsonObject | None:
        """The open issue; GitHub lists pull requests among them."""
        for one in self._rest.listed(f"repos/{self._repository}/issues"):
            if "pull_request" not in one and self._own(one, marker):
                return one
        return None

    @cached_property
    def _login(self) -> str:
        """Who this token is. A workflow's token may not ask REST's ``/user``, but GraphQL's ``viewer``."""
        url = environment.get("GITHUB_GRAPHQL_URL") or f"{self._api}/graphql"
        try:
            answer = self._rest.ask("POST", url, {"query": "{ viewer { login } }"})
        except Refused:
            return _BOT
        data = answer.get("data") if isinstance(answer, Mapping) else None
        viewer = data.get("viewer") if isinstance(data, Mapping) else None
        return (word(viewer, "login") if isinstance(viewer, Mapping) else "") or _BOT

    # --- what doctor looks at ---

    def repository(self) -> HostedRepository:
        """The repository and, where the token may ask, its owner's plan."""
        found = self._rest.get(f"repos/{self._repository}", "read the repository")
        owner = found.get("owner")
        owner = owner if isinstance(owner, Mapping) else {}
        organisation = owner.get("type") == "Organization"
        return HostedRepository(
            name=word(found, "full_name") or self._repository,
            id=number(found, "id"),
            owner_id=number(owner, "id"),
            private=found.get("private") is True,
            organisation=organisation,
            default_branch=word(found, "default_branch"),
            plan=self._plan(word(owner, "login")) if organisation and found.get("private") is True else "",
        )

    def _plan(self, organisation: str) -> str:
        """Only members' tokens are told."""
        try:
            found = self._rest.ask("GET", f"orgs/{urllib.parse.quote(organisation, safe='')}")
        except Refused:
            return ""
        plan = found.get("plan") if isinstance(found, Mapping) else None
        return word(plan, "name") if isinstance(plan, Mapping) else ""

    def environments(self) -> tuple[HostedEnvironment, ...]:
        """Its environments and their reviewers."""
        path = f"repos/{self._repository}/environments"
        try:
            return tuple(_environment(one) for one in self._rest.listed(path, "environments"))
        except Refused as refused:
            raise self._rest.failure(refused, "read its environments", needs=_RUNS) from refused

    def subject(self) -> Subject:
        """How its jobs are named in OIDC tokens."""
        path = f"repos/{self._repository}/actions/oidc/customization/sub"
        found = self._rest.get(path, "read how OIDC subjects are made")
        keys = found.get("include_claim_keys")
        immutable = found.get("use_immutable_subject")
        return Subject(
            default=found.get("use_default") is not False,
            claims=tuple(key for key in keys if isinstance(key, str)) if isinstance(keys, list) else (),
            immutable=immutable if isinstance(immutable, bool) else None,
        )

    # --- who let it in ---

    def approval(self, environment_: str, /) -> Approval | None:
        """The run this is, as GitHub tells it, and who approved it for the environment.

        docs.github.com/rest/actions/workflow-runs: "Get a workflow run", "Get the review history". It
        tells of all attempts of a run, and does not say to which an approval belongs.
        """
        id_ = environment.get("GITHUB_RUN_ID")
        if not id_.isdecimal():
            return None
        path = f"repos/{self._repository}/actions/runs/{id_}"
        run = self._rest.get(path, "read the workflow run", needs=_RUNS)
        try:
            reviews = [*self._rest.listed(f"{path}/approvals")]
        except Refused as refused:
            doing = "read who approved the workflow run"
            raise self._rest.failure(refused, doing, needs=_RUNS) from refused
        actor, attempt = run.get("triggering_actor") or run.get("actor"), number(run, "run_attempt")
        return Approval(
            run=word(run, "html_url") + (f"/attempts/{attempt}" if attempt > 1 else ""),
            workflow=word(run, "path"),
            commit=word(run, "head_sha"),
            event=word(run, "event"),
            actor=word(actor, "login"),
            approved_by=tuple(dict.fromkeys(filter(None, (_approver(one, environment_) for one in reviews)))),
        )


def open_api(reporter: Reporter, clock: Clock, source: str) -> GitHubApi:
    """The API for the repository this runs in; raises ``Unavailable`` where it or the token is unknown."""
    return GitHubApi(open_rest(reporter, clock, source))


def open_rest(reporter: Reporter, clock: Clock, source: str) -> GitHubRest:
    """The same, for questions of others."""
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
    return GitHubRest(repository, token, clock, api=environment.get("GITHUB_API_URL") or API)


def _of_remote(source: str) -> str:
    """The repository a clone's remote names, where that is on this GitHub."""
    host = urllib.parse.urlsplit(environment.get("GITHUB_SERVER_URL") or "https://github.com").hostname
    parts = urllib.parse.urlsplit(git.without_credentials(source))
    name = parts.path.strip("/")
    return name if parts.hostname == host and NAME.fullmatch(name) else ""


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
    return HostedEnvironment(name=word(one, "name"), reviewers=reviewers)


def _approver(review: JsonObject, environment_: str) -> str:
    """Who approved, where the review is one that approves this environment, whose name has no case."""
    places = review.get("environments")
    named = {word(one, "name").casefold() for one in places} if isinstance(places, list) else set()
    approves = word(review, "state") == "approved" and environment_.casefold() in named
    return word(review.get("user"), "login") if approves else ""
