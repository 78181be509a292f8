"""Kernels that belong to a part of the data as a whole: to a channel of a volume, to a frame of a sequence."""

from __future__ import annotations

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
        Another word for the part: a frame's index value.

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
    raise InputError(f"{key} {number} has no kernel (those with one: {known}); add one for it")


def refuse_other_parts(field: KernelField, key: str, count: int) -> None:
    """Refuse kernels of parts that the data do not have, or that have none for a part.

    Parameters
    ----------
    field : KernelField
    key : {"channel"}
    count : int
        Parts there are, numbered from 1.
    """
    if field.key != key:
        return
    beyond = [at for at in field.at if not 1 <= at <= count]
    if beyond:
        raise InputError(
            f"kernels are given for {key} {beyond[0]}, but the data have {count} (numbered from 1); leave it out"
        )
    for number in range(1, count + 1):
        field_of_part(field, key, number)
