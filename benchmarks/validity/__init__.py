"""Whether the statistics keep what they promise: seeded simulations of error rates, power and delays.

`python -m benchmarks.validity` prints what was found beside the bound; `--only`, `--repetitions` and `--json` as there.
Errors may exceed their bound by three Monte-Carlo errors, since that is chance; powers and delays must hold as found.
"""
