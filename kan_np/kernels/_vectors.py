"""Helpers for intrinsics: LLVM vectors of float64 that are loaded, combined and stored."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import cgutils

DOUBLE, INT32, INT64 = ir.DoubleType(), ir.IntType(32), ir.IntType(64)
_FUSED = ("contract",)


class Vectors:
    """Vectors of `lanes` numbers: read from and written to flat indices of C-contiguous arrays."""

    def __init__(self, context: Any, builder: Any, lanes: int) -> None:
        self.context, self.builder, self.lanes = context, builder, lanes
        self.vector = ir.VectorType(DOUBLE, lanes)

    def align_stack(self) -> None:
        """Let vectors that do not fit into the registers be kept in whole cache lines.

        LLVM does not see to that, and where a vector spans two lines a loop takes up to a fifth longer.
        """
        line = cgutils.alloca_once(self.builder, ir.ArrayType(DOUBLE, 8))
        line.align = 64
        seen = ir.FunctionType(ir.VoidType(), [line.type])
        self.builder.asm(
            seen, "", "r", [line], side_effect=True
        )  # no instruction: the variable has to be there

    def pointer(self, array_type: Any, array: Any, index: Any, element: Any) -> Any:
        """Address of a flat index, as a pointer to `element`."""
        data = self.context.make_array(array_type)(self.context, self.builder, array).data
        return self.builder.bitcast(self.builder.gep(data, [index]), element.as_pointer())

    def load(self, array_type: Any, array: Any, index: Any) -> Any:
        return self.builder.load(self.pointer(array_type, array, index, self.vector), align=8)

    def store(self, vector: Any, array_type: Any, array: Any, index: Any) -> None:
        self.builder.store(vector, self.pointer(array_type, array, index, self.vector), align=8)

    def number(self, array_type: Any, array: Any, index: Any, element: Any = DOUBLE) -> Any:
        """One element of an array."""
        return self.builder.load(self.pointer(array_type, array, index, element))

    def put(self, number: Any, array_type: Any, array: Any, index: Any) -> None:
        """Write one element of an array."""
        self.builder.store(number, self.pointer(array_type, array, index, DOUBLE))

    def constant(self, number: float) -> Any:
        return ir.Constant(self.vector, [number] * self.lanes)

    def broadcast(self, number: Any) -> Any:
        """The same number in all lanes."""
        nothing = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(nothing, number, ir.Constant(INT32, 0))
        return self.pick(first, first, *[0] * self.lanes)

    def pick(self, a: Any, b: Any, *lanes: int) -> Any:
        """The named lanes of a, numbered from 0, and of b, whose numbers follow those of a."""
        mask = ir.Constant(ir.VectorType(INT32, len(lanes)), list(lanes))
        return self.builder.shuffle_vector(a, b, mask)

    def lane(self, vector: Any, i: int) -> Any:
        return self.builder.extract_element(vector, ir.Constant(INT32, i))

    def total(self, vector: Any) -> Any:
        """Sum of the lanes, by halves."""
        n = self.lanes
        while n > 1:
            n //= 2
            halves = (self.pick(vector, vector, *range(start, start + n)) for start in (0, n))
            vector = self.builder.fadd(*halves)
        return self.lane(vector, 0)

    def times(self, a: Any, b: Any) -> Any:
        return self.builder.fmul(a, b, flags=_FUSED)

    def times_plus(self, a: Any, b: Any, c: Any) -> Any:
        return self.builder.fadd(self.times(a, b), c, flags=_FUSED)

    def ahead(self, index: Any, n: int) -> Any:
        return self.builder.add(index, ir.Constant(index.type, n))

    def index(self, *terms: tuple[Any, Any]) -> Any:
        """Sum of products of two integers each, of which the second may be a Python int."""
        total: Any = None
        for a, b in terms:
            product = self.builder.mul(a, ir.Constant(a.type, b) if isinstance(b, int) else b)
            total = product if total is None else self.builder.add(total, product)
        return total
