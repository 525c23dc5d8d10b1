"""Reading and writing the memory of Paddle's CPU tensors, without a copy where that can be."""

from __future__ import annotations

import ctypes

import numpy as np
import paddle

SMALL = 16_384
"""Up to this many elements it is quicker to copy a gradient than to get a view of its memory."""


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
    values = np.from_dlpack(tensor.detach())
    return values if values.flags.writeable else _writable(tensor, values)


def check_dtype(parameter: paddle.Tensor) -> None:
    """Refuse half precision, which NumPy computes slowly or not at all.

    Raises:
        TypeError: The parameter is neither float32 nor float64.
    """
    if parameter.dtype not in (paddle.float32, paddle.float64):
        raise TypeError(f"parameter {parameter.name} must be float32 or float64, got {parameter.dtype}")


def _writable(tensor: paddle.Tensor, values: np.ndarray) -> np.ndarray:
    """The same memory by its address: NumPy before 2.1 (Python 3.9) marks all that comes by DLPack as read-only."""
    buffer = (ctypes.c_byte * values.nbytes).from_address(tensor.data_ptr())
    buffer.owner = values  # keeps the memory alive as long as the array
    return np.frombuffer(buffer, values.dtype).reshape(values.shape)


def read(gradient: paddle.Tensor, size: int) -> np.ndarray:
    """Return a gradient as a NumPy array, copied only where that is quicker (up to ``SMALL`` elements) or needed."""
    if not gradient.is_dense():
        return _dense(gradient)
    if size < SMALL or not gradient.is_contiguous() or gradient.dtype not in (paddle.float32, paddle.float64):
        return gradient.numpy()
    return np.from_dlpack(gradient.detach())


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
