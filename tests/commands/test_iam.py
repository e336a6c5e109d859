"""``iam``: what is printed, warned of and refused, and what a change would newly need."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from modelway.commands import iam
from modelway.core.config import AlarmMetric, CreatedAlarm, ModelConfig, Rollout
from modelway.core.span import Span
from modelway.errors import Malformed
from modelway.ports import Run, World
from modelway.targets.sagemaker.permissions import permissions
from tests.configs import model_config, production, staging
from tests.fakes import FakeClock, FakeReporter

IDS = ("--repository-id", "12", "--owner-id", "34")
PATH = "model-configs/iris-classifier.yaml"


@dataclass
class Files:
    """Configs by their paths."""

    files: Mapping[str, ModelConfig]

    def find(self, paths: Sequence[str], /) -> tuple[Path, ...]:
        return tuple(map(Path, paths or self.files))

    def load(self, path: Path, /) -> ModelConfig:
        return self.files[str(path)]


@dataclass
class Past:
    """A history of one commit."""

    files: Mapping[str, ModelConfig | None]
    asked: list[str | None] = field(default_factory=list)

    def span(self, base: str | None, head: str | None, /) -> Span:
        self.asked.append(base)
        return Span(base="b" * 40, head="c" * 40, words="")

    def configs(self, commit: str, /) -> Mapping[str, ModelConfig | None]:
        assert commit == "b" * 40
        return self.files


def run(
    *options: str,
    configs: Mapping[str, ModelConfig] | None = None,
    before: Mapping[str, ModelConfig | None] | None = None,
    source: str = "https://github.com/acme/models",
) -> FakeReporter:
    """Run the command."""
    reporter = FakeReporter()
    closed: Any = dict.fromkeys(
        ("builder", "containers", "registry", "artifacts", "target", "scanner", "advisories"), None
    )
    files: Any = Files(configs or {PATH: model_config()})
    past: Any = Past(before or {})
    world = World(
        reporter=reporter,
        clock=FakeClock(),
        run=Run(root=Path(), workspace=Path(), source=source),
        configs=files,
        history=lambda: past,
        permissions=permissions,
        **closed,
    )
    parser = argparse.ArgumentParser()
    iam.arguments(parser)
    iam.run(parser.parse_args(options), world)
    return reporter


def names(reporter: FakeReporter) -> list[tuple[str, str]]:
    """The roles that were printed."""
    return [(role["account"], role["name"]) for role in json.loads(reporter.printed[0])["roles"]]


def _visitor(role: Mapping[str, Any]) -> bool:
    """What prunes weights in an environment's account: the registry's prune role assumes it."""
    return bool(role["kinds"] == ["registry"] and role["account"] != "333333333333")


def test_all_roles_come_with_policy_and_trust_of_the_repository_this_is():
    told = json.loads(run(*IDS).printed[0])["roles"]
    assert len(told) == 10
    assert all(len(role["policies"]) == 1 for role in told)
    # What deployments attach evidence by trusts their roles, and no job.
    jobs = [role for role in told if role["kinds"] != ["evidence"] and not _visitor(role)]
    assert all("repo:acme/models" in json.dumps(role["trust"]) for role in jobs)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--role", "push"], [("333333333333", "modelway-push")]),
        (["--role", "retire", "-e", "production"], [("222222222222", "modelway-retire")]),
        (
            ["-e", "production"],
            [("222222222222", "modelway-plan"), ("222222222222", "modelway-deploy")],
        ),
        (["-e", "production", "--role", "deploy"], [("222222222222", "modelway-deploy")]),
    ],
)
def test_some_can_be_asked_for(options, expected):
    assert names(run(*options, *IDS)) == expected


@pytest.mark.parametrize("form", ["cloudformation", "terraform"])
def test_templates_are_json(form):
    told = json.loads(run("--format", form, *IDS).printed[0])
    assert "Resources" in told or "resource" in told


def test_text_is_for_people():
    (text,) = run("--format", "text", *IDS).printed
    assert text.startswith("modelway-read (build) in 333333333333\n  ecr:")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["-e", "prod"], "no config has an environment 'prod'"),
        (["-e", "production", "--role", "push"], "no role of the configs is asked for"),
        (["--repository", "acme"], "not ORG/REPO"),
        (["--repository-id", "1"], "one id without the other"),
        (["--repository-id", "1*", "--owner-id", "2"], "not an id"),
    ],
)
def test_wrong_options_are_malformed(options, said):
    with pytest.raises(Malformed) as failure:
        run(*options)
    assert said in str(failure.value)


def test_without_a_repository_there_are_policies_and_no_trust():
    reporter = run(source="https://git.example.com/acme/models")
    assert "trust" not in json.loads(reporter.printed[0])["roles"][0]
    assert "--repository" in reporter.notes[0]


def test_a_template_needs_somebody_to_trust():
    with pytest.raises(Malformed, match="--format terraform") as failure:
        run("--format", "terraform", source="")
    assert "--repository ORG/REPO" in failure.value.cure


def test_without_ids_a_warning_says_what_that_means():
    assert "--repository-id" in run().warnings[0]
    assert run(*IDS).warnings == []


def test_what_aws_would_refuse_is_said():
    configs = {f"{n}.yaml": model_config(name=f"model-{n}") for n in range(30)}
    said = "\n".join(run(*IDS, configs=configs).warnings)
    assert "modelway-deploy (deploy of production) in 222222222222" in said
    assert "6,144 of a managed policy" in said
    assert "inline policies they would exceed 10,240" in said
    assert "the trust policy has" in said


def test_one_deploy_role_for_two_environments_is_warned_of():
    places = {"staging": staging(), "production": production(account="111111111111")}
    (said,) = run(*IDS, configs={PATH: model_config(environments=places)}).warnings
    assert "can deploy to the others" in said


# --- --diff ---

BEFORE = model_config()
ALARMED = Rollout(alarms=(CreatedAlarm(metric=AlarmMetric.ERROR_RATE, above=5),))
AFTER = model_config(environments={"staging": staging(), "production": production(rollout=ALARMED)})


def test_a_change_that_needs_nothing_new_says_so():
    reporter = run("--diff", "main", before={PATH: BEFORE})
    assert reporter.printed == ["no role needs other permissions"]
    assert reporter.outputs["changes"] == "false"


def test_what_is_newly_needed_is_told_role_by_role():
    reporter = run("--diff", "main", configs={PATH: AFTER}, before={PATH: BEFORE})
    assert reporter.printed[:2] == [
        "modelway-plan (plan of production) in 222222222222",
        "  + cloudwatch:DescribeAlarms on *",
    ]
    assert reporter.outputs["changes"] == "true"


def test_what_is_needed_no_more_is_told_too():
    reporter = run("--diff", "main", configs={PATH: BEFORE}, before={PATH: AFTER}, source="")
    assert "  - cloudwatch:DescribeAlarms on *" in reporter.printed


def test_the_difference_is_there_for_programs():
    reporter = run("--diff", "main", "--format", "json", configs={PATH: AFTER}, before={PATH: BEFORE})
    told = json.loads(reporter.printed[0])
    assert told["base"] == "b" * 40
    assert told["roles"][0]["added"] == [
        {"Effect": "Allow", "Action": ["cloudwatch:DescribeAlarms"], "Resource": ["*"]}
    ]


def test_a_new_environment_is_a_new_role():
    before = replace(BEFORE, environments={"staging": staging()})
    reporter = run("--diff", "main", "-e", "production", before={PATH: before})
    assert reporter.printed[0] == "modelway-plan (plan of production) in 222222222222: new"


def test_a_config_that_had_errors_counts_as_new_and_is_named():
    reporter = run("--diff", "main", before={PATH: None})
    assert PATH in reporter.warnings[0]
    assert reporter.printed[0].endswith(": new")


def test_only_the_configs_that_are_named_are_compared():
    other = replace(BEFORE, name="other", path="other.yaml")
    reporter = run(PATH, "--diff", "main", before={PATH: BEFORE, "other.yaml": other})
    assert reporter.printed == ["no role needs other permissions"]
