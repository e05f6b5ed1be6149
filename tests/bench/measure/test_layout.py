"""Processes forked from the same parent have their memory at different addresses."""

import os

import numpy as np

from bench.measure.layout import randomize_layout

PROCESSES = 8
PAGE = 4096
ARRAY_BYTES = 20_000


def addresses() -> tuple[int, int]:
    """Return the addresses of an array and of a small object in a new process."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        _kept = randomize_layout()
        array, small = np.empty(ARRAY_BYTES, np.uint8), bytes(100)
        os.write(writer, f"{array.ctypes.data} {id(small)}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as output:
        array_address, object_address = output.read().split()
    return int(array_address), int(object_address)


def test_no_array_lies_in_a_hole_of_the_parents_heap() -> None:
    rows = [np.empty(size, np.uint8) for size in (700, 5_000, ARRAY_BYTES) * 500]
    holes = {row.ctypes.data for row in rows[::2]}
    del rows[::2]  # Holes of the array's size, and others for smaller blocks.
    arrays = [addresses()[0] for _ in range(PROCESSES)]
    assert not holes.intersection(arrays)
    assert len({address % PAGE for address in arrays}) > PROCESSES // 4


def test_processes_forked_from_the_same_parent_have_different_addresses() -> None:
    arrays, objects = zip(*(addresses() for _ in range(PROCESSES)), strict=True)
    assert len({address % PAGE for address in arrays}) > 1
    assert len({address % PAGE for address in objects}) > 1
