"""Fetches a model's weights into a task, checks and unpacks them; only then the model's container starts.

This text is the command of a task's first container, which runs it by the image's own Python (3.8 or newer)
and nothing beside the standard library. How it ends tells why it failed.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
import tarfile
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timezone
from pathlib import Path

DENIED, OTHER_BYTES, UNREACHABLE, NO_ARCHIVE = 41, 42, 43, 44
"""Exit codes: the task role may not read it, it is not what the version names, no way to S3, no archive."""
TRIES = 4
CHUNK = 1 << 20
EMPTY = hashlib.sha256(b"").hexdigest()
REFUSED = (400, 401, 403, 404)


def credentials() -> tuple[str, str, str]:
    """The task role's keys, as ECS hands them out; or those of the environment."""
    if os.environ.get("AWS_ACCESS_KEY_ID"):
        access, secret = os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"]
        return access, secret, os.environ.get("AWS_SESSION_TOKEN", "")
    relative = os.environ.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
    url = "http://169.254.170.2" + relative if relative else os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]
    token = os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN")
    request = urllib.request.Request(url, headers={"Authorization": token} if token else {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        keys = json.load(answer)
    return keys["AccessKeyId"], keys["SecretAccessKey"], keys.get("Token", "")


def place(bucket: str, key: str, region: str) -> str:
    """The object's URL: the bucket in the host, or in the path where an endpoint is named or it has dots."""
    path = urllib.parse.quote(key, safe="/~")
    named = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    if named or "." in bucket:
        endpoint = (named or f"https://s3.{region}.{suffix}").rstrip("/")
        return f"{endpoint}/{bucket}/{path}"
    return f"https://{bucket}.s3.{region}.{suffix}/{path}"


def signed(url: str, region: str, keys: tuple[str, str, str]) -> urllib.request.Request:
    """A GET request, signed (IAM user guide, reference_sigv-create-signed-request)."""
    access, secret, token = keys
    parts, now = urllib.parse.urlsplit(url), datetime.now(timezone.utc)
    stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    headers = {"host": parts.netloc, "x-amz-content-sha256": EMPTY, "x-amz-date": stamp}
    if token:
        headers["x-amz-security-token"] = token
    names = ";".join(sorted(headers))
    lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
    canonical = f"GET\n{parts.path}\n\n{lines}\n{names}\n{EMPTY}"
    scope = f"{day}/{region}/s3/aws4_request"
    told = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    key = ("AWS4" + secret).encode()
    for part in (day, region, "s3", "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(key, told.encode(), hashlib.sha256).hexdigest()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={access}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return urllib.request.Request(url, headers=headers)


def download(url: str, region: str, file: Path) -> str:
    """Fetch the object once; returns the SHA-256 of its bytes."""
    hasher, request = hashlib.sha256(), signed(url, region, credentials())
    with urllib.request.urlopen(request, timeout=60) as answer, file.open("wb") as out:
        size = int(answer.headers.get("Content-Length") or -1)
        for piece in iter(lambda: answer.read(CHUNK), b""):
            hasher.update(piece)
            out.write(piece)
        if size not in (-1, out.tell()):
            raise OSError(f"the connection ended after {out.tell()} of {size} bytes")
    return hasher.hexdigest()


def fetched(uri: str, region: str, file: Path) -> str:
    """Fetch the object, trying again when the network stumbles; ends the program when that does not help."""
    parts = urllib.parse.urlsplit(uri)
    url = place(parts.netloc, parts.path[1:], region)
    for number in range(1, TRIES + 1):
        try:
            return download(url, region, file)
        except urllib.error.HTTPError as error:
            seen = f"{error.code} {error.reason} {error.read(500).decode(errors='replace')}"
            if error.code in REFUSED:
                raise ended(DENIED, f"{uri} cannot be read by the task role: {seen}") from error
        except (KeyError, OSError, ValueError) as error:
            seen = repr(error)
        say(f"{uri}: {seen}")
        time.sleep(2**number if number < TRIES else 0)
    raise ended(UNREACHABLE, f"{uri} could not be fetched in {TRIES} tries")


def unpack(file: Path, folder: Path) -> None:
    """Unpack the archive, nothing outside of the folder, readable for whatever user the model runs as."""
    root = folder.resolve()
    with tarfile.open(file, "r:*") as archive:
        for member in archive:
            inside = (root / member.name).resolve()
            if not (member.isfile() or member.isdir()) or root not in (inside, *inside.parents):
                what = f"the archive holds {member.name}, which is no file or folder inside of it"
                raise ended(NO_ARCHIVE, what)
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            archive.extract(member, root, set_attrs=True)


def say(words: str) -> None:
    """To the log."""
    print(f"modelway: {words}", file=sys.stderr, flush=True)


def ended(code: int, words: str) -> SystemExit:
    """Say why, and the end to raise."""
    say(words)
    return SystemExit(code)


def main() -> None:
    """Fetch, check, unpack."""
    uri, wanted = os.environ["MODELWAY_MODEL_URI"], os.environ["MODELWAY_MODEL_SHA256"]
    folder = Path(os.environ["MODELWAY_MODEL_FOLDER"])
    file = folder / ".modelway-archive"
    seen = fetched(uri, os.environ["MODELWAY_REGION"], file)
    if seen != wanted:
        file.unlink()
        what = f"{uri} is not the artifact of this version: expected {wanted}, its bytes are {seen}"
        raise ended(OTHER_BYTES, what)
    try:
        unpack(file, folder)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise ended(NO_ARCHIVE, f"{uri} cannot be unpacked: {error!r}") from error
    file.unlink()
    say(f"{uri} is in {folder}, {wanted}")


if __name__ == "__main__":
    main()
