"""kan_np beside its peers, in one run on one core: ``python -m benchmarks.peers --check``.

`environments` makes throw-away environments with the peers, `process` starts a worker in one of them,
`workers` holds what runs there (one module a library, all answering the same requests), `cases` the numbers
and the bars, `checks` the proof that all compute the same function, `gradients` and `fits` what is measured.
"""
