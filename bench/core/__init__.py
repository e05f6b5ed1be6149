"""The nouns: case, workload, implementation, target, record, and the registry that finds them."""
