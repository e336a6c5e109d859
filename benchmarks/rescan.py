"""A stored report of 150 packages judged again, with advisories of OSV's real size; imports not counted.

In seconds of processors, the best of three: on a busy machine those on the wall say nothing.
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from advisories import debian, inventory, pypi, write
from child import ran
from cloud import SCRIPT
from measure import verdict

from modelway import scan_gate
from modelway.adapters.advisories import OsvIndex
from modelway.adapters.clock import RealClock
from modelway.adapters.configs import Configs
from modelway.adapters.lines import Masks
from modelway.adapters.terminal import Terminal
from modelway.core.image import Digest
from modelway.core.json import canonical
from modelway.core.report import Report
from modelway.core.report_json import report_json
from modelway.ports import Run, World, unopened

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 3
SUBJECT = Digest("sha256:" + "1" * 64)


def main() -> int:
    """Measure, print, and say whether the claim holds."""
    with TemporaryDirectory() as name:
        index, export = Path(name, "index.sqlite"), Path(name, "export")
        for ecosystem, records in (("PyPI", pypi()), ("Debian", debian())):
            write(export / ecosystem / "all.zip", records)
        ran([SCRIPT, "scan-db", "import", str(export), "--database", str(index)])
        here = world(index)
        document = kept(here)
        found, taken = zip(*(judged(here, document) for _ in range(ROUNDS)), strict=True)
    print(f"a document of {len(document) >> 10} KiB; {found[0]} findings by today's advisories")
    claims = [
        verdict("150 packages of a stored report judged again", min(taken), at_most=0.3, unit="s"),
        verdict("findings missing", 0 if found[0] else 1, at_most=0, unit="x"),
    ]
    return 0 if all(claims) else 1


def world(index: Path) -> World:
    """A machine with an index, and nothing else that could be asked."""
    clock = RealClock()
    reporter = Terminal(sys.stdout, sys.stderr, clock, Masks())
    return World(
        reporter=reporter,
        clock=clock,
        run=Run(root=ROOT, workspace=ROOT / ".modelway"),
        configs=Configs(ROOT, today=lambda: clock.now().date()),
        builder=unopened,
        containers=unopened,
        registry=unopened,
        artifacts=unopened,
        target=unopened,
        scanner=unopened,
        advisories=lambda _: OsvIndex(index, clock, reporter),
        history=unopened,
        permissions=unopened,
    )


def kept(here: World) -> bytes:
    """A report as `push` attached it two years ago, when half of it was known."""
    known = here.advisories(None)
    now = inventory()
    about = replace(known.about(), as_of=datetime(2024, 1, 1, tzinfo=UTC))
    report = Report(
        scanner="builtin",
        fingerprint="then",
        subject=SUBJECT,
        platform="linux/amd64",
        distro=now.distro,
        packages=now.packages,
        database=about,
    )
    matched = known.match(report)
    report = replace(report, findings=matched.findings[::2])
    return canonical({"reports": [report_json(report)], "verdict": {}}).encode()


def judged(here: World, document: bytes) -> tuple[int, float]:
    """How many findings there are now, and how long it took to say so."""
    config = here.configs.load(ROOT / "model-configs" / "iris-classifier.yaml")
    started = time.process_time()
    reports = scan_gate.stored([document], SUBJECT)
    again = scan_gate.judged(here, config, reports, "production")
    return len(again.verdict.judged), time.process_time() - started


if __name__ == "__main__":
    sys.exit(main())
