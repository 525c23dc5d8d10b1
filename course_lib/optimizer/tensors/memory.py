"""Reading and writing the memory of Paddle's CPU tensors, without a copy where that can be."""

from __future__ import annotations

import ctypes
import math

import numpy as np
import paddle

SMALL = 16_384
"""Up to this many elements it is quicker to copy a gradient than to get a view of its memory."""

DTYPES = {paddle.float32: np.float32, paddle.float64: np.float64}


def address(tensor: paddle.Tensor) -> int | None:
    """Return where the tensor's values begin, or ``None`` if they do not lie there one after the other."""
    return tensor.data_ptr() if tensor.is_contiguous() else None


def memory(tensor: paddle.Tensor) -> np.ndarray:
    """Return the tensor's own memory as a NumPy array: writing to it changes the tensor.

    Raises:
        TypeError: The tensor is not a dense, contiguous CPU tensor of float32 or float64.
    """
    check_dtype(tensor)
    if not tensor.place.is_cpu_place():
        raise TypeError(
            f"parameter {tensor.name} lies on {tensor.place}; the course's optimizers run on the CPU: "
            "call paddle.set_device('cpu') before making the model"
        )
    if not tensor.is_contiguous():
        raise TypeError(f"parameter {tensor.name} is not contiguous; make it from a contiguous tensor")
    return _by_address(tensor)


def check_dtype(parameter: paddle.Tensor) -> None:
    """Refuse half precision, which NumPy computes slowly or not at all.

    Raises:
        TypeError: The parameter is neither float32 nor float64.
    """
    if parameter.dtype not in DTYPES:
        raise TypeError(f"parameter {parameter.name} must be float32 or float64, got {parameter.dtype}")


def _by_address(tensor: paddle.Tensor) -> np.ndarray:
    """Return the memory of a contiguous CPU tensor. By DLPack it takes longer, and NumPy before 2.1 could only read."""
    values = tensor.detach()
    shape, dtype = tuple(tensor.shape), DTYPES[tensor.dtype]
    buffer = (ctypes.c_byte * (math.prod(shape) * tensor.element_size())).from_address(tensor.data_ptr())
    buffer.owner = values  # keeps the memory alive as long as the array
    return np.ndarray(shape, dtype, buffer)


def read(gradient: paddle.Tensor, size: int) -> np.ndarray:
    """Return a gradient as a NumPy array, copied only where that is quicker (up to ``SMALL`` elements) or needed."""
    if not gradient.is_dense():
        return _dense(gradient)
    in_place = size > SMALL and gradient.dtype in DTYPES and gradient.is_contiguous() and gradient.place.is_cpu_place()
    return _by_address(gradient) if in_place else gradient.numpy()


def check_forms(parameters, memories: list[np.ndarray], gradients, arrays: list[np.ndarray]) -> None:
    """Name the first gradient that does not fit its parameter; of both there are the tensors and NumPy's view of them.

    Raises:
        ValueError: A gradient has another shape than its parameter.
        TypeError: A gradient has another dtype.
    """
    for parameter, own, gradient, array in zip(parameters, memories, gradients, arrays):
        if array.shape != own.shape:
            raise ValueError(
                f"the gradient of {parameter.name} must have the parameter's shape {list(own.shape)}, "
                f"got {list(array.shape)}"
            )
        if array.dtype != own.dtype:
            raise TypeError(
                f"the gradient of {parameter.name} must be {parameter.dtype} like the parameter, got {gradient.dtype}"
            )


def _dense(gradient: paddle.Tensor) -> np.ndarray:
    """Fill in what a sparse gradient leaves out; of the rows of ``Embedding(sparse=True)`` repeated ones add up."""
    if not gradient.is_selected_rows():
        return gradient.to_dense().numpy()
    rows = gradient.get_selected_rows()
    values = np.asarray(rows.get_tensor())
    dense = np.zeros((rows.height(), *values.shape[1:]), values.dtype)
    np.add.at(dense, rows.rows(), values)
    return dense
