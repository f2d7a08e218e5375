"""How kernels call the rows of an edge family: a function of one signature, by its address.

The functions of a family and their derivatives are rows, written by a function of its own,

    kernel(edges, coef, x, i, n, rows, slopes, work),
    edges = (first, n_params, size, setting, low, high, at),

at the samples x[i, s], s < n, of node i, from the row `first` on. For a basis, phi = sum_r c_r psi_r, these
are rows[first + r, s] = psi_r and slopes[first + r, s] = psi_r' on the interval (low, high) of the node. For
an edge that is not linear in its parameters theta_r = coef[at + r] they are rows[first + r, s] = d phi / d
theta_r, rows[first + n_params, s] = phi and slopes[first, s] = phi'; the other rows of slopes are scratch. So
are the three rows of `work`. Rows have room for whole octets of samples.

Called by address a family is compiled when it is used first, once for all kernels of networks, and has the
same bits in all of them.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from kan_np.kernels._jit import intrinsic

_MATRIX, _VECTOR = types.Array(types.float64, 2, "C"), types.Array(types.float64, 1, "C")
_EDGES = types.Tuple((*[types.int64] * 3, *[types.float64] * 3, types.int64))
#: Types of the arguments of every such function, for `kan_np.kernels._jit.address_of`.
ARGUMENTS = (_EDGES, _VECTOR, _MATRIX, types.int64, types.int64, _MATRIX, _MATRIX, _MATRIX)


@intrinsic
def call_rows(
    _: Any, address: Any, edges: Any, coef: Any, x: Any, i: Any, n: Any, rows: Any, slopes: Any, work: Any
) -> Any:
    """Call the function at an address with these arguments."""

    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        convention = context.call_conv
        called = convention.get_function_type(types.none, ARGUMENTS)
        function = builder.inttoptr(values[0], called.as_pointer())
        given = [
            context.cast(builder, value, own, wanted)
            for value, own, wanted in zip(values[1:], signature.args[1:], ARGUMENTS, strict=True)
        ]
        place = ir.IntType(8).as_pointer()
        result, error = (builder.bitcast(builder.alloca(place), kind) for kind in called.args[:2])
        packed = context.get_arg_packer(ARGUMENTS).as_arguments(builder, given)
        builder.call(function, [result, error, *packed])
        return context.get_dummy_value()

    return types.void(address, edges, coef, x, i, n, rows, slopes, work), generate
