"""What turns pages, docstrings and examples into the site, and the checks of what comes out."""
