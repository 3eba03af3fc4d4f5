"""Vectors of 16 numbers in compiled code, so that Numba's functions use the processor's vector registers as they say.

A `Vector` is a value of LLVM, which the compiler divides into as many registers as the machine needs (one of 512 bits,
two of 256 bits ...). Numba vectorizes loops by itself only where it can prove that arrays do not overlap; a convolution
whose weights stay in registers is several times as fast as what it makes of the same loops.

The functions are for compiled functions only. Arrays are one-dimensional and contiguous; positions are not checked.
"""

# ruff: noqa: ANN001, ANN202 - Numba derives the types of compiled functions.
# mypy: disable-error-code="no-untyped-def, misc, no-untyped-call"

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from llvmlite.binding import get_host_cpu_features  # type: ignore[import-untyped]
from numba.core import cgutils, types
from numba.core.errors import TypingError
from numba.extending import intrinsic, models, register_model

LANES = 16
"""Numbers in a vector."""


def _processor_has(feature: str) -> bool:
    try:
        return bool(get_host_cpu_features().get(feature))
    except RuntimeError:  # not known of this kind of processor
        return False


SUMS = 9 if _processor_has("avx512f") else 6
"""Vectors of sums in float32 that stay in the processor's registers beside what is added to them."""


def operation(function: Callable[..., Any]) -> Callable[..., Any]:
    """Make an operation of compiled functions of a function that gives its types and generates its code."""
    made: Callable[..., Any] = intrinsic(function)
    return made


class Vector(types.Type):
    """Numba's type of a vector of 16 numbers of one type."""

    def __init__(self, dtype: types.Type) -> None:
        self.dtype = dtype
        super().__init__(name=f"Vector({dtype})")


@register_model(Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, dmm, fe_type) -> None:
        super().__init__(dmm, fe_type, ir.VectorType(dmm.lookup(fe_type.dtype).get_value_type(), LANES))


@operation
def load(typing, array, position):
    """The 16 numbers of an array from a position on."""

    def generate(context, builder, signature, values):
        pointer = _element(context, builder, array, values[0], values[1])
        return _load(builder, pointer, context.get_value_type(Vector(array.dtype)))

    return Vector(array.dtype)(array, types.intp), generate


@operation
def store(typing, array, position, vector):
    """Write a vector to 16 numbers of an array from a position on."""

    def generate(context, builder, signature, values):
        pointer = _element(context, builder, array, values[0], values[1])
        _store(builder, values[2], pointer)
        return context.get_dummy_value()

    return types.none(array, types.intp, vector), generate


@operation
def load_all(typing, array, position, like):
    """The vectors that lie one after the other in an array, as a tuple with the length of the tuple `like`."""
    kind = types.UniTuple(Vector(array.dtype), len(like))

    def generate(context, builder, signature, values):
        wanted, found = context.get_value_type(kind.dtype), []
        for number in range(len(like)):
            found.append(
                _load(builder, _element(context, builder, array, values[0], _after(builder, values[1], number)), wanted)
            )
        return context.make_tuple(builder, kind, found)

    return kind(array, types.intp, like), generate


@operation
def store_all(typing, array, position, vectors):
    """Write a tuple of vectors one after the other into an array, from a position on."""

    def generate(context, builder, signature, values):
        for number, vector in enumerate(cgutils.unpack_tuple(builder, values[2])):
            _store(builder, vector, _element(context, builder, array, values[0], _after(builder, values[1], number)))
        return context.get_dummy_value()

    return types.none(array, types.intp, vectors), generate


@operation
def splat(typing, number):
    """A vector of one number, 16 times."""

    def generate(context, builder, signature, values):
        return _splat(builder, values[0], context.get_value_type(signature.return_type))

    return Vector(number)(number), generate


@operation
def multiply_add(typing, one, two, three):
    """`one * two + three`, rounded once where the processor can."""

    def generate(context, builder, signature, values):
        return _multiply_add(builder, *values)

    return one(one, two, three), generate


@operation
def multiply(typing, one, two):
    """`one * two`."""

    def generate(context, builder, signature, values):
        return builder.fmul(*values)

    return one(one, two), generate


@operation
def add(typing, one, two):
    """`one + two`."""

    def generate(context, builder, signature, values):
        return builder.fadd(*values)

    return one(one, two), generate


@operation
def rectified(typing, vector):
    """The larger of each number and 0."""

    def generate(context, builder, signature, values):
        zero = ir.Constant(values[0].type, None)
        return builder.select(builder.fcmp_ordered(">", values[0], zero), values[0], zero)

    return vector(vector), generate


@operation
def is_positive(typing, vector):
    """1 for each number above 0, else 0."""

    def generate(context, builder, signature, values):
        zero = ir.Constant(values[0].type, None)
        one = ir.Constant(values[0].type, [1.0] * LANES)
        return builder.select(builder.fcmp_ordered(">", values[0], zero), one, zero)

    return vector(vector), generate


@operation
def larger(typing, best, place, vector, number):
    """The larger of `best` and `vector` and where it is found: `place`, or `number` where `vector` is larger."""
    kind = types.Tuple((best, place))

    def generate(context, builder, signature, values):
        old, where, new, at = values
        at = _splat(builder, builder.trunc(at, where.type.element) if at.type != where.type.element else at, where.type)
        found = builder.fcmp_ordered(">", new, old)
        return context.make_tuple(builder, kind, [builder.select(found, new, old), builder.select(found, at, where)])

    return kind(best, place, vector, types.intp), generate


@operation
def weighted_sums(typing, weights, image, firsts, stride):
    """Values of a 3x3 convolution of 16 maps at some pixels.

    Args:
        weights: a tuple of 9 C + 1 vectors: row by row, column by column, channel by channel; the last is the bias.
        image: an image with C channels beside each other, in one dimension.
        firsts: a tuple with the position in `image` of the first value that each pixel needs.
        stride: distance between two rows of the image.

    Returns:
        A tuple with a vector for each pixel.
    """
    if (len(weights) - 1) % 9:
        raise TypingError("a 3x3 convolution has 9 C weights and a bias")
    kind = types.UniTuple(weights.dtype, len(firsts))

    def generate(context, builder, signature, values):
        *taps, bias = cgutils.unpack_tuple(builder, values[0])
        pixels = [
            _neighborhood(context, builder, image, values[1], first, values[3], len(taps))
            for first in cgutils.unpack_tuple(builder, values[2])
        ]
        sums = [bias] * len(pixels)
        for tap, *pointers in zip(taps, *pixels, strict=True):  # the pixels in turn: their sums do not wait
            for number, pointer in enumerate(pointers):
                value = _splat(builder, builder.load(pointer), bias.type)
                sums[number] = _multiply_add(builder, value, tap, sums[number])
        return context.make_tuple(builder, kind, sums)

    return kind(weights, image, firsts, types.intp), generate


@operation
def add_products(typing, sums, image, places, first, shift, vector):
    """Add a vector times some values of an image to sums, a tuple of vectors.

    The values are those at `places[first] + shift`, `places[first + 1] + shift` and so on.
    """

    def generate(context, builder, signature, values):
        found = []
        for number, total in enumerate(cgutils.unpack_tuple(builder, values[0])):
            position = builder.add(values[3], ir.Constant(values[3].type, number))
            place = builder.load(_element(context, builder, places, values[2], position))
            value = builder.load(_element(context, builder, image, values[1], builder.add(place, values[4])))
            found.append(_multiply_add(builder, _splat(builder, value, total.type), values[5], total))
        return context.make_tuple(builder, sums, found)

    return sums(sums, image, places, types.intp, types.intp, vector), generate


def _neighborhood(context, builder, array, value, first, stride, taps: int) -> list[ir.Value]:
    """Pointers to the values of a pixel's 3x3 neighborhood."""
    rows = [_element(context, builder, array, value, first)]
    rows += [builder.gep(rows[0], [builder.mul(stride, stride.type(n))]) for n in (1, 2)]
    return [builder.gep(row, [ir.Constant(ir.IntType(64), j)]) for row in rows for j in range(taps // 3)]


def _element(context, builder, array, value, position) -> ir.Value:
    """Pointer to an element of a one-dimensional array."""
    return builder.gep(context.make_array(array)(context, builder, value).data, [position])


def _after(builder, position, vectors: int) -> ir.Value:
    """The position so many vectors later."""
    return builder.add(position, ir.Constant(position.type, LANES * vectors))


def _load(builder, pointer, kind) -> ir.Value:
    return builder.load(builder.bitcast(pointer, kind.as_pointer()), align=_alignment(kind))


def _store(builder, vector, pointer) -> None:
    builder.store(vector, builder.bitcast(pointer, vector.type.as_pointer()), align=_alignment(vector.type))


def _alignment(kind) -> int:
    """Alignment in bytes that an array of such numbers has for sure: that of one number."""
    return {"float": 4, "double": 8, "i32": 4}[str(kind.element)]


def _splat(builder, value, kind) -> ir.Value:
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.Constant(ir.IntType(32), 0))
    return builder.shuffle_vector(
        one, ir.Constant(kind, ir.Undefined), ir.Constant(ir.VectorType(ir.IntType(32), LANES), None)
    )


def _multiply_add(builder, one, two, three) -> ir.Value:
    return builder.fadd(builder.fmul(one, two, flags=("contract",)), three, flags=("contract",))
