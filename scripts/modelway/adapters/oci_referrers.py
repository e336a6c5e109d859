"""What is attached to an image comes along when the image is copied: statements, SBOMs, reports, anybody's.

Nothing is written but manifests by digest and the blobs they name: no tag, and nothing is ever deleted.
"""

from __future__ import annotations

from collections.abc import Callable

from modelway.adapters.oci import Repository, carry
from modelway.core import manifest as manifests
from modelway.core.image import Digest
from modelway.core.manifest import Manifest


def bring(there: Repository, here: Repository, image: Manifest, say: Callable[[str], None]) -> str:
    """Copy what is attached to an image that has the same digest here; says what came, and what did not."""
    found = there.referrers(image.digest)
    if found is None:
        return "nothing that is said of the image came along: where it is from there is no referrers API"
    came, strange, unread = 0, list[str](), list[str]()
    for digest in found:
        try:
            document = there.manifest(digest)
        except ValueError:  # an artifact manifest of before OCI 1.1, say: no statement of ours or cosign's
            unread.append(str(digest))
            continue
        if document.index or manifests.subject(document) != str(image.digest):
            strange.append(str(digest))
            continue
        carry(there, here, document, say)
        here.put(document)
        came += 1
    left = f"; left where they were, being about something else: {', '.join(strange)}" if strange else ""
    left += f"; left where they were, in a form that cannot be read: {', '.join(unread)}" if unread else ""
    return f"{came} documents attached to the image came along{left}" if found else ""


def lost(there: Repository, source: Digest) -> str:
    """What cannot come along, because it is about another digest than the image has here."""
    found = there.referrers(source)
    if not found:
        return ""
    return f"{len(found)} documents are about {source} and stay there: here the image has another digest"
