"""Tests of the package, in the guide's folders: unit, integration, e2e, performance."""
