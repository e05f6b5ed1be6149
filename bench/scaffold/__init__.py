"""``featherbench new``: the first version of an implementation, right but slow, or a model to change."""
