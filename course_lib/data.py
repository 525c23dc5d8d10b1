"""The two data sets of the course: scikit-learn's digits and MNIST.

Both are real handwriting and both arrive in the same shape, so that a chapter's cells run on either:
``COURSE_DATA=mnist`` in the environment switches the whole book over.
"""

from __future__ import annotations

import functools
import gzip
import os
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import paddle

from course_lib import errors
from course_lib.files import PROJECT

NAMES = ("digits", "mnist")


@dataclass(frozen=True, eq=False)
class Split:
    """Images ``[n, 1, h, w]`` (float32 in [0, 1]) and their labels ``[n]`` (int64)."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set in three parts: to train on, to choose settings by, and to report on once at the end."""

    name: str
    train: Split
    validation: Split
    test: Split

    @property
    def size(self) -> int:
        """Height and width of an image in pixels."""
        return self.train.images.shape[-1]

    @property
    def inputs(self) -> int:
        """Pixels of one image: what a fully connected network takes in."""
        return self.size * self.size

    @property
    def classes(self) -> int:
        return 10

    def subset(self, n: int, seed: int = 0) -> Dataset:
        """The same data set with ``n`` training images, drawn without replacement; the rest is unchanged.

        Raises:
            TypeError, ValueError: ``n`` is no whole number between 1 and the number of training images.

        Example:
            >>> load("digits").subset(100)
            Dataset(digits: 100 train, 397 validation, 400 test images of 8×8 pixels)
        """
        if errors.whole("n", n, low=1) > len(self.train):
            raise ValueError(f"n must be at most the {len(self.train)} training images of {self.name}, got {n}")
        chosen = np.random.RandomState(errors.whole("seed", seed, low=0)).permutation(len(self.train))[:n]
        return Dataset(self.name, _part(self.train.images, self.train.labels, chosen), self.validation, self.test)

    def __repr__(self) -> str:
        counts = ", ".join(f"{len(getattr(self, part)):,} {part}" for part in ("train", "validation", "test"))
        return f"Dataset({self.name}: {counts} images of {self.size}×{self.size} pixels)"


def load(name: str | None = None, size: int | None = None) -> Dataset:
    """Load a data set, split into training, validation and test images.

    =========  ========================  ======  =====  ==========  =====
    name       source                    pixels  train  validation  test
    =========  ========================  ======  =====  ==========  =====
    digits     scikit-learn, no network  8×8     1000   397         400
    mnist      Paddle's MNIST class      28×28   50000  10000       10000
    =========  ========================  ======  =====  ==========  =====

    The digits are shuffled once, always in the same way, before they are split. MNIST keeps its order: its test
    images are the published ones, its validation images the last sixth of the published training images. It is
    read from the folder ``COURSE_MNIST_DIR`` (four idx files, ``.gz`` or not) if that is set, else from Paddle's
    cache, else downloaded by Paddle into that cache. A relative ``COURSE_MNIST_DIR`` is looked for in the current
    folder and, because notebooks run in their own, in the project's.

    Args:
        name: ``"digits"`` or ``"mnist"``; None takes the environment variable ``COURSE_DATA``, else digits.
        size: Height and width in pixels. Anything above the data set's own size is reached by bilinear
            interpolation, pixel areas aligned: the picture grows smoother, it gains no detail. None keeps the size.

    Returns:
        A Dataset. Its arrays are shared between calls and therefore read-only: ``images * 255`` and
        ``labels.copy()`` are fine, assigning into them raises.

    Raises:
        ValueError: An unknown name, a size below the data set's own, or a damaged file (it is named).
        FileNotFoundError: ``COURSE_MNIST_DIR`` lacks a file (it is named).
        ConnectionError: MNIST is neither in Paddle's cache nor can it be downloaded.

    Example:
        >>> load("digits")
        Dataset(digits: 1,000 train, 397 validation, 400 test images of 8×8 pixels)
        >>> load("digits", size=28).train.images.shape
        (1000, 1, 28, 28)

    Sources: E. Alpaydin and C. Kaynak, "Optical recognition of handwritten digits" (UCI, 1998);
    Y. LeCun, C. Cortes and C. Burges, "The MNIST database of handwritten digits" (1998).
    """
    if name is None:
        name = errors.choice("the environment variable COURSE_DATA", os.environ.get("COURSE_DATA") or "digits", NAMES)
    errors.choice("name", name, NAMES)
    size = None if size is None else errors.whole("size", size, low=1)
    return _load(name, size, os.environ.get("COURSE_MNIST_DIR") or None)


def batches(split: Split, batch_size: int, rng: np.random.Generator):
    """Yield the split once, in random order, as (images, labels) arrays of ``batch_size``; the last may be smaller.

    Raises:
        TypeError, ValueError: ``batch_size`` is no whole number of at least 1.

    Example:
        >>> split = load("digits").train
        >>> [len(labels) for images, labels in batches(split, 400, np.random.default_rng(0))]
        [400, 400, 200]
    """
    errors.whole("batch_size", batch_size, low=1)
    order = rng.permutation(len(split))
    for start in range(0, len(split), batch_size):
        chosen = order[start : start + batch_size]
        yield split.images[chosen], split.labels[chosen]


@functools.lru_cache(maxsize=4)
def _load(name: str, size: int | None, folder: str | None) -> Dataset:
    parts = _digits() if name == "digits" else _mnist(folder)
    return Dataset(name, *(_frozen(_resized(part, name, size)) for part in parts))


def _digits() -> list[Split]:
    from sklearn.datasets import load_digits  # takes a second to import: only those who need it wait

    digits = load_digits()
    images = (digits.images[:, None] / 16).astype(np.float32)
    # RandomState, because NumPy promises that its numbers stay the same in every future version.
    order = np.random.RandomState(0).permutation(len(images))
    return [_part(images, digits.target, chosen) for chosen in np.split(order, [1000, 1397])]


def _mnist(folder: str | None) -> list[Split]:
    images, labels = _mnist_mode("train", folder)
    first_validation = len(images) - len(images) // 6  # 50,000 of 60,000
    cut = slice(None, first_validation), slice(first_validation, None)
    return [*(_part(images, labels, chosen) for chosen in cut), Split(*_mnist_mode("test", folder))]


def _part(images: np.ndarray, labels: np.ndarray, chosen) -> Split:
    return Split(images[chosen], labels[chosen].astype(np.int64))


def _resized(split: Split, name: str, size: int | None) -> Split:
    own = split.images.shape[-1]
    if size is None or size == own:
        return split
    if size < own:
        raise ValueError(f"size must be at least {own}, the size of {name}, got {size}")
    images = paddle.nn.functional.interpolate(paddle.to_tensor(split.images), size=[size, size], mode="bilinear")
    return Split(np.clip(images.numpy(), 0, 1), split.labels)


def _frozen(split: Split) -> Split:
    split.images.flags.writeable = False
    split.labels.flags.writeable = False
    return split


# MNIST files ------------------------------------------------------------------------------------------------


def _mnist_mode(mode: str, folder: str | None) -> tuple[np.ndarray, np.ndarray]:
    prefix = "train" if mode == "train" else "t10k"
    if folder is not None:
        paths = [_find(folder, f"{prefix}-{kind}-ubyte") for kind in ("images-idx3", "labels-idx1")]
        files = _Mnist(*map(str, paths), mode=mode)
    else:
        files = _from_cache_or_network(mode)
    return files.images[:, None].astype(np.float32) / 255, files.labels.astype(np.int64)


def _from_cache_or_network(mode: str) -> _Mnist:
    try:
        return _Mnist(mode=mode)
    except (RuntimeError, OSError) as error:
        raise ConnectionError(
            f"MNIST is not in Paddle's cache and cannot be downloaded ({error}). Set the environment variable "
            "COURSE_MNIST_DIR to a folder with its four idx files, or use COURSE_DATA=digits, which needs no network."
        ) from error


def _find(folder: str, name: str) -> Path:
    for start in (Path(), PROJECT):
        for candidate in (start / folder / f"{name}.gz", start / folder / name):
            if candidate.is_file():
                return candidate
    raise FileNotFoundError(
        f"COURSE_MNIST_DIR={folder} has no file {name}.gz or {name}: "
        "it must name a folder with MNIST's four idx files, or be unset to use Paddle's cache and download"
    )


class _Mnist(paddle.vision.datasets.MNIST):
    """Paddle's MNIST, which finds the files or fetches them; only the parsing is ours.

    Paddle's parser takes several times as long, reads no unpacked files, and meets a damaged one with a bare
    ``struct.error`` or with pictures whose labels belong to others.
    """

    def _parse_dataset(self, buffer_size: int = 100) -> None:
        self.images = _read_idx(self.image_path, dimensions=3)
        self.labels = _read_idx(self.label_path, dimensions=1)
        self._check()

    def _check(self) -> None:
        if self.images.shape[1:] != (28, 28):
            raise ValueError(f"{self.image_path} must hold images of 28×28 pixels, got {self.images.shape[1:]}")
        if len(self.images) < 6:
            raise ValueError(f"{self.image_path} must hold at least 6 images, got {len(self.images)}")
        if len(self.labels) != len(self.images):
            counts = f"got {len(self.labels)} for the {len(self.images)} images of {self.image_path}"
            raise ValueError(f"{self.label_path} must hold one label for each image, {counts}")
        if self.labels.max() > 9:
            raise ValueError(f"{self.label_path} must hold labels from 0 to 9, got {self.labels.max()}")


def _read_idx(path: str, dimensions: int) -> np.ndarray:
    """An idx file of bytes: a magic number 0x0000_08_0d for d dimensions, d big-endian sizes, the values."""
    content = _unpacked(path)
    header = 4 * (1 + dimensions)
    numbers = np.frombuffer(content[:header], ">u4") if len(content) >= header else np.zeros(1)
    if numbers[0] != 0x0800 + dimensions:
        raise ValueError(f"{path} is damaged: not an idx file of bytes in {dimensions} dimension(s)")
    shape = tuple(int(n) for n in numbers[1:])
    if len(content) - header != np.prod(shape, dtype=object):
        raise ValueError(f"{path} is damaged: {len(content) - header} values, its header promises {shape}")
    return np.frombuffer(content, np.uint8, offset=header).reshape(shape)


def _unpacked(path: str) -> bytes:
    content = Path(path).read_bytes()
    if content[:2] != b"\x1f\x8b":
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, OSError, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
