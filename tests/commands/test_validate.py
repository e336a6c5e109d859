"""``validate``: what is printed, in which form, and how it ends."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Never

from modelway.commands import validate
from modelway.core.annotation import annotation
from modelway.core.config import Environment, ModelConfig
from modelway.core.json import JsonObject
from modelway.core.problem import Level, Problem
from modelway.core.scan_spec import Organisation
from modelway.errors import Malformed
from modelway.ports import Run, World
from tests.configs import model_config
from tests.fakes import FakeClock, FakeReporter

BAD = Problem(file="a.yaml", line=3, column=7, message="name cannot be 5%", cure="Write\ntext.")
WARNING = Problem(file="b,c.yaml", line=1, column=2, message="slow", level=Level.WARNING)


@dataclass
class FakeConfigs:
    """Files as they were read: a config, or problems, or both."""

    files: Mapping[str, tuple[ModelConfig | None, tuple[Problem, ...]]]
    asked: list[Sequence[str]] = field(default_factory=list)
    policy: tuple[Organisation | None, tuple[Problem, ...]] = (None, ())

    def find(self, paths: Sequence[str], /) -> tuple[Path, ...]:
        """All files, whatever the paths."""
        self.asked.append(paths)
        return tuple(map(Path, self.files))

    def read(self, path: Path, /) -> tuple[ModelConfig | None, tuple[Problem, ...]]:
        """What the file holds."""
        return self.files[str(path)]

    def organisation(self) -> tuple[Organisation | None, tuple[Problem, ...]]:
        """The organisation's policy."""
        return self.policy

    def load(self, path: Path, /) -> ModelConfig:
        """Not what ``validate`` asks for."""
        raise AssertionError(path)


def closed(*_: object) -> Never:
    """A port that ``validate`` must not open."""
    message = "validate needs nothing but the files"
    raise AssertionError(message)


def run(
    files: Mapping[str, tuple[ModelConfig | None, tuple[Problem, ...]]],
    *options: str,
    ci: bool = False,
    policy: tuple[Organisation | None, tuple[Problem, ...]] = (None, ()),
) -> tuple[FakeReporter, Malformed | None]:
    """Run the command on files; what was reported, and what was raised."""
    reporter = FakeReporter()
    parser = argparse.ArgumentParser()
    validate.arguments(parser)
    opened = {"reporter", "clock", "run", "configs"}
    world = World(
        reporter=reporter,
        clock=FakeClock(),
        run=Run(root=Path(), workspace=Path(), ci=ci),
        configs=FakeConfigs(files, policy=policy),
        **{port.name: closed for port in fields(World) if port.name not in opened},
    )
    try:
        validate.run(parser.parse_args(options), world)
    except Malformed as error:
        return reporter, error
    return reporter, None


GOOD = model_config(path="good.yaml")
FILES = {
    "good.yaml": (GOOD, ()),
    "a.yaml": (None, (BAD,)),
    "b,c.yaml": (model_config(name="b", path="b,c.yaml"), (WARNING,)),
}


def test_good_configs_end_well() -> None:
    reporter, error = run({"good.yaml": (GOOD, ())})
    assert error is None
    assert reporter.printed == ["1 config: 0 errors, 0 warnings"]


def test_problems_of_all_files_are_listed_before_it_fails() -> None:
    reporter, error = run(FILES)
    assert error is not None
    assert error.exit_code == 2
    assert reporter.printed == [str(BAD), str(WARNING), "3 configs: 1 error, 1 warning"]
    assert error.what == "1 of 3 configs cannot be used"


def test_a_policys_problem_is_told_once_and_breaks_every_config() -> None:
    wrong = replace(BAD, file="modelway-policy.yaml")
    files = dict.fromkeys(("a.yaml", "b.yaml"), (None, (wrong,)))
    reporter, error = run(files, policy=(None, (wrong,)))
    assert reporter.printed == [str(wrong), "2 configs: 1 error, 0 warnings"]
    assert error is not None
    assert error.what == "2 of 2 configs cannot be used"


def test_the_policy_that_counts_is_named() -> None:
    ours = Organisation(path="modelway-policy.yaml")
    reporter, error = run({"good.yaml": (GOOD, ())}, policy=(ours, ()))
    assert error is None
    assert reporter.printed == ["1 config: 0 errors, 0 warnings by modelway-policy.yaml"]
    reporter, _ = run({"good.yaml": (GOOD, ())}, "--format", "json", policy=(ours, ()))
    assert json.loads("\n".join(reporter.printed))["policy"] == "modelway-policy.yaml"


def test_warnings_alone_do_not_fail() -> None:
    assert run({"b,c.yaml": FILES["b,c.yaml"]})[1] is None


def test_json_is_one_object() -> None:
    reporter, error = run(FILES, "--format", "json")
    answer = json.loads("\n".join(reporter.printed))
    assert error is not None
    assert (answer["configs"], answer["errors"], answer["warnings"]) == (3, 1, 1)
    assert answer["problems"][0] == {
        "file": "a.yaml",
        "line": 3,
        "column": 7,
        "level": "error",
        "message": "name cannot be 5%",
        "cure": "Write\ntext.",
    }


def test_annotations_are_escaped() -> None:
    assert annotation(BAD) == "::error file=a.yaml,line=3,col=7::name cannot be 5%25%0AWrite%0Atext."
    assert annotation(WARNING) == "::warning file=b%2Cc.yaml,line=1,col=2::slow"


def test_github_format_prints_annotations_outside_of_workflows() -> None:
    reporter, _ = run(FILES, "--format", "github")
    assert reporter.printed[:2] == [annotation(BAD), annotation(WARNING)]


def test_inside_a_workflow_the_reporter_annotates_unasked() -> None:
    """It knows how many annotations GitHub shows; what is printed is never taken for a command."""
    reporter, _ = run(FILES, ci=True)
    assert reporter.places == [("a.yaml", 3, 7), ("b,c.yaml", 1, 2)]
    assert reporter.errors == ["name cannot be 5%\nWrite\ntext."]
    assert reporter.printed == ["3 configs: 1 error, 1 warning"]


def test_text_can_be_asked_for_inside_a_workflow() -> None:
    assert run(FILES, "--format", "text", ci=True)[0].places == []


def test_two_models_of_one_name_are_an_error() -> None:
    again = model_config(path="again.yaml")
    reporter, error = run({"good.yaml": (GOOD, ()), "again.yaml": (again, ())})
    assert error is not None
    assert reporter.printed[0].startswith(
        "again.yaml:1:1: error: the model 'iris-classifier' is defined in good.yaml"
    )


def test_names_that_join_to_one_are_an_error_where_both_would_be_the_same_thing() -> None:
    """Model ``iris`` in ``eu-live`` and model ``iris-eu`` in ``live`` would be one endpoint."""
    live = GOOD.environments["production"]

    def at(name: str, environment: str, **changes: str) -> ModelConfig:
        place = replace(live, name=environment, **changes)  # type: ignore[arg-type]  # texts all
        return model_config(name=name, path=f"{name}.yaml", environments={environment: place})

    first, same = at("iris", "eu-live"), at("iris-eu", "live")
    reporter, error = run({"iris.yaml": (first, ()), "iris-eu.yaml": (same, ())})
    assert error is not None
    assert reporter.printed[0].startswith(
        "iris-eu.yaml:1:1: error: iris-eu in live is called iris-eu-live on sagemaker, as is what iris.yaml"
        " names in eu-live"
    )
    for other in (at("iris-eu", "live", region="us-east-1"), at("iris-eu", "live", account="1" * 12)):
        assert run({"iris.yaml": (first, ()), "iris-eu.yaml": (other, ())})[1] is None


def test_two_services_in_one_target_group_are_an_error() -> None:
    live = GOOD.environments["production"]

    def at(environment: str, group: str, rule: str) -> Environment:
        settings: JsonObject = {"load_balancer": {"target_groups": [group], "listener_rule": rule}}
        return replace(live, name=environment, target="ecs", settings=settings)

    def model(name: str, *places: Environment) -> ModelConfig:
        environments = {place.name: place for place in places}
        return model_config(name=name, path=f"{name}.yaml", environments=environments)

    iris, rose = model("iris", at("eu", "a", "x"), at("us", "a", "y")), model("rose", at("eu", "b", "x"))
    reporter, error = run({"iris.yaml": (iris, ()), "rose.yaml": (rose, ())})
    assert error is not None
    first, second = reporter.printed[:2]
    assert first.startswith("iris.yaml:1:1: error: iris in us has a, as eu does")
    assert second.startswith("rose.yaml:1:1: error: rose in eu has x, as iris.yaml, eu does")
    apart = model("rose", at("eu", "b", "z"), at("us", "c", "v"))
    assert run({"iris.yaml": (model("iris", at("eu", "a", "x")), ()), "rose.yaml": (apart, ())})[1] is None
