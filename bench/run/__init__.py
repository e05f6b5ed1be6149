"""Plans a run, keeps one worker process for each implementation, and turns every accident into a record."""
