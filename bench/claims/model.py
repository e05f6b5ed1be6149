"""The model of a claims file, ``reports/papers/<paper>/claims.toml``."""

from collections import Counter
from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from bench.claims.cells import LATENCY, SPEEDUP
from bench.claims.experiments import Statistic
from bench.claims.published import Cell, Cells, Published, Strict, Table
from bench.claims.rule import ClaimVerdict, Rule
from bench.core.errors import UsageError
from bench.report.query import Query


class Kind(StrEnum):
    """What sort of statement a claim is."""

    VALUE = "value"
    RATIO = "ratio"
    ORDER = "order"
    TREND = "trend"
    CROSSOVER = "crossover"
    COUNT = "count"
    ACCURACY = "accuracy"
    DERIVED = "derived"


class Origin(StrEnum):
    """Who makes a claim."""

    PAPER = "paper"
    RELATED = "related"
    CHECK = "check"

    @property
    def heading(self) -> str:
        """The heading above its claims."""
        return {
            Origin.PAPER: "What the paper says",
            Origin.RELATED: "What related work says",
            Origin.CHECK: "This project's own checks, which the paper does not claim",
        }[self]


class Quantifier(StrEnum):
    """How the cells of a claim make its verdict."""

    ALL = "all"
    ANY = "any"
    EACH = "each"
    GEOMETRIC_MEAN = "geometric_mean"

    @property
    def meaning(self) -> str:
        """How it decides, in a sentence."""
        return {
            Quantifier.ALL: "every cell must hold, with Bonferroni-corrected intervals",
            Quantifier.ANY: "one cell must hold, with Bonferroni-corrected intervals",
            Quantifier.EACH: "each cell has a verdict of its own, with Bonferroni-corrected intervals",
            Quantifier.GEOMETRIC_MEAN: "the geometric mean of the cells must hold",
        }[self]


class Measure(Strict):
    """What is measured in each cell of a scope.

    ``quantity`` is ``latency`` (a call), ``speedup`` (latency of a baseline / latency, paired), a metric of the
    workload, or a count: ``macs``, ``parameters`` or one that the paper's recipe defines. A claim of kind ``count``
    without a scope is about a total of the recipe.
    """

    quantity: str
    baselines: tuple[str, ...] = ()
    """Implementations to compare with: for a speed-up, and for the difference of a metric."""
    sweep: str | None = None
    """The parameter that is swept: each step compares one value with the next, by the ratio of latencies or the
    difference of a metric."""
    statistic: Statistic = "mean"
    """What summarises a metric over seeds."""

    @property
    def timed(self) -> bool:
        """Whether it is made of times, for which a machine has a margin."""
        return self.quantity in (LATENCY, SPEEDUP)


class Binding(Strict):
    """What a row, a column or a cell of a published table stands for in records; a cell is named ``row, column``."""

    impl: tuple[str, ...] = ()
    case: tuple[str, ...] = ()
    quantity: str | None = None
    not_attempted: str = ""
    """Why nothing stands for it."""


class Derived(Strict):
    """Arithmetic on the paper's own numbers, cell by cell; a single cell on one side serves all of the other."""

    operation: Literal["ratio", "difference", "reduction"]
    """cells / baselines, cells - baselines, or 1 - cells / baselines."""
    cells: Cells
    baselines: Cells


class Protocol(Strict):
    """How near the way of measuring is to the paper's. Only under an exact one may a claim fail."""

    distance: Literal["exact", "proxy", "unknown"]
    differences: tuple[str, ...] = ()
    """What a reader should know besides the machines and libraries, which the page takes from the records."""

    @model_validator(mode="after")
    def _differences_fit(self) -> Self:
        if self.distance == "exact" and self.differences:
            raise ValueError("an exact protocol has no differences; call it a proxy")
        if self.distance == "proxy" and not self.differences:
            raise ValueError("a proxy has differences; list them")
        return self


class Expected(Strict):
    """A verdict that is known and explained; anything else is reported."""

    verdict: ClaimVerdict
    reason: str


class Claim(Strict):
    """A published statement, and how it is decided."""

    id: str = Field(pattern=r"^[a-z0-9-]+$")
    """Permanent: never renamed or used again."""
    text: str
    """What is claimed, in the project's words."""
    where: str
    url: str | None = None
    """Its address, by default the paper's; empty where none is known, as for a source that is not the paper."""
    origin: Origin = Origin.PAPER
    kind: Kind
    published: Published
    protocol: Protocol | None = None
    quantifier: Quantifier | None = None
    scope: Query | None = None
    measure: Measure | None = None
    bind: dict[str, Binding] = Field(default={})
    derived: Derived | None = None
    rule: Rule | None = None
    expected: Expected | None = None
    not_attempted: str = ""
    """Why nothing was measured or computed."""
    note: str = ""
    """What a reader should know about it; the project's words, not the paper's."""

    @model_validator(mode="after")
    def _can_be_decided(self) -> Self:
        parts = {name: getattr(self, name) for name in ("protocol", "quantifier", "scope", "measure", "rule")}
        if self.not_attempted:
            if given := [name for name, part in parts.items() if part] or (self.derived and ["derived"]):
                raise ValueError(f"not_attempted, and yet it has {given[0]}; drop one")
            return self
        unneeded = {Kind.DERIVED: ("scope", "measure"), Kind.COUNT: ("scope",)}.get(self.kind, ())
        needed = {name: part for name, part in parts.items() if name not in unneeded}
        if missing := [name for name, part in needed.items() if part is None]:
            raise ValueError(f"{missing[0]} is missing; give it, or say why in not_attempted")
        if (self.kind is Kind.DERIVED) != (self.derived is not None):
            raise ValueError("derived belongs to claims of kind derived, and only to them")
        if self.derived and (self.scope or self.measure):
            raise ValueError("a derived claim needs no records: drop scope and measure")
        return self

    @model_validator(mode="after")
    def _related_work_states_its_url(self) -> Self:
        if self.origin is Origin.RELATED and self.url is None:
            raise ValueError('a claim of related work needs url: its own, or "" where none is known')
        return self

    @model_validator(mode="after")
    def _orders_are_strict(self) -> Self:
        if self.kind in (Kind.ORDER, Kind.TREND) and self.rule and not self.rule.is_open:
            raise ValueError(f"the rule of kind {self.kind} is above or below: what is equal does not bear it out")
        return self

    @property
    def exact(self) -> bool:
        """Whether its protocol is the paper's own, so that it may fail."""
        return self.protocol is not None and self.protocol.distance == "exact"

    @property
    def has_margin(self) -> bool:
        """Whether differences within the margin of its machine do not decide it."""
        return self.kind in (Kind.ORDER, Kind.TREND) and self.measure is not None and self.measure.timed


class Paper(Strict):
    """A paper, its published tables and its claims."""

    id: str = Field(pattern=r"^[a-z0-9_]+$")
    title: str
    venue: str
    url: str
    summary: str
    """What it proposes, in a sentence."""
    source: str
    """Which of its numbers were available, and from where."""


class ClaimsFile(Strict):
    """All that a claims file holds."""

    paper: Paper
    table: tuple[Table, ...] = ()
    claim: tuple[Claim, ...] = ()

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        if not self.claim:
            raise ValueError("it has no [[claim]]")
        for what, parts in (("claims", self.claim), ("tables", self.table)):
            counts = Counter(part.id for part in parts)
            if repeated := [name for name, count in counts.items() if count > 1]:
                raise ValueError(f"two {what} have the id {repeated[0]!r}; an id is permanent and unique")
        return self

    def url_of(self, source: Claim | Table) -> str:
        """Return where a claim or a table is published; empty where no address is known."""
        return self.paper.url if source.url is None else source.url

    def cells(self, reference: Cells) -> list[Cell]:
        """Return the cells that a reference names.

        Raises:
            UsageError: where there is no such table, row or column; the message lists the choices.
        """
        table = next((table for table in self.table if table.id == reference.table), None)
        if table is None:
            choices = ", ".join(table.id for table in self.table) or "none"
            raise UsageError(f"no table {reference.table!r}; choose from {choices}")
        return table.cells(reference.rows, reference.columns)
