"""The rehearsal cloud of a sweep: the rehearsal's own, but for what runs containers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

sys.path.append(str(Path(__file__).resolve().parents[2]))

from modelway.rehearsal import cloud
from tests.sweeps.engine import Engine

if TYPE_CHECKING:
    from docker import DockerClient

if __name__ == "__main__":
    raise SystemExit(cloud.main(lambda: cast("DockerClient", Engine())))
