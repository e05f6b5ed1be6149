"""Processes forked from the same parent have their memory at different addresses."""

import os

import numpy as np

from bench.measure.layout import randomize_layout

PROCESSES = 8
PAGE = 4096


def page_offsets() -> tuple[int, int]:
    """Return the offsets within a page of an array and of a small object in a new process."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        _kept = randomize_layout()
        array, small = np.empty(20_000, np.uint8), bytes(100)
        os.write(writer, f"{array.ctypes.data % PAGE} {id(small) % PAGE}".encode())
        os._exit(0)
    os.waitpid(child, 0)
    os.close(writer)
    with os.fdopen(reader) as output:
        array_address, object_address = output.read().split()
    return int(array_address), int(object_address)


def test_holes_in_the_heap_of_the_parent_do_not_determine_the_addresses_of_arrays() -> None:
    rows = [np.empty(20_000 + 16 * (row % 2), np.uint8) for row in range(200)]
    del rows[::2]
    arrays, _ = zip(*(page_offsets() for _ in range(PROCESSES)), strict=True)
    assert len(set(arrays)) > PROCESSES // 4


def test_processes_forked_from_the_same_parent_have_different_addresses() -> None:
    arrays, objects = zip(*(page_offsets() for _ in range(PROCESSES)), strict=True)
    assert len(set(arrays)) > 1
    assert len(set(objects)) > 1
