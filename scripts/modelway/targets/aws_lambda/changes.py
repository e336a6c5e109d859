"""Which calls change what: the names under which CloudTrail is asked who made them.

CloudTrail may write a date into the names of Lambda's actions (Lambda guide, "Logging API calls"), and looks
for whole names: both are asked for. Not seen on real AWS.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelway.core.drift import About

_SCALING = ("RegisterScalableTarget", "DeregisterScalableTarget", "PutScalingPolicy", "DeleteScalingPolicy")
_URL = tuple(
    f"{call}FunctionUrlConfig{date}" for date in ("", "20211031") for call in ("Create", "Update", "Delete")
)
EVENTS: Mapping[About, tuple[str, ...]] = {
    About.POINTER: (
        *("CreateAlias20150331", "UpdateAlias20150331", "DeleteAlias20150331", "DeleteFunction20150331"),
        *("CreateAlias", "UpdateAlias", "DeleteAlias", "DeleteFunction"),
    ),
    About.CAPACITY: ("PutProvisionedConcurrencyConfig", "DeleteProvisionedConcurrencyConfig", *_SCALING),
    About.SURROUNDINGS: ("PutMetricAlarm", "DeleteAlarms", *_SCALING, *_URL),
}
