"""What runs inside the workers, one module a library; each imports that library and nothing of kan_np's."""
