"""Sums of products, four numbers side by side, in an order that no machine changes.

The compiler may not reorder sums of floats, so that it adds one number at a
time. Here four sums run beside each other in one vector: each keeps its order,
and the bits of the result depend neither on the width of the machine's vectors
nor on what the compiler makes of the loop around.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.core.errors import TypingError
from numba.extending import intrinsic

#: Numbers added side by side.
LANES = 4

_FOUR = ir.VectorType(ir.DoubleType(), LANES)


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


def _four_sums(  # noqa: PLR0917
    typing_context: Any, weight: Any, table: Any, at: Any, start: Any, stop: Any, first: Any
) -> Any:
    """``sum(weight[t] * table[first + at[t]] for t in range(start, stop))``, by column.

    `weight` and `table` are rows of four floats, one after the other, and `at`
    holds positions of one machine word.
    """
    _side_by_side(weight, table, at)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        arrays = zip(signature.args[:3], values[:3], strict=True)
        ours, theirs, places = (_array(context, builder, *array) for array in arrays)
        start, stop, first = values[3:]
        total = _zeros(builder)
        lanes = ir.Constant(start.type, LANES)
        with cgutils.for_range(builder, stop, start=start) as loop:
            place = builder.add(first, builder.load(builder.gep(places, [loop.index])))
            one = _loaded(builder, ours, builder.mul(loop.index, lanes))
            _added(builder, total, one, _loaded(builder, theirs, builder.mul(place, lanes)))
        return context.make_tuple(builder, signature.return_type, _lanes(builder, total))

    word = types.intp
    return types.UniTuple(types.float64, LANES)(weight, table, at, word, word, word), generate


def _product(typing_context: Any, one: Any, two: Any, first: Any, second: Any, size: Any) -> Any:
    """``sum(one[first + k] * two[second + k] for k in range(size))``, in four interleaved sums.

    `size` is a multiple of four; the positions count floats from the start of the arrays.
    """
    _side_by_side(one, two)

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        ours, theirs = (_array(context, builder, signature.args[k], values[k]) for k in range(2))
        first, second, size = values[2:]
        total = _zeros(builder)
        lanes = ir.Constant(size.type, LANES)
        with cgutils.for_range(builder, builder.sdiv(size, lanes)) as loop:
            k = builder.mul(loop.index, lanes)
            four = _loaded(builder, ours, builder.add(first, k))
            _added(builder, total, four, _loaded(builder, theirs, builder.add(second, k)))
        a, b, c, d = _lanes(builder, total)
        return builder.fadd(builder.fadd(a, b), builder.fadd(c, d))

    return types.float64(one, two, types.intp, types.intp, types.intp), generate


def _lanes(builder: Any, total: Any) -> list[Any]:
    four = builder.load(total)
    word = ir.IntType(32)
    return [builder.extract_element(four, ir.Constant(word, k)) for k in range(LANES)]


four_sums: Any = intrinsic(_four_sums)
product: Any = intrinsic(_product)
