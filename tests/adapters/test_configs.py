"""Configs read from files: what is valid parses, what is not says where, what is hostile does no harm."""

from __future__ import annotations

import os
import resource
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from modelway.adapters import service_models, yaml_positions
from modelway.adapters.config_text import LARGEST
from modelway.adapters.configs import Configs
from modelway.core.config import (
    AlarmMetric,
    Byoc,
    CreatedAlarm,
    ExistingAlarm,
    Extended,
    ModelConfig,
    Prebuilt,
    RolloutStrategy,
)
from modelway.core.problem import Level, Problem
from modelway.errors import Malformed
from modelway.targets import aws_lambda_checks, ecs_checks, sagemaker_checks

CASES = Path(__file__).parents[1] / "schemas"
LIMITS = service_models.limits("sagemaker", sagemaker_checks.SHAPES)
TODAY = date(2026, 6, 1)
SMALLEST = (CASES / "valid/smallest.yaml").read_text("utf-8")


def configs(root: Path = CASES) -> Configs:
    """Configs below a folder, on a fixed day."""
    sagemaker = partial(sagemaker_checks.check, limits=LIMITS)
    ecs = partial(ecs_checks.check, limits=service_models.limits("ecs", ecs_checks.SHAPES))
    of_lambda = service_models.limits("lambda", aws_lambda_checks.SHAPES)
    checks = {
        "sagemaker": sagemaker,
        "ecs": ecs,
        "lambda": partial(aws_lambda_checks.check, limits=of_lambda),
    }
    return Configs(root, today=lambda: TODAY, checks=checks)


def repository(tmp_path: Path, text: str | bytes) -> Path:
    """A repository with one config; returns the config's path."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model/Dockerfile").write_text("FROM scratch\n")
    path = tmp_path / "config.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def problems(path: Path) -> tuple[Problem, ...]:
    """What is wrong with a file in its own repository."""
    return configs(path.parent).read(path)[1]


def valid(name: str) -> ModelConfig:
    """A valid case, parsed."""
    config, found = configs().read(CASES / "valid" / name)
    assert found == ()
    assert config is not None
    return config


def words(problem: Problem) -> str:
    """A problem as the cases write it."""
    level = "warning: " if problem.level is Level.WARNING else ""
    return f"{problem.line}:{problem.column} {level}{problem.message} | {problem.cure}"


@pytest.mark.parametrize("path", sorted((CASES / "invalid").glob("*.yaml")), ids=lambda path: path.stem)
def test_a_bad_config_says_where_and_what(path: Path) -> None:
    """The first line of each case holds all that is told: ``# expect: LINE:COLUMN message | cure``."""
    first = path.read_text("utf-8").partition("\n")[0]
    _, found = configs().read(path)
    assert [words(problem) for problem in found] == [first.removeprefix("# expect: ")]


@pytest.mark.parametrize("path", sorted((CASES / "invalid").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_problem_has_a_cure(path: Path) -> None:
    assert all(problem.cure for problem in configs().read(path)[1])


def test_the_smallest_config_has_defaults() -> None:
    config = valid("smallest.yaml")
    assert config.image == Byoc(context="model", dockerfile="model/Dockerfile")
    assert config.artifact is None
    assert config.scan.fail_on == "high"
    assert config.environments["staging"].rollout.strategy is RolloutStrategy.ALL_AT_ONCE
    assert config.path == "valid/smallest.yaml"


def test_everything_arrives_with_its_type() -> None:
    config = valid("everything.yaml")
    production = config.environments["production"]
    assert isinstance(config.image, Byoc)
    assert [(s.id, s.env, s.file, s.required) for s in config.image.secrets] == [
        ("index", "INDEX_TOKEN", None, True),
        ("ca", None, "/etc/ssl/certs/ca-certificates.crt", False),
    ]
    assert config.scan.waivers[0].expires == date(2027, 1, 31)
    assert config.scan.max_database_age == timedelta(days=2)
    assert config.contract_tests[0].expect.json == [0, None, 0.001, -2]
    assert config.contract_tests[1].expect.has_json is False
    assert production.capacity.autoscaling is not None
    assert production.capacity.autoscaling.scale_in_cooldown == timedelta(minutes=10)
    assert production.rollout.alarms == (
        ExistingAlarm(name="iris-5xx"),
        CreatedAlarm(metric=AlarmMetric.LATENCY_P95, above=250, period=timedelta(minutes=1), datapoints=5),
    )
    assert production.rollout.max_time == timedelta(hours=2)
    assert production.settings["environment"] == {"LOG_LEVEL": "info", "FLAG": "yes"}
    assert config.environments["staging"].settings == production.settings


def test_environments_come_in_release_order() -> None:
    assert list(valid("everything.yaml").environments) == ["staging", "production"]


def test_other_strategies_parse() -> None:
    extended, prebuilt = valid("extended.yaml"), valid("prebuilt-serverless.yaml")
    assert isinstance(extended.image, Extended)
    assert extended.image.command == ("python", "-m", "serve")
    assert extended.environments["production"].capacity.instances == 3
    assert isinstance(prebuilt.image, Prebuilt)
    assert prebuilt.image.source.repository == "registry.example.com:5000/team/model"


def test_one_broken_part_hides_no_other(tmp_path: Path) -> None:
    """The schema is not satisfied, and still the checks beyond it are made where they can be."""
    text = SMALLEST.replace("ml-platform", "'*'").replace("context: model", "context: nowhere")
    text = text.replace("ml.m5.large", "ml.m5.larg")
    assert [problem.line for problem in problems(repository(tmp_path, text))] == [3, 6, 17]


def test_load_raises_with_every_error(tmp_path: Path) -> None:
    path = repository(tmp_path, SMALLEST.replace("name: smallest", "name: Small").replace("byoc", "byo"))
    with pytest.raises(Malformed, match="2 errors") as caught:
        configs(tmp_path).load(path)
    assert "config.yaml:2:7" in caught.value.seen
    assert "config.yaml:5:13" in caught.value.seen


def test_a_warning_does_not_stop_a_load() -> None:
    path = CASES / "invalid/alarm-slower-than-bake-time.yaml"
    assert configs().load(path).name == "smallest"


def test_find_takes_files_and_folders_once(tmp_path: Path) -> None:
    folder = tmp_path / "model-configs"
    (folder / ".hidden").mkdir(parents=True)
    for name in ("b.yaml", "a.yml", "notes.txt", ".hidden/c.yaml"):
        (folder / name).write_text("")
    found = configs(tmp_path).find([])
    assert [path.name for path in found] == ["a.yml", "b.yaml"]
    assert configs(tmp_path).find([str(folder / "b.yaml"), str(folder)]) == (
        folder / "b.yaml",
        folder / "a.yml",
    )


@pytest.mark.parametrize("path", ["nowhere.yaml", "."])
def test_finding_nothing_is_not_success(tmp_path: Path, path: str) -> None:
    with pytest.raises(Malformed):
        configs(tmp_path).find([str(tmp_path / path)])


LAUGHS = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))
HOSTILE = {
    "billion laughs": (LAUGHS, "more than 50,000 values"),
    "many values": ("a: [" + "1," * 200_000 + "]", "more than 50,000 values"),
    "deep flow": ("a: " + "[" * 100_000, "nested deeper than 32"),
    "deep block": ("- " * 100_000, "nested deeper than 32"),
    "deep mappings": ("{a: " * 100_000, "nested deeper than 32"),
    "tag of Python": ("a: !!python/object/apply:os.system [ls]", "is not allowed"),
    "local tag": ("a: !include /etc/passwd", "tag !include is not allowed"),
    "NUL": (b"a: b\nc: \x00\n", "control character U+0000"),
    "escape character": (b"a: \x1b[31m", "control character U+001B"),
    "not UTF-8": (b"a: \xc3\xa9\nb: \xff\n", "byte 0xFF is not UTF-8"),
    "UTF-16": ("a: b\n".encode("utf-16"), "is not UTF-8"),
    "surrogate": (b"a: \xed\xa0\x80", "is not UTF-8"),
    "too large": (b"#" * (LARGEST + 1), "at most 1,048,576 are read"),
    "only a comment": ("# nothing\n", "the file is empty"),
    "endless anchor": ("a: &" + "x" * 100_000 + " 1\n", "schema_version is missing"),
    "long number": ("a: " + "1" * 100_000, "more than 18 characters"),
    "escaped surrogate": ('name: "\\ud800"', "not YAML"),
    "directive": ("%YAML 9.9\n---\na: b\n", "not YAML"),
}


@pytest.mark.parametrize(("text", "message"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_files_are_refused_with_a_place(tmp_path: Path, text: str | bytes, message: str) -> None:
    found = problems(repository(tmp_path, text))
    assert any(message in problem.message for problem in found), found
    assert all(problem.line >= 1 and problem.column >= 1 for problem in found)


def test_bad_bytes_are_found_where_they_are(tmp_path: Path) -> None:
    (problem,) = problems(repository(tmp_path, b"a: \xc3\xa9\nb: \xc3\xa9\xff\n"))
    assert (problem.line, problem.column) == (2, 5)


def test_columns_count_characters(tmp_path: Path) -> None:
    found = problems(repository(tmp_path, '{"é": 1, "bad": 2}'))
    assert (1, 10) in {(problem.line, problem.column) for problem in found}


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    """Fifty megabytes on disk cost no memory: what is needed of them is their size."""
    path = repository(tmp_path, "")
    os.truncate(path, 50 * 1024 * 1024)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (problem,) = problems(path)
    assert "52,428,800 bytes" in problem.message
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024


def test_laughs_cost_no_memory(tmp_path: Path) -> None:
    path = repository(tmp_path, LAUGHS)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert problems(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024


@pytest.mark.parametrize("kind", ["folder", "pipe", "missing", "loop", "outside"])
def test_what_is_no_file_of_the_repository_is_refused(tmp_path: Path, kind: str) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    path = root / "config.yaml"
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "loop":
            path.symlink_to(path)
        case "outside":
            (tmp_path / "secret.yaml").write_text(SMALLEST)
            path.symlink_to(tmp_path / "secret.yaml")
        case _:
            assert not path.exists()
    config, (problem,) = configs(root).read(path)
    assert config is None
    assert problem.cure


def test_a_context_may_not_be_a_link_out_of_the_repository(tmp_path: Path) -> None:
    root = tmp_path / "repository"
    root.mkdir()
    (tmp_path / "outside").mkdir()
    path = repository(root, SMALLEST.replace("context: model", "context: link"))
    (root / "link").symlink_to(tmp_path / "outside")
    (problem,) = problems(path)
    assert (problem.line, problem.message) == (6, "link is a link that leaves the repository")


@pytest.mark.parametrize("target", ["/etc/passwd", "../../secret", "sub/../../secret"])
def test_a_link_out_of_the_context_is_refused(tmp_path: Path, target: str) -> None:
    path = repository(tmp_path, SMALLEST)
    (tmp_path / "model/sub").mkdir()
    (tmp_path / "model/sub/link").symlink_to(target if target.startswith("/") else f"../{target}")
    (problem,) = problems(path)
    assert "model/sub/link is a link that leaves the build context" in problem.message


def test_a_link_inside_the_context_is_fine(tmp_path: Path) -> None:
    path = repository(tmp_path, SMALLEST)
    (tmp_path / "model/link").symlink_to("Dockerfile")
    assert problems(path) == ()


def test_an_ignored_link_is_fine(tmp_path: Path) -> None:
    path = repository(tmp_path, SMALLEST)
    (tmp_path / "model/venv").mkdir()
    (tmp_path / "model/venv/python").symlink_to("/usr/bin/python3")
    (tmp_path / "model/.dockerignore").write_text("# ours\nvenv\n")
    assert problems(path) == ()


DOUBTFUL = "yes Off y 0123 -01 0x1f 0o17 0b1 1_000 1_0.5 0._ .0_1 12:30 1_0:30 1e3 1.5e3 -.5 .inf -.INF .NaN"


@pytest.mark.parametrize("text", DOUBTFUL.split())
def test_what_yaml_readers_disagree_about_has_to_be_quoted(text: str) -> None:
    assert yaml_positions.read(f"[{text}]")[1]
    assert yaml_positions.read(f"['{text}']")[1] == ()


@settings(deadline=None, max_examples=150)
@given(text=st.text())
def test_any_text_is_answered_with_problems(text: str) -> None:
    """Nothing is raised, whatever the file holds."""
    node, mistakes = yaml_positions.read(text)
    assert node is not None or mistakes


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose config is written again and again."""
    return repository(tmp_path_factory.mktemp("scratch"), SMALLEST)


@settings(deadline=None, max_examples=300)
@given(
    start=st.integers(0, len(SMALLEST)),
    length=st.integers(0, 30),
    new=st.text("abezyn019_ \n:-[]{}&*!|>'\"%@`?,#~.<\t", max_size=12),
)
def test_a_mutated_config_never_raises(scratch: Path, start: int, length: int, new: str) -> None:
    scratch.write_text(SMALLEST[:start] + new + SMALLEST[start + length :], "utf-8")
    config, found = configs(scratch.parent).read(scratch)
    assert config is not None or any(problem.level is Level.ERROR for problem in found)


@settings(deadline=None, max_examples=300)
@given(text=st.text("abeyntrulf01678_ :-[]{},.+~xoE'", max_size=9))
def test_what_is_read_without_complaint_is_what_pyyaml_reads(text: str) -> None:
    """The readers of YAML 1.1 must see the same; dates are text to us and the schema."""
    node, mistakes = yaml_positions.read(f"[{text}]")
    if node is not None and not mistakes:
        theirs = yaml.safe_load(f"[{text}]")
        assert node.value == theirs or "date" in repr(theirs)
