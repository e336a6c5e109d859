"""What one environment remembers decides what may go on to the next."""

from __future__ import annotations

from modelway.core.image import Digest, Image
from modelway.core.plan import State
from modelway.core.promotion import judge
from modelway.core.record import Attempt, Passed, Record, Reinstated, Withdrawn
from modelway.core.version import Version, VersionId

IMAGE = Image("registry.example/ml/iris", Digest("sha256:" + "1" * 64))


def test_the_version_to_reinstate_is_the_one_that_was_withdrawn() -> None:
    """The same image with other settings is another version, and may stand before it in the list."""
    ids = [VersionId("0" * 12), VersionId("1" * 12)]
    kept, withdrawn = (Record(id=id_, digest=str(IMAGE.digest)) for id_ in ids)
    records = {ids[0]: kept, ids[1]: withdrawn.with_mark(Withdrawn(reason="wrong for setosa"))}
    verdict = judge(Version(image=IMAGE), None, "staging", State(records=records))
    assert not verdict.ok
    assert f"reinstate CONFIG {ids[1]} --environment staging" in verdict.cure


def test_the_same_things_that_passed_after_the_withdrawal_may_go_on() -> None:
    """Bad settings were rolled back from; the same image passed with good ones."""
    ids = [VersionId("0" * 12), VersionId("1" * 12)]
    records = {}
    for id_, at in zip(ids, ("2026-01-01T00:00:00.000000Z", "2026-01-02T00:00:00.000000Z"), strict=True):
        bare = Record(id=id_, digest=str(IMAGE.digest), attempt=Attempt(number=1, at=at))
        records[id_] = bare.with_mark(Passed(contract="c", attempt=1, at=at))
    bad, good = ids
    records[bad] = records[bad].with_mark(Withdrawn(reason="wrong setting"))
    assert judge(Version(image=IMAGE), "c", "staging", State(records=records)).ok
    records[bad], records[good] = (
        records[bad].with_mark(Reinstated(reason="no")),
        records[good].with_mark(Withdrawn(reason="wrong after all")),
    )
    assert not judge(Version(image=IMAGE), "c", "staging", State(records=records)).ok
