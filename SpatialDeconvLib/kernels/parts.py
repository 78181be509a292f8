"""Kernels that belong to a part of the data as a whole: to a channel of a volume, to a frame of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from ..errors import InputError
from .field import KernelField


def field_of_part(field: KernelField, key: str, number: int, name: str = "") -> KernelField:
    """Return the field for one part of the data: the one kernel of a channel, or of a frame.

    Parameters
    ----------
    field : KernelField
        Itself where it is keyed by something else.
    key : {"channel", "frame"}
    number : int
        As messages count: channels from 1, frames from 0.
    name : str
        Another word for the part: a frame's index value, a channel's name.

    Raises
    ------
    InputError
        If the part has no kernel.
    """
    if field.key != key:
        return field
    for at, kernel in zip(field.at, field.kernels, strict=True):
        if at == number or (name and at == name):
            return replace(field, key="uniform", kernels=(kernel,), at=(0,))
    known = ", ".join(str(at) for at in field.at)
    called = f" ({name})" if name and key == "channel" else ""
    raise InputError(f"{key} {number}{called} has no kernel (those with one: {known}); add one for it")


def channels_by_number(field: KernelField, names: Sequence[str]) -> KernelField:
    """Return a field whose kernels of channels are told by number, from 1 on, where they were told by name.

    Parameters
    ----------
    field : KernelField
        Itself where it is keyed by something else.
    names : sequence of str
        What the channels are called, in order; empty where nobody says that.

    Raises
    ------
    InputError
        If no channel, or more than one, has such a name, or if a channel has two kernels.
    """
    if field.key != "channel":
        return field
    at = tuple(_number_of(name, names) if isinstance(name, str) else name for name in field.at)
    twice = next((number for number in at if at.count(number) > 1), None)
    if twice is not None:
        raise InputError(
            f"channel {twice} ({names[twice - 1]}) has a kernel by its name and one by its number; leave one out"
        )
    return replace(field, at=at)


def _number_of(name: str, names: Sequence[str]) -> int:
    found = [number for number, known in enumerate(names, 1) if known == name]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(f"{len(found)} channels are called {name!r}; give their numbers, from 1 on")
    known = ", ".join(filter(None, names))
    called = f"the channels are called {known}" if known else "its file does not say what channels are called"
    raise InputError(f"kernels are given for channel {name!r}, but {called}; give that, or its number from 1 on")


def refuse_other_parts(field: KernelField, key: str, count: int, names: Sequence[str] = ()) -> None:
    """Refuse kernels of parts that the data do not have, or that have none for a part.

    Parameters
    ----------
    field : KernelField
    key : {"channel"}
    count : int
        Parts there are, numbered from 1.
    names : sequence of str
        What they are called.
    """
    if field.key != key:
        return
    beyond = [at for at in field.at if not 1 <= at <= count]
    if beyond:
        raise InputError(
            f"kernels are given for {key} {beyond[0]}, but the data have {count} (numbered from 1); leave it out"
        )
    for number in range(1, count + 1):
        field_of_part(field, key, number, names[number - 1] if number <= len(names) else "")
