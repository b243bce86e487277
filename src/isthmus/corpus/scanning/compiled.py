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
_INNER: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def kernel(function: F) -> F:
    """Compile a function that other compiled functions call; it is kept on disk."""
    compiled: F = numba.njit(cache=True, nogil=True, **_INNER)(function)
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


def _count_low_zeros(typing_context: Any, value: Any) -> Any:
    """Count the zero bits below the lowest one of a 64-bit integer that is not zero."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.cttz(values[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.uint64), generate


#: Load eight bytes of an array from any place as one integer, the first byte lowest.
eight: Any = intrinsic(_load_eight)

#: Count the zero bits below the lowest one of a 64-bit integer that is not zero.
low_zeros: Any = intrinsic(_count_low_zeros)
