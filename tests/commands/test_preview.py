"""The command that gathers what other steps found and writes the comment."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from modelway.commands import preview
from modelway.core.changes import Scope
from modelway.core.hosting import HostedEnvironment, HostedRepository, Subject
from modelway.core.preview import MARKER
from modelway.core.span import Span
from modelway.core.verdict import Approval
from modelway.errors import Malformed
from modelway.ports import World
from tests.fake_world import Stage

CONFIG = "model-configs/iris-classifier.yaml"


@dataclass
class FakeCodeHost:
    """A GitHub that remembers its one comment."""

    number: int | None = 7
    writable: bool = True
    comments: dict[int, str] = field(default_factory=dict)

    def pull_request(self) -> int | None:
        return self.number

    def comment(self, pull_request: int, marker: str, markdown: str, /) -> str | None:
        assert markdown.startswith(marker)
        if not self.writable:
            return None
        self.comments[pull_request] = markdown
        return f"https://github.com/octo/models/pull/{pull_request}#1"

    def issue(self, marker: str, title: str, markdown: str, /) -> str | None:
        raise NotImplementedError

    def close_issue(self, marker: str, words: str, /) -> str | None:
        raise NotImplementedError

    def repository(self) -> HostedRepository:
        raise NotImplementedError

    def environments(self) -> tuple[HostedEnvironment, ...]:
        raise NotImplementedError

    def approval(self, environment: str, /) -> Approval | None:
        raise NotImplementedError

    def subject(self) -> Subject:
        raise NotImplementedError


class OneChange:
    """A history in which the model's Dockerfile changed."""

    def span(self, base: str | None, head: str | None, /) -> Span:
        return Span(base=base or "b", head="h", words="since b")

    def paths(self, span: Span, /) -> tuple[str, ...]:
        return ("examples/iris/Dockerfile",)

    def scopes(self, commit: str, /) -> tuple[Scope, ...]:
        return (
            Scope(config=CONFIG, model="iris-classifier", files=frozenset({"examples/iris/Dockerfile"})),
            Scope(config="model-configs/other.yaml", model="other"),
        )

    def sent(self, ignore: str, paths: list[str], /) -> list[str]:
        return paths


@dataclass
class Bench:
    """A world, and running the command in it."""

    stage: Stage = field(default_factory=Stage)
    host: FakeCodeHost = field(default_factory=FakeCodeHost)

    @property
    def world(self) -> World:
        history: Callable[[], OneChange] = OneChange
        return replace(self.stage.world, hosting=lambda: self.host, history=history)  # type: ignore[arg-type]  # what preview asks of it

    def run(self, *arguments: str) -> str:
        """The Markdown without its escapes."""
        parser = argparse.ArgumentParser()
        preview.arguments(parser)
        preview.run(parser.parse_args(arguments), self.world)
        return self.stage.reporter.summaries[-1].replace("\\", "")


@pytest.fixture
def bench() -> Bench:
    return Bench()


def results(folder: Path, **files: object) -> Path:
    """A model's folder of results, some levels down; ``__`` stands for the dot."""
    model = folder / "an-artifact" / "iris-classifier"
    model.mkdir(parents=True)
    for name, content in files.items():
        text = content if isinstance(content, str) else json.dumps(content)
        (model / name.replace("__", ".").replace("_", "-")).write_text(text)
    return folder


def test_without_configs_the_touched_models_are_shown(bench: Bench) -> None:
    told = bench.run()
    assert "`iris-classifier`" in told
    assert "`examples/iris/Dockerfile`" in told
    assert "other" not in told


def test_all_that_was_found_is_in_the_comment(bench: Bench, tmp_path: Path) -> None:
    image = bench.stage.push()
    plan = bench.stage.delivery("staging").planned(image, retry=False)
    verdict = {"ok": True, "waived": [{"id": "CVE-2026-1", "package": "zlib"}]}
    folder = results(
        tmp_path,
        build__result="succeeded",
        build__json={"local_image": "modelway/iris:in-1", "reused": ""},
        scan__result="succeeded",
        scan__json={"reports": [], "verdict": verdict},
        try__result="succeeded",
        plan_staging__json=dict(plan.to_json()),
        permissions__txt="modelway-deploy:\n  + sagemaker:CreateModel on *\n",
    )
    told = bench.run(CONFIG, "--results", str(folder))
    assert "✅ **Image**: built modelway/iris:in-1" in told
    assert "✅ **Scan**: 1 waived" in told
    assert "CVE-2026-1" in told
    assert "✅ **Contract tests**" in told
    assert f"stage version {plan.version}" in told
    assert "➖ **Plan for production**: not planned" in told  # noqa: RUF001 - the sign is meant
    assert "⚠️ **Permissions**: 1 newly needed" in told


def test_what_failed_shows_its_last_lines(bench: Bench, tmp_path: Path) -> None:
    log = "::group::Try\n::error::fails 1 contract test%0Asetosa: expected 0\n"
    told = bench.run(CONFIG, "--results", str(results(tmp_path, try__result="rolled_back", try__log=log)))
    assert "❌ **Contract tests**: unhealthy" in told
    assert "setosa: expected 0" in told
    assert "cannot go out like this" in told


@pytest.mark.parametrize("text", ["{", "[" * 100_000, '{"schema_version": 1}', "null", "\xff"])
def test_a_file_nobody_can_read_is_shown_as_that(bench: Bench, tmp_path: Path, text: str) -> None:
    told = bench.run(CONFIG, "--results", str(results(tmp_path, scan__json=text, plan_staging__json=text)))
    assert "⚠️ **Plan for staging**: what was found cannot be read" in told


def test_a_plan_for_something_else_is_not_shown(bench: Bench, tmp_path: Path) -> None:
    plan = bench.stage.delivery("production")
    bench.stage.config = bench.stage.config
    image = bench.stage.push()
    file = dict(plan.planned(image, retry=False).to_json())
    told = bench.run(CONFIG, "--results", str(results(tmp_path, plan_staging__json=file)))
    assert "it is about something else" in told


def test_links_out_of_the_results_are_not_followed(bench: Bench, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("top secret")
    folder = results(tmp_path / "r", try__result="failed")
    (folder / "an-artifact" / "iris-classifier" / "try.log").symlink_to(secret)
    assert "top secret" not in bench.run(CONFIG, "--results", str(folder))


def test_posting_writes_the_comment(bench: Bench) -> None:
    bench.run(CONFIG, "--post")
    assert bench.host.comments[7].startswith(MARKER)
    assert bench.stage.reporter.outputs["comment"].endswith("/7#1")


def test_a_fork_gets_the_summary_and_no_failure(bench: Bench) -> None:
    bench.host.writable = False
    assert bench.run(CONFIG, "--post").startswith(MARKER)
    assert "summary only" in bench.stage.reporter.text
    assert bench.stage.reporter.outputs["comment"] == ""


def test_without_a_pull_request_there_is_nothing_to_comment_on(bench: Bench) -> None:
    bench.host.number = None
    with pytest.raises(Malformed, match="--pull-request"):
        bench.run(CONFIG, "--post")


def test_the_markdown_goes_where_it_is_wanted(bench: Bench, tmp_path: Path) -> None:
    file = tmp_path / "new" / "comment.md"
    assert bench.run(CONFIG, "--out", str(file)) == file.read_text().replace("\\", "")
    assert not bench.stage.reporter.printed


def test_a_plan_for_another_environment_is_refused(bench: Bench, tmp_path: Path) -> None:
    plan = bench.stage.delivery("staging").planned(bench.stage.push(), retry=False)
    file = tmp_path / "plan.json"
    file.write_text(json.dumps(plan.to_json()))
    with pytest.raises(Malformed, match="plan is for staging"):
        bench.run(CONFIG, "--plan", f"production={file}")
    assert "stage version" in bench.run(CONFIG, "--plan", str(file))
