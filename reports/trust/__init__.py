"""The reliability of verdicts, compared with other tools."""
