"""What a reader sees: pages, tables and figures, in words, styles and files."""
