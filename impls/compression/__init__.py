"""Networks that are made smaller after training; the implementations are methods, which choose what goes."""
