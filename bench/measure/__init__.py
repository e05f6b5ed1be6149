"""One measured quantity a file. All of this runs inside a worker process."""
