"""A bug report ready to be filed, for a failure nobody foresaw: no value of any variable, no secret."""

from __future__ import annotations

import platform
import re
import sys
import tempfile
import traceback
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from modelway import __version__
from modelway.adapters import environment
from modelway.adapters.lines import Masks

_TOLD = re.compile(r"(AWS|CI|DOCKER|GITHUB|MODELWAY|PYTHON|RUNNER|SSL|HTTPS?_PROXY|NO_PROXY)")
_KEYS = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|(?<=://)[^/\s@]+(?=@)|(?<=[?&]X-Amz-Signature=)\w+")


def write(folder: Path, error: BaseException, *, argv: Sequence[str], at: datetime, masks: Masks) -> Path:
    """Write the report into the folder, or among the temporary files where it cannot be written."""
    text = _KEYS.sub("***", masks.over(_text(error, argv=argv, at=at)))
    name = f"bug-report-{at:%Y%m%d-%H%M%S}.md"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text(text, encoding="utf-8")
    except OSError:
        path = Path(tempfile.mkdtemp(prefix="modelway-")) / name
        path.write_text(text, encoding="utf-8")
    return path


def _text(error: BaseException, *, argv: Sequence[str], at: datetime) -> str:
    """The report as Markdown."""
    trace = "".join(traceback.format_exception(error))
    names = ", ".join(sorted(name for name in environment.variables() if _TOLD.match(name)))
    return f"""# {type(error).__name__}: {str(error).splitlines()[0] if str(error) else "(no message)"}

Please say above what you did and what you expected, and look that nothing here is private.

| | |
| --- | --- |
| modelway | {__version__} |
| Python | {platform.python_version()} ({sys.executable}) |
| system | {platform.platform()} |
| command | `{" ".join(argv)}` |
| when | {at.isoformat(timespec="seconds")} |
| variables set | {names or "none"} |

```
{trace}```
"""
