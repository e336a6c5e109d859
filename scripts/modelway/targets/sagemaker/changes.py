"""Which calls change what: the names under which CloudTrail is asked who made them.

Not seen on real AWS.
"""

from __future__ import annotations

from collections.abc import Mapping

from modelway.core.drift import About

_SCALING = ("RegisterScalableTarget", "DeregisterScalableTarget", "PutScalingPolicy", "DeleteScalingPolicy")
EVENTS: Mapping[About, tuple[str, ...]] = {
    About.POINTER: ("CreateEndpoint", "UpdateEndpoint", "DeleteEndpoint"),
    About.CAPACITY: ("UpdateEndpointWeightsAndCapacities", "UpdateEndpoint", *_SCALING),
    About.SURROUNDINGS: ("PutMetricAlarm", "DeleteAlarms", *_SCALING),
}
