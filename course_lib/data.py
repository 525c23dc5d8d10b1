"""The two data sets of the course: scikit-learn's digits and MNIST.

Both are real handwriting and both arrive in the same shape, so that a chapter's cells run on either:
``COURSE_DATA=mnist`` in the environment switches the whole book over.
"""

from __future__ import annotations

import functools
import gzip
import hashlib
import importlib.util
import math
import os
import re
import threading
import zlib
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import paddle

from course_lib import errors
from course_lib.files import PROJECT

NAMES = ("digits", "mnist")


@dataclass(frozen=True, eq=False)
class Split:
    """Images ``[n, 1, h, w]`` (float32 in [0, 1]) and their labels ``[n]`` (int64).

    Raises:
        TypeError: Images or labels are no arrays of such numbers.
        ValueError: There is not one label for each image, or one is below 0.
    """

    images: np.ndarray
    labels: np.ndarray

    def __post_init__(self):
        _check_array("images", self.images, np.floating)
        _check_array("labels", self.labels, np.signedinteger)
        if self.labels.shape != (len(self.images),):
            needed = f"one for each image, shape ({len(self.images)},)"
            raise ValueError(f"labels must be {needed}, got shape {self.labels.shape}")
        if len(self) and self.labels.min() < 0:
            raise ValueError(f"labels must be at least 0, got {self.labels.min()}")

    def __len__(self) -> int:
        return len(self.labels)


def _check_array(name: str, values, kind) -> None:
    if not isinstance(values, np.ndarray) or not np.issubdtype(values.dtype, kind):
        example = {np.floating: "float32", np.signedinteger: "int64"}[kind]
        shown = f"an array of {values.dtype}" if isinstance(values, np.ndarray) else type(values).__name__
        raise TypeError(f"{name} must be a NumPy array such as one of {example}, got {shown}")


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set in three parts: to train on, to choose settings by, and to report on once at the end.

    Raises:
        TypeError: A part is no Split.
    """

    name: str
    train: Split
    validation: Split
    test: Split

    def __post_init__(self):
        for name in ("train", "validation", "test"):
            if not isinstance(getattr(self, name), Split):
                raise TypeError(
                    f"{name} must be a Split of images and labels, got {type(getattr(self, name)).__name__}"
                )

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

    @property
    def checksum(self) -> str:
        """A fingerprint of all images and labels: the same data have the same, whatever files they came from."""
        digest = hashlib.md5(usedforsecurity=False)
        for part in (self.train, self.validation, self.test):
            digest.update(np.ascontiguousarray(part.images))
            digest.update(np.ascontiguousarray(part.labels))
        return digest.hexdigest()

    def subset(self, n: int, seed: int = 0) -> Dataset:
        """The same data set with ``n`` training images, drawn without replacement; the rest is unchanged.

        Raises:
            TypeError, ValueError: ``n`` is no whole number between 1 and the number of training images, or ``seed``
                none between 0 and 2³² - 1.

        Example:
            >>> load("digits").subset(100)
            Dataset(digits: 100 train, 397 validation, 400 test images of 8×8 pixels)
        """
        if errors.whole("n", n, low=1) > len(self.train):
            raise ValueError(f"n must be at most the {len(self.train)} training images of {self.name}, got {n}")
        chosen = np.random.RandomState(errors.seed(seed, bits=32)).permutation(len(self.train))[:n]
        return Dataset(self.name, _part(self.train.images, self.train.labels, chosen), self.validation, self.test)

    def at_most(self, train: int | None = None, validation: int | None = None, test: int | None = None) -> Dataset:
        """The same data set with the first so many images of a part, or all of them if it has no more.

        A part that is not named is unchanged. It keeps experiments on MNIST as short as those on the digits.

        Raises:
            TypeError, ValueError: A number is no whole number of at least 1.

        Example:
            >>> load("digits").at_most(train=500, test=1000)
            Dataset(digits: 500 train, 397 validation, 400 test images of 8×8 pixels)
        """
        parts = []
        for name, count in {"train": train, "validation": validation, "test": test}.items():
            part, count = getattr(self, name), count if count is None else errors.whole(name, count, low=1)
            parts.append(part if count is None else Split(part.images[:count], part.labels[:count]))
        return Dataset(self.name, *parts)

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
    folder and, because notebooks run in their own, in the project's. The files' content is checked: what has as many
    images as MNIST must be MNIST. Files with fewer are taken for an extract.

    Args:
        name: ``"digits"`` or ``"mnist"``; None takes the environment variable ``COURSE_DATA``, else digits.
        size: Height and width in pixels. Anything above the data set's own size is reached by bilinear
            interpolation, pixel areas aligned: the picture grows smoother, it gains no detail. None keeps the size.

    Returns:
        A Dataset. Its arrays are shared between calls and therefore read-only: ``images * 255`` and
        ``labels.copy()`` are fine, assigning into them raises.

    Raises:
        ValueError: An unknown name, a size below the data set's own, a damaged file or one with something else than
            MNIST (it is named).
        FileNotFoundError: ``COURSE_MNIST_DIR`` lacks files (they are named).
        ConnectionError: MNIST is neither in Paddle's cache nor can it be downloaded; it says which file is amiss.

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
    return _load(name, size, os.environ.get("COURSE_MNIST_DIR", "").strip() or None)


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
    pixels, labels = _table_of_digits()
    images = (pixels.reshape(-1, 1, 8, 8) / 16).astype(np.float32)
    # RandomState, because NumPy promises that its numbers stay the same in every future version.
    order = np.random.RandomState(0).permutation(len(images))
    return [_part(images, labels, chosen) for chosen in np.split(order, [1000, 1397])]


def _table_of_digits() -> tuple[np.ndarray, np.ndarray]:
    """scikit-learn's digits: pixels from 0 to 16 ``[n, 64]`` and labels ``[n]``.

    They are read from its file. What reads it there takes a second to import, and is asked only where no file is found.
    """
    package = importlib.util.find_spec("sklearn")
    file = Path(package.origin).parent / "datasets" / "data" / "digits.csv.gz" if package else Path()
    if file.is_file():
        table = np.loadtxt(file, np.uint8, delimiter=",")
        return table[:, :-1], table[:, -1]
    from sklearn.datasets import load_digits

    return load_digits(return_X_y=True)


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

CONTENTS = {
    "173ee47ea353020d623e69fecc80451f": "MNIST's training images",
    "e86ee40d66677c011a9abda399ec8c4d": "MNIST's training labels",
    "7a25c82c09a4101d00c20edbb702ccd6": "MNIST's test images",
    "073c3904dfbd3e141ff8aa01cfde6b15": "MNIST's test labels",
    "f4a8712d7a061bf5bd6d2ca38dc4d50a": "Fashion-MNIST's training images",
    "9018921c3c673c538a1fc5bad174d6f9": "Fashion-MNIST's training labels",
    "8181f5470baa50b63fa0f6fddb340f0a": "Fashion-MNIST's test images",
    "15d484375f8d13e6eb1aabb0c3f46965": "Fashion-MNIST's test labels",
}
"""MD5 → what has it: of MNIST ``_fingerprint``'s, of Fashion-MNIST, which has the same names, the unpacked file's."""

COUNTS = {"train": 60_000, "test": 10_000}
"""How many images MNIST has. A file with fewer is taken for an extract, to try something on."""

SILENT_SECONDS, DOWNLOAD_SECONDS = 30, 600
"""How long nothing may arrive of a download, and how long it may take: Paddle's sets itself no limit."""


def _mnist_mode(mode: str, folder: str | None) -> tuple[np.ndarray, np.ndarray]:
    files = _from_cache_or_network(mode) if folder is None else _Mnist(*_find_all(folder)[mode], mode=mode)
    return files.images[:, None].astype(np.float32) / 255, files.labels.astype(np.int64)


def _from_cache_or_network(mode: str) -> _Mnist:
    try:
        return _in_time(lambda: _Mnist(mode=mode))
    except (RuntimeError, OSError) as error:
        raise ConnectionError(
            f"MNIST cannot be downloaded ({error}), and {_state_of_cache()} Set the environment variable "
            "COURSE_MNIST_DIR to a folder with its four idx files, or use COURSE_DATA=digits, which needs no network."
        ) from error


def _in_time(download):
    """What ``download`` returns or raises, or a TimeoutError; its thread is then left to itself."""
    outcome = futures.Future()

    def attempt():
        try:
            outcome.set_result(download())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=attempt, daemon=True).start()
    received = _bytes_in_cache()
    for _ in range(math.ceil(DOWNLOAD_SECONDS / SILENT_SECONDS)):
        if futures.wait([outcome], SILENT_SECONDS).done:
            return outcome.result()
        before, received = received, _bytes_in_cache()
        if received == before:
            raise TimeoutError(f"nothing has arrived for {SILENT_SECONDS} s")
    raise TimeoutError(f"not done after {DOWNLOAD_SECONDS} s")


def _bytes_in_cache() -> int:
    return sum(path.stat().st_size for path in _cache().glob("*") if path.is_file())


def _cache() -> Path:
    return Path(paddle.dataset.common.DATA_HOME) / _Mnist.NAME


def _state_of_cache() -> str:
    """A sentence on what keeps Paddle's cache from being used."""
    folder, faults = _cache(), []
    for file in ("TRAIN_IMAGE", "TRAIN_LABEL", "TEST_IMAGE", "TEST_LABEL"):
        path = folder / getattr(_Mnist, f"{file}_URL").rpartition("/")[2]
        if not path.is_file():
            faults.append(f"{path.name} is missing")
        elif _md5(path.read_bytes()) != getattr(_Mnist, f"{file}_MD5"):
            faults.append(f"{path.name} has another checksum than the published file")
    usable = "" if any("missing" in fault for fault in faults) else f" COURSE_MNIST_DIR={folder} uses them as they are."
    return f"in Paddle's cache, {folder}, {', '.join(faults) or 'nothing is amiss'}.{usable}"


def _find_all(folder: str) -> dict[str, tuple[str, str]]:
    """The paths of images and labels, by mode.

    Raises:
        FileNotFoundError: Files are missing (all of them are named), or the folder is.
    """
    names = {
        mode: [f"{prefix}-{kind}-ubyte" for kind in ("images-idx3", "labels-idx1")]
        for mode, prefix in (("train", "train"), ("test", "t10k"))
    }
    found = {name: _find(folder, name) for mode in names for name in names[mode]}
    missing = [name for name, path in found.items() if path is None]
    if missing:
        raise FileNotFoundError(
            f"COURSE_MNIST_DIR={folder} has no file {', no '.join(missing)} (with or without .gz): "
            "it must name a folder with MNIST's four idx files, or be unset to use Paddle's cache and download"
        )
    return {mode: tuple(str(found[name]) for name in names[mode]) for mode in names}


def _find(folder: str, name: str) -> Path | None:
    """The file of that name, packed rather than not; ``train-images.idx3-ubyte`` and ``test-…`` are in use too."""
    for start in (Path(), PROJECT):
        place = start / os.path.expanduser(folder)
        files = sorted(place.iterdir(), key=lambda path: (path.suffix != ".gz", path)) if place.is_dir() else []
        for path in files:
            if path.is_file() and _usual(path.name) == name:
                return path
    return None


def _usual(name: str) -> str:
    hyphens = re.sub("[._]", "-", name.lower())
    return re.sub("^test-", "t10k-", hyphens).removesuffix("-gz")


class _Mnist(paddle.vision.datasets.MNIST):
    """Paddle's MNIST, which finds the files or fetches them; only the parsing is ours.

    Paddle's parser takes several times as long, reads no unpacked files, and meets a damaged one with a bare
    ``struct.error`` or with pictures whose labels belong to others.
    """

    def _parse_dataset(self, buffer_size: int = 100) -> None:
        self.images = _read_idx(self.image_path, (28, 28), COUNTS[self.mode])
        self.labels = _read_idx(self.label_path, (), COUNTS[self.mode])
        if len(self.images) < 6:
            raise ValueError(f"{self.image_path} must hold at least 6 images, got {len(self.images)}")
        if len(self.labels) != len(self.images):
            counts = f"got {len(self.labels)} for the {len(self.images)} images of {self.image_path}"
            raise ValueError(f"{self.label_path} must hold one label for each image, {counts}")
        if self.labels.max() > 9:
            raise ValueError(f"{self.label_path} must hold labels from 0 to 9, got {self.labels.max()}")
        if self.images.min() == self.images.max():
            raise ValueError(f"{self.image_path} must hold pictures, but all pixels are {self.images.max()}")
        self._check_content(self.image_path, self.images, "images")
        self._check_content(self.label_path, self.labels, "labels")

    def _check_content(self, path: str, values: np.ndarray, kind: str) -> None:
        """Refuse what is not MNIST's: another set under its names, another part, another order."""
        expected = f"MNIST's {'training' if self.mode == 'train' else 'test'} {kind}"
        content = CONTENTS.get(_fingerprint(values)) or CONTENTS.get(_md5(_header(values) + values.tobytes()))
        if content is None and len(values) == COUNTS[self.mode]:
            content = f"others, or these in another order: {len(values):,} {kind} with another checksum"
        if content not in (None, expected):
            raise ValueError(f"{path} must hold {expected}, but holds {content}")


def _fingerprint(values: np.ndarray) -> str:
    """The MD5 of the labels, or of the images with grey value 1 as 0: copies in which it has become 0 pass too."""
    return _md5((values if values.ndim == 1 else np.where(values > 1, values, 0)).astype(np.uint8).tobytes())


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _header(values: np.ndarray) -> bytes:
    """Of an idx file of bytes: a magic number 0x0000_08_0d for d dimensions, d big-endian sizes."""
    return np.array([0x0800 + values.ndim, *values.shape], ">u4").tobytes()


def _read_idx(path: str, item: tuple[int, ...], most: int) -> np.ndarray:
    """The values of an idx file; no more is unpacked than its header promises, and that is checked first."""
    try:
        with _opened(path) as file:
            shape = _shape(path, file.read(4 * (2 + len(item))), item, most)
            values = file.read(math.prod(shape) + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{path} is damaged: {error}") from error
    if len(values) != math.prod(shape):
        found = "more" if len(values) > math.prod(shape) else len(values)
        raise ValueError(f"{path} is damaged: {found} values, its header promises {shape}")
    return np.frombuffer(values, np.uint8).reshape(shape)


def _opened(path: str):
    with open(path, "rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if packed else open(path, "rb")


def _shape(path: str, header: bytes, item: tuple[int, ...], most: int) -> tuple[int, ...]:
    dimensions = 1 + len(item)
    complete = len(header) == 4 * (1 + dimensions)
    magic, count, *sizes = np.frombuffer(header, ">u4").tolist() if complete else (0, 0)
    if magic != 0x0800 + dimensions:
        raise ValueError(f"{path} is damaged: not an idx file of bytes in {dimensions} dimension(s)")
    if tuple(sizes) != item:
        raise ValueError(f"{path} must hold images of 28×28 pixels, got {tuple(sizes)}")
    if count > most:
        raise ValueError(f"{path} must hold at most {most:,} items, as many as MNIST has, got {count:,}")
    return count, *item
