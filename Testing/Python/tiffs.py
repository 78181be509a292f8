"""A writer of TIFF files of any kind, from the words of the standard, for tests of how they are read."""

import struct
from fractions import Fraction

import numpy as np

FORMATS = {"u": 1, "i": 2, "f": 3, "b": 1, "c": 6}


def tiff_bytes(pages, order="<", big=False, tile=None, planar=False, tags=None, first=None):
    """Return a TIFF file of pages, arrays (j, i) or (j, i, sample); `tags`: number -> value, of all pages.

    Whole numbers become LONG, fractions RATIONAL, tuples several, texts ASCII; `first`: tags of the first page.
    """
    content = bytearray((b"II" if order == "<" else b"MM") + struct.pack(f"{order}H", 43 if big else 42))
    content += struct.pack(f"{order}HHQ", 8, 0, 0) if big else struct.pack(f"{order}I", 0)
    link = 8 if big else 4
    for number, page in enumerate(pages):
        strips, own = _voxels(np.asarray(page), order, tile, planar)
        places = []
        for strip in strips:
            places.append(len(content))
            content += strip + bytes(len(strip) % 2)
        offsets, counts = (324, 325) if tile else (273, 279)
        own |= {offsets: tuple(places), counts: tuple(map(len, strips))} | (tags or {})
        own |= (first or {}) if number == 0 else {}
        at = _directory(content, own, order, big)
        struct.pack_into(f"{order}{'Q' if big else 'I'}", content, link, at)
        link = len(content) - (8 if big else 4)
    return bytes(content)


def _voxels(page, order, tile, planar):
    samples = page.shape[2] if page.ndim == 3 else 1
    bits = 1 if page.dtype == bool else page.dtype.itemsize * 8
    own = {
        256: page.shape[1],
        257: page.shape[0],
        258: (bits,) * samples,
        259: 1,
        262: 2 if samples in (3, 4) else 1,
    }
    own |= {277: samples, 278: page.shape[0], 284: 2 if planar else 1}
    own |= {339: (FORMATS[page.dtype.kind],) * samples}
    parts = np.moveaxis(page, 2, 0) if planar else [page]
    if tile:
        own |= {322: tile, 323: tile}
        parts = [
            np.pad(p, [(0, -n % tile) for n in p.shape[:2]] + [(0, 0)] * (p.ndim - 2))[j : j + tile, i : i + tile]
            for p in parts
            for j in range(0, page.shape[0], tile)
            for i in range(0, page.shape[1], tile)
        ]
    if page.dtype == bool:
        return [np.packbits(p, axis=1).tobytes() for p in parts], own
    return [np.ascontiguousarray(p, p.dtype.newbyteorder(order)).tobytes() for p in parts], own


def _directory(content, tags, order, big):
    """Append the values that need room and the directory; return where it begins."""
    entries = []
    for tag, value in sorted(tags.items()):
        values = value if isinstance(value, tuple) else (value,)
        if isinstance(value, str):
            code, count, packed = 2, len(value.encode()) + 1, value.encode() + b"\0"
        elif isinstance(values[0], Fraction):
            code, count = 5, len(values)
            packed = b"".join(struct.pack(f"{order}II", v.numerator, v.denominator) for v in values)
        else:
            code, count, packed = 4, len(values), struct.pack(f"{order}{len(values)}I", *values)
        if len(packed) > (8 if big else 4):
            at = len(content)
            content += packed + bytes(len(packed) % 2)
            packed = struct.pack(f"{order}{'Q' if big else 'I'}", at)
        entries.append(
            struct.pack(f"{order}HH{'Q' if big else 'I'}", tag, code, count) + packed.ljust(8 if big else 4, b"\0")
        )
    at = len(content)
    content += struct.pack(f"{order}{'Q' if big else 'H'}", len(entries)) + b"".join(entries)
    content += bytes(8 if big else 4)
    return at
