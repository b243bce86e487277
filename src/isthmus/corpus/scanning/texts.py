"""Texts found by the scanner as Arrow arrays, without an object for each."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pyarrow as pa

from isthmus.corpus.scanning.buffers import Bytes, Ints


@numba.njit(cache=True, nogil=True)
def _copy(buf: Any, heap: Any, begins: Any, offsets: Any, out: Any) -> None:
    size = len(buf)
    for k in range(len(begins)):
        begin, at = begins[k], offsets[k]
        length = offsets[k + 1] - at
        if begin < size:
            for n in range(length):
                out[at + n] = buf[begin + n]
        else:
            for n in range(length):
                out[at + n] = heap[begin - size + n]


def text_array(buf: Bytes, heap: Bytes, begins: Ints, lengths: Ints) -> pa.Array:
    """Give texts as an Arrow array.

    Parameters
    ----------
    buf, heap : arrays of bytes
        Where texts stand; a begin beyond `buf` points into `heap`.
    begins, lengths : (n,) arrays
        A negative length is null.
    """
    n_texts = len(begins)
    offsets = np.zeros(n_texts + 1, np.int32)
    np.cumsum(np.maximum(lengths, 0), out=offsets[1:])
    out = np.empty(int(offsets[-1]), np.uint8)
    _copy(buf, heap, np.ascontiguousarray(begins), offsets, out)
    valid = lengths >= 0
    validity = None
    if not valid.all():
        validity = pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.StringArray.from_buffers(n_texts, pa.py_buffer(offsets), pa.py_buffer(out), validity)
