"""Named functions of one variable: built-in and from users, as numbers and as formulas."""
