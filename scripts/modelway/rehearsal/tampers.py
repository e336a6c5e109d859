"""What can be done to the evidence of a release."""

from __future__ import annotations

from enum import StrEnum


class Tampering(StrEnum):
    """What is done."""

    UNSIGNED = "unsigned"
    """The environment before the last signs nothing, although the config names its key."""
    FORGED = "forged"
    """Its verdict is signed with the build's key."""
    MOVED = "moved"
    """What was said of the image before is attached to the new one."""
    PRUNED = "pruned"
    """The image is deleted from the registry once it passed in staging."""
