"""Measures the package against named limits and peers: `make bench` and `make bench-peers`.

Every figure takes ours and its reference in turns within one run and is judged by their ratio, so that a slower or
busier machine moves both alike. Nothing here is a test, and no test asserts a time.
"""
