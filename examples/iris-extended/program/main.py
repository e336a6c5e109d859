"""Serve or train a nearest-centroid classifier: the whole program of an ``extended`` image.

SageMaker starts it with one argument, ``serve`` or ``train``.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
MODEL = Path("/opt/ml/model/centroids.json")


def train() -> None:
    """Write the mean of each class."""
    rows = np.loadtxt(HERE / "iris.csv", delimiter=",")
    x, y = rows[:, :4], rows[:, 4]
    centroids = [[round(float(v), 6) for v in x[y == label].mean(axis=0)] for label in np.unique(y)]
    MODEL.write_text(json.dumps(centroids))
    print(f"{len(centroids)} centroids of {len(x)} rows", flush=True)


def predict(body: bytes) -> tuple[str, object]:
    """The class whose centroid is nearest to each row, or what is wrong with the rows."""
    centroids = np.array(json.loads(MODEL.read_text()))
    try:
        rows = np.array(json.loads(body), dtype=float)
        if rows.ndim != 2 or rows.shape[1] != centroids.shape[1] or not np.isfinite(rows).all():
            raise ValueError(f"expected rows of {centroids.shape[1]} finite numbers")
    except (ValueError, TypeError, OverflowError, RecursionError) as problem:
        return "400 Bad Request", {"error": {"code": "bad_rows", "message": str(problem)}}
    distances = np.linalg.norm(rows[:, None, :] - centroids[None, :, :], axis=2)
    return "200 OK", distances.argmin(axis=1).tolist()


def application(environ: dict, start_response: Callable) -> Iterable[bytes]:
    """``GET /ping`` and ``POST /invocations``, JSON only."""
    match environ["REQUEST_METHOD"], environ["PATH_INFO"]:
        case "GET", "/ping":
            status, answer = "200 OK", {}
        case "POST", "/invocations":
            status, answer = predict(environ["wsgi.input"].read())
        case _:
            status, answer = "404 Not Found", {"error": {"code": "no_such_route", "message": "try /ping"}}
    body = json.dumps(answer).encode()
    start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


def serve() -> None:
    """Become gunicorn, so that it gets the SIGTERM at the end."""
    if not MODEL.exists():
        sys.exit(f"{MODEL} is missing: model.tar.gz must hold centroids.json at its top")
    options = ["--bind", "0.0.0.0:8080", "--worker-class", "gthread", "--threads", "4", "--preload"]
    options += ["--worker-tmp-dir", "/dev/shm", "--no-control-socket", "--chdir", str(HERE)]
    os.execv(sys.executable, [sys.executable, "-m", "gunicorn", *options, "main:application"])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve"]:
            serve()
        case ["train"]:
            train()
        case other:
            sys.exit(f"expected serve or train, got {other}")
