"""Programs of the worker processes, one module for each library, which imports nothing of kan_np."""
