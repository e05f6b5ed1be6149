"""Runs workers, which are reached through ``ask``: in child processes, or in this one."""
