"""A bug report has what a maintainer asks for, and nothing private."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from modelway import __version__
from modelway.adapters import bugreport
from modelway.adapters.lines import Masks

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def report(folder: Path, message: str, masks: Masks | None = None) -> Path:
    with pytest.raises(RuntimeError) as caught:
        raise RuntimeError(message)
    argv = ["scripts/run", "build"]
    return bugreport.write(folder, caught.value, argv=argv, at=NOON, masks=masks or Masks())


def test_it_says_what_broke_where_and_with_what(tmp_path: Path) -> None:
    path = report(tmp_path / "new", "it broke")
    text = path.read_text()
    assert path == tmp_path / "new" / "bug-report-20260101-120000.md"
    for part in ("# RuntimeError: it broke", __version__, "`scripts/run build`", "test_bugreport.py"):
        assert part in text


def test_variables_are_named_and_their_values_are_not_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "very-secret-value")
    monkeypatch.setenv("MY_PASSWORD", "another-secret-value")
    text = report(tmp_path, "it broke").read_text()
    assert "AWS_SECRET_ACCESS_KEY" in text
    assert not any(private in text for private in ("very-secret", "MY_PASSWORD", "another-secret"))


@pytest.mark.parametrize(
    "secret", ["AKIAIOSFODNN7EXAMPLE", "ASIAIOSFODNN7EXAMPLE", "user:pw", "0123456789abcdef0123"]
)
def test_credentials_in_the_message_are_starred(tmp_path: Path, secret: str) -> None:
    url = "https://user:pw@bucket/?X-Amz-Signature=0123456789abcdef0123"
    message = f"AKIAIOSFODNN7EXAMPLE ASIAIOSFODNN7EXAMPLE {url}"
    assert secret not in report(tmp_path, message).read_text()


def test_masked_text_is_starred(tmp_path: Path) -> None:
    masks = Masks()
    masks.add("hunter22")
    assert "hunter22" not in report(tmp_path, "hunter" + "22", masks).read_text()


def test_where_the_folder_cannot_be_written_it_goes_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    path = report(tmp_path / "file" / "below", "it broke")
    assert "it broke" in path.read_text()
    assert not path.is_relative_to(tmp_path)
