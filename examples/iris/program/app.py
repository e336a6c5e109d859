"""Serve the iris classifier as SageMaker asks for it: ``GET /ping`` and ``POST /invocations``.

ECS asks the same way through its load balancer; on Lambda ``function.py`` turns events into such requests.

JSON: a list of rows in, a list of classes out. CSV: a row a line in, a class a line out.
"""

import csv
import io
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path

import joblib

MODEL = Path(os.environ.get("SM_MODEL_DIR", "/opt/ml/model"), "model.joblib")
LARGEST = 6 * 1024 * 1024
"""Bytes SageMaker lets through to a real-time endpoint."""

LARGEST_NUMBER = 3.4e38
"""What a 32-bit float holds: scikit-learn's trees compute with these."""

Answer = tuple[str, str, bytes]
"""Status line, content type, body."""


class Refused(Exception):
    """The request cannot be answered: a status line, a code for programs, a sentence for people."""

    def __init__(self, status: str, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


def load(path: Path = MODEL):
    """Read the model, or say what is wrong with it."""
    if not path.exists():
        found = sorted(str(p.relative_to(path.parent)) for p in path.parent.rglob("*"))[:10]
        message = f"{path} is missing: model.tar.gz must hold model.joblib at its top; found {found}"
        raise SystemExit(message)
    return joblib.load(path)


FOREST = load()
FEATURES: int = FOREST.n_features_in_


def rows_of(body: bytes, content_type: str) -> list[list[float]]:
    """The rows of a request, every one with as many numbers as the model has features."""
    match content_type:
        case "application/json":
            rows = from_json(body)
        case "text/csv":
            rows = from_csv(body)
        case _:
            raise Refused(
                "415 Unsupported Media Type",
                "unsupported_content_type",
                f"Content-Type {content_type!r}: send application/json or text/csv",
            )
    if not rows:
        raise Refused("400 Bad Request", "no_rows", "there is no row to classify")
    for number, row in enumerate(rows, start=1):
        if len(row) != FEATURES or not all(abs(value) <= LARGEST_NUMBER for value in row):
            message = f"row {number}: expected {FEATURES} finite numbers, got {len(row)}: {row[:8]}"
            raise Refused("400 Bad Request", "bad_row", message)
    return rows


def from_json(body: bytes) -> list[list[float]]:
    """``[[5.1, 3.5, 1.4, 0.2], ...]``."""
    try:
        rows = json.loads(body)
        return [[float(value) for value in row] for row in rows]
    except (ValueError, TypeError, OverflowError, RecursionError) as problem:
        message = f"not a JSON list of rows of numbers: {problem}"
        raise Refused("400 Bad Request", "bad_json", message) from None


def from_csv(body: bytes) -> list[list[float]]:
    """``5.1,3.5,1.4,0.2``, a row a line, no header."""
    try:
        lines = csv.reader(io.StringIO(body.decode()))
        return [[float(value) for value in row] for row in lines if row]
    except (ValueError, csv.Error) as problem:
        message = f"not CSV of numbers: {problem}"
        raise Refused("400 Bad Request", "bad_csv", message) from None


def invocations(environ: dict) -> Answer:
    """Classify the rows; the answer is in the type asked for, or else in the type sent."""
    # One byte more than allowed is enough to refuse; a chunked request has no length to look at.
    body = environ["wsgi.input"].read(LARGEST + 1)
    if len(body) > LARGEST:
        raise Refused("413 Content Too Large", "too_large", f"more than {LARGEST} bytes")
    sent = (environ.get("CONTENT_TYPE") or "application/json").partition(";")[0].strip().lower()
    classes = FOREST.predict(rows_of(body, sent)).tolist()
    asked = environ.get("HTTP_ACCEPT") or "*/*"
    as_csv = "text/csv" in asked or (sent == "text/csv" and "application/json" not in asked)
    if as_csv:
        return "200 OK", "text/csv", "".join(f"{label}\n" for label in classes).encode()
    return "200 OK", "application/json", json.dumps(classes).encode()


def answer(environ: dict) -> Answer:
    """One request's answer."""
    match environ["REQUEST_METHOD"], environ["PATH_INFO"]:
        case "GET", "/ping":
            return "200 OK", "application/json", b"{}"
        case "POST", "/invocations":
            return invocations(environ)
        case method, path:
            raise Refused("404 Not Found", "no_such_route", f"{method} {path}: GET /ping, POST /invocations")


def application(environ: dict, start_response: Callable) -> Iterable[bytes]:
    """The WSGI application; what was refused is answered in JSON, whatever was sent."""
    try:
        status, content_type, body = answer(environ)
    except Refused as refused:
        error = {"error": {"code": refused.code, "message": str(refused)}}
        status, content_type, body = refused.status, "application/json", json.dumps(error).encode()
    start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body)))])
    return [body]
