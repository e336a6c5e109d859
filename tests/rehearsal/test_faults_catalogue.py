"""Faults one can ask for: each is injected somehow, and what makes images faulty is a valid Dockerfile."""

from __future__ import annotations

import json
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from modelway.core import dockerfile
from modelway.core.json import Json
from modelway.errors import Failure
from modelway.rehearsal import faults_catalogue
from modelway.rehearsal.faults_catalogue import FAULTS, Fault
from modelway.rehearsal.venue import VENUES
from modelway.scanners.builtin.secrets.search import Search


@pytest.mark.parametrize("fault", FAULTS.values(), ids=str)
def test_every_fault_injects_something(fault: Fault) -> None:
    means = (fault.spoiled, fault.package, fault.throttles, fault.kills, fault.capacity_short, fault.stale)
    assert any((*means, fault.foreign, fault.secret, fault.tampering))


@pytest.mark.parametrize("fault", FAULTS.values(), ids=str)
def test_every_fault_ends_with_a_known_exit_code(fault: Fault) -> None:
    assert fault.exit_code in {0, *(kind.exit_code for kind in Failure.__subclasses__())}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=str)
def test_faults_speak_of_targets_there_are(fault: Fault) -> None:
    assert not (fault.ends_on.keys() | fault.never_on.keys()) - VENUES.keys()
    assert all(fault.ending(target) for target in VENUES)


def test_the_guide_tells_how_each_fault_ends_on_each_target(root: Path) -> None:
    """Its table, made of nothing but the catalogue and of what was seen."""
    page = (root / "docs/how-to/rehearse-failures.md").read_text("utf-8")
    _, _, table = page.partition("## On each target\n")
    head, _, *rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("|")]
    targets = [name.strip("`") for name in head[1:]]
    assert set(targets) == VENUES.keys()
    told = {
        (row[0].strip("`"), target): cell
        for row in rows
        for target, cell in zip(targets, row[1:], strict=True)
    }
    assert {cell.removesuffix(", seen") for cell in told.values()} <= {str(n) for n in range(12)} | {"-"}
    wanted = {
        (fault.name, target): "-" if target in fault.never_on else str(fault.exit_code)
        for fault in FAULTS.values()
        for target in VENUES
    }
    assert {key: cell.removesuffix(", seen") for key, cell in told.items()} == wanted


def test_the_faulty_layer_needs_no_other_base_image() -> None:
    text = "FROM base:1\n" + faults_catalogue.spoiling(faults_catalogue.LAYER.read_text())
    assert [base.reference for base in dockerfile.bases(text, {}, "linux/amd64")] == ["base:1"]


def test_the_foreign_layer_needs_no_other_base_image() -> None:
    text = "FROM base:1\n" + faults_catalogue.calling_itself("modelway-rehearsal/foreign:1")
    assert "base:1" in [base.reference for base in dockerfile.bases(text, {}, "linux/amd64")]


def test_the_layers_with_a_key_need_no_other_base_image() -> None:
    text = "FROM base:1\n" + faults_catalogue.deleting("modelway-rehearsal/secret:1", "1000")
    assert "base:1" in [base.reference for base in dockerfile.bases(text, {}, "linux/amd64")]
    assert dockerfile.user(text) == "1000"
    assert dockerfile.user("FROM a\nUSER 1000\n" + faults_catalogue.deleting("x", "")) == "0"
    assert dockerfile.user("FROM a\nUSER 1000\nFROM b\n") == ""


def test_the_key_is_one_the_scanner_knows() -> None:
    search = Search("root/.aws/credentials")
    search.feed(faults_catalogue.credentials().encode(), last=True)
    assert {hit.rule.id for hit in search.hits} == {"aws-access-key-id", "aws-secret-access-key"}


@pytest.mark.parametrize("layer", ["it's", "ends with \\"])
def test_a_layer_a_shell_would_garble_is_refused(layer: str) -> None:
    with pytest.raises(ValueError, match="shell"):
        faults_catalogue.spoiling(layer)


Wsgi = Callable[[dict[str, object], Callable[[str, list[tuple[str, str]]], object]], list[bytes]]


def model(_environ: dict[str, object], start_response: Callable[..., object]) -> list[bytes]:
    body = json.dumps([0, 1]).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def ask(application: Wsgi, path: str = "/invocations") -> tuple[int, Json]:
    head: list[str] = []
    body = b"".join(application({"PATH_INFO": path}, lambda status, _: head.append(status)))
    return int(head[0].split()[0]), json.loads(body)


def worker(monkeypatch: pytest.MonkeyPatch, fault: str) -> Wsgi:
    monkeypatch.setenv("MODELWAY_FAULT", fault)
    made = SimpleNamespace(wsgi=model)
    runpy.run_path(str(faults_catalogue.LAYER))["post_worker_init"](made)
    application: Wsgi = made.wsgi
    return application


def test_without_a_fault_asked_for_the_faulty_image_is_a_healthy_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert worker(monkeypatch, "") is model


def test_wrong_answers_are_wrong_and_healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    application = worker(monkeypatch, "wrong-answers")
    assert ask(application) == (200, [1, 2])
    assert ask(application, "/ping") == (200, [0, 1])


Handler = Callable[[dict[str, object], object], dict[str, object]]


def handler(_event: dict[str, object], _context: object) -> dict[str, object]:
    return {"statusCode": 200, "body": "[0, 1]"}


def on_lambda(fault: str) -> Handler:
    made: Handler = runpy.run_path(str(faults_catalogue.LAYER))["spoiled_handler"](handler, fault)
    return made


def test_a_function_is_faulty_in_the_same_ways() -> None:
    assert on_lambda("") is handler
    assert on_lambda("wrong-answers")({}, None) == {"statusCode": 200, "body": "[1, 2]"}
    failing, failed = on_lambda("errors-under-traffic"), 0
    for _ in range(45):
        try:
            failing({}, None)
        except RuntimeError:
            failed += 1
    assert failed == 10


def test_errors_come_under_traffic_and_not_before(monkeypatch: pytest.MonkeyPatch) -> None:
    application = worker(monkeypatch, "errors-under-traffic")
    statuses = [ask(application)[0] for _ in range(45)]
    assert set(statuses[:25]) == {200}
    assert statuses[25:].count(500) == 10
    assert ask(application, "/ping")[0] == 200
