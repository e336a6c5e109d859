"""Files from the web: over HTTPS, whole or not at all, tried again when the network stumbles."""

from __future__ import annotations

import http
import http.client
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import IO

from modelway.errors import Malformed, Unavailable
from modelway.ports import Clock, Reporter

_CHUNK = 1 << 20
_TRIES = 4
_TIMEOUT = 60.0
_MOST = 4 << 30
_AGAIN = {429, 500, 502, 503, 504}


def download(url: str, into: Path, /, *, clock: Clock, reporter: Reporter) -> None:
    """Fetch a URL to a file; raises ``Unavailable`` after a few tries.

    What is there of it already, by an earlier try or an earlier run, is not fetched again where the
    server says that it is still the same (RFC 9110: ETag, Range, If-Range, If-None-Match).
    """
    if not _safe(url):
        raise Malformed(
            f"{url} is not an address to download advisories from",
            cure="use https://; plain http only to this machine.",
        )
    for attempt in range(1, _TRIES + 1):
        try:
            return _fetch(url, into, reporter)
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            lasting = False
            if isinstance(error, urllib.error.HTTPError):
                lasting = error.code not in _AGAIN
                error.close()
                if error.code == http.HTTPStatus.NOT_MODIFIED:
                    return None
                if error.code == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    _part(into).unlink(missing_ok=True)
                    lasting = False
            if lasting or attempt == _TRIES:
                raise Unavailable(
                    f"{url} cannot be downloaded",
                    seen=f"{error} ({attempt} {'try' if attempt == 1 else 'tries'}).",
                    cure="check the network, proxy and address; or download it elsewhere"
                    " and run `scripts/run scan-db import FILE`.",
                ) from error
            reporter.progress(f"{url}: {error}; trying again")
            clock.sleep(2.0**attempt)
    return None


def _part(into: Path) -> Path:
    """Where a file lies until it is whole."""
    return into.with_name(f"{into.name}.part")


def _tag(into: Path) -> Path:
    """Where it is noted which version of the file that is: its ETag."""
    return into.with_name(f"{into.name}.etag")


def _fetch(url: str, into: Path, reporter: Reporter) -> None:
    """One try."""
    name, part, noted = urllib.parse.urlsplit(url).path.lstrip("/"), _part(into), _tag(into)
    request = urllib.request.Request(url, headers={"User-Agent": "modelway"})  # noqa: S310  (checked by _safe)
    tag = noted.read_text(encoding="latin-1") if noted.exists() else ""
    if tag and into.exists():
        request.add_header("If-None-Match", tag)
    elif tag and part.exists():
        request.add_header("Range", f"bytes={part.stat().st_size}-")
        request.add_header("If-Range", tag)
    opener = urllib.request.build_opener(_SafeRedirects)
    with opener.open(request, timeout=_TIMEOUT) as answer:
        goes_on = answer.status == http.HTTPStatus.PARTIAL_CONTENT
        begun = part.stat().st_size if goes_on else 0
        size = begun + int(answer.headers.get("Content-Length") or 0)
        new = answer.headers.get("ETag") or ""
        if new.startswith('"'):  # a weak one says nothing of bytes
            noted.write_text(new, encoding="latin-1")
        else:
            noted.unlink(missing_ok=True)
        with part.open("ab" if goes_on else "wb") as file:
            while piece := answer.read(_CHUNK):
                file.write(piece)
                if file.tell() > _MOST:
                    raise urllib.error.URLError(f"more than {_MOST} bytes")
                reporter.progress(f"{name}: {file.tell() >> 20} of {size >> 20} MiB")
            if size > begun and file.tell() != size:
                raise urllib.error.URLError(f"ended after {file.tell()} of {size} bytes")
    part.replace(into)


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only to where a download may come from (urllib's own place to decide it)."""

    def redirect_request(  # noqa: PLR0913, PLR0917  (urllib's signature)
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """The next request; ``None`` makes the redirect itself the error."""
        return super().redirect_request(req, fp, code, msg, headers, newurl) if _safe(newurl) else None


def _safe(url: str) -> bool:
    """HTTPS, or plain HTTP to this machine."""
    parts = urllib.parse.urlsplit(url)
    return parts.scheme == "https" or (
        parts.scheme == "http" and parts.hostname in {"127.0.0.1", "::1", "localhost"}
    )
