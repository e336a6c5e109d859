"""GitHub's API, played by a server on this machine: one comment, updated in place, and what doctor asks.

The server answers as docs.github.com/rest says; GitHub itself was not asked.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from modelway.adapters.github_api import GitHubApi, open_api
from modelway.adapters.github_rest import GitHubRest
from modelway.errors import Malformed, Unavailable
from tests.fakes import FakeClock, FakeReporter

REPO = "octo/models"
MARKER = "<!-- modelway:preview -->"
Answer = tuple[int, object] | tuple[int, object, dict[str, str]]


@dataclass
class Hub:
    """A GitHub with one repository."""

    address: str = ""
    login: str = "github-actions[bot]"
    comments: list[dict[str, object]] = field(default_factory=list)
    issues: list[dict[str, object]] = field(default_factory=list)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    """Method, path and Authorization of every request."""
    fixed: dict[tuple[str, str], Answer] = field(default_factory=dict)
    """Answers by method and path."""
    before: Callable[[], Answer | None] = lambda: None

    def answer(self, method: str, path: str, body: dict[str, object]) -> Answer:
        path, _, query = path.partition("?")
        special = self.before() or self.fixed.get((method, path))
        if special:
            return special
        match method, path:
            case "POST", "/graphql":
                return 200, {"data": {"viewer": {"login": self.login}}}
            case "GET", "/repos/octo/models/issues/7/comments":
                page = int(query.rpartition("page=")[2])
                return 200, self.comments[(page - 1) * 100 : page * 100]
            case "POST", "/repos/octo/models/issues/7/comments" | "/repos/octo/models/issues/1/comments":
                self.comments.append(comment(len(self.comments) + 1, self.login, str(body["body"])))
                return 201, {"html_url": f"https://github.com/{REPO}/pull/7#{len(self.comments)}"}
            case _, "/repos/octo/models/issues" | "/repos/octo/models/issues/1":
                return self.of_issues(method, path, body)
            case "PATCH", _:
                found = next(c for c in self.comments if path.endswith(f"/{c['id']}"))
                found["body"] = body["body"]
                return 200, {"html_url": f"https://github.com/{REPO}/pull/7#{found['id']}"}
            case _:
                return 404, {"message": "Not Found"}

    def of_issues(self, method: str, path: str, body: dict[str, object]) -> Answer:
        """The list of open ones, a new one, or a change of the first."""
        if method == "GET":
            return 200, [one for one in self.issues if one["state"] == "open"]
        if method == "PATCH":
            assert path.endswith("/1")
            self.issues[0].update(body)
            return 200, self.issues[0]
        self.issues.append(an_issue(len(self.issues) + 1, self.login, str(body["body"])))
        return 201, self.issues[-1]


def an_issue(number: int, login: str, body: str) -> dict[str, object]:
    address = f"https://github.com/{REPO}/issues/{number}"
    return {"number": number, "user": {"login": login}, "body": body, "state": "open", "html_url": address}


def comment(number: int, login: str, body: str) -> dict[str, object]:
    return {"id": number, "user": {"login": login}, "body": body}


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(size)) if size else {}
            hub.asked.append((self.command, self.path, self.headers.get("Authorization", "")))
            status, document, *more = hub.answer(self.command, self.path, body)
            self.send_response(status)
            for name, value in (more[0] if more else {}).items():
                self.send_header(name, value)
            text = json.dumps(document).encode()
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = do_PATCH = _any  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        hub.address = f"http://127.0.0.1:{server.server_port}"
        yield hub
        server.shutdown()
        thread.join()


def api(hub: Hub) -> GitHubApi:
    return GitHubApi(GitHubRest(REPO, "the-token", FakeClock(), api=hub.address))


def test_the_first_run_writes_and_the_next_updates_in_place(hub: Hub) -> None:
    assert api(hub).comment(7, MARKER, f"{MARKER}\none") == f"https://github.com/{REPO}/pull/7#1"
    assert api(hub).comment(7, MARKER, f"{MARKER}\ntwo") == f"https://github.com/{REPO}/pull/7#1"
    assert [c["body"] for c in hub.comments] == [f"{MARKER}\ntwo"]


def test_our_comment_is_found_on_a_later_page(hub: Hub) -> None:
    hub.comments = [comment(n, "somebody", "hello") for n in range(1, 131)]
    hub.comments.append(comment(131, hub.login, f"{MARKER}\nold"))
    api(hub).comment(7, MARKER, f"{MARKER}\nnew")
    assert len(hub.comments) == 131
    assert hub.comments[-1]["body"] == f"{MARKER}\nnew"


@pytest.mark.parametrize(("author", "body"), [("mallory", f"{MARKER}\nfake"), ("", f"hi\n{MARKER}")])
def test_a_comment_of_somebody_else_is_left_alone(hub: Hub, author: str, body: str) -> None:
    hub.comments = [comment(1, author or hub.login, body)]
    api(hub).comment(7, MARKER, f"{MARKER}\nours")
    assert [c["body"] for c in hub.comments] == [body, f"{MARKER}\nours"]


def test_where_graphql_is_refused_the_workflows_bot_is_meant(hub: Hub) -> None:
    hub.fixed["POST", "/graphql"] = (403, {"message": "Resource not accessible by integration"})
    hub.comments = [comment(1, "github-actions[bot]", f"{MARKER}\nold")]
    api(hub).comment(7, MARKER, f"{MARKER}\nnew")
    assert len(hub.comments) == 1


def test_a_forks_token_is_no_failure(hub: Hub) -> None:
    refusal = (403, {"message": "Resource not accessible by integration"})
    hub.fixed["POST", "/repos/octo/models/issues/7/comments"] = refusal
    assert api(hub).comment(7, MARKER, MARKER) is None


@pytest.mark.parametrize(
    ("status", "headers", "said"),
    [
        (401, {}, "gh auth token"),
        (403, {"x-ratelimit-remaining": "0"}, "wait"),
        (404, {}, "permissions"),
        (422, {}, "githubstatus"),
    ],
)
def test_other_refusals_say_what_to_do(hub: Hub, status: int, headers: dict[str, str], said: str) -> None:
    hub.fixed["POST", "/repos/octo/models/issues/7/comments"] = (status, {"message": "no"}, headers)
    with pytest.raises(Unavailable, match=said):
        api(hub).comment(7, MARKER, MARKER)


def test_reading_is_tried_again_and_writing_is_not(hub: Hub) -> None:
    failures: Iterator[Answer] = iter([(502, {}), (502, {})])
    hub.before = lambda: next(failures, None)
    assert api(hub).comment(7, MARKER, MARKER)
    hub.before = lambda: None
    hub.fixed["POST", "/repos/octo/models/issues/7/comments"] = (502, {})
    hub.comments, hub.asked = [], []
    with pytest.raises(Unavailable):
        api(hub).comment(7, MARKER, MARKER)
    assert sum(method == "POST" and path.endswith("/comments") for method, path, _ in hub.asked) == 1


def test_the_token_follows_no_redirect(hub: Hub) -> None:
    away = {"Location": "http://127.0.0.1:9/elsewhere"}
    hub.fixed["GET", "/repos/octo/models"] = (302, {}, away)
    with pytest.raises(Unavailable, match="302"):
        api(hub).repository()


@pytest.mark.parametrize("address", ["http://github.example", "file:///etc/passwd", "ftp://x", "api"])
def test_the_token_goes_over_https_only(address: str) -> None:
    with pytest.raises(Malformed):
        GitHubRest(REPO, "t", FakeClock(), api=address)


@pytest.mark.parametrize("name", ["octo", "octo/models/../../x", "octo/mo dels", ""])
def test_a_repository_has_an_owner_and_a_name(name: str) -> None:
    with pytest.raises(Malformed):
        GitHubRest(name, "t", FakeClock())


def test_environments_tell_their_reviewers(hub: Hub) -> None:
    rules = [{"type": "wait_timer"}, {"type": "required_reviewers", "reviewers": [{}, {}]}]
    listed = [
        {"name": "staging", "protection_rules": []},
        {"name": "production", "protection_rules": rules},
    ]
    hub.fixed["GET", "/repos/octo/models/environments"] = (200, {"environments": listed})
    staging, production = api(hub).environments()
    assert (staging.reviewers, production.reviewers) == (0, 2)


@pytest.mark.parametrize(
    ("private", "plan", "possible"),
    [(False, "free", True), (True, "team", False), (True, "enterprise", True), (True, None, None)],
)
def test_reviewers_depend_on_the_plan(
    hub: Hub,
    private: bool,  # noqa: FBT001 - a case's value
    plan: str | None,
    possible: bool | None,  # noqa: FBT001 - as above
) -> None:
    owner = {"login": "octo", "type": "Organization", "id": 5}
    found = {"full_name": REPO, "id": 9, "owner": owner, "private": private, "default_branch": "main"}
    hub.fixed["GET", "/repos/octo/models"] = (200, found)
    if plan:
        hub.fixed["GET", "/orgs/octo"] = (200, {"plan": {"name": plan}})
    repository = api(hub).repository()
    assert (repository.id, repository.owner_id) == (9, 5)
    assert repository.reviewers_possible is possible


def test_subjects_tell_how_they_are_made(hub: Hub) -> None:
    told = {"use_default": False, "include_claim_keys": ["repo", "job_workflow_ref"]}
    hub.fixed["GET", "/repos/octo/models/actions/oidc/customization/sub"] = (200, told)
    subject = api(hub).subject()
    assert (subject.default, subject.claims, subject.immutable) == (
        False,
        ("repo", "job_workflow_ref"),
        None,
    )


def test_the_pull_request_comes_from_the_event_or_the_ref(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert api(hub).pull_request() is None
    monkeypatch.setenv("GITHUB_REF", "refs/pull/12/merge")
    assert api(hub).pull_request() == 12
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 7}}))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    assert api(hub).pull_request() == 7


@pytest.mark.parametrize(
    ("source", "repository"),
    [("https://github.com/octo/models", REPO), ("git@github.com:octo/models.git", REPO)],
)
def test_the_repository_comes_from_the_remote(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, source: str, repository: str
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "the-token")
    reporter = FakeReporter()
    monkeypatch.setenv("GITHUB_API_URL", hub.address)
    hub.fixed["GET", f"/repos/{repository}"] = (200, {"full_name": "found"})
    assert open_api(reporter, FakeClock(), source).repository().name == "found"
    assert reporter.masks == ["the-token"]


@pytest.mark.parametrize(
    ("variables", "source", "said"),
    [
        ({"GITHUB_TOKEN": "t"}, "https://gitlab.com/octo/models", "GITHUB_REPOSITORY"),
        ({"GITHUB_REPOSITORY": REPO}, "", "GITHUB_TOKEN"),
    ],
)
def test_without_repository_or_token_it_says_which(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], source: str, said: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(Unavailable, match=said):
        open_api(FakeReporter(), FakeClock(), source)


# --- who let it in ---

RUN = f"/repos/{REPO}/actions/runs/77"


def test_who_approved_a_run_is_read_back_from_github(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_RUN_ID", "77")
    told = {
        "html_url": "https://github.com/octo/models/actions/runs/77",
        "path": ".github/workflows/models.yml",
        "head_sha": "c" * 40,
        "event": "push",
        "triggering_actor": {"login": "ann"},
    }
    production, staging = [{"name": "production"}], [{"name": "staging"}]
    reviews = [
        {"state": "approved", "user": {"login": "bob"}, "environments": production},
        {"state": "rejected", "user": {"login": "eve"}, "environments": production},
        {"state": "approved", "user": {"login": "zoe"}, "environments": staging},
    ]
    hub.fixed = {("GET", RUN): (200, told), ("GET", f"{RUN}/approvals"): (200, reviews)}
    found = api(hub).approval("production")
    assert found
    assert (found.actor, found.approved_by, found.commit) == ("ann", ("bob",), "c" * 40)


@pytest.mark.parametrize(("attempt", "ends"), [(1, "/runs/77"), (3, "/runs/77/attempts/3")])
def test_the_attempt_of_a_run_is_named_and_environments_have_no_case(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, attempt: int, ends: str
) -> None:
    monkeypatch.setenv("GITHUB_RUN_ID", "77")
    told = {"html_url": "https://github.com/octo/models/actions/runs/77", "run_attempt": attempt}
    reviews = [{"state": "approved", "user": {"login": "bob"}, "environments": [{"name": "Production"}]}]
    hub.fixed = {("GET", RUN): (200, told), ("GET", f"{RUN}/approvals"): (200, reviews)}
    found = api(hub).approval("production")
    assert found
    assert found.approved_by == ("bob",)
    assert found.run.endswith(ends)


def test_outside_a_workflow_nobody_approved(hub: Hub) -> None:
    assert api(hub).approval("production") is None


def test_a_token_that_may_not_read_runs_is_told_so(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_RUN_ID", "77")
    hub.fixed = {("GET", RUN): (403, {"message": "Resource not accessible by integration"})}
    with pytest.raises(Unavailable, match="read the workflow run") as caught:
        api(hub).approval("production")
    assert "`actions: read` among the job's `permissions`" in caught.value.cure


def test_one_issue_is_opened_updated_and_closed_with_a_word(hub: Hub) -> None:
    address = f"https://github.com/{REPO}/issues/1"
    assert api(hub).issue(MARKER, "title", f"{MARKER}\none") == address
    assert api(hub).issue(MARKER, "title", f"{MARKER}\ntwo") == address
    assert [one["body"] for one in hub.issues] == [f"{MARKER}\ntwo"]
    assert api(hub).close_issue(MARKER, "it passes again") == address
    assert hub.issues[0]["state"] == "closed"
    assert [one["body"] for one in hub.comments] == ["it passes again"]
    assert api(hub).close_issue(MARKER, "it passes again") is None


def test_an_issue_that_says_the_same_is_not_written_again(hub: Hub) -> None:
    api(hub).issue(MARKER, "title", f"{MARKER}\none")
    hub.asked.clear()
    api(hub).issue(MARKER, "title", f"{MARKER}\none")
    assert {method for method, path, _ in hub.asked if "/issues" in path} == {"GET"}


def test_an_issue_of_somebody_else_and_a_pull_request_are_left_alone(hub: Hub) -> None:
    hub.issues = [an_issue(1, "mallory", MARKER), an_issue(2, hub.login, MARKER) | {"pull_request": {}}]
    assert api(hub).close_issue(MARKER, "it passes again") is None
    api(hub).issue(MARKER, "title", f"{MARKER}\nours")
    assert [one["body"] for one in hub.issues] == [MARKER, MARKER, f"{MARKER}\nours"]


def test_a_token_that_may_only_read_opens_no_issue(hub: Hub) -> None:
    hub.fixed["POST", "/repos/octo/models/issues"] = (403, {"message": "Resource not accessible"})
    assert api(hub).issue(MARKER, "title", MARKER) is None


def test_where_issues_are_switched_off_it_is_said(hub: Hub) -> None:
    hub.fixed["GET", "/repos/octo/models/issues"] = (410, {"message": "Issues has been disabled"})
    with pytest.raises(Unavailable, match="open or update an issue"):
        api(hub).issue(MARKER, "title", MARKER)
