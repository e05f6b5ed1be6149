"""A worker as a child process on this machine."""

import json
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.core import child
from bench.core.record import Status
from bench.core.registry import Entry
from bench.core.target import Target
from bench.run.protocol import Reply


class LocalWorker:
    """A child process with one implementation. It is stopped (SIGSTOP) whenever it is not asked anything, so that a
    waiting worker burns no CPU, whatever thread pools its libraries keep spinning.
    """

    def __init__(self, entry: Entry, target: Target, log: Path) -> None:
        self.entry = entry
        self._log = log
        self._log_start = log.stat().st_size if log.exists() else 0
        with log.open("ab") as stderr:
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-P", "-m", "bench.run.worker"),
                    *(str(os.getpid()), ",".join(map(str, target.cores))),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                env=child.environment() | target.environment(),
                start_new_session=True,
            )
        self._pending = b""

    def load(self, workload_module: str, target: Target, memory_limit: int, timeout: float) -> Reply:
        """Import the implementation."""
        return self.ask(
            "load",
            timeout,
            entry=asdict(self.entry),
            workload_module=workload_module,
            target=str(target),
            memory_limit=memory_limit,
        )

    def ask(self, step: str, timeout: float, **arguments: Any) -> Reply:
        """Have one step done. A worker that dies or does not answer in time is gone; the reply says how."""
        began = time.perf_counter()
        self._signal(signal.SIGCONT)
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(json.dumps({"step": step, **arguments}).encode() + b"\n")
            self._process.stdin.flush()
            line = self._read_line(began + timeout)
        except BrokenPipeError:
            line = b""
        except TimeoutError:
            self.kill()
            return _lost(Status.TIMEOUT, f"no answer to '{step}' within {timeout:g} s", began)
        if not line:
            return self._death(step, began)
        self._signal(signal.SIGSTOP)
        try:
            return Reply.model_validate_json(line)
        except ValidationError:
            self.kill()
            reason = f"its answer to '{step}' cannot be read: something else was written into the worker's pipe"
            return _lost(Status.CRASHED, reason, began)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        """End the worker and whatever it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with suppress(BrokenPipeError):
                stream.close()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def _read_line(self, deadline: float) -> bytes:
        """The next reply; empty when the worker has died. A grandchild may keep the pipe open, so both are watched."""
        assert self._process.stdout is not None
        descriptor = self._process.stdout.fileno()
        while b"\n" not in self._pending:
            left = deadline - time.perf_counter()
            if left <= 0:
                raise TimeoutError
            if select.select([descriptor], [], [], min(left, 0.5))[0]:
                chunk = os.read(descriptor, 1 << 20)
                if not chunk:
                    return b""
                self._pending += chunk
            elif not self.alive:
                return b""
        line, _, self._pending = self._pending.partition(b"\n")
        return line

    def _death(self, step: str, began: float) -> Reply:
        code = self._wait_for_exit()
        self.kill()
        last_words = self._last_words()
        if code == -signal.SIGKILL or "bad_alloc" in last_words:
            said = last_words or "the kernel killed the worker (SIGKILL), as it does when memory runs out"
            return _lost(Status.OUT_OF_MEMORY, f"{said}, during '{step}'", began)
        how = f"exited with status {code}" if code >= 0 else f"died of {signal.Signals(-code).name}"
        said = f" ({last_words})" if last_words else ""
        return _lost(Status.CRASHED, f"the worker {how} during '{step}'{said}", began)

    def _wait_for_exit(self) -> int:
        """The exit status; a process that has closed its end of the pipe but lives on is killed."""
        try:
            return self._process.wait(timeout=2)
        except subprocess.TimeoutExpired:
            self.kill()
            return self._process.wait()

    def _last_words(self) -> str:
        """The last line that this worker wrote to its log."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            lines = log.read().decode(errors="replace").strip().splitlines()
        return lines[-1].strip()[:200] if lines else ""


def _lost(status: Status, reason: str, began: float) -> Reply:
    return Reply(status=status, reason=reason, seconds=time.perf_counter() - began)
