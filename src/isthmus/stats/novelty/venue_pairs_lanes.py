"""Sums of products, four numbers side by side, in an order that no machine changes.

The compiler may not reorder sums of floats, so that it adds one number at a
time. Here four sums run beside each other in one vector: each keeps its order,
and the bits of the result depend neither on the width of the machine's vectors
nor on what the compiler makes of the loop around.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils as untyped_cgutils
from numba.core import types as untyped_types
from numba.core.errors import TypingError
from numba.extending import intrinsic

cgutils: Any = untyped_cgutils
types: Any = untyped_types

#: Numbers added side by side.
LANES = 4

#: Floats a step of :func:`product` takes.
STEP = 2 * LANES

_FOUR = ir.VectorType(ir.DoubleType(), LANES)


def leaf(function: Callable[..., Any]) -> Any:
    """Compile a function that compiled functions alone call."""
    how: dict[str, Any] = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}
    return numba.njit(cache=True, nogil=True, **how)(function)


def _side_by_side(*arrays: Any) -> None:
    """Refuse arrays with gaps when compiling: they would be read as if they had none."""
    if any(array.layout != "C" for array in arrays):
        raise TypingError("Arrays added side by side have no gaps between their numbers.")


def _loaded(builder: Any, data: Any, at: Any) -> Any:
    """Load four neighbours; arrays of floats are aligned to one float, not to four."""
    place = builder.bitcast(builder.gep(data, [at]), _FOUR.as_pointer())
    four = builder.load(place)
    four.align = 8
    return four


def _zeros(builder: Any) -> Any:
    """Room for four sums, emptied each time it is come to."""
    total = cgutils.alloca_once(builder, _FOUR)
    builder.store(ir.Constant(_FOUR, [0.0] * LANES), total)
    return total


def _array(context: Any, builder: Any, kind: Any, value: Any) -> Any:
    return context.make_array(kind)(context, builder, value).data


def _added(builder: Any, total: Any, one: Any, two: Any) -> None:
    builder.store(builder.fadd(builder.load(total), builder.fmul(one, two)), total)


def _four_sums(
    typing_context: Any, weight: Any, table: Any, at: Any, start: Any, stop: Any, first: Any
) -> Any:
    """``sum(weight[t] * table[first + at[t]] for t in range(start, stop))``, by column.

    `weight` and `table` are rows of four floats, one after the other, and `at`
    holds positions of one machine word. Every second row is added apart.
    """
    _side_by_side(weight, table, at)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        arrays = zip(signature.args[:3], values[:3], strict=True)
        ours, theirs, places = (_array(context, builder, *array) for array in arrays)
        start, stop, first = values[3:]
        four, one = (ir.Constant(start.type, number) for number in (LANES, 1))
        row = builder.gep(theirs, [builder.mul(first, four)])
        totals = _zeros(builder), _zeros(builder)

        def add(total: Any, t: Any) -> None:
            place = builder.mul(builder.load(builder.gep(places, [t])), four)
            mine = _loaded(builder, ours, builder.mul(t, four))
            _added(builder, total, mine, _loaded(builder, row, place))

        pairs = builder.ashr(builder.sub(stop, start), one)
        with cgutils.for_range(builder, pairs) as loop:
            t = builder.add(start, builder.shl(loop.index, one))
            add(totals[0], t)
            add(totals[1], builder.add(t, one))
        rest = builder.add(start, builder.shl(pairs, one))
        with cgutils.for_range(builder, stop, start=rest) as loop:
            add(totals[0], loop.index)
        return context.make_tuple(builder, signature.return_type, _lanes(builder, totals))

    word = types.intp
    return types.UniTuple(types.float64, LANES)(weight, table, at, word, word, word), generate


def _product(typing_context: Any, one: Any, two: Any, first: Any, second: Any, size: Any) -> Any:
    """``sum(one[first + k] * two[second + k] for k in range(size))``, in eight interleaved sums.

    `size` is a multiple of eight; the positions count floats from the start of the arrays.
    """
    _side_by_side(one, two)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        ours, theirs = (
            builder.gep(_array(context, builder, signature.args[k], values[k]), [values[2 + k]])
            for k in range(2)
        )
        totals = _zeros(builder), _zeros(builder)
        step, four = (ir.Constant(values[4].type, number) for number in (STEP, LANES))
        with cgutils.for_range(builder, builder.sdiv(values[4], step)) as loop:
            k = builder.mul(loop.index, step)
            for total, at in zip(totals, (k, builder.add(k, four)), strict=True):
                _added(builder, total, _loaded(builder, ours, at), _loaded(builder, theirs, at))
        a, b, c, d = _lanes(builder, totals)
        return builder.fadd(builder.fadd(a, b), builder.fadd(c, d))

    return types.float64(one, two, types.intp, types.intp, types.intp), generate


def _lanes(builder: Any, totals: tuple[Any, Any]) -> list[Any]:
    four = builder.fadd(*(builder.load(total) for total in totals))
    word = ir.IntType(32)
    return [builder.extract_element(four, ir.Constant(word, k)) for k in range(LANES)]


def _prefetch(typing_context: Any, array: Any, at: Any) -> Any:
    """Ask for an entry that will be needed soon; one outside the array does no harm."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        place = builder.gep(_array(context, builder, array, values[0]), [values[1]])
        byte, word = ir.IntType(8).as_pointer(), ir.IntType(32)
        hint = ir.FunctionType(ir.VoidType(), [byte, word, word, word])
        called = cgutils.get_or_insert_function(builder.module, hint, "llvm.prefetch.p0")
        read, near, data = (ir.Constant(word, number) for number in (0, 3, 1))
        builder.call(called, [builder.bitcast(place, byte), read, near, data])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


four_sums: Any = intrinsic(_four_sums)
product: Any = intrinsic(_product)
prefetch: Any = intrinsic(_prefetch)
