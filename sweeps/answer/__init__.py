"""The answer to the question a table was asked: which model, how good it is, and what matters."""
