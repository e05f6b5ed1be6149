"""The worker: a process that runs one implementation and serves one request a line.

Requests and replies are JSON objects, one a line, so that a worker can be at the other end of any byte stream. A worker
imports libraries. For each case and each implementation that needs them, it forks a new process, in which memory lies
elsewhere, and which does the steps of ``bench.run.steps``.
"""

import json
import os
import socket
import sys
import time
from typing import IO, NamedTuple

from bench.run.lifeline import die_with
from bench.run.protocol import Reply
from bench.run.steps import Worker, handle_request


class Channel(NamedTuple):
    """A worker's connections: request lines, reply lines, and a socket over which a fork of it receives its own."""

    requests: IO[str]
    replies: IO[str]
    control: socket.socket

    def reply(self, reply: Reply) -> None:
        self.replies.write(reply.model_dump_json() + "\n")
        self.replies.flush()

    def fork(self, log: str) -> "Channel | None":
        """Fork this process. The parent replies with the child's process id; the child returns its own channel."""
        began = time.perf_counter()
        _, descriptors, _, _ = socket.recv_fds(self.control, 1, 3)
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        if child := os.fork():
            os.setpgid(child, child)  # Before the reply, after which this process's group is stopped.
            for descriptor in descriptors:
                os.close(descriptor)
            self.reply(Reply(result={"pid": child}, seconds=time.perf_counter() - began))
            return None
        os.setpgid(0, 0)
        die_with(parent)
        for connection in self:
            connection.close()
        requests, replies, control = descriptors
        output = os.open(log, os.O_WRONLY | os.O_APPEND)
        os.dup2(output, 1)
        os.dup2(output, 2)
        os.close(output)
        return Channel(os.fdopen(requests), os.fdopen(replies, "w"), socket.socket(fileno=control))

    def wait(self, pid: int) -> None:
        """Reply with the exit status of a process forked from this one, which has ended or is about to."""
        began = time.perf_counter()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self.reply(Reply(result={"status": status}, seconds=time.perf_counter() - began))


def serve(worker: Worker, channel: Channel) -> None:
    """Serve requests until the stream ends, which it also does when the parent dies."""
    while line := channel.requests.readline():
        request = json.loads(line)
        match request["step"]:
            case "fork":
                channel = channel.fork(request["log"]) or channel
            case "wait":
                channel.wait(request["pid"])
            case _:
                reply = handle_request(worker, request)
                sys.stdout.flush()
                channel.reply(reply)


def main() -> None:
    """Serve the process that started this one, until it ends."""
    parent, cores, control = int(sys.argv[1]), {int(core) for core in sys.argv[2].split(",")}, int(sys.argv[3])
    die_with(parent)
    # Whatever the implementation prints must not mix with the replies: keep the pipes for them.
    channel = Channel(os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w"), socket.socket(fileno=control))
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    os.sched_setaffinity(0, cores)
    serve(Worker(), channel)


if __name__ == "__main__":
    main()
