"""Files of image datasets: read as their authors wrote them, and refused where they are not what a card states."""

import io
import pickle
import struct
import tarfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench import datasets
from bench.core.dataset_card import ImageCard
from bench.core.errors import UsageError
from impls.trained_networks import image_data
from impls.trained_networks.formats import MANIFEST, LabelledImages, read_splits

COUNTS = {"train": 6, "test": 4}


def create_card(format_: str, shape: tuple[int, int, int] = (3, 4, 5), **changes: object) -> ImageCard:
    stated: dict[str, object] = {
        "name": "toy",
        "kind": "images",
        "format": format_,
        "title": "Toy",
        "description": "Images for tests.",
        "classes": 3,
        "shape": shape,
        "train": COUNTS["train"],
        "held_out": 2,
        "test": COUNTS["test"],
        "mean": [0.5] * shape[0],
        "std": [0.25] * shape[0],
        "licence": "none",
        "citation": "nobody",
        "source": "https://example.org",
        "splits": "none",
        "normalisation": "none",
        "folder": "Toy",
        "files": [{"name": "file"}],
    }
    return ImageCard.model_validate(stated | changes)


def create_images(split: str, shape: tuple[int, int, int]) -> LabelledImages:
    random = np.random.default_rng(len(split))
    count = COUNTS[split]
    return LabelledImages(
        random.integers(256, size=(count, *shape), dtype=np.uint8), random.integers(3, size=count).astype(np.int64)
    )


def assert_same(part: LabelledImages, expected: LabelledImages) -> None:
    np.testing.assert_array_equal(part.images, expected.images)
    np.testing.assert_array_equal(part.labels, expected.labels)
    assert part.labels.dtype == np.int64


@pytest.mark.parametrize("shape", [(3, 4, 5), (1, 4, 5)])
def test_npz_files_hold_channels_last_images(tmp_path: Path, shape: tuple[int, int, int]) -> None:
    for split in COUNTS:
        images, labels = create_images(split, shape)
        stored = images.transpose(0, 2, 3, 1) if shape[0] > 1 else images[:, 0]
        np.savez(tmp_path / f"{split}.npz", images=stored, labels=labels)
    files = {f"{split}.npz": tmp_path / f"{split}.npz" for split in COUNTS}
    splits = read_splits(create_card("npz", shape), files)
    assert_same(splits.train, create_images("train", shape))
    assert_same(splits.test, create_images("test", shape))


def test_an_npz_file_with_pickled_objects_is_not_unpickled(tmp_path: Path) -> None:
    for split in COUNTS:
        np.savez(tmp_path / f"{split}.npz", images=np.array([object()]), labels=np.zeros(1))
    files = {f"{split}.npz": tmp_path / f"{split}.npz" for split in COUNTS}
    with pytest.raises(ValueError, match="allow_pickle=False"):
        read_splits(create_card("npz"), files)


def test_an_npz_file_without_labels_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "train.npz", images=np.zeros((6, 4, 5, 3), np.uint8))
    with pytest.raises(UsageError, match=r"toy: train\.npz has no array labels"):
        read_splits(create_card("npz"), {"train.npz": tmp_path / "train.npz"})


def test_idx_files_are_read_by_their_header(tmp_path: Path) -> None:
    files = {}
    for split, prefix in (("train", "train"), ("test", "t10k")):
        images, labels = create_images(split, (1, 4, 5))
        for name, array in (("images-idx3", images[:, 0]), ("labels-idx1", labels.astype(np.uint8))):
            path = tmp_path / f"{prefix}-{name}-ubyte"
            header = bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape)
            path.write_bytes(header + array.tobytes())
            files[path.name] = path
    splits = read_splits(create_card("idx", (1, 4, 5)), files)
    assert_same(splits.train, create_images("train", (1, 4, 5)))
    assert_same(splits.test, create_images("test", (1, 4, 5)))


def python2_pickle(images: np.ndarray, labels: np.ndarray, key: bytes) -> bytes:
    """Return the pickle that Python 2 writes of a batch with its four keys, the array as numpy 1 reduces it."""

    def text(value: bytes) -> bytes:
        return b"U" + bytes((len(value),)) + value

    numbers = b"".join(b"K" + bytes((label,)) for label in labels.tolist())
    rows = images.reshape(len(images), -1)
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        + b"(K\x01"
        + b"".join(b"M" + struct.pack("<H", size) for size in rows.shape)
        + b"\x86cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
        + b"T"
        + struct.pack("<I", rows.nbytes)
        + rows.tobytes()
        + b"tb"
    )
    other_labels = text(b"coarse_labels") + b"](" + b"K\x07" * len(labels) + b"e" if key == b"fine_labels" else b""
    names = b"](" + b"".join(text(b"image_%d.png" % index) for index in range(len(labels))) + b"e"
    entries = text(b"batch_label") + text(b"training batch 1 of 5") + other_labels
    entries += text(key) + b"](" + numbers + b"e" + text(b"data") + array + text(b"filenames") + names
    return b"\x80\x02}(" + entries + b"u."


@pytest.mark.parametrize(
    ("names", "key"), [(("data_batch_1", "test_batch"), b"labels"), (("train", "test"), b"fine_labels")]
)
def test_cifars_pickles_are_read_without_unpickling(
    tmp_path: Path, names: tuple[str, str], key: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    archive = tmp_path / "cifar.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for split, name in zip(COUNTS, names, strict=True):
            content = python2_pickle(*create_images(split, (3, 4, 5)), key)
            assert isinstance(pickle.loads(content, encoding="bytes"), dict), "the test's own pickle is a right one"
            member = tarfile.TarInfo(f"cifar-10-batches-py/{name}")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        meta = tarfile.TarInfo("cifar-10-batches-py/batches.meta")
        tar.addfile(meta, io.BytesIO())
    monkeypatch.setattr(pickle, "loads", None)
    monkeypatch.setattr(pickle, "load", None)
    splits = read_splits(create_card("cifar_pickles"), {"cifar.tar.gz": archive})
    assert_same(splits.train, create_images("train", (3, 4, 5)))
    assert_same(splits.test, create_images("test", (3, 4, 5)))


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    lines = []
    for split in ("train", "val"):
        for index in range(COUNTS["train" if split == "train" else "test"]):
            path = tmp_path / split / f"class{index % 3}" / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (12 + index, 10), (10 * index, 0, 255)).save(path)
            lines.append(f"{sha256(path.read_bytes()).hexdigest()}  {path.relative_to(tmp_path)}")
    (tmp_path / MANIFEST).write_text("\n".join(lines) + "\n")
    return tmp_path


def test_an_image_folder_is_resized_and_cropped(image_folder: Path) -> None:
    splits = read_splits(create_card("image_folder"), {MANIFEST: image_folder / MANIFEST})
    assert splits.train.labels.tolist() == [0, 0, 1, 1, 2, 2]
    assert splits.train.images[:, 0, 0, 0].tolist() == [0, 30, 10, 40, 20, 50]
    assert (splits.test.images[:, 2] == 255).all()


def test_an_image_that_its_manifest_does_not_state_is_not_decoded(image_folder: Path) -> None:
    path = image_folder / "train" / "class0" / "0.png"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(UsageError, match=rf"0\.png has another SHA-256 than {MANIFEST} states"):
        read_splits(create_card("image_folder"), {MANIFEST: image_folder / MANIFEST})


def npz_with(
    images: Callable[[np.ndarray], np.ndarray], labels: Callable[[np.ndarray], np.ndarray], folder: Path
) -> None:
    for split in COUNTS:
        stored = create_images(split, (3, 4, 5))
        np.savez(
            folder / f"{split}.npz", images=images(stored.images.transpose(0, 2, 3, 1)), labels=labels(stored.labels)
        )


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (
            lambda array: array[1:],
            lambda array: array[1:],
            r"its train images are uint8 \(5, 3, 4, 5\), where its card",
        ),
        (lambda array: array.astype(np.float32), lambda array: array, "its train images are float32"),
        (lambda array: array, lambda array: array + 3, "its train labels are not 6 numbers from 0 to 2"),
    ],
)
def test_images_that_a_card_does_not_state_are_refused(
    tmp_path: Path,
    images: Callable[[np.ndarray], np.ndarray],
    labels: Callable[[np.ndarray], np.ndarray],
    words: str,
) -> None:
    npz_with(images, labels, tmp_path)
    with pytest.raises(UsageError, match=words):
        read_splits(create_card("npz"), {f"{split}.npz": tmp_path / f"{split}.npz" for split in COUNTS})


def test_digits_are_split_into_images_that_do_not_overlap() -> None:
    pytest.importorskip("sklearn")
    splits, card = image_data.load("digits"), datasets.image_card("digits")
    assert len(splits.train.labels) == card.train - card.held_out
    assert len(splits.held_out.labels) == card.held_out
    assert len(splits.test.labels) == card.test
    seen = [image.tobytes() for part in splits for image in part.images]
    assert len(seen) == card.train + card.test == 1797
    assert len(set(seen)) == len(seen)
    for part in splits:
        assert set(part.labels.tolist()) == set(range(10))


def test_digits_are_those_of_scikit_learn() -> None:
    expected = pytest.importorskip("sklearn.datasets").load_digits()
    splits = image_data.load("digits")
    images = np.concatenate([part.images for part in splits])[:, 0]
    shades = {tuple(image): label for image, label in zip(expected.data, expected.target, strict=True)}
    labels = np.concatenate([part.labels for part in splits])
    assert len(images) == len(expected.data)
    for image, label in zip(images, labels, strict=True):
        assert shades[tuple(np.rint(image.ravel() * (16 / 255)))] == label


def test_digits_are_normalised_by_their_mean_and_deviation() -> None:
    pytest.importorskip("sklearn")
    splits = image_data.load("digits")
    images = np.concatenate([splits.train.images, splits.held_out.images])
    normalised = image_data.normalise("digits", images)
    assert normalised.dtype == np.float32
    assert normalised.mean() == pytest.approx(0, abs=1e-3)
    assert normalised.std() == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("name", [name for name, card in datasets.cards().items() if isinstance(card, ImageCard)])
def test_each_dataset_at_hand_is_what_its_card_states(name: str) -> None:
    if reason := datasets.missing(name):
        pytest.skip(reason)
    card = datasets.image_card(name)
    if card.bundled:
        pytest.importorskip("sklearn")
    splits = image_data.load(name)
    train = np.concatenate([splits.train.images, splits.held_out.images]).astype(np.float64) / 255
    assert train.mean(axis=(0, 2, 3)) == pytest.approx(card.mean, abs=6e-4)
    assert train.std(axis=(0, 2, 3)) == pytest.approx(card.std, abs=6e-4)
