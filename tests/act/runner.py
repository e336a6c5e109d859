"""act, run on a consumer's repository as GitHub would run its workflows, and what it said.

act knows neither ``$/`` nor ``queue``, so the workflows are staged: those two are rewritten, and nothing
else is (a test looks). What it shows differently otherwise is in docs/reference/github.md.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STUBS = Path(__file__).parent / "stubs"
OWN = "acme/modelway"
REF = "0" * 39 + "1"
_PARTS = ("actions", ".github", "scripts", "schemas", "requirements")
_OWN_USES = re.compile(r"(uses: )\$/(\S+)")
_QUEUE = re.compile(r"^ +queue: max\n", re.MULTILINE)


def staged(text: str) -> str:
    """A workflow's or action's text as act can read it."""
    return _QUEUE.sub("", _OWN_USES.sub(rf"\1{OWN}/\2@{REF}", text))


def stage(into: Path) -> Path:
    """A copy of this repository as act can run it."""
    ignore = shutil.ignore_patterns("__pycache__", ".*_cache", "*.pyc")
    for part in _PARTS:
        shutil.copytree(ROOT / part, into / part, ignore=ignore)
    for path in [*into.glob("actions/*/action.yml"), *into.glob(".github/workflows/*.yml")]:
        path.write_text(staged(path.read_text()))
    return into


def pins() -> dict[str, str]:
    """Third-party actions with the commit they are pinned to."""
    text = "".join(path.read_text() for path in (ROOT / ".github/workflows").glob("*.yml"))
    return dict(re.findall(r"uses: ([\w-]+/[\w-]+)@([0-9a-f]{40})", text))


@dataclass(frozen=True, slots=True)
class Note:
    """An annotation."""

    kind: str
    text: str
    file: str = ""
    line: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """What a run of act said."""

    code: int
    notes: tuple[Note, ...]
    jobs: Mapping[str, str]
    """Result of each job that ran, by its whole name."""
    outputs: tuple[tuple[str, str, str], ...]
    """Job, name and value."""
    summaries: tuple[str, ...]
    log: str
    roles: tuple[str, ...]
    """Job and role of each that was assumed, in order."""

    def errors(self) -> tuple[Note, ...]:
        return tuple(note for note in self.notes if note.kind == "error")

    def warnings(self) -> str:
        return "\n".join(note.text for note in self.notes if note.kind == "warning")

    def values(self, name: str) -> list[str]:
        """Values of an output, in order."""
        return list(dict.fromkeys(value for _, known, value in self.outputs if known == name))

    def results(self, job: str) -> list[str]:
        """How jobs whose name holds this ended."""
        return [result for name, result in self.jobs.items() if job in name]


@dataclass(slots=True, kw_only=True)
class Act:
    """Runs events of one consumer."""

    consumer: Path
    origin: Path
    framework: Path
    work: Path
    variables: Mapping[str, str]
    """What the rehearsal needs, in every job."""
    number: int = 0
    secrets: Mapping[str, str] = field(default_factory=lambda: {"GITHUB_TOKEN": "a-token"})

    def run(self, event: str, payload: Mapping[str, object], *, workflow: str = "", **inputs: str) -> Ran:
        """Run an event; a run has its own artifacts, and its own folder that goes with it."""
        self.number += 1
        folder = self.work / str(self.number)
        (folder / "artifacts").mkdir(parents=True)
        (folder / "event.json").write_text(json.dumps(payload))
        (folder / "roles").touch()
        command = [str(Path(sys.executable).parent / "act"), event, "--json", "--no-cache-server"]
        command += ["--eventpath", str(folder / "event.json"), "--action-cache-path", str(folder / "cache")]
        command += ["--platform", "ubuntu-24.04=-self-hosted"]
        for name, value in inputs.items():
            command += ["--input", f"{name}={value}"]
        if workflow:
            command += ["--workflows", workflow]
        for name, value in self._variables(folder).items():
            command += ["--env", f"{name}={value}"]
        for name, value in self.secrets.items():
            command += ["--secret", f"{name}={value}"]
        for name, path in self._repositories().items():
            command += ["--local-repository", f"{name}={path}"]
        done = subprocess.run(
            command,
            cwd=self.consumer,
            env={"PATH": self.variables["PATH"], "HOME": os.environ.get("HOME", "/root")},
            capture_output=True,
            text=True,
            check=False,
        )
        shutil.rmtree(folder / "cache", ignore_errors=True)
        (folder / "log").write_text(done.stdout + done.stderr)
        return _read(done, (folder / "roles").read_text())

    def _variables(self, folder: Path) -> dict[str, str]:
        own = {"ACT_ARTIFACTS": str(folder / "artifacts"), "ACT_ROLES": str(folder / "roles")}
        return {**self.variables, **own, "ACT_ORIGIN": str(self.origin), "ACT_PYTHON": sys.executable}

    def _repositories(self) -> dict[str, Path]:
        stubs = {f"{name}@{pin}": STUBS / name.partition("/")[2] for name, pin in pins().items()}
        return {f"{OWN}@{REF}": self.framework, **stubs}


def _read(done: subprocess.CompletedProcess[str], roles: str) -> Ran:
    lines = list(_lines(done.stdout))
    told = [line for line in lines if "command" in line]
    notes = [
        Note(str(line["command"]), str(line.get("arg", "")), *(_pair(line, k) for k in ("file", "line")))
        for line in told
        if line["command"] in {"error", "warning", "notice"}
    ]
    outputs = [
        (str(line.get("job", "")), str(line.get("name", "")), str(line.get("arg", "")))
        for line in told
        if line["command"] == "set-output"
    ]
    return Ran(
        code=done.returncode,
        notes=tuple(dict.fromkeys(notes)),
        jobs={str(line["job"]): str(line["jobResult"]) for line in lines if "jobResult" in line},
        outputs=tuple(outputs),
        summaries=tuple(dict.fromkeys(str(s["content"]) for s in told if s["command"] == "summary")),
        log="\n".join(str(line.get("msg", "")).rstrip("\n") for line in lines) + done.stderr,
        roles=tuple(roles.splitlines()),
    )


def _lines(text: str) -> Iterator[dict[str, object]]:
    for line in text.splitlines():
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if isinstance(document, dict):
            yield document


def _pair(line: Mapping[str, object], key: str) -> str:
    pairs = line.get("kvPairs")
    return str(pairs.get(key, "")) if isinstance(pairs, Mapping) else ""
