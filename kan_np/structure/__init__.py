"""Structure of functions, found on derivatives: separability, symmetries, inner functions."""
