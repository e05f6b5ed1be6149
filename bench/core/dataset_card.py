"""Cards of datasets: what a TOML file in ``datasets/`` says of one."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator


class _StrictModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DataFile(_StrictModel):
    """A file of a dataset, as it is read, and where it can be downloaded."""

    name: str = Field(pattern=r"^\w[\w.-]*$")
    # http is safe enough, as the SHA-256 is compared.
    url: str | None = Field(default=None, pattern=r"^(https?|file)://", description="None: no public source")
    sha256: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    bytes: int | None = Field(default=None, gt=0, description="None: not known")
    gzip_sha256: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="of what the URL gives, where that is the file gzipped"
    )


class Card(_StrictModel):
    """Description of a dataset: its contents, its source, and its use."""

    name: str = Field(pattern=r"^[a-z0-9_]+$")
    title: str
    description: str
    classes: int = Field(gt=1)
    licence: str
    citation: str
    source: str = Field(pattern=r"^https://")
    splits: str
    normalisation: str
    folder: str = Field(default="", pattern=r"^(\w[\w-]*(/\w[\w-]*)*)?$", description="of its files, in the data root")
    bundled: bool = Field(default=False, description="a library brings it along, so there is nothing to fetch")
    files: tuple[DataFile, ...] = ()

    @model_validator(mode="after")
    def _has_files_or_is_bundled(self) -> Self:
        if self.bundled == bool(self.files) or bool(self.folder) != bool(self.files):
            raise ValueError("a card has a folder with files, or is bundled and has neither")
        return self


class GraphCard(Card):
    """Card of a graph whose nodes are classified."""

    kind: Literal["graph"]
    nodes: int = Field(gt=0)
    edges: int = Field(gt=0, description="an undirected edge counts twice, as in PyTorch Geometric")
    features: int = Field(gt=0, description="number of each node's features")

    @property
    def size(self) -> str:
        """Its numbers of nodes, edges, features and classes, in words."""
        return f"{self.nodes:,} nodes, {self.edges:,} edges, {self.features:,} features, {self.classes} classes"


ImageFormat = Literal["scikit_learn_digits", "npz", "idx", "cifar_pickles", "image_folder"]
"""How the files hold images and labels; ``impls.image_classification`` reads them."""


class ImageCard(Card):
    """Card of images, each of one class."""

    kind: Literal["images"]
    format: ImageFormat
    shape: tuple[int, int, int] = Field(description="channels, height and width of an image")
    train: int = Field(gt=0, description="images to train on, those held out among them")
    held_out: int = Field(gt=0, description="images of those that no training sees, to choose recipes by")
    test: int = Field(gt=0, description="images to test on")
    mean: tuple[float, ...] = Field(description="of each channel over the training images, which are from 0 to 1")
    std: tuple[float, ...]

    @property
    def size(self) -> str:
        """Its numbers of images and classes, and their shape, in words."""
        channels, height, width = self.shape
        return (
            f"{self.train:,} + {self.test:,} images of {height} x {width} with {channels} channels, "
            f"{self.classes} classes"
        )

    @model_validator(mode="after")
    def _numbers_fit(self) -> Self:
        if not len(self.mean) == len(self.std) == self.shape[0]:
            raise ValueError("mean and std need a value for each channel of shape")
        if self.held_out >= self.train:
            raise ValueError("held_out must leave images to train on")
        return self


AnyCard = GraphCard | ImageCard
CARD: TypeAdapter[AnyCard] = TypeAdapter(Annotated[AnyCard, Field(discriminator="kind")])
