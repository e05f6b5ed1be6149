"""Out-of-memory kills, from counters as the kernel writes them."""

import os
from pathlib import Path

import pytest

from bench.run.executors.oom import oom_kills, was_oom_killed

PID = 7
CGROUPS = {
    "v2": ("0::/user/run", "sys/fs/cgroup/user/run/memory.events", "low 0\noom 1\noom_kill {}\noom_group_kill 0\n"),
    "v1": (
        "5:cpu,memory:/user/run\n0::/",
        "sys/fs/cgroup/memory/user/run/memory.oom_control",
        "oom_kill_disable 0\nunder_oom 0\noom_kill {}\n",
    ),
    "v2 in a container": ("0::/docker/1", "sys/fs/cgroup/memory.events", "oom_kill {}\n"),
    "v1 in a container": ("4:memory:/docker/1", "sys/fs/cgroup/memory/memory.oom_control", "oom_kill {}\n"),
    "none": ("", "proc/vmstat", "nr_free_pages 9\noom_kill {}\n"),
}


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize("version", CGROUPS)
def test_a_counter_that_rises_means_a_kill(tmp_path: Path, version: str) -> None:
    cgroup, counter, text = CGROUPS[version]
    write(tmp_path / f"proc/{PID}/cgroup", cgroup)
    write(tmp_path / "proc/vmstat", "nr_free_pages 9\noom_kill 3\n")
    write(tmp_path / counter, text.format(3))
    before = oom_kills(PID, tmp_path)
    assert before == dict.fromkeys([tmp_path / counter, tmp_path / "proc/vmstat"], 3)
    assert was_oom_killed(before) is False
    write(tmp_path / counter, text.format(4))
    assert was_oom_killed(before) is True


def test_without_counters_it_is_unknown_whether_there_was_a_kill(tmp_path: Path) -> None:
    assert oom_kills(PID, tmp_path) == {}
    assert was_oom_killed({}) is None


def test_after_a_counter_is_gone_it_is_unknown_whether_there_was_a_kill(tmp_path: Path) -> None:
    write(tmp_path / "proc/vmstat", "oom_kill 3\n")
    before = oom_kills(PID, tmp_path)
    (tmp_path / "proc/vmstat").unlink()
    assert was_oom_killed(before) is None


def test_this_process_was_not_killed() -> None:
    assert not was_oom_killed(oom_kills(os.getpid()))
