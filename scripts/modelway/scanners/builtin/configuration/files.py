"""Permissions of a layer's files that nobody should have given."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from modelway.scanners.builtin.tar import Kind, Member

_SETUID = 0o6000
_STICKY = 0o1000
_OTHERS_WRITE = 0o002
KEPT = 1000
"""How many paths are kept of each sort."""
_DISTRIBUTIONS = re.compile(
    r"(?:usr/)?(?:bin|sbin|lib|libexec|local/share)/(?:(?:x86_64-linux-gnu|aarch64-linux-gnu|openssh|dbus-1\.0|polkit-1|utempter|pt_chown"
    r"|mysql|squid|eject|policykit-1)/)?(?:su|sudo|sudoedit|passwd|gpasswd|chsh|chfn|chage|expiry|newgrp|sg|mount|umount|wall|write(?:\.ul)?"
    r"|bsd-write|ping6?|fusermount3?|ssh-agent|ssh-keysign|unix_chkpwd|pam_timestamp_check|dbus-daemon-launch-helper|pkexec"
    r"|polkit-agent-helper-1|crontab|at|dotlockfile|mlocate|plocate|locate|userhelper|usernetctl|bbsuid|newuidmap|newgidmap|ntfs-3g"
    r"|mount\.(?:nfs|cifs|fuse3?)|staprun|screen|lockfile|utempter|dmcrypt-get-device|s-nail-privsep|pt_chown|fonts)\Z"
    r"|^var/(?:local|mail|log/journal(?:/.*)?)\Z|^usr/local/(?:lib|share)/"
)
"""What Debian, Ubuntu, Alpine, Amazon Linux and Fedora install so themselves."""


@dataclass(slots=True)
class Modes:
    """What was seen in one layer."""

    setuid: list[str] = field(default_factory=list)
    """Programs that run as their owner or group, and that no distribution installs so."""
    writable: list[str] = field(default_factory=list)
    """Folders in which anybody may replace anybody's files, and programs anybody may replace."""

    def note(self, path: str, member: Member) -> None:
        """Look at one member."""
        mode = member.mode
        if member.kind is Kind.FILE:
            if (
                mode & _SETUID
                and mode & 0o111
                and not _DISTRIBUTIONS.search(path)
                and len(self.setuid) < KEPT
            ):
                self.setuid.append(path)
            if mode & _OTHERS_WRITE and mode & 0o111 and len(self.writable) < KEPT:
                self.writable.append(path)
        elif (
            member.kind is Kind.FOLDER
            and mode & _OTHERS_WRITE
            and not mode & _STICKY
            and len(self.writable) < KEPT
        ):
            self.writable.append(path)
