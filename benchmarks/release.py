"""A second release with nothing changed: how long it takes, what it writes, what it pushes."""

from __future__ import annotations

from statistics import median

from cloud import CONFIG, REHEARSAL, SCRIPT, released
from measure import compare, run, verdict


def main() -> int:
    """Measure, print, and say whether the claims hold."""
    with released() as there:
        release = [SCRIPT, "release", str(CONFIG), "--yes-production"]
        before, stored = there.last_call(), _stored()
        seconds = compare({"release": lambda: run(release, **there.environment)}, rounds=5)
        writes = there.writes(before)
        pushed = _stored() - stored
    print(f"median of 5: {median(seconds.values()):.2f} s; calls that write: {', '.join(writes) or 'none'}")
    claims = [
        verdict("a second release with nothing changed", seconds["release"], at_most=3, unit="s"),
        verdict("its calls that write", len(writes), at_most=0, unit="calls"),
        verdict("what it pushed", pushed, at_most=0, unit="bytes"),
    ]
    return 0 if all(claims) else 1


def _stored() -> int:
    """Bytes the rehearsal's registry holds; there are some, or this looks in the wrong place."""
    stored = sum(path.stat().st_size for path in REHEARSAL.rglob("blobs/**/data") if path.is_file())
    assert stored
    return stored


if __name__ == "__main__":
    raise SystemExit(main())
