"""How the scanner's functions are compiled."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.extending import intrinsic

F = TypeVar("F", bound=Callable[..., Any])

#: Called from compiled functions only, which makes compiling them quicker.
#: They make no arrays, so they need not count who holds one, which took a third of the time.
_INNER: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}


def kernel(function: F) -> F:
    """Compile a function that other compiled functions call; it is kept on disk."""
    compiled: F = numba.njit(cache=True, nogil=True, **_INNER)(function)
    return compiled


def small(function: F) -> F:
    """Compile a function as a part of whatever calls it: the call would take longer than it."""
    compiled: F = numba.njit(cache=True, nogil=True, forceinline=True, **_INNER)(function)
    return compiled


def _load_eight(typing_context: Any, buf: Any, i: Any) -> Any:
    """Load eight bytes from any place as one integer, the first byte lowest."""
    proxy: Any = cgutils.create_struct_proxy

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        array = proxy(signature.args[0])(context, builder, values[0])
        place = builder.gep(array.data, [values[1]])
        word = ir.IntType(64)
        loaded = builder.load(builder.bitcast(place, word.as_pointer()))
        loaded.align = 1
        return loaded if sys.byteorder == "little" else builder.bswap(loaded)

    return types.uint64(buf, types.int64), generate


def _load_byte(typing_context: Any, buf: Any, i: Any) -> Any:
    """Load a byte as an integer, from a place that is not negative."""
    proxy: Any = cgutils.create_struct_proxy

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        array = proxy(signature.args[0])(context, builder, values[0])
        loaded = builder.load(builder.gep(array.data, [values[1]]))
        return builder.zext(loaded, ir.IntType(64))

    return types.int64(buf, types.int64), generate


def _find_stops(typing_context: Any, buf: Any, i: Any) -> Any:
    """Mark which of 32 bytes end or interrupt plain text: quotes, backslashes, control bytes."""
    proxy: Any = cgutils.create_struct_proxy
    lanes = ir.VectorType(ir.IntType(8), 32)

    def all_of(value: int) -> Any:
        return ir.Constant(lanes, [value] * 32)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        array = proxy(signature.args[0])(context, builder, values[0])
        place = builder.gep(array.data, [values[1]])
        loaded = builder.load(builder.bitcast(place, lanes.as_pointer()))
        loaded.align = 1
        quote = builder.icmp_unsigned("==", loaded, all_of(34))
        backslash = builder.icmp_unsigned("==", loaded, all_of(92))
        control = builder.icmp_unsigned("<", loaded, all_of(32))
        found = builder.or_(builder.or_(quote, backslash), control)
        bits = builder.bitcast(found, ir.IntType(32))
        if sys.byteorder == "big":
            bits = builder.bitreverse(bits)
        return builder.zext(bits, ir.IntType(64))

    return types.uint64(buf, types.int64), generate


def _count_low_zeros(typing_context: Any, value: Any) -> Any:
    """Count the zero bits below the lowest one of a 64-bit integer that is not zero."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.cttz(values[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


#: Load a byte of an array as an integer. Written `buf[i]` it would first be asked whether `i` is
#: negative and counts from the end, which costs as much as all else there is to do with a byte.
byte: Any = intrinsic(_load_byte)

#: Load eight bytes of an array from any place as one integer, the first byte lowest.
eight: Any = intrinsic(_load_eight)

#: Count the zero bits below the lowest one of a 64-bit integer that is not zero.
low_zeros: Any = intrinsic(_count_low_zeros)

#: Mark which of the 32 bytes from a place on are quotes, backslashes or below 32: a bit each,
#: the first byte lowest.
stops: Any = intrinsic(_find_stops)
