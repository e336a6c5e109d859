"""The organisation's policy file: every mistake with its place and cure, and configs that ask for less."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelway.adapters.configs import Configs
from modelway.adapters.organisation import FILE, VARIABLE, of_checkout
from modelway.errors import Malformed
from tests.adapters.test_configs import SMALLEST, TODAY

OURS = """\
schema_version: 1
scan: {fail_on: high, max_database_age: 3d}
waivers: {max_days: 30, require: [owner]}
"""


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one model."""
    monkeypatch.delenv(VARIABLE, raising=False)
    (tmp_path / "model").mkdir()
    (tmp_path / "model/Dockerfile").write_text("FROM scratch\n")
    return tmp_path


def problems(root: Path, policy: str, config: str = "") -> list[str]:
    """What is wrong with a policy, and with a config under it."""
    (root / FILE).write_text(policy)
    (root / "config.yaml").write_text(SMALLEST + config)
    configs = Configs(root, today=lambda: TODAY, organisation=lambda: of_checkout(root, lambda: TODAY))
    return [str(one) for one in configs.read(root / "config.yaml")[1]]


@pytest.mark.parametrize(
    ("policy", "place", "words"),
    [
        ("scan: {}\n", "1:1", "schema_version"),
        ("schema_version: 1\nscan:\n  fail_on: hihg\n", "3:12", "high"),
        ("schema_version: 1\nscan:\n  fial_on: high\n", "3:3", "fail_on"),
        ("schema_version: 1\nwaivers:\n  require: [boss]\n", "3:13", "owner"),
        ("schema_version: 1\nwaivers: {max_days: 900}\n", "2:21", "365"),
        (
            "schema_version: 1\nscan: {secrets: high}\nenvironments:\n  production: {secrets: 'off'}\n",
            "4:25",
            "looser than the high scan demands",
        ),
        (
            "schema_version: 1\nscan:\n  waivers: [{id: CVE-1, reason: it is a test, expires: 2026-02-30}]\n",
            "3:56",
            "calendar",
        ),
        ("- a list\n", "1:1", "mapping"),
    ],
)
def test_a_mistake_has_its_place_and_its_cure(root: Path, policy: str, place: str, words: str) -> None:
    [found] = problems(root, policy)
    assert found.startswith(f"{FILE}:{place}: error: ")
    assert words in found
    assert "\n    " in found


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (
            "scan: {fail_on: critical}\n",
            "critical is looser than the high modelway-policy.yaml demands",
        ),
        ("scan: {max_database_age: 7d}\n", "max_database_age 7d is looser than the 3d"),
        (
            "scan: {base_image: 'off'}\n",
            "base_image off is looser than the high modelway-policy",
        ),
        ("scan: {only_fixable: true}\n", "only_fixable true is looser than the false"),
        ("scan: {grace: {high: 7d}}\n", "grace {high: 7d} is looser than the {}"),
        (
            "scan: {waivers: [{id: CVE-1, reason: because it is, expires: 2026-06-20}]}\n",
            "names no owner, which modelway-policy.yaml asks of every waiver",
        ),
        (
            "scan: {waivers: [{id: CVE-1, reason: because it is, expires: 2026-06-20, owner: TODO}]}\n",
            "names no owner, which modelway-policy.yaml asks of every waiver",
        ),
        (
            "scan: {waivers: [{id: CVE-1, reason: because it is, expires: 2026-07-20, owner: me}]}\n",
            "at most 30 days are allowed by modelway-policy.yaml",
        ),
    ],
)
def test_a_config_that_asks_for_less_is_an_error_at_its_own_line(root: Path, config: str, words: str) -> None:
    [found] = problems(root, OURS, config)
    assert found.startswith(f"config.yaml:{len(SMALLEST.splitlines()) + 1}:")
    assert words in found


@pytest.mark.parametrize(
    "config", ["", "scan: {fail_on: low, max_database_age: 1d, secrets: 'off', epss: 0.1}\n"]
)
def test_stricter_and_unsaid_is_everybodys_own(root: Path, config: str) -> None:
    assert problems(root, OURS, config) == []


def test_no_file_is_no_policy_but_a_named_one_must_be_there(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert of_checkout(root, lambda: TODAY) == (None, ())
    monkeypatch.setenv(VARIABLE, "elsewhere.yaml")
    with pytest.raises(Malformed, match=r"elsewhere\.yaml"):
        of_checkout(root, lambda: TODAY)
    (root / "elsewhere.yaml").write_text(OURS)
    found, wrong = of_checkout(root, lambda: TODAY)
    assert found
    assert (found.path, found.scan.fail_on, wrong) == ("elsewhere.yaml", "high", ())
