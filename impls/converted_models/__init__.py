"""Networks that a runtime has converted or compiled, kept as artifacts."""
