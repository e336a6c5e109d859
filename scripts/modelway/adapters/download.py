"""Files from the web: over HTTPS, whole or not at all, tried again when the network stumbles."""

from __future__ import annotations

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
    """Fetch a URL to a file; raises ``Unavailable`` after a few tries."""
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


def _fetch(url: str, into: Path, reporter: Reporter) -> None:
    """One try."""
    name = urllib.parse.urlsplit(url).path.lstrip("/")
    request = urllib.request.Request(url, headers={"User-Agent": "modelway"})  # noqa: S310  (checked by _safe)
    opener = urllib.request.build_opener(_SafeRedirects)
    with opener.open(request, timeout=_TIMEOUT) as answer, into.open("wb") as file:
        size = int(answer.headers.get("Content-Length") or 0)
        while piece := answer.read(_CHUNK):
            file.write(piece)
            if file.tell() > _MOST:
                raise urllib.error.URLError(f"more than {_MOST} bytes")
            reporter.progress(f"{name}: {file.tell() >> 20} of {size >> 20} MiB")
        if size and file.tell() != size:
            raise urllib.error.URLError(f"ended after {file.tell()} of {size} bytes")


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
