"""The schema of what is stored: a newer one is refused, since it would be misread."""

from bench.core.errors import UsageError
from bench.core.record import SCHEMA


def refuse_newer(stored: object, place: str) -> None:
    """Refuse the object ``stored``, found at ``place``, if a newer release wrote it.

    Raises:
        UsageError: where it names a schema that this release does not know.
    """
    version = stored.get("schema_version") if isinstance(stored, dict) else None
    if isinstance(version, int) and version > SCHEMA:
        raise UsageError(
            f"{place} has schema {version}, and this featherbench reads {SCHEMA}: upgrade it, or start another run"
        )
