"""Inputs of an action become the verb's arguments, or one error that names the input and what is allowed."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import pytest

from modelway.__main__ import main
from modelway.commands import action
from modelway.errors import Failure, Malformed, Superseded, Unfinished


def parser() -> argparse.ArgumentParser:
    """A verb with an option of every kind."""
    made = argparse.ArgumentParser(prog="scripts/run verb")
    made.add_argument("config")
    made.add_argument("more", nargs="*")
    made.add_argument("-w", "--max-wait")
    made.add_argument("--retry", action="store_true")
    made.add_argument("--batch", type=int, default=5)
    made.add_argument("--access", choices=("plan", "deploy"))
    made.add_argument("--plan", action="append", type=Path)
    made.add_argument("--format", choices=("text", "json"))
    return made


def parsed(**values: str) -> argparse.Namespace:
    """What the verb gets for these inputs."""
    variables = {f"MODELWAY_INPUT_{name.upper()}": value for name, value in values.items()}
    made = parser()
    return made.parse_args(action.arguments(made, lambda name: variables.get(name, "")))


def test_every_kind_of_input_arrives_as_the_option_it_is_named_after():
    got = parsed(
        config="a b.yaml",
        more="x\n y z \n\n",
        max_wait="50m",
        retry="True",
        batch="7",
        access="plan",
        plan="p\nq",
    )
    assert vars(got) == {
        "config": "a b.yaml",
        "more": ["x", "y z"],
        "max_wait": "50m",
        "retry": True,
        "batch": 7,
        "access": "plan",
        "plan": [Path("p"), Path("q")],
        "format": None,
    }


def test_empty_inputs_leave_the_defaults():
    got = parsed(config="c", max_wait="", retry="false", batch="", access=" ")
    assert (got.max_wait, got.retry, got.batch, got.access, got.plan) == (None, False, 5, None, None)


def test_a_value_that_looks_like_an_option_stays_a_value():
    assert parsed(config="c", max_wait="--retry").max_wait == "--retry"
    with pytest.raises(Malformed, match="input config: '--retry' is not allowed"):
        parsed(config="--retry")


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("retry", "yes", "true, false"),
        ("batch", "many", "a whole number"),
        ("access", "root", "plan, deploy"),
    ],
)
def test_a_wrong_value_is_told_with_its_input_and_what_is_allowed(name: str, value: str, allowed: str):
    with pytest.raises(Malformed) as caught:
        parsed(config="c", **{name: value})
    assert f"input {name}: {value!r} is not allowed\nAllowed: {allowed}." in str(caught.value)


def test_a_missing_input_is_told_because_github_does_not():
    with pytest.raises(Malformed, match="input config is missing"):
        parsed(config="")


def test_inputs_of_a_verb_with_actions_go_with_their_action_only():
    made = argparse.ArgumentParser()
    actions = made.add_subparsers(dest="action", required=True)
    update, bring = actions.add_parser("update"), actions.add_parser("import")
    update.add_argument("--base-url")
    bring.add_argument("source", nargs="+")
    for each in (update, bring):
        each.add_argument("--database")

    def get(**values: str) -> Callable[[str], str]:
        return lambda name: {f"MODELWAY_INPUT_{n.upper()}": v for n, v in values.items()}.get(name, "")

    assert action.arguments(made, get(action="import", source="a\nb", database="d")) == [
        *("import", "--database=d", "a", "b")
    ]
    with pytest.raises(Malformed, match="input base-url: 'u' is not allowed"):
        action.arguments(made, get(action="import", base_url="u"))
    with pytest.raises(Malformed, match="input action: 'x' is not allowed"):
        action.arguments(made, get(action="x"))


@pytest.mark.parametrize(
    ("failure", "verb", "strict", "goes_on"),
    [
        (Superseded("newer"), "deploy", "", True),
        (Superseded("newer"), "deploy", "true", False),
        (Superseded("newer"), "rollback", "", False),
        (Unfinished("slow"), "deploy", "true", True),
        (Malformed("wrong"), "deploy", "", False),
    ],
)
def test_only_what_a_workflow_expects_leaves_the_job_green(
    failure: Failure, verb: str, strict: str, *, goes_on: bool
):
    assert action.tolerated(failure, verb, lambda _: strict) is goes_on


def test_an_action_keeps_what_its_verb_printed_said_and_ended_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    outputs, results = tmp_path / "outputs", tmp_path / "results"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_OUTPUT", str(outputs))
    monkeypatch.setenv("MODELWAY_INPUT_KEEP", str(results))
    monkeypatch.setenv("MODELWAY_INPUT_PATH", "nothing.yaml")
    assert main(["action", "validate"]) == 2
    said = capfd.readouterr()
    assert said.err.startswith("::error::nothing.yaml does not exist%0ATo fix:")
    assert (results / "validate.result").read_text() == "failed\n"
    assert (results / "validate.log").read_text() == said.err
    assert "result<<" in outputs.read_text()
