"""What one environment remembers decides what may go on to the next."""

from __future__ import annotations

from modelway.core.image import Digest, Image
from modelway.core.plan import State
from modelway.core.promotion import judge
from modelway.core.record import Record, Withdrawn
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
