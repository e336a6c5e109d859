"""Whose policy counts: the default branch's in a workflow, read from the clone or asked of GitHub.

GitHub is played by a function that answers as docs.github.com/graphql says; GitHub itself was not asked.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from modelway.adapters import process
from modelway.adapters.configs import Configs
from modelway.adapters.default_branch import CloneBranch, of_clone
from modelway.adapters.github_branch import of_host
from modelway.adapters.github_rest import GitHubRest, Refused
from modelway.adapters.organisation import FILE, VARIABLE, of_checkout
from modelway.adapters.policies import Policies
from modelway.core.config import ModelConfig
from modelway.core.json import Json, JsonObject
from modelway.core.rules import Governing
from modelway.core.scan_spec import ScanSpec
from modelway.errors import Malformed, NotEvaluated, Unavailable
from tests.fakes import FakeClock

TODAY = date(2026, 6, 15)
CONFIG = "model-configs/smallest.yaml"
SMALLEST = (Path(__file__).parents[1] / "schemas/valid/smallest.yaml").read_text("utf-8")
WAIVER = "  waivers: [{id: CVE-1-1, reason: because it is a test, expires: '2026-07-01'}]\n"


@dataclass
class Hub(GitHubRest):
    """GitHub with the files of its default branch."""

    files: dict[str, str] = field(default_factory=dict)
    answer: JsonObject | None = None
    refused: Refused | None = None
    cut: bool = False
    """Whether the branch has more files than GitHub lists."""
    binary: str = ""
    asked: list[JsonObject] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__("octo/models", "t", FakeClock())

    def ask(
        self, method: str, path: str, body: JsonObject | None = None, *, again: bool | None = None
    ) -> Json:
        """GraphQL only; what is asked for is read from the variables."""
        if method == "GET":
            assert path == f"repos/octo/models/git/trees/{'c' * 40}?recursive=1"
            listed = {name: text for name, text in self.files.items() if not self.cut}
            tree: list[Json] = [{"path": n, "type": "blob", "size": len(t)} for n, t in listed.items()]
            return {"tree": tree, "truncated": self.cut}
        assert (method, again, path) == ("POST", True, "https://api.github.com/graphql")
        assert body is not None
        self.asked.append(body)
        if self.refused:
            raise self.refused
        if self.answer is not None:
            return self.answer
        variables = body["variables"]
        assert isinstance(variables, dict)
        found: dict[str, Json] = {"defaultBranchRef": {"name": "main", "target": {"oid": "c" * 40}}}
        for key, asked in variables.items():
            path = str(asked).partition(":")[2]
            if key.startswith("p"):
                found[f"f{key[1:]}"] = self.blob(path) if path in self.files else None
        return {"data": {"repository": found}}

    def blob(self, path: str) -> dict[str, Json]:
        text, binary = self.files[path], path == self.binary
        told = None if binary else text
        return {"text": told, "isBinary": binary, "isTruncated": False, "byteSize": len(text)}


@dataclass
class House:
    """A clone whose origin/main is one thing and whose checkout is another."""

    root: Path
    hub: Hub = field(default_factory=Hub)

    def git(self, *arguments: str) -> str:
        who = ("-c", "user.name=A", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
        return process.succeed(["git", "-C", str(self.root), *who, *arguments]).strip()

    def write(self, scan: str = "", *, path: str = CONFIG, name: str = "smallest", policy: str = "") -> None:
        """The checkout's files; without a policy there is no file of one."""
        target = self.root / path
        target.parent.mkdir(exist_ok=True, parents=True)
        text = SMALLEST.replace("name: smallest", f"name: {name}")
        target.write_text(text + (f"scan:\n{scan}" if scan else ""))
        (self.root / FILE).unlink(missing_ok=True)
        if policy:
            (self.root / FILE).write_text(policy)

    def commit(self, *, protected: bool = False) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "one")
        if protected:
            self.git("update-ref", "refs/remotes/origin/main", "HEAD")
        return self.git("rev-parse", "HEAD")

    def load(self, path: str = CONFIG) -> ModelConfig:
        organisation = lambda: of_checkout(self.root, lambda: TODAY)  # noqa: E731
        return Configs(self.root, today=lambda: TODAY, organisation=organisation).load(self.root / path)

    def rules(self, path: str = CONFIG, *, ci: bool = True) -> Governing:
        return Policies(root=self.root, ci=ci, today=lambda: TODAY, rest=lambda: self.hub)(self.load(path))

    def spec(self, path: str = CONFIG) -> ScanSpec:
        return self.rules(path).rules.policy().spec


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> House:
    for name in ("GLOBAL", "SYSTEM"):
        monkeypatch.setenv(f"GIT_CONFIG_{name}", "/dev/null")
    for name in (VARIABLE, "GITHUB_GRAPHQL_URL"):
        monkeypatch.delenv(name, raising=False)
    root = tmp_path / "repository"
    (root / "model").mkdir(parents=True)
    (root / "model/Dockerfile").write_text("FROM scratch\n")
    made = House(root)
    made.git("init", "--quiet", "--initial-branch=main")
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"repository": {"default_branch": "main"}}))
    monkeypatch.setenv("GITHUB_EVENT_PATH", str(event))
    return made


@pytest.fixture(params=["clone", "host"])
def protected(request: pytest.FixtureRequest, house: House) -> Callable[[], None]:
    """Makes the checkout's files those of the default branch, in the clone or at GitHub."""

    def stands() -> None:
        if request.param == "clone":
            house.commit(protected=True)
            return
        tracked = (each for each in house.root.rglob("*") if each.is_file())
        inside = ((str(each.relative_to(house.root)), each) for each in tracked)
        house.hub.files = {
            name: each.read_text("utf-8") for name, each in inside if not name.startswith(".git/")
        }
        house.commit()

    return stands


def test_a_laptop_judges_by_what_lies_there(house: House) -> None:
    house.write("  fail_on: high\n")
    house.commit(protected=True)
    house.write("  fail_on: 'off'\n" + WAIVER)
    found = house.rules(ci=False)
    policy = found.rules.policy()
    assert (policy.spec.fail_on, len(policy.spec.waivers), policy.source) == ("off", 1, "the checkout")
    assert found.other is None


def test_what_a_change_loosens_does_not_count_and_what_it_tightens_does(
    house: House, protected: Callable[[], None]
) -> None:
    house.write("  fail_on: high\n  secrets: low\n")
    protected()
    house.write("  fail_on: 'off'\n  secrets: negligible\n" + WAIVER)
    found = house.rules()
    policy = found.rules.policy()
    assert (policy.spec.fail_on, policy.spec.secrets, policy.spec.waivers) == ("high", "negligible", ())
    assert policy.source.startswith("main (")
    assert found.other
    assert found.other.policy().spec.fail_on == "off"
    assert [one.id for one in found.other.policy().spec.waivers] == ["CVE-1-1"]


def test_a_waiver_on_the_branch_counts_for_an_older_checkout(
    house: House, protected: Callable[[], None]
) -> None:
    house.write("  fail_on: high\n" + WAIVER)
    protected()
    house.write("  fail_on: high\n")
    assert [one.id for one in house.spec().waivers] == ["CVE-1-1"]


def test_the_same_policy_has_no_other(house: House, protected: Callable[[], None]) -> None:
    house.write("  fail_on: low\n" + WAIVER, policy="schema_version: 1\nscan: {fail_on: high}\n")
    protected()
    assert house.rules().other is None


def test_removing_a_field_or_the_section_does_not_loosen(house: House, protected: Callable[[], None]) -> None:
    house.write("  fail_on: low\n  ecr: {mode: basic}\n")
    protected()
    house.write()
    spec = house.spec()
    assert spec.fail_on == "low"
    assert spec.ecr


@pytest.mark.parametrize("there", [CONFIG, "model-configs/team/deep/a.yml", "services/smallest/model.yaml"])
@pytest.mark.parametrize("here", ["model-configs/other.yaml", "model-configs/x/y.yml", "elsewhere/one.yaml"])
def test_a_moved_config_keeps_its_policy(
    house: House, protected: Callable[[], None], there: str, here: str
) -> None:
    house.write("  fail_on: low\n", path=there)
    (house.root / ".github/workflows").mkdir(parents=True)
    (house.root / ".github/workflows/ci.yaml").write_text("name: smallest\non: push\njobs: {}\n")
    protected()
    (house.root / there).unlink()
    house.write("  fail_on: 'off'\n", path=here)
    assert house.spec(here).fail_on == "low"


def test_a_config_that_lies_in_its_usual_place_counts_before_samples_elsewhere(
    house: House, protected: Callable[[], None]
) -> None:
    house.write("  fail_on: 'off'\n", path="docs/sample.yaml")
    house.write("  fail_on: low\n")
    protected()
    house.write("  fail_on: 'off'\n", path="elsewhere/one.yaml")
    assert house.spec("elsewhere/one.yaml").fail_on == "low"


@pytest.mark.parametrize("folder", ["docs", "model-configs"])
def test_a_moved_config_with_two_candidates_is_nobodys(
    house: House, protected: Callable[[], None], folder: str
) -> None:
    house.write("  fail_on: 'off'\n", path=f"{folder}/one.yaml")
    house.write("  fail_on: low\n", path=f"{folder}/two.yaml")
    protected()
    house.write("  fail_on: 'off'\n", path="elsewhere/one.yaml")
    with pytest.raises(NotEvaluated, match="2 files that may be the config of smallest") as caught:
        house.rules("elsewhere/one.yaml")
    assert caught.value.seen == f"{folder}/one.yaml, {folder}/two.yaml"


def test_a_moved_config_that_cannot_be_read_on_the_branch_is_not_taken_for_none(
    house: House, protected: Callable[[], None]
) -> None:
    house.write("  fail_on: [\n")
    protected()
    (house.root / CONFIG).unlink()
    house.write(path="elsewhere/one.yaml")
    with pytest.raises(NotEvaluated, match=CONFIG):
        house.rules("elsewhere/one.yaml")


def test_files_that_name_no_model_are_not_asked_to_be_readable(house: House) -> None:
    house.write("  fail_on: low\n", path="services/smallest.yaml")
    files = [house.root / "services/smallest.yaml"]
    house.hub.files = {str(each.relative_to(house.root)): each.read_text("utf-8") for each in files}
    house.hub.files |= {f"k8s/{number}.yaml": "kind: Service" for number in range(150)}
    house.hub.binary = "k8s/7.yaml"
    house.commit()
    house.write(path="elsewhere/one.yaml")
    assert house.spec("elsewhere/one.yaml").fail_on == "low"
    asked = [len(one["variables"]) - 2 for one in house.hub.asked if isinstance(one["variables"], dict)]
    assert asked == [2, 100, 51]


@pytest.mark.parametrize("many", [0, 2001])
def test_a_branch_too_large_for_the_api_is_not_taken_for_one_without_the_model(
    house: House, many: int
) -> None:
    house.write(path="elsewhere/one.yaml")
    house.commit()
    house.hub.files = {f"k8s/{number}.yaml": "" for number in range(many)}
    house.hub.cut = not many
    with pytest.raises(Unavailable, match="nobody can tell") as caught:
        house.rules("elsewhere/one.yaml")
    assert "fetch-depth: 0" in caught.value.cure


def test_a_new_model_gets_the_defaults_and_the_organisations_policy_and_no_waivers(
    house: House, protected: Callable[[], None]
) -> None:
    house.write(name="another", policy="schema_version: 1\nscan: {secrets: low}\n")
    protected()
    house.write("  fail_on: 'off'\n  misconfigurations: low\n" + WAIVER)
    found = house.rules().rules.policy()
    assert (found.spec.fail_on, found.spec.secrets, found.spec.waivers) == ("high", "low", ())
    assert found.spec.misconfigurations == "low"
    assert "has no config of this model" in found.source


def test_the_organisations_policy_cannot_be_removed_by_a_change(
    house: House, protected: Callable[[], None]
) -> None:
    house.write(policy="schema_version: 1\nscan: {fail_on: medium}\nwaivers: {max_days: 30}\n")
    protected()
    house.write("  fail_on: 'off'\n")
    policy = house.rules().rules.policy()
    assert (policy.spec.fail_on, policy.waiver_rules.max_days) == ("medium", 30)


@pytest.mark.parametrize(
    ("scan", "part"),
    [
        ("  fail_on: hihg\n", "fail_on"),
        ("  waivers: [{id: CVE-1-1, reason: because it is a test, expires: '2026-02-30'}]\n", "calendar"),
        ("  fail_on: [\n", CONFIG),
    ],
)
def test_a_broken_policy_on_the_branch_is_not_a_pass(
    house: House, protected: Callable[[], None], scan: str, part: str
) -> None:
    house.write(scan)
    protected()
    house.write()
    with pytest.raises(NotEvaluated, match=part) as caught:
        house.rules()
    assert "correct it on main first" in caught.value.cure


def test_what_else_is_wrong_with_the_config_there_does_not_matter(
    house: House, protected: Callable[[], None]
) -> None:
    house.write("  fail_on: low\nunknown_key: 1\nowner_: x\n")
    protected()
    house.write()
    assert house.spec().fail_on == "low"


def test_a_broken_organisations_policy_on_the_branch_is_not_a_pass(
    house: House, protected: Callable[[], None]
) -> None:
    house.write(policy="schema_version: 1\nscan: {fail_on: hihg}\n")
    protected()
    house.write()
    with pytest.raises(NotEvaluated, match=rf"(?s){FILE} of main.*{FILE}:2:"):
        house.rules()


def test_a_policy_somebody_named_must_be_on_the_branch(
    house: House, protected: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.write()
    protected()
    (house.root / "ours.yaml").write_text("schema_version: 1\n")
    monkeypatch.setenv(VARIABLE, "ours.yaml")
    with pytest.raises(NotEvaluated, match=r"ours\.yaml"):
        house.rules()


def test_another_repository_checked_out_inside_of_this_one_is_not_taken_for_a_file_of_the_branch(
    house: House, protected: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """actions/checkout puts it there; whoever changes this repository could put anything there."""
    house.write()
    protected()
    (house.root / "policy/.git").mkdir(parents=True)
    (house.root / "policy/ours.yaml").write_text("schema_version: 1\nscan: {fail_on: low}\n")
    monkeypatch.setenv(VARIABLE, "policy/ours.yaml")
    with pytest.raises(NotEvaluated, match=r"policy/ours\.yaml") as caught:
        house.rules()
    assert "$RUNNER_TEMP" in caught.value.cure
    (house.root / "policy").rename(house.root.parent / "policy")
    monkeypatch.setenv(VARIABLE, str(house.root.parent / "policy/ours.yaml"))
    assert house.spec().fail_on == "low"


def test_a_named_policy_outside_of_the_repository_counts_as_it_lies_there(
    house: House, protected: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.write()
    protected()
    (house.root.parent / "ours.yaml").write_text("schema_version: 1\nscan: {fail_on: low}\n")
    monkeypatch.setenv(VARIABLE, str(house.root.parent / "ours.yaml"))
    assert house.spec().fail_on == "low"
    (house.root.parent / "ours.yaml").unlink()
    with pytest.raises(Malformed, match="no such file"):
        house.rules()


def test_an_old_state_of_the_branch_is_not_believed(house: House) -> None:
    house.write("  fail_on: low\n")
    house.commit(protected=True)
    house.commit()
    assert of_clone(house.root) is None
    house.hub.refused = Refused(403, "Resource not accessible by integration")
    with pytest.raises(Unavailable, match="policy of the default branch") as caught:
        house.rules()
    assert "fetch-depth: 0" in caught.value.cure
    assert "contents: read" in caught.value.cure
    assert "Resource not accessible" in caught.value.seen


def test_a_pull_request_is_compared_with_what_it_is_merged_into(house: House, tmp_path: Path) -> None:
    house.write()
    base = house.commit(protected=True)
    house.commit()
    event = {"repository": {"default_branch": "main"}, "pull_request": {"base": {"ref": "main", "sha": base}}}
    (tmp_path / "event.json").write_text(json.dumps(event))
    found = of_clone(house.root)
    assert found == CloneBranch(root=house.root, name="main", commit=base)
    event["pull_request"] = {"base": {"ref": "main", "sha": "f" * 40}}
    (tmp_path / "event.json").write_text(json.dumps(event))
    assert of_clone(house.root) is None


def test_a_linked_config_is_read_through_its_link(house: House) -> None:
    house.write("  fail_on: low\n")
    (house.root / "real.yaml").write_bytes((house.root / CONFIG).read_bytes())
    (house.root / CONFIG).unlink()
    (house.root / CONFIG).symlink_to("../real.yaml")
    house.commit(protected=True)
    (house.root / CONFIG).unlink()
    house.write()
    assert house.spec().fail_on == "low"


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"data": {"repository": None}, "errors": [{"message": "Could not resolve to a Repository"}]},
        {"data": {"repository": {"defaultBranchRef": None, "f0": None, "f1": None}}},
    ],
)
def test_an_answer_that_is_not_whole_is_not_taken_for_no_policy(house: House, answer: JsonObject) -> None:
    house.write()
    house.commit()
    house.hub.answer = answer
    with pytest.raises(Unavailable, match="cannot be read"):
        house.rules()


def test_a_file_github_cuts_off_is_not_read_as_whole(house: House) -> None:
    blob: JsonObject = {"text": "scan: {}", "isBinary": False, "isTruncated": True, "byteSize": 9_000_000}
    ref: JsonObject = {"name": "main", "target": {"oid": "c" * 40}}
    house.hub.answer = {"data": {"repository": {"defaultBranchRef": ref, "f0": blob}}}
    with pytest.raises(NotEvaluated, match="9,000,000"):
        of_host(house.hub, [CONFIG]).text(CONFIG)


def test_github_is_asked_once_for_config_and_policy(house: House) -> None:
    house.write()
    house.commit()
    house.hub.files = {CONFIG: (house.root / CONFIG).read_text("utf-8")}
    house.rules()
    [asked] = house.hub.asked
    assert asked["variables"] == {
        "owner": "octo",
        "name": "models",
        "p0": f"HEAD:{CONFIG}",
        "p1": f"HEAD:{FILE}",
    }


# --- whose word counts ---

SIGNED = """  fail_on: low
evidence: {verify_with: [keys/build.pub]}
"""


def key(house: House, text: str) -> None:
    (house.root / "keys").mkdir(exist_ok=True)
    (house.root / "keys/build.pub").write_text(text)


def test_the_same_keys_in_another_place_are_the_same(house: House, protected: Callable[[], None]) -> None:
    house.write(SIGNED)
    key(house, "one\ntwo\n")
    protected()
    house.write(SIGNED.replace("keys/build.pub", "./moved.pub"))
    (house.root / "moved.pub").write_text("one\r\ntwo")
    assert house.rules().rules.undermined("staging") == ""
    assert house.rules(ci=False).rules.undermined("staging") == ""


@pytest.mark.parametrize(
    ("text", "held", "wrong"),
    [
        ("  fail_on: low\n", "one", "names no key of build"),
        (SIGNED, "another's", "names another key of build"),
        (SIGNED.replace("keys/build.pub", "env://MINE"), "one", "names another key of build"),
        (SIGNED.replace("]", ", 'awskms:///alias/mine']"), "one", "names another key of build"),
    ],
)
def test_a_checkout_cannot_name_or_swap_keys(
    house: House, protected: Callable[[], None], text: str, held: str, wrong: str
) -> None:
    house.write(SIGNED)
    key(house, "one")
    protected()
    house.write(text)
    key(house, held)
    assert house.rules().rules.undermined("staging") == wrong


def test_the_role_that_breaks_the_glass_is_the_branchs(house: House, protected: Callable[[], None]) -> None:
    file = house.root / CONFIG
    house.write()
    plain = file.read_text()
    account = next(line for line in plain.splitlines() if line.startswith("    account:"))

    def with_role(role: str) -> str:
        return plain.replace(account, f"{account}\n    break_glass_role: {role}")

    file.write_text(with_role("firefighter"))
    protected()
    assert house.rules().rules.unlocked("staging") == ""
    file.write_text(with_role("modelway-push"))
    wrong = "lets the glass of staging be broken by modelway-push, not by firefighter"
    assert house.rules().rules.unlocked("staging") == wrong
    assert house.rules(ci=False).rules.unlocked("staging") == ""


def test_keys_that_cannot_be_read_on_the_branch_are_not_none(
    house: House, protected: Callable[[], None]
) -> None:
    house.write("  fail_on: low\nevidence: {verify_with: x}\n")
    protected()
    house.write()
    with pytest.raises(NotEvaluated, match="verify_with"):
        house.rules()
