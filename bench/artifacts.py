"""Keeps artifacts: each in a folder named by its key, whole and verified, or with a checkpoint to continue from.

A folder holds ``artifact.json`` and ``content.safetensors``; ``artifact.json`` is written last. While the artifact is
built, the folder holds ``checkpoint-DONE-DIGEST.safetensors``, which replaces the one before after each part. Artifacts
are looked up in ``root()``, and in ``results/reference/artifacts`` of a checkout, where some are committed.
"""

import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Self

import safetensors
import safetensors.numpy
from pydantic import Field, ValidationError

from bench.core.artifact import Arrays, Artifact, Build
from bench.core.errors import RunError
from bench.core.files import locked, whole, write_whole
from bench.core.record import Stored

CONTENT = "content.safetensors"
DESCRIPTION = "artifact.json"
REFERENCE = Path(__file__).resolve().parent.parent / "results" / "reference" / "artifacts"

log = logging.getLogger("featherbench")


class BuiltBy(Stored):
    """The machine and software that built an artifact; they do not decide its key."""

    processor: str
    libraries: dict[str, str] = Field(description="versions by name")


class Description(Stored):
    """What is stored of an artifact beside its arrays."""

    kind: str
    key: str
    label: str
    inputs: dict[str, Any]
    sha256: str = Field(description="of the file with its arrays")
    history: dict[str, list[float]]
    seconds: float = Field(description="time that building it took")
    finished: datetime
    built_by: BuiltBy = Field(description="what built the last part")
    digest: str = Field(default="", description="SHA-256 of this description without its digest")

    def with_digest(self) -> Self:
        """Return the same description with its digest."""
        text = self.model_copy(update={"digest": ""}).model_dump_json()
        return self.model_copy(update={"digest": sha256(text.encode()).hexdigest()})


class Loaded(NamedTuple):
    """An artifact as it was read."""

    description: Description
    arrays: Arrays


class Built(NamedTuple):
    """An artifact that is built, and how long that took now."""

    description: Description
    size_bytes: int
    """Of its arrays."""
    seconds: float


class Progress(NamedTuple):
    """How far an artifact is built."""

    done: int
    parts: int
    seconds: float
    """Time that the parts so far have taken."""


def root() -> Path:
    """Return the folder of artifacts: ``$FEATHERBENCH_ARTIFACTS``, else in the user's cache."""
    if chosen := os.environ.get("FEATHERBENCH_ARTIFACTS"):
        return Path(chosen).expanduser().absolute()
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "featherbench" / "artifacts"


def describe(key: str) -> Description | None:
    """Return the description of an artifact that is built; None where it is not, or damaged."""
    loaded = _read(key)
    return loaded.description if loaded else None


def load(artifact: Artifact) -> Loaded:
    """Read an artifact and compare its SHA-256.

    Raises:
        RunError: where it is not built, or damaged.
    """
    loaded = _read(artifact.key)
    if loaded is None:
        raise RunError(f"{artifact.label} is missing or damaged; build it with featherbench build")
    return loaded


def build(artifact: Artifact, built_by: Callable[[], BuiltBy]) -> Built:
    """Build an artifact unless that is done already, going on from its checkpoint.

    If another process is building it, wait for it. A damaged artifact is kept beside the new one.

    Args:
        artifact: what to build.
        built_by: describes this machine and its software, if it is asked.

    Raises:
        RunError: where it cannot be stored; the parts before that are kept.
    """
    if present := _read(artifact.key):
        return Built(present.description, array_bytes(present.arrays), 0.0)
    folder = root() / artifact.key
    began = time.perf_counter()
    try:
        with locked(folder):
            present = _read(artifact.key)  # Another process may have built it meanwhile.
            if present is None:
                _set_aside(folder)
                present = _build(artifact, folder, built_by)
            return Built(present.description, array_bytes(present.arrays), time.perf_counter() - began)
    except OSError as error:
        raise RunError(
            f"cannot store {artifact.label} in {folder}: {error.strerror}; its finished parts are kept: make room and "
            "build again"
        ) from None


def progress(key: str) -> Progress | None:
    """Return how far an artifact is built by its newest checkpoint; None where it has none."""
    checkpoint = _newest_checkpoint(root() / key)
    if checkpoint is None:
        return None
    with suppress(OSError, safetensors.SafetensorError), safetensors.safe_open(checkpoint, "numpy") as file:
        metadata = file.metadata() or {}
        return Progress(_parts_of(checkpoint), int(metadata["parts"]), float(metadata["seconds"]))
    return None  # It was replaced just now.


def array_bytes(arrays: Arrays) -> int:
    """Return the size of the arrays of an artifact."""
    return sum(array.nbytes for array in arrays.values())


def _build(artifact: Artifact, folder: Path, built_by: Callable[[], BuiltBy]) -> Loaded:
    for leftover in folder.glob("*.partial"):
        leftover.unlink()
    build = artifact.begin()
    seconds = _restore(build, folder)
    while build.done < build.parts:
        began = time.perf_counter()
        build.build_part()
        seconds += time.perf_counter() - began
        _save(build, folder, seconds)
    content = build.content()
    data = safetensors.numpy.save(dict(content.arrays))
    description = Description(
        kind=artifact.kind,
        key=artifact.key,
        label=artifact.label,
        inputs=dict(artifact.inputs),
        sha256=sha256(data).hexdigest(),
        history=dict(content.history),
        seconds=seconds,
        finished=datetime.now(UTC),
        built_by=built_by(),
    ).with_digest()
    _write(folder / CONTENT, data)
    write_whole(folder / DESCRIPTION, description.model_dump_json(indent=1) + "\n")
    for checkpoint in folder.glob("checkpoint-*"):
        checkpoint.unlink()
    return Loaded(description, content.arrays)


def _save(build: Build, folder: Path, seconds: float) -> None:
    """Write a checkpoint, and remove those before it."""
    data = safetensors.numpy.save(dict(build.state()), {"parts": str(build.parts), "seconds": repr(seconds)})
    path = folder / f"checkpoint-{build.done:04}-{sha256(data).hexdigest()[:16]}.safetensors"
    _write(path, data)
    for other in folder.glob("checkpoint-*"):
        if other != path:
            other.unlink()


def _restore(build: Build, folder: Path) -> float:
    """Continue from the newest checkpoint that is undamaged, if any; return the seconds that its parts took."""
    while checkpoint := _newest_checkpoint(folder):
        data = checkpoint.read_bytes()
        if checkpoint.stem.endswith(sha256(data).hexdigest()[:16]):
            build.restore(safetensors.numpy.load(data))
            with safetensors.safe_open(checkpoint, "numpy") as file:
                return float(file.metadata()["seconds"])
        log.warning("%s is damaged and is not used", checkpoint)
        checkpoint.rename(checkpoint.with_name(f"damaged-{checkpoint.name}"))
    return 0.0


def _read(key: str) -> Loaded | None:
    """Read an artifact from the first folder that holds it whole."""
    for folder in _folders(key):
        try:
            description = Description.model_validate_json((folder / DESCRIPTION).read_bytes())
            data = (folder / CONTENT).read_bytes()
        except FileNotFoundError:
            continue
        except (OSError, ValidationError) as error:
            log.warning("artifact %s cannot be read: %s", folder, " ".join(str(error).split()))
            continue
        undamaged = description == description.with_digest() and sha256(data).hexdigest() == description.sha256
        if undamaged and description.key == key:
            return Loaded(description, safetensors.numpy.load(data))
        log.warning("artifact %s is damaged: it is not what its digests state", folder)
    return None


def _folders(key: str) -> tuple[Path, Path]:
    return root() / key, REFERENCE / key


def _newest_checkpoint(folder: Path) -> Path | None:
    return max(folder.glob("checkpoint-*.safetensors"), key=_parts_of, default=None)


def _parts_of(checkpoint: Path) -> int:
    return int(checkpoint.name.split("-")[1])


def _set_aside(folder: Path) -> None:
    """Rename what is left of a damaged artifact, so that nothing is lost."""
    for path in (folder / DESCRIPTION, folder / CONTENT):
        if path.exists():
            path.rename(path.with_name(f"damaged-{time.time_ns()}-{path.name}"))


def _write(path: Path, data: bytes) -> None:
    with whole(path) as file:
        file.write(data)
