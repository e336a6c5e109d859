"""``changed`` on real git repositories: events, clones, renames, and what is told of it."""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from modelway.adapters import process
from modelway.adapters.history import GitHistory
from modelway.adapters.organisation import VARIABLE
from modelway.commands import changed
from modelway.errors import Failure, Malformed, Unavailable
from modelway.ports import Run, World
from tests.fakes import FakeClock, FakeReporter

ZEROS = "0" * 40
CONFIG = """\
# yaml-language-server: $schema=../schemas/model-config.schema.json
schema_version: 1
name: {name}
description: "a text\\nthat goes on"
image:
  strategy: byoc
  context: models/{name}
  dockerfile: models/{name}/Dockerfile   # a comment
registry: {{account: "333333333333", region: eu-west-1, repository: ml/{name}}}
contract_tests:
  - {{name: one, body_file: bodies/{name}.json}}
environments: {{}}
"""


@dataclass
class Clone:
    """A repository, and the command run in it."""

    root: Path
    reporter: FakeReporter = field(default_factory=FakeReporter)

    def git(self, *arguments: str) -> str:
        """Run git as nobody in particular."""
        identity = ("-c", "user.name=A", "-c", "user.email=a@example.com")
        return process.succeed(["git", "-C", str(self.root), *identity, *arguments]).strip()

    def commit(self, files: Mapping[str, str | None]) -> str:
        """Write, or remove, and commit; the commit."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True)
            if text is not None:
                path.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "a change")
        return self.git("rev-parse", "HEAD")

    def changed(self, *options: str, ci: bool = False) -> dict[str, Any]:
        """Run the command; its JSON."""
        self.reporter = FakeReporter()
        self._run([*options, "--format", "json"], ci=ci)
        told: dict[str, Any] = json.loads(self.reporter.printed[0])
        return told

    def models(self, *options: str) -> list[str]:
        """Run the command; the models it names."""
        return [one["model"] for one in self.changed(*options)["models"]]

    def _run(self, options: list[str], *, ci: bool = False) -> None:
        parser = argparse.ArgumentParser()
        changed.arguments(parser)
        changed.run(parser.parse_args(options), world(self.root, self.reporter, ci=ci))


def world(root: Path, reporter: FakeReporter, *, ci: bool = False) -> World:
    """A world that knows git and nothing else."""
    nothing: Any = None
    return World(
        reporter=reporter,
        clock=FakeClock(),
        run=Run(root=root, workspace=root, ci=ci),
        history=lambda: GitHistory(root, lambda _path, _text: None),
        **dict.fromkeys(
            ("configs", "builder", "containers", "registry", "artifacts", "target", "scanner"), nothing
        ),
        advisories=nothing,
        permissions=nothing,
    )


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Clone:
    """Two models on main."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", os.devnull)
    monkeypatch.delenv(VARIABLE, raising=False)
    made = Clone(tmp_path / "clone")
    made.root.mkdir()
    made.git("init", "--quiet", "--initial-branch=main")
    files: dict[str, str | None] = {"README.md": "read me\n", "schemas/model-config.schema.json": "{}"}
    for name in ("iris", "churn"):
        files[f"model-configs/{name}.yaml"] = CONFIG.format(name=name)
        files[f"models/{name}/Dockerfile"] = "FROM scratch\n"
        files[f"models/{name}/.dockerignore"] = "*.md\n"
        files[f"models/{name}/app.py"] = f"'''The program of {name}, long enough to be told from others.'''\n"
        files[f"bodies/{name}.json"] = "[1]"
    made.commit(files)
    return made


@pytest.mark.parametrize(
    ("path", "models"),
    [
        ("README.md", []),
        ("models/iris/app.py", ["iris"]),
        ("models/iris/new/file", ["iris"]),
        ("models/iris/notes.md", []),
        ("models/iris/.dockerignore", ["iris"]),
        ("models/iris/Dockerfile", ["iris"]),
        ("bodies/churn.json", ["churn"]),
        ("model-configs/churn.yaml", ["churn"]),
        ("schemas/model-config.schema.json", ["churn", "iris"]),
        ("modelway-policy.yaml", ["churn", "iris"]),
        ("policies/modelway-policy.yaml", []),
    ],
)
def test_a_commit_touches_the_models_its_files_belong_to(clone, path, models):
    text = CONFIG.format(name="churn") + "# more\n" if path.endswith(".yaml") else "changed\n"
    clone.commit({path: text})
    assert clone.models("--base", "HEAD~1") == models


def test_the_policy_touches_every_model_also_when_it_is_removed_or_a_link(clone):
    clone.commit({"modelway-policy.yaml": "schema_version: 1\n"})
    clone.commit({"modelway-policy.yaml": None})
    assert clone.models("--base", "HEAD~1") == ["churn", "iris"]
    (clone.root / "modelway-policy.yaml").symlink_to("policies/ours.yaml")
    clone.commit({"policies/ours.yaml": "schema_version: 1\n"})
    clone.commit({"policies/ours.yaml": "schema_version: 1\nscan: {}\n"})
    assert clone.changed("--base", "HEAD~1")["models"][0]["reason"] == "policies/ours.yaml"
    assert clone.models("--base", "HEAD~1") == ["churn", "iris"]


def test_only_the_policy_that_is_named_counts(clone, monkeypatch, tmp_path):
    monkeypatch.setenv(VARIABLE, "policies/ours.yaml")
    clone.commit({"modelway-policy.yaml": "schema_version: 1\n"})
    assert clone.models("--base", "HEAD~1") == []
    clone.commit({"policies/ours.yaml": "schema_version: 1\n"})
    assert clone.models("--base", "HEAD~1") == ["churn", "iris"]
    monkeypatch.setenv(VARIABLE, str(tmp_path / "elsewhere.yaml"))
    assert clone.models("--base", "HEAD~1") == []


def test_uncommitted_files_do_not_count(clone):
    (clone.root / "models/iris/app.py").write_text("changed\n")
    assert clone.models("--base", "HEAD") == []


def test_a_renamed_file_counts_where_it_was_and_where_it_is(clone):
    clone.git("mv", "models/iris/app.py", "models/churn/taken.py")
    clone.commit({})
    assert clone.models("--base", "HEAD~1") == ["churn", "iris"]


def test_a_deleted_file_counts(clone):
    clone.commit({"models/iris/app.py": None})
    assert clone.models("--base", "HEAD~1") == ["iris"]


def test_strange_names_are_read_as_they_are(clone):
    clone.commit({'models/iris/a "b"\té\n.txt': "x"})
    assert clone.changed("--base", "HEAD~1")["models"][0]["reason"] == 'models/iris/a "b"\té\n.txt'


def test_a_deleted_config_is_told_apart(clone):
    clone.commit({"model-configs/iris.yaml": None})
    told = clone.changed("--base", "HEAD~1")
    assert told["models"] == []
    assert told["deleted"] == [{"config": "model-configs/iris.yaml", "model": "iris"}]
    assert json.loads(clone.reporter.outputs["deleted"]) == ["iris"]


def test_a_renamed_config_is_touched_and_not_deleted(clone):
    clone.git("mv", "model-configs/iris.yaml", "model-configs/flowers.yaml")
    clone.commit({})
    told = clone.changed("--base", "HEAD~1")
    assert [(one["config"], one["model"]) for one in told["models"]] == [
        ("model-configs/flowers.yaml", "iris")
    ]
    assert told["deleted"] == []


def test_a_config_is_read_as_it_is_at_the_head_that_is_named(clone):
    clone.commit({"models/iris/app.py": "changed\n"})
    clone.commit({"model-configs/iris.yaml": None})
    assert clone.models("--base", "HEAD~2", "--head", "HEAD~1") == ["iris"]


@pytest.mark.parametrize(
    "image",
    [
        'image: {strategy: byoc, context: models/iris,\n  dockerfile: "models/iris/Dockerfile"}\n',
        "image: &image\n  strategy: byoc\n  context: models/iris\n  dockerfile: models/iris/Dockerfile\n",
        "'image':\n  strategy: byoc\n  context: models/iris/\n  dockerfile: ./models/iris/Dockerfile\n",
        "image: {strategy: byoc,\ncontext: models/iris,\ndockerfile: models/iris/Dockerfile}\n",
    ],
)
def test_other_ways_to_write_the_same_config_are_read_alike(clone, image):
    clone.commit({"model-configs/iris.yaml": f"schema_version: 1\nname: iris\n{image}"})
    clone.commit({"models/iris/app.py": "changed\n"})
    assert clone.models("--base", "HEAD~1") == ["iris"]


def test_a_config_that_cannot_be_read_is_touched_by_its_own_change(clone):
    clone.commit({"model-configs/iris.yaml": "name: [iris\n"})
    told = clone.changed("--base", "HEAD~1")
    assert [one["config"] for one in told["models"]] == ["model-configs/iris.yaml"]


def test_a_config_that_is_a_link_is_read_through_it(clone):
    (clone.root / "elsewhere.yaml").write_text((clone.root / "model-configs/iris.yaml").read_text())
    (clone.root / "model-configs/iris.yaml").unlink()
    (clone.root / "model-configs/iris.yaml").symlink_to("../elsewhere.yaml")
    clone.commit({})
    clone.commit({"models/iris/app.py": "changed\n"})
    assert clone.models("--base", "HEAD~1") == ["iris"]
    clone.commit({"elsewhere.yaml": (clone.root / "elsewhere.yaml").read_text() + "# more\n"})
    assert clone.models("--base", "HEAD~1") == ["iris"]


@pytest.mark.parametrize(
    "base",
    ["modelway/iris:latest", "333333333333.dkr.ecr.eu-west-1.amazonaws.com/ml/iris@sha256:" + "0" * 64],
)
def test_a_model_built_on_another_ones_image_is_touched_with_it(clone, base):
    clone.commit({"models/churn/Dockerfile": f"ARG BASE={base}\nFROM ${{BASE}}\n"})
    clone.commit({"models/iris/app.py": "changed\n"})
    assert clone.models("--base", "HEAD~1") == ["churn", "iris"]


def test_more_models_than_a_matrix_holds_come_in_batches(clone):
    clone.commit({"schemas/model-config.schema.json": "{ }"})
    told = clone.changed("--base", "HEAD~1", "--batch", "1")
    outputs = clone.reporter.outputs
    assert json.loads(outputs["batches"]) == told["batches"]
    assert [one["include"][0]["model"] for one in told["batches"]] == ["churn", "iris"]
    assert json.loads(outputs["matrix"]) == told["batches"][0]
    assert (outputs["count"], json.loads(outputs["models"])) == ("2", ["churn", "iris"])
    assert "2 batches" in clone.reporter.warnings[0]


def test_nothing_touched_is_an_empty_matrix_and_a_count_to_ask_for(clone):
    clone.commit({"README.md": "more\n"})
    clone.changed("--base", "HEAD~1")
    assert clone.reporter.outputs["count"] == "0"
    assert json.loads(clone.reporter.outputs["matrix"]) == {"include": []}
    assert json.loads(clone.reporter.outputs["batches"]) == []


# --- which commits are compared ---


@pytest.fixture
def workflow(clone: Clone, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., None]:
    """Set the event of a workflow."""

    def set_event(event: Mapping[str, object], **variables: str) -> None:
        path = tmp_path / "event.json"
        path.write_text(json.dumps({"repository": {"default_branch": "main"}, **event}))
        for name, value in {"ACTIONS": "true", "EVENT_PATH": str(path), **variables}.items():
            monkeypatch.setenv(f"GITHUB_{name}", value)

    return set_event


def branched(clone: Clone) -> None:
    """A branch that changes iris, while main goes on and changes churn."""
    clone.git("switch", "--quiet", "--create", "feature")
    clone.commit({"models/iris/app.py": "changed\n"})
    clone.git("switch", "--quiet", "main")
    clone.commit({"models/churn/app.py": "changed\n"})
    clone.git("update-ref", "refs/remotes/origin/main", "main")
    clone.git("switch", "--quiet", "feature")


def test_a_pull_request_is_compared_with_where_it_left_its_base(clone, workflow):
    branched(clone)
    workflow({}, BASE_REF="main")
    assert clone.models() == ["iris"]


def test_a_push_is_compared_with_the_commit_before_it(clone, workflow):
    before = clone.commit({"models/churn/app.py": "changed\n"})
    clone.commit({"README.md": "more\n"})
    clone.commit({"models/iris/app.py": "changed\n"})
    workflow({"before": before})
    assert clone.models() == ["iris"]


def test_a_forced_push_counts_what_it_dropped(clone, workflow):
    before = clone.commit({"models/churn/app.py": "changed\n"})
    clone.git("reset", "--quiet", "--hard", "HEAD~1")
    clone.commit({"models/iris/app.py": "changed\n"})
    workflow({"before": before})
    assert clone.models() == ["churn", "iris"]


def test_a_new_branch_is_compared_with_the_default_branch(clone, workflow):
    branched(clone)
    workflow({"before": ZEROS})
    assert clone.models() == ["iris"]


@pytest.mark.parametrize("before", [ZEROS, "1" * 40])
def test_where_there_is_nothing_to_compare_with_all_models_are_touched(clone, workflow, before):
    workflow({"before": before})
    told = clone.changed()
    assert [one["model"] for one in told["models"]] == ["churn", "iris"]
    assert told["compared"].startswith("all there is")


def test_a_merge_queue_is_compared_with_its_base(clone, workflow):
    base = clone.git("rev-parse", "HEAD")
    clone.commit({"models/iris/app.py": "changed\n"})
    workflow({"merge_group": {"base_sha": base}})
    assert clone.models() == ["iris"]


def test_on_a_laptop_the_branch_is_compared_with_the_remotes_default(clone):
    branched(clone)
    assert clone.models() == ["iris"]


def test_without_a_remote_one_has_to_say_what_to_compare_with(clone):
    with pytest.raises(Malformed, match="no remote default branch") as failure:
        clone.changed()
    assert "--base REF" in failure.value.cure


@pytest.mark.parametrize("event", [{"before": "{parent}"}, None])
def test_a_shallow_clone_is_told_with_its_cure(clone, workflow, tmp_path, event):
    parent = clone.git("rev-parse", "HEAD")
    clone.commit({"models/iris/app.py": "changed\n"})
    shallow = Clone(tmp_path / "shallow")
    process.succeed(["git", "clone", "--quiet", "--depth=1", f"file://{clone.root}", str(shallow.root)])
    workflow({"before": parent} if event else {}, **({} if event else {"BASE_REF": "release"}))
    with pytest.raises(Unavailable) as failure:
        shallow.changed()
    assert "fetch-depth: 0" in failure.value.cure


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--base", "nowhere"], "git knows no commit 'nowhere'"),
        (["--head", "-h"], "git knows no commit '-h'"),
        (["--base", "HEAD", "--batch", "257"], "--batch cannot be 257"),
        (["--base", "HEAD", "--batch", "0"], "from 1 to 256"),
    ],
)
def test_wrong_options_are_malformed(clone, options, said):
    options = [f"--head={options[1]}"] if options[0] == "--head" else options
    with pytest.raises(Malformed) as failure:
        clone.changed(*options)
    assert said in str(failure.value)


def test_outside_of_git_there_is_nothing_to_compare(tmp_path):
    with pytest.raises(Failure, match="no repository"):
        Clone(tmp_path).changed("--base", "HEAD")


# --- tags ---


def test_a_tag_is_a_model_and_a_version(clone):
    told = clone.changed("--tag", "iris/v1.4.0-rc.1")
    assert told == {
        "model": "iris",
        "version": "1.4.0-rc.1",
        "config": "model-configs/iris.yaml",
        "prerelease": True,
    }
    matrix = {"include": [{"config": "model-configs/iris.yaml", "model": "iris"}]}
    assert json.loads(clone.reporter.outputs["matrix"]) == matrix
    assert clone.reporter.outputs["version"] == "1.4.0-rc.1"


def test_a_tag_of_no_model_is_malformed(clone):
    with pytest.raises(Malformed, match="no 'irsi'") as failure:
        clone.changed("--tag", "irsi/v1.0.0")
    assert "closest names: iris" in str(failure.value)
