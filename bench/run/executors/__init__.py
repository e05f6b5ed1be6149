"""Where workers run. A worker is reached through ``ask``; the local one is a child process."""
