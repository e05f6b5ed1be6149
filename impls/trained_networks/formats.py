"""Reads the files of image datasets, which are verified before: images as uint8 (n, channels, height, width)."""

import gzip
import io
import pickletools
import tarfile
from collections.abc import Callable, Mapping
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.core.dataset_card import ImageCard, ImageFormat
from bench.core.errors import UsageError
from bench.core.workload import Array

IDX_UINT8 = 0x08
"""The third byte of an IDX file whose values are unsigned bytes."""
MANIFEST = "SHA256SUMS"
"""The file that a card of an image folder pins: what ``sha256sum`` prints of each image."""


class LabelledImages(NamedTuple):
    """Images with their labels, in the order of the files."""

    images: Array
    """uint8, (n, channels, height, width)."""
    labels: Array
    """int64, (n,)."""


class Splits(NamedTuple):
    """The images to train on, those held out among them, and the images to test on."""

    train: LabelledImages
    test: LabelledImages


def read_splits(card: ImageCard, files: Mapping[str, Path]) -> Splits:
    """Read all images of a dataset from its verified files.

    Raises:
        UsageError: where they are not what the card states.
    """
    splits = _READERS[card.format](card, files)
    for name, part, count in (("train", splits.train, card.train), ("test", splits.test, card.test)):
        if part.images.shape != (count, *card.shape) or part.images.dtype != np.uint8:
            raise UsageError(
                f"{card.name}: its {name} images are {part.images.dtype} {part.images.shape}, where its card states "
                f"uint8 {(count, *card.shape)}"
            )
        if part.labels.shape != (count,) or not 0 <= part.labels.min() <= part.labels.max() < card.classes:
            raise UsageError(f"{card.name}: its {name} labels are not {count} numbers from 0 to {card.classes - 1}")
    return splits


def _digits(card: ImageCard, files: Mapping[str, Path]) -> Splits:
    """Return scikit-learn's digits, whose shades from 0 to 16 become 0 to 255, split at random once."""
    spec = find_spec("sklearn")
    assert spec is not None, "the dataset is missing without it"
    assert spec.submodule_search_locations is not None
    # Its file, since each process that is timed would take most of a second to import scikit-learn.
    with gzip.open(Path(spec.submodule_search_locations[0]) / "datasets" / "data" / "digits.csv.gz") as file:
        rows = np.loadtxt(file, np.uint8, delimiter=",")
    pixels, labels = rows[:, :-1], rows[:, -1]
    images = np.rint(pixels.reshape(-1, 1, 8, 8) * (255 / 16)).astype(np.uint8)
    order = np.random.default_rng(0).permutation(len(labels))
    parts = [LabelledImages(images[part], labels[part].astype(np.int64)) for part in np.split(order, [card.train])]
    return Splits(*parts)


def _npz(card: ImageCard, files: Mapping[str, Path]) -> Splits:
    """Read ``train.npz`` and ``test.npz`` with uint8 ``images`` (n, h, w, channels) or (n, h, w), and ``labels``."""
    return Splits(*(_read_npz(card, files, f"{split}.npz") for split in ("train", "test")))


def _read_npz(card: ImageCard, files: Mapping[str, Path], name: str) -> LabelledImages:
    if name not in files:
        raise UsageError(f"{card.name}: a dataset of format npz needs a file {name} on its card")
    with np.load(files[name], allow_pickle=False) as arrays:
        if missing := {"images", "labels"} - set(arrays.files):
            raise UsageError(f"{card.name}: {name} has no array {' and none '.join(sorted(missing))}")
        images, labels = arrays["images"], arrays["labels"]
    channels_last = images[..., None] if images.ndim == 3 else images
    return LabelledImages(np.ascontiguousarray(channels_last.transpose(0, 3, 1, 2)), labels.astype(np.int64))


def _idx(card: ImageCard, files: Mapping[str, Path]) -> Splits:
    """Read the four files of MNIST and of datasets in its format."""
    parts = []
    for prefix in ("train", "t10k"):
        images = _read_idx(files[f"{prefix}-images-idx3-ubyte"])
        parts.append(LabelledImages(images[:, None], _read_idx(files[f"{prefix}-labels-idx1-ubyte"]).astype(np.int64)))
    return Splits(*parts)


def _read_idx(path: Path) -> Array:
    """Read an IDX file: two zero bytes, the type, the number of dimensions, each of these as 4 bytes, and the data."""
    content = path.read_bytes()
    dimensions = content[3]
    if content[:3] != bytes((0, 0, IDX_UINT8)):
        raise UsageError(f"{path} is no IDX file of unsigned bytes")
    shape = np.frombuffer(content, ">u4", dimensions, 4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def _cifar(card: ImageCard, files: Mapping[str, Path]) -> Splits:
    """Read the archive of CIFAR-10 or CIFAR-100 for Python, whose pickles are not unpickled."""
    ((_, path),) = files.items()
    batches: dict[str, LabelledImages] = {}
    with tarfile.open(path) as archive:
        for member in archive:  # in the order of the archive, which a compressed one can only be read in
            name = Path(member.name).name
            if name in ("test_batch", "test", "train") or name.startswith("data_batch_"):
                content = archive.extractfile(member)
                assert content is not None, "these members are files"
                batches[name] = _read_cifar_batch(content.read(), card)
    parts = ([batches[name] for name in sorted(batches) if name.startswith("test") is test] for test in (False, True))
    return Splits(
        *(
            LabelledImages(
                np.concatenate([batch.images for batch in part]), np.concatenate([batch.labels for batch in part])
            )
            for part in parts
        )
    )


def _read_cifar_batch(content: bytes, card: ImageCard) -> LabelledImages:
    """Find the bytes of the images, and the labels, among the instructions of a pickle, of which none is carried out.

    The labels are the whole numbers between the key ``labels`` (of CIFAR-100: ``fine_labels``) and the next text. The
    images are the longest text, since Python 2, which wrote these files, had texts of bytes.
    """
    labels: list[int] = []
    images = b""
    in_labels = False
    for opcode, argument, _ in pickletools.genops(io.BytesIO(content)):
        if isinstance(argument, str | bytes) and "STRING" in opcode.name:
            text = argument.encode("latin-1") if isinstance(argument, str) else argument
            in_labels = text in (b"labels", b"fine_labels")
            images = max(images, text, key=len)
        elif in_labels and opcode.name in ("BININT", "BININT1", "BININT2"):
            labels.append(int(argument or 0))
    return LabelledImages(np.frombuffer(images, np.uint8).reshape(len(labels), *card.shape), np.array(labels, np.int64))


def _image_folder(card: ImageCard, files: Mapping[str, Path]) -> Splits:
    """Read images in ImageNet's layout: ``train/CLASS/IMAGE`` and ``val/CLASS/IMAGE``, each in the manifest.

    Each is resized so that its shorter side is 256/224 of the card's shape, cropped to the shape at its centre, and
    held in memory. Classes are numbered by the order of their names.
    """
    manifest = files[MANIFEST]
    entries: dict[str, str] = {}
    for line in manifest.read_text().splitlines():
        digest, _, name = line.partition(" ")
        entries[name[1:].removeprefix("./")] = digest  # after a second space, or * where it was read as binary
    classes = sorted({Path(name).parts[1] for name in entries if Path(name).parts[0] == "train"})
    parts = []
    for split in ("train", "val"):
        names = [name for name in sorted(entries) if Path(name).parts[0] == split]
        images = [_read_image(manifest.parent / name, entries[name], card.shape) for name in names]
        labels = [classes.index(Path(name).parts[1]) for name in names]
        parts.append(LabelledImages(np.stack(images), np.array(labels, np.int64)))
    return Splits(*parts)


def _read_image(path: Path, expected: str, shape: tuple[int, int, int]) -> Array:
    from PIL import Image  # here, since every command imports this file

    from impls.models.torchvision_models import import_torchvision

    v2 = import_torchvision("transforms.v2")
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    if sha256(content).hexdigest() != expected:
        raise UsageError(f"{path} has another SHA-256 than {MANIFEST} states")
    channels, height, width = shape
    transform = v2.Compose([v2.Resize(round(min(height, width) * 256 / 224)), v2.CenterCrop((height, width))])
    image = transform(Image.open(io.BytesIO(content)).convert("RGB" if channels == 3 else "L"))
    array: Array = np.asarray(image).reshape(height, width, channels).transpose(2, 0, 1)
    return array


_READERS: dict[ImageFormat, Callable[[ImageCard, Mapping[str, Path]], Splits]] = {
    "scikit_learn_digits": _digits,
    "npz": _npz,
    "idx": _idx,
    "cifar_pickles": _cifar,
    "image_folder": _image_folder,
}
