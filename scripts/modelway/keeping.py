"""Reports kept on this machine."""

from __future__ import annotations

from pathlib import Path

from modelway.errors import Unavailable


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.draft")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as error:
        raise Unavailable(
            f"The report cannot be written to {path}", seen=str(error), cure="make room or name another file."
        ) from error
