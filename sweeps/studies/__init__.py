"""Studies: parts of the KAN paper (arXiv:2404.19756) that are no fit of one function."""
