"""Measures one quantity in each file, all of it inside a worker process."""
