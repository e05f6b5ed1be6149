"""Datasets: their cards, and how their files are found, verified and fetched.

A card is a TOML file in ``datasets/`` of a checkout, or in ``cards/`` of the data root, where users put their own. A
file that its card does not pin by a SHA-256 is neither fetched nor read, since many of these files are pickles. This
module reads nothing of them but their bytes.
"""

import gzip
import os
import shutil
import tomllib
from collections.abc import Callable
from functools import cache
from hashlib import file_digest, sha256
from http.client import HTTPException
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from urllib.request import urlopen

from pydantic import ValidationError

from bench.core.dataset_card import CARD, AnyCard, Card, DataFile, ImageCard
from bench.core.errors import RunError, UsageError
from bench.core.files import whole

_INSTALLED = Path(__file__).parent / "cards"
_CARDS = _INSTALLED if _INSTALLED.is_dir() else Path(__file__).parent.parent / "datasets"

_BLOCK_BYTES = 1 << 20  # read from the network at a time
_TIMEOUT_S = 60  # without data, after which a download fails


def cards() -> dict[str, AnyCard]:
    """Return all cards by name: those of the project, then the user's own.

    Raises:
        UsageError: where one cannot be read, or two have the same name.
    """
    by_name = {}
    for path in _card_paths():
        if path.stem in by_name:
            raise UsageError(f"card {path} cannot be used: there is a dataset {path.stem} already; rename yours")
        by_name[path.stem] = _read(path)
    return by_name


def image_card(name: str) -> ImageCard:
    """Return the card of a dataset of images.

    Raises:
        UsageError: where there is none; the message lists the choices.
    """
    by_name = {name: card for name, card in cards().items() if isinstance(card, ImageCard)}
    if name not in by_name:
        raise UsageError(f"no dataset of images {name!r}; choose from {', '.join(by_name)}")
    return by_name[name]


def card(name: str) -> AnyCard:
    """Return the card of this name.

    Raises:
        UsageError: where there is none; the message lists the choices.
    """
    by_name = cards()
    if name not in by_name:
        raise UsageError(f"no dataset {name!r}; choose from {', '.join(by_name)}")
    return by_name[name]


def root() -> Path:
    """Return the data root: ``$FEATHERBENCH_DATA``, else ``featherbench`` in the user's cache."""
    if chosen := os.environ.get("FEATHERBENCH_DATA"):
        return Path(chosen).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "featherbench"


def begun(name: str) -> bool:
    """Whether any of the dataset's files is here, or a library brings them all along."""
    dataset = card(name)
    return dataset.bundled or any(_path(dataset, file).exists() for file in dataset.files)


def missing(name: str) -> str | None:
    """Return why the dataset cannot be read, in a line with what to do, or None; compares only names and sizes."""
    return _fault(card(name), _size_difference)


def verify(name: str) -> str | None:
    """Return why the dataset cannot be read, as ``missing`` does, but also compare the SHA-256 of the files.

    A file is read again in the same process only where it has changed.
    """
    return _fault(card(name), _content_difference)


def files(name: str) -> dict[str, Path]:
    """Return the paths of the dataset's files by name, each verified once in a process and again where it changes.

    Raises:
        UsageError: where a file is missing, is not what the card states, or has no SHA-256 in the card.
    """
    if fault := verify(name):
        raise UsageError(fault)
    dataset = card(name)
    return {file.name: _path(dataset, file) for file in dataset.files}


def fetch(name: str, progress: Callable[[int], object] = lambda arrived: None) -> list[Path]:
    """Download the files that are missing or wrong; a file that is right stays as it is.

    Args:
        name: the dataset.
        progress: is called with the number of bytes that have arrived since the last call.

    Returns:
        The paths of the downloaded files.

    Raises:
        UsageError: before any download, where the card does not pin each file.
        RunError: where a file cannot be downloaded or is not what the card states; earlier files are kept.
    """
    dataset = card(name)
    if fault := _unpinned(dataset) or _unpublished(dataset):
        raise UsageError(fault)
    fetched = []
    for file in dataset.files:
        path = _path(dataset, file)
        try:
            if path.is_file() and not _content_difference(path, file):
                progress(path.stat().st_size)
                continue
            _download(file, path, progress)
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", error)
            raise RunError(f"cannot fetch {file.url}: {reason}; try again, or put the file at {path}") from None
        fetched.append(path)
    return fetched


def _card_paths() -> list[Path]:
    return [*sorted(_CARDS.glob("*.toml")), *sorted((root() / "cards").glob("*.toml"))]


def _read(path: Path) -> AnyCard:
    try:
        card = _parse(path.read_text(encoding="utf-8"))
    except ValidationError as error:
        first = error.errors()[0]
        if first["type"].startswith("union_tag"):
            raise UsageError(f'card {path} cannot be used: it needs kind = "graph" or kind = "images"') from None
        field = ".".join(str(part) for part in first["loc"] if part not in ("graph", "images"))
        raise UsageError(f"card {path} cannot be used: {field} {first['msg']}") from None
    except (OSError, ValueError) as error:
        raise UsageError(f"card {path} cannot be used: {error}") from None
    if card.name != path.stem:
        raise UsageError(f"card {path} cannot be used: it names itself {card.name!r}; rename one of them")
    return card


@cache
def _parse(text: str) -> AnyCard:
    return CARD.validate_python(tomllib.loads(text))


def _path(card: Card, file: DataFile) -> Path:
    return root() / card.folder / file.name


def _unpinned(card: Card) -> str | None:
    """Return why the card cannot be used where it lacks a SHA-256, or None."""
    names = ", ".join(file.name for file in card.files if file.sha256 is None)
    path = next(path for path in _card_paths() if path.stem == card.name)
    remedy = f"state the sha256 of a copy that you trust in {path}"
    return f"{card.name} cannot be used: no SHA-256 is known of {names}; {remedy}" if names else None


def _unpublished(card: Card) -> str | None:
    """Return why the dataset cannot be fetched where a file has no public source, or None."""
    names = ", ".join(file.name for file in card.files if file.url is None)
    folder = root() / card.folder
    return f"{card.name} cannot be fetched: no public source has {names}; put a copy in {folder}" if names else None


def _fault(card: Card, differs: Callable[[Path, DataFile], str | None]) -> str | None:
    """Return the first fault of the dataset's files, or None."""
    if fault := _unpinned(card):
        return fault
    paths = {_path(card, file): file for file in card.files}
    remedy = f"{{}} it: featherbench data fetch {card.name}"
    if _unpublished(card):
        remedy = f"no public source has it: put a copy there; see {card.source}"
    try:
        if missing := [path.name for path in paths if not path.is_file()]:
            others = f" and {len(missing) - 1} more" if missing[1:] else ""
            return f"{card.name} lacks {missing[0]}{others} in {root() / card.folder}; {remedy.format('get')}"
        for path, file in paths.items():
            if difference := differs(path, file):
                return f"{card.name} has a wrong file: {path} {difference}; {remedy.format('replace')}"
    except OSError as error:
        return f"{card.name} cannot be read: {error.filename}: {error.strerror}"
    return None


def _size_difference(path: Path, file: DataFile) -> str | None:
    size = path.stat().st_size
    return None if file.bytes in (None, size) else f"has {size} bytes, where its card states {file.bytes}"


def _content_difference(path: Path, file: DataFile) -> str | None:
    if difference := _size_difference(path, file):
        return difference
    stat = path.stat()
    same = _digest(path, (stat.st_mtime_ns, stat.st_ctime_ns, stat.st_size, stat.st_ino)) == file.sha256
    return None if same else "has another SHA-256 than its card states"


@cache
def _digest(path: Path, state: tuple[int, ...]) -> str:
    """Return the SHA-256 of the file; ``state`` only makes the cache miss where the file has changed."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _download(file: DataFile, path: Path, progress: Callable[[int], object]) -> None:
    """Download a file, and unpack it where its source offers it gzipped; each form is verified before it is read."""
    if file.gzip_sha256 is None:
        with whole(path) as target:
            _transfer(file, target, file.sha256, file.bytes, progress)
        return
    with whole(path) as target, TemporaryFile(dir=path.parent) as packed:
        _transfer(file, packed, file.gzip_sha256, file.bytes, progress)
        packed.seek(0)
        shutil.copyfileobj(gzip.GzipFile(fileobj=packed), target)
        target.seek(0)
        if sha256(target.read()).hexdigest() != file.sha256:
            raise RunError(f"what {file.url} gave holds another file than the card states, so it is not kept")


def _transfer(
    file: DataFile, target: IO[bytes], expected: str | None, most: int | None, progress: Callable[[int], object]
) -> None:
    """Copy what the file's URL gives to ``target``, and compare its SHA-256; stop after more than ``most`` bytes."""
    assert file.url is not None, "fetch() refuses cards with such files"
    digest = sha256()
    with urlopen(file.url, timeout=_TIMEOUT_S) as source:
        while block := source.read(_BLOCK_BYTES):
            target.write(block)
            digest.update(block)
            progress(len(block))
            if most is not None and target.tell() > most:
                break  # too long to be the file
    if digest.hexdigest() != expected:
        raise RunError(f"what {file.url} gave has another SHA-256 than the card states, so it is not kept")
