"""Runs a worker as a process on this machine: started anew, or forked from one that has imported what it needs."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Protocol, Self

from pydantic import ValidationError

from bench.core import child
from bench.core.record import Status
from bench.core.target import Target
from bench.run.executors.oom import oom_kills, was_oom_killed
from bench.run.protocol import Reply


class Process(Protocol):
    """How a worker's process is watched and ended."""

    pid: int

    def wait(self, timeout: float | None) -> int | None:
        """Return the exit status, negative for a signal; None where it still runs after ``timeout`` seconds."""


class Spawned:
    """A child of this process."""

    def __init__(self, popen: "subprocess.Popen[bytes]") -> None:
        self._popen, self.pid = popen, popen.pid

    def wait(self, timeout: float | None) -> int | None:
        try:
            return self._popen.wait(timeout)
        except subprocess.TimeoutExpired:
            return None


class Forked:
    """A child of another worker; that worker is asked for the exit status."""

    def __init__(self, parent: "LocalWorker", pid: int) -> None:
        self._parent, self.pid = parent, pid
        self._descriptor = os.pidfd_open(pid)
        self._status: int | None = None

    def wait(self, timeout: float | None) -> int | None:
        if self._status is None and select.select([self._descriptor], [], [], timeout)[0]:
            os.close(self._descriptor)
            result = self._parent.ask("wait", timeout=10, pid=self.pid).result
            self._status = result.get("status", -signal.SIGKILL)  # A parent that has died took it along.
        return self._status


class LocalWorker:
    """The parent's end of a process that runs ``bench.run.worker``.

    It is stopped (SIGSTOP) between requests, so that a waiting worker uses no CPU time even where thread pools of its
    libraries spin.
    """

    def __init__(self, process: Process, requests: int, replies: int, control: socket.socket, log: Path) -> None:
        self._process = process
        self._requests: IO[bytes] = os.fdopen(requests, "wb")
        self._replies, self._control, self._log = replies, control, log
        self._log_start = log.stat().st_size if log.exists() else 0
        self._oom_kills = oom_kills(process.pid)
        self._pending = b""
        self._ended = False
        self._lock = threading.RLock()

    @classmethod
    def spawn(cls, target: Target, cores: tuple[int, ...], log: Path, packages: Path | None = None) -> Self:
        """Start a new process on ``cores``, with the variables of ``target``; what it prints goes to ``log``.

        What the folder ``packages`` holds is imported from there, even where another version is installed.
        """
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-P", "-m", "bench.run.worker", str(os.getpid())]
        with log.open("ab") as stderr, theirs:
            popen = subprocess.Popen(
                [*command, ",".join(map(str, cores)), str(theirs.fileno())],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=child.variables(packages) | target.environment(),
                start_new_session=True,
                pass_fds=[theirs.fileno()],
            )
        assert popen.stdin is not None
        assert popen.stdout is not None
        requests, replies = os.dup(popen.stdin.fileno()), os.dup(popen.stdout.fileno())
        popen.stdin.close()
        popen.stdout.close()
        return cls(Spawned(popen), requests, replies, ours, log)

    def fork(self, log: Path, timeout: float) -> "LocalWorker | Reply":
        """Fork this worker and return the new one, or the reply that says why it could not be forked."""
        with self._lock:  # The descriptors are for this very fork.
            return self._fork(log, timeout)

    def ask(self, step: str, timeout: float, **arguments: Any) -> Reply:
        """Run one step. A worker that dies or does not reply within ``timeout`` seconds is lost; the reply says how."""
        with self._lock:
            return self._ask(step, timeout, **arguments)

    @property
    def alive(self) -> bool:
        return not self._ended and self._process.wait(0) is None

    def interrupt(self) -> None:
        """Kill its process whatever it is doing; a thread that waits for its reply gets one that says so."""
        self._signal(signal.SIGKILL)

    def kill(self) -> None:
        """End the worker and whatever it has started."""
        if self._ended:
            return
        self._ended = True
        self._signal(signal.SIGKILL)
        self._process.wait(None)
        with suppress(BrokenPipeError):
            self._requests.close()
        os.close(self._replies)
        self._control.close()

    def _fork(self, log: Path, timeout: float) -> "LocalWorker | Reply":
        their_requests, requests = os.pipe()
        replies, their_replies = os.pipe()
        ours, theirs = socket.socketpair()
        log.touch()
        with suppress(OSError):  # The request below finds out that a worker is gone.
            socket.send_fds(self._control, [b"f"], [their_requests, their_replies, theirs.fileno()])
        reply = self.ask("fork", timeout, log=str(log))
        os.close(their_requests)
        os.close(their_replies)
        theirs.close()
        if reply.status is not Status.PASSED:
            os.close(requests)
            os.close(replies)
            ours.close()
            return reply
        return LocalWorker(Forked(self, reply.result["pid"]), requests, replies, ours, log)

    def _ask(self, step: str, timeout: float, **arguments: Any) -> Reply:
        began = time.perf_counter()
        self._signal(signal.SIGCONT)
        try:
            self._requests.write(json.dumps({"step": step, **arguments}).encode() + b"\n")
            self._requests.flush()
            line = self._read_line(began + timeout)
        except (BrokenPipeError, ValueError):  # ValueError: it was ended before
            line = b""
        except TimeoutError:
            self.kill()
            return _lost_reply(Status.TIMEOUT, f"no reply to '{step}' within {timeout:g} s", began)
        if not line:
            return self._death_reply(step, began)
        self._signal(signal.SIGSTOP)
        try:
            return Reply.model_validate_json(line)
        except ValidationError:
            self.kill()
            reason = f"its reply to '{step}' cannot be read: something else was written into the worker's pipe"
            return _lost_reply(Status.CRASHED, reason, began)

    def _signal(self, sent: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, sent)

    def _read_line(self, deadline: float) -> bytes:
        """Return the next reply, empty when the worker has died; raise TimeoutError after ``deadline``.

        A grandchild may keep the pipe open, so both pipe and worker are watched.
        """
        while b"\n" not in self._pending:
            remaining = deadline - time.perf_counter()
            if remaining <= 0:
                raise TimeoutError
            alive = self.alive  # checked before reading, so that the last output of a dying worker is not missed
            if select.select([self._replies], [], [], min(remaining, 0.5) if alive else 0)[0]:
                chunk = os.read(self._replies, 1 << 20)
                if not chunk:
                    return b""
                self._pending += chunk
            elif not alive:
                return b""
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    def _death_reply(self, step: str, began: float) -> Reply:
        code = self._process.wait(2)  # A worker that has closed its end of the pipe but still runs is killed.
        self.kill()
        if code is None:
            code = self._process.wait(None) or 0
        last_line = self._last_log_line()
        if "bad_alloc" in last_line:
            return _lost_reply(Status.OUT_OF_MEMORY, f"{last_line}, during '{step}'", began)
        details = f" ({last_line})" if last_line else ""
        if code == -signal.SIGKILL:
            status, why = _KILLED[was_oom_killed(self._oom_kills)]
            return _lost_reply(status, f"the worker was killed (SIGKILL) during '{step}' and {why}{details}", began)
        how = f"exited with status {code}" if code >= 0 else f"died of {signal.Signals(-code).name}"
        return _lost_reply(Status.CRASHED, f"the worker {how} during '{step}'{details}", began)

    def _last_log_line(self) -> str:
        """The last line that this worker wrote to its log."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").strip().splitlines()
        return lines[-1].strip()[:200] if lines else ""


_KILLED = {
    True: (Status.OUT_OF_MEMORY, "the kernel counted an out-of-memory kill"),
    False: (Status.CRASHED, "the kernel counted no out-of-memory kill"),
    None: (
        Status.OUT_OF_MEMORY,
        "the kernel's out-of-memory counters cannot be read: running out of memory is assumed",
    ),
}
"""Status and explanation for a worker that died of SIGKILL, by the result of ``was_oom_killed``."""


def _lost_reply(status: Status, reason: str, began: float) -> Reply:
    return Reply(status=status, reason=reason, seconds=time.perf_counter() - began)
