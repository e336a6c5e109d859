"""An image like a model's: 780 MB, 160 packages, as an archive; made once, kept in ``.modelway/bench``."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from modelway.adapters.buildkit import BuildKit
from modelway.adapters.clock import RealClock
from modelway.adapters.lines import Masks
from modelway.adapters.terminal import Terminal
from modelway.core.config import BuildSecret
from modelway.ports import BuildRequest
from modelway.rehearsal import bases, derive

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".modelway" / "bench"
TAG = "modelway-bench/ml:1"
_BASE = "python:3.11-slim-bookworm"
_PIP_FILES = ("/etc/pip.conf", "~/.pip/pip.conf", "~/.config/pip/pip.conf")
_REQUIREMENTS = """
flask==2.0.0
werkzeug==2.0.0
jinja2==3.0.0
pillow==9.3.0
numpy==1.23.5
scikit-learn==1.2.0
requests==2.25.1
urllib3==1.26.4
certifi==2021.5.30
gunicorn==20.1.0
joblib==1.2.0
transformers==4.30.0
pyarrow==12.0.0
pandas==1.5.3
"""
_DOCKERFILE = """
FROM {base}
RUN python3 -m venv /opt/venv
COPY requirements.txt /tmp/requirements.txt
RUN --mount=type=secret,id=pip_conf,target=/etc/pip.conf \\
    --mount=type=secret,id=ca_bundle,target=/run/secrets/ca.pem \\
    --mount=type=cache,target=/root/.cache/pip \\
    if [ -s /run/secrets/ca.pem ]; then export PIP_CERT=/run/secrets/ca.pem; fi; \\
    /opt/venv/bin/pip install --only-binary :all: -r /tmp/requirements.txt
COPY app.py /opt/app.py
"""


def archive() -> Path:
    """The image, saved; builds it where it is not here."""
    kept = FOLDER / "ml.tar"
    if not kept.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        _build()
        draft = kept.with_suffix(".draft")
        with BuildKit(_terminal(), RealClock(), ROOT).export(TAG) as stream, draft.open("wb") as file:
            while piece := stream.read(1 << 20):
                file.write(piece)
        draft.replace(kept)
    return kept


def _terminal() -> Terminal:
    return Terminal(sys.stderr, sys.stderr, RealClock(), Masks())


def _build() -> None:
    """Build on the rehearsal's base, with this machine's package index as the rehearsal mounts it."""
    context = FOLDER / "context"
    context.mkdir(exist_ok=True)
    (context / "requirements.txt").write_text(_REQUIREMENTS, encoding="utf-8")
    (context / "app.py").write_text("print('a model')\n", encoding="utf-8")
    base = bases.ensure(_terminal(), _BASE, FOLDER, install=True)
    BuildKit(_terminal(), RealClock(), ROOT).build(
        BuildRequest(
            context=context,
            dockerfile=_DOCKERFILE.format(base=base),
            platform="linux/amd64",
            tag=TAG,
            secrets=tuple(_secrets()),
        )
    )


def _secrets() -> Iterator[BuildSecret]:
    """The certificates and the package index this machine's own pip uses."""
    variables = dict(os.environ)
    if certificates := derive.ca_bundle(variables):
        yield BuildSecret(id="ca_bundle", file=certificates)
    files = [Path(name).expanduser() for name in _PIP_FILES]
    if conf := derive.pip_conf(variables, [file.read_text() for file in files if file.is_file()]):
        kept = FOLDER / "pip.conf"
        kept.touch(mode=0o600)
        kept.write_text(conf, encoding="utf-8")
        yield BuildSecret(id="pip_conf", file=str(kept))
