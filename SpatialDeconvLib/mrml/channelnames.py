"""The names of the channels of a volume node, which scenes and files keep."""

from __future__ import annotations

import json
from collections.abc import Sequence

from .channels import channelCount

ATTRIBUTE = "SpatialDeconv.channels"


def setChannelNames(node, names: Sequence[str]) -> None:
    """Give the channels of a volume node names, "" for one without; none where there are none."""
    node.SetAttribute(ATTRIBUTE, json.dumps(list(names)) if any(names) else None)


def channelNames(node) -> tuple[str, ...]:
    """Return the names of the channels of a volume node, "" of one without; () where none has one."""
    text = node.GetAttribute(ATTRIBUTE) if node is not None else None
    try:
        names = json.loads(text) if text else []
    except ValueError:  # of another program
        names = []
    fits = isinstance(names, list) and len(names) == channelCount(node)
    return tuple(map(str, names)) if fits else ()


def channelWords(node) -> list[str | int]:
    """Return what kernels can be given for: each channel's name, its number where none is its alone."""
    names = channelNames(node) or ("",) * channelCount(node)
    return [name if name and names.count(name) == 1 else number for number, name in enumerate(names, 1)]
