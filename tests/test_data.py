"""data.load: shapes, splits, the environment, and files that are missing or damaged."""

import gzip
import hashlib
import importlib.util
import itertools
import os
import struct
import threading
import tracemalloc
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from course_lib import data

SIBLING = Path(__file__).resolve().parents[2] / "shared" / "mnist"
MNIST = os.environ.get("COURSE_MNIST_DIR") or (str(SIBLING) if SIBLING.is_dir() else None)
needs_mnist = pytest.mark.skipif(MNIST is None, reason="set COURSE_MNIST_DIR to test on the real MNIST")
FILES = [f"{part}-{kind}" for part in ("train", "t10k") for kind in ("images-idx3-ubyte", "labels-idx1-ubyte")]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    monkeypatch.delenv("COURSE_DATA", raising=False)
    monkeypatch.delenv("COURSE_MNIST_DIR", raising=False)


def idx(array) -> bytes:
    return struct.pack(f">{array.ndim + 1}I", 0x0800 + array.ndim, *array.shape) + array.astype(np.uint8).tobytes()


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A folder with MNIST's four files in small, 60 and 10 images; image i is all i, label i % 10."""
    for part, n in (("train", 60), ("t10k", 10)):
        number = np.arange(n)
        images = np.broadcast_to(number[:, None, None], (n, 28, 28))
        (tmp_path / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(images)))
        (tmp_path / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(number % 10)))
    monkeypatch.setenv("COURSE_MNIST_DIR", str(tmp_path))
    data._load.cache_clear()
    return tmp_path


def assert_well_formed(dataset, size, counts):
    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == counts
    for part in (dataset.train, dataset.validation, dataset.test):
        assert part.images.shape == (len(part), 1, size, size) and part.images.dtype == np.float32
        assert part.labels.shape == (len(part),) and part.labels.dtype == np.int64
        assert part.images.min() == 0 and 0.9 < part.images.max() <= 1
        assert set(part.labels.tolist()) == set(range(10))


@pytest.mark.parametrize("size", [None, 8, 28])
def test_digits(size):
    assert_well_formed(data.load("digits", size), size or 8, [1000, 397, 400])


def test_digits_are_split_without_overlap_and_each_image_keeps_its_label():
    from sklearn.datasets import load_digits

    original = load_digits()
    known = sorted((i.tobytes(), int(t)) for i, t in zip((original.images / 16).astype(np.float32), original.target))
    dataset = data.load("digits")
    parts = (dataset.train, dataset.validation, dataset.test)
    assert sorted((i.tobytes(), int(t)) for part in parts for i, t in zip(part.images, part.labels)) == known


def test_the_digits_are_found_where_scikit_learn_keeps_them_elsewhere(monkeypatch, tmp_path):
    importlib.import_module("sklearn.datasets")  # it looks for other packages in the same way
    from_file = data._table_of_digits()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: SimpleNamespace(origin=str(tmp_path / "__init__.py")))
    for ours, theirs in zip(from_file, data._table_of_digits()):
        assert ours.dtype == np.uint8 != theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_the_order_of_the_digits_is_the_published_one():
    # Every number in the book depends on this split.
    assert data.load("digits").train.labels[:10].tolist() == [2, 8, 2, 6, 6, 7, 1, 9, 8, 5]


def test_upscaling_is_bilinear_with_pixel_areas_aligned():
    from scipy.ndimage import zoom

    small, large = (data.load("digits", size).train.images[:20, 0] for size in (8, 28))
    expected = zoom(small, (1, 3.5, 3.5), order=1, mode="nearest", grid_mode=True)
    np.testing.assert_allclose(large, expected, atol=1e-5)


def test_learners_cannot_spoil_the_shared_arrays():
    part = data.load("digits").train
    for array in (part.images, part.labels):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    assert data.load("digits").train is part


def test_the_environment_switches_the_data_set(tiny, monkeypatch):
    assert data.load().name == "digits"
    monkeypatch.setenv("COURSE_DATA", "")
    assert data.load().name == "digits"
    monkeypatch.setenv("COURSE_DATA", "mnist")
    assert data.load().name == "mnist"
    assert data.load("digits").name == "digits"


def test_subset_keeps_pairs_and_the_other_parts():
    full = data.load("digits")
    few = full.subset(50, seed=3)
    pairs = {(image.tobytes(), int(label)) for image, label in zip(full.train.images, full.train.labels)}
    chosen = {(image.tobytes(), int(label)) for image, label in zip(few.train.images, few.train.labels)}
    assert len(chosen) == 50 and chosen < pairs
    assert few.validation is full.validation and few.test is full.test
    np.testing.assert_array_equal(few.train.labels, full.subset(50, seed=3).train.labels)
    assert few.train.labels.tolist() != full.subset(50, seed=4).train.labels.tolist()


def test_at_most_keeps_the_first_of_a_part():
    full = data.load("digits")
    few = full.at_most(train=50, validation=1000)
    assert [len(part) for part in (few.train, few.validation, few.test)] == [50, 397, 400]
    np.testing.assert_array_equal(few.train.images, full.train.images[:50])
    np.testing.assert_array_equal(few.train.labels, full.train.labels[:50])
    assert few.test is full.test and few.name == full.name


def test_batches_cover_the_split_once_in_an_order_given_by_the_rng():
    part = data.load("digits").train

    def one_epoch(seed):
        images, labels = zip(*data.batches(part, 32, np.random.default_rng(seed)))
        assert [len(b) for b in labels] == [32] * 31 + [8]
        return np.concatenate(images), np.concatenate(labels)

    images, labels = one_epoch(0)
    assert sorted(i.tobytes() for i in images) == sorted(i.tobytes() for i in part.images)
    known = {image.tobytes(): label for image, label in zip(part.images, part.labels)}
    assert all(known[image.tobytes()] == label for image, label in zip(images, labels))
    np.testing.assert_array_equal(labels, one_epoch(0)[1])
    assert labels.tolist() != one_epoch(1)[1].tolist() != part.labels.tolist()


def test_the_checksum_is_that_of_the_data():
    full = data.load("digits")
    again = replace(full, train=data.Split(full.train.images.copy(), full.train.labels.copy()))
    others = [full.subset(999), replace(full, test=data.Split(full.test.images, full.test.labels[::-1]))]
    assert full.checksum == again.checksum
    assert len({full.checksum, *(other.checksum for other in others)}) == 3


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: data.load("mnits"), ValueError, "name must be one of 'digits', 'mnist', got 'mnits'"),
        (lambda: data.load(3), ValueError, "name must be one of 'digits', 'mnist', got 3"),
        (lambda: data.load("digits", 7), ValueError, "size must be at least 8, the size of digits, got 7"),
        (lambda: data.load("digits", 0), ValueError, "size must be a whole number of at least 1, got 0"),
        (lambda: data.load("digits", 28.0), TypeError, "size must be a whole number"),
        (lambda: data.load("digits", [28]), TypeError, "size must be a whole number"),
        (lambda: data.load("digits").subset(0), ValueError, "n must be a whole number of at least 1, got 0"),
        (lambda: data.load("digits").subset(1, seed=2**32), ValueError, r"seed must be below 2\*\*32, got 4294967296"),
        (lambda: data.load("digits").subset(1001), ValueError, "n must be at most the 1000 training images"),
        (lambda: data.load("digits").at_most(test=0), ValueError, "test must be a whole number of at least 1, got 0"),
        (lambda: data.load("digits").at_most(train=0.5), TypeError, "train must be a whole number"),
        (lambda: next(data.batches(data.load("digits").train, 0, np.random.default_rng(0))), ValueError, "batch_size"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


IMAGES = np.zeros((3, 1, 2, 2), np.float32)


@pytest.mark.parametrize(
    ("images", "labels", "error", "message"),
    [
        (IMAGES, np.zeros(2, int), ValueError, r"labels must be one for .* shape \(3,\), got shape \(2,\)"),
        (IMAGES, np.zeros((3, 1), int), ValueError, r"labels must be one for .* got shape \(3, 1\)"),
        (IMAGES, np.array([0, -100, 1]), ValueError, "labels must be at least 0, got -100"),
        (IMAGES, np.zeros(3), TypeError, "labels must be .* one of int64, got an array of float64"),
        (IMAGES, np.zeros(3, np.uint8), TypeError, "labels must be .* got an array of uint8"),
        (IMAGES, [0, 1, 2], TypeError, "labels must be a NumPy array .* got list"),
        (IMAGES.astype(int), np.zeros(3, int), TypeError, "images must be .* one of float32, got an array of int64"),
        (iter(IMAGES), np.zeros(3, int), TypeError, "images must be a NumPy array .* got iterator"),
    ],
)
def test_what_is_no_split_is_named(images, labels, error, message):
    with pytest.raises(error, match=message):
        data.Split(images, labels)


@pytest.mark.parametrize("name", ["train", "validation", "test"])
def test_what_is_no_dataset_is_named(name):
    with pytest.raises(TypeError, match=f"{name} must be a Split of images and labels, got tuple"):
        replace(data.load("digits"), **{name: (IMAGES, [0, 1, 2])})


def test_an_unknown_data_set_in_the_environment_is_named(monkeypatch):
    monkeypatch.setenv("COURSE_DATA", "cifar")
    with pytest.raises(ValueError, match="COURSE_DATA must be one of 'digits', 'mnist', got 'cifar'"):
        data.load()


# MNIST files -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("packed", [True, False], ids=["gz", "plain"])
def test_mnist_files_are_read_in_order(tiny, packed):
    if not packed:
        for name in FILES:
            (tiny / name).write_bytes(gzip.decompress((tiny / f"{name}.gz").read_bytes()))
            (tiny / f"{name}.gz").unlink()
    dataset = data.load("mnist")
    assert [len(part) for part in (dataset.train, dataset.validation, dataset.test)] == [50, 10, 10]
    np.testing.assert_allclose(dataset.validation.images[:, 0, 3, 5], np.arange(50, 60) / 255, rtol=1e-6)
    assert dataset.validation.labels.tolist() == list(range(10))


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize(
    "start",
    [
        "{part}-{kind}-{idx}-ubyte",
        "{part}-{kind}.{idx}-ubyte",
        "{part}_{kind}_{idx}_ubyte",
        "{part}-{kind}-{idx}-UBYTE",
    ],
)
def test_the_files_other_names_are_known(tiny, start, end):
    for name in FILES:
        part, kind, idx, _ = name.split("-")
        path = tiny / f"{name}.gz"
        content = path.read_bytes() if end else gzip.decompress(path.read_bytes())
        path.unlink()
        (tiny / (start.format(part=part, kind=kind, idx=idx) + end)).write_bytes(content)
    assert len(data.load("mnist").train) == 50


def test_the_test_files_may_be_called_so(tiny):
    for path in tiny.glob("t10k-*"):
        path.rename(tiny / path.name.replace("t10k", "test"))
    assert len(data.load("mnist").test) == 10


def test_a_packed_file_is_taken_before_an_unpacked_one_and_folders_are_none(tiny):
    (tiny / "train-labels-idx1-ubyte").write_bytes(b"old")
    (tiny / "train-images.idx3-ubyte").mkdir()
    assert len(data.load("mnist").train) == 50


@pytest.mark.parametrize("names", [FILES[:1], FILES[1:2], FILES[2:3], FILES[3:], FILES[1:3], FILES])
def test_missing_mnist_files_are_named(tiny, names):
    for name in names:
        (tiny / f"{name}.gz").unlink()
    with pytest.raises(FileNotFoundError, match=f"COURSE_MNIST_DIR=.*has no file {', no '.join(names)} "):
        data.load("mnist")


def test_a_folder_in_ones_home_is_found(tiny, monkeypatch):
    monkeypatch.setenv("HOME", str(tiny.parent))
    monkeypatch.setenv("COURSE_MNIST_DIR", f"~/{tiny.name}")
    assert len(data.load("mnist").train) == 50


def test_a_relative_folder_is_found_from_the_current_and_from_the_projects_folder(tiny, tmp_path_factory, monkeypatch):
    monkeypatch.setenv("COURSE_MNIST_DIR", tiny.name)
    monkeypatch.chdir(tmp_path_factory.mktemp("chapters"))
    with pytest.raises(FileNotFoundError, match="COURSE_MNIST_DIR"):
        data.load("mnist")
    monkeypatch.setattr(data, "PROJECT", tiny.parent)
    assert len(data.load("mnist").train) == 50
    data._load.cache_clear()
    monkeypatch.setattr(data, "PROJECT", tiny / "elsewhere")
    monkeypatch.chdir(tiny.parent)
    assert len(data.load("mnist").train) == 50


def test_a_missing_mnist_folder_is_named(monkeypatch):
    monkeypatch.setenv("COURSE_MNIST_DIR", "/no/such/folder")
    with pytest.raises(FileNotFoundError, match="COURSE_MNIST_DIR=/no/such/folder"):
        data.load("mnist")


DAMAGE = {
    "cut in the middle": lambda packed: packed[: len(packed) // 2],
    "one bit turned": lambda packed: packed[:-6] + bytes([packed[-6] ^ 1]) + packed[-5:],
    "empty": lambda packed: b"",
    "not gzip inside": lambda packed: b"\x1f\x8b" + b"nonsense" * 9,
    "a web page": lambda packed: b"<html>404 Not Found</html>",
    "wrong magic": lambda packed: gzip.compress(b"\0\0\x0d\x02" + gzip.decompress(packed)[4:]),
    "values missing": lambda packed: gzip.compress(gzip.decompress(packed)[:-1]),
    "values left over": lambda packed: gzip.compress(gzip.decompress(packed) + b"\0"),
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_mnist_file_is_named(tiny, name, damage):
    path = tiny / f"{name}.gz"
    path.write_bytes(DAMAGE[damage](path.read_bytes()))
    with pytest.raises(ValueError, match=f"{name}.gz is damaged"):
        data.load("mnist")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("train-labels-idx1-ubyte", np.zeros(59), "train-labels.* one label for each image, got 59 for the 60"),
        ("t10k-labels-idx1-ubyte", np.full(10, 10), "t10k-labels.* labels from 0 to 9, got 10"),
        ("train-images-idx3-ubyte", np.zeros((60, 28, 27)), "train-images.* images of 28×28 pixels"),
        ("train-images-idx3-ubyte", np.zeros((5, 28, 28)), "train-images.* at least 6 images, got 5"),
        ("t10k-images-idx3-ubyte", np.zeros((0, 28, 28)), "t10k-images.* at least 6 images, got 0"),
        ("train-images-idx3-ubyte", np.zeros((60, 28, 28)), "train-images.* hold pictures, but all pixels are 0"),
        ("t10k-images-idx3-ubyte", np.full((10, 28, 28), 255), "t10k-images.* hold pictures, but all pixels are 255"),
    ],
)
def test_files_that_do_not_fit_are_named(tiny, name, array, message):
    (tiny / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
    with pytest.raises(ValueError, match=message):
        data.load("mnist")


def test_a_repaired_file_is_read_again(tiny):
    path = tiny / "train-labels-idx1-ubyte.gz"
    good = path.read_bytes()
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="damaged"):
        data.load("mnist")
    path.write_bytes(good)
    assert data.load("mnist").name == "mnist"


def test_without_a_folder_paddle_finds_the_files(tiny, monkeypatch):
    monkeypatch.delenv("COURSE_MNIST_DIR")
    asked = []

    def cache(path, url, md5, module_name, download=True):
        asked.append(url.rsplit("/", 1)[-1])
        return str(tiny / asked[-1])

    monkeypatch.setattr("paddle.vision.datasets.mnist._check_exists_and_download", cache)
    data._load.cache_clear()
    assert len(data.load("mnist").train) == 50
    assert asked == [f"{name}.gz" for name in FILES]


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """No network and an empty cache of Paddle's, which is returned."""

    def fail(*_):
        raise RuntimeError("Cannot download the file within retry limit 3")

    monkeypatch.setattr("paddle.vision.datasets.mnist._check_exists_and_download", fail)
    monkeypatch.setattr("paddle.dataset.common.DATA_HOME", str(tmp_path / "dataset"))
    data._load.cache_clear()
    (tmp_path / "dataset" / "mnist").mkdir(parents=True)
    return tmp_path / "dataset" / "mnist"


def test_no_cache_and_no_network_says_what_to_do(offline):
    with pytest.raises(ConnectionError, match=r"retry limit 3.*COURSE_MNIST_DIR.*COURSE_DATA=digits") as raised:
        data.load("mnist")
    assert all(f"{name}.gz is missing" in str(raised.value) for name in FILES)


def test_what_is_amiss_in_the_cache_is_named(offline):
    (offline / f"{FILES[0]}.gz").write_bytes(b"a file of another day")
    with pytest.raises(ConnectionError) as raised:
        data.load("mnist")
    assert f"{FILES[0]}.gz has another checksum than the published file, {FILES[1]}.gz is missing" in str(raised.value)
    assert f"COURSE_MNIST_DIR={offline}" not in str(raised.value)


@needs_mnist
def test_a_complete_cache_of_another_edition_can_be_used_by_its_name(offline, monkeypatch):
    for name in FILES:
        (offline / f"{name}.gz").symlink_to(data._find(MNIST, name))
    monkeypatch.setattr(data._Mnist, "TEST_LABEL_MD5", "another edition's")
    with pytest.raises(ConnectionError, match=f"{FILES[3]}.gz has another checksum.*COURSE_MNIST_DIR={offline} uses"):
        data.load("mnist")


@pytest.mark.parametrize(
    ("sizes", "reason"),
    [(itertools.repeat(7), "nothing has arrived for 0.1 s"), (itertools.count(), "not done after 0.3 s")],
)
def test_a_download_that_does_not_end_is_given_up(offline, monkeypatch, sizes, reason):
    given_up = threading.Event()

    def download(*_):
        given_up.wait()
        raise OSError

    monkeypatch.setattr("paddle.vision.datasets.mnist._check_exists_and_download", download)
    monkeypatch.setattr(data, "_bytes_in_cache", lambda: next(sizes))
    monkeypatch.setattr(data, "SILENT_SECONDS", 0.1)
    monkeypatch.setattr(data, "DOWNLOAD_SECONDS", 0.3)
    with pytest.raises(ConnectionError, match=rf"cannot be downloaded \({reason}\).*is missing"):
        data.load("mnist")
    given_up.set()


def test_what_has_arrived_is_seen(offline):
    assert data._bytes_in_cache() == 0
    (offline / "moved away").symlink_to("nowhere")
    assert data._bytes_in_cache() == 0
    (offline / f"{FILES[0]}.gz").write_bytes(b"12345")
    assert data._bytes_in_cache() == 5


def test_no_more_is_unpacked_than_the_header_promises(tiny):
    bombs = {
        "train-labels-idx1-ubyte": (idx(np.zeros(60)) + bytes(2**26), "damaged: more values"),
        "train-images-idx3-ubyte": (struct.pack(">4I", 0x0803, 2**31, 28, 28) + bytes(2**26), "at most 60,000 items"),
    }
    for name, (content, message) in bombs.items():
        (tiny / f"{name}.gz").write_bytes(gzip.compress(content, 1))
        tracemalloc.start()
        with pytest.raises(ValueError, match=f"{name}.gz .*{message}"):
            data.load("mnist")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert most < 2**24


# MNIST's content ---------------------------------------------------------------------------------------------


@pytest.fixture
def real(tmp_path, monkeypatch):
    """A folder with links to the real files, and a function that puts something else into the place of one."""
    for name in FILES:
        (tmp_path / f"{name}.gz").symlink_to(data._find(MNIST, name))
    monkeypatch.setenv("COURSE_MNIST_DIR", str(tmp_path))
    data._load.cache_clear()

    def put(name: str, change) -> None:
        path = tmp_path / f"{name}.gz"
        content = gzip.decompress(path.read_bytes())
        header = 16 if "images" in name else 8
        values = np.frombuffer(content, np.uint8, offset=header).copy()
        path.unlink()
        path.write_bytes(content[:header] + change(values).tobytes())

    return put


def with_ones(pixels):
    pixels[np.flatnonzero(pixels == 0)[:22_896]] = 1  # as in the published file, only elsewhere
    return pixels


def shuffled(values):
    return np.random.default_rng(0).permutation(values)


def inverted(pixels):
    return 255 - pixels


@needs_mnist
def test_a_copy_may_have_grey_value_1_as_0(real):
    real(FILES[0], with_ones)
    assert len(data.load("mnist").train) == 50_000


@needs_mnist
@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (FILES[0], inverted, "MNIST's training images, but holds others"),
        (FILES[1], shuffled, "MNIST's training labels, but holds others, or these in another order"),
        (FILES[2], inverted, "MNIST's test images, but holds others"),
        (FILES[3], shuffled, "MNIST's test labels, but holds others, or these in another order"),
    ],
)
def test_another_set_of_the_same_shape_is_refused(real, name, change, message):
    real(name, change)
    with pytest.raises(ValueError, match=f"{name}.gz must hold {message}"):
        data.load("mnist")


@needs_mnist
def test_test_images_under_the_names_of_training_images_are_refused(real, tmp_path):
    for kind in ("images-idx3", "labels-idx1"):
        (tmp_path / f"train-{kind}-ubyte.gz").unlink()
        (tmp_path / f"train-{kind}-ubyte.gz").symlink_to(tmp_path / f"t10k-{kind}-ubyte.gz")
    with pytest.raises(ValueError, match="must hold MNIST's training images, but holds MNIST's test images"):
        data.load("mnist")


def test_a_set_with_the_same_names_is_named(tiny, monkeypatch):
    unpacked = gzip.decompress((tiny / f"{FILES[0]}.gz").read_bytes())
    monkeypatch.setitem(data.CONTENTS, hashlib.md5(unpacked).hexdigest(), "Fashion-MNIST's training images")
    with pytest.raises(
        ValueError, match=f"{FILES[0]}.gz must hold MNIST's .* but holds Fashion-MNIST's training images"
    ):
        data.load("mnist")


@needs_mnist
def test_real_mnist_equals_what_paddles_own_parser_reads(monkeypatch):
    from paddle.vision.datasets import MNIST as PaddleMnist

    monkeypatch.setenv("COURSE_MNIST_DIR", MNIST)
    dataset = data.load("mnist")
    assert_well_formed(dataset, 28, [50000, 10000, 10000])
    paths = (str(data._find(MNIST, name)) for name in FILES[2:])
    own = PaddleMnist(*paths, mode="test", backend="cv2")
    for i in (0, 1, 4999, 9999):
        image, label = own[i]
        np.testing.assert_allclose(dataset.test.images[i, 0] * 255, image, rtol=1e-6)
        assert dataset.test.labels[i] == label[0]
