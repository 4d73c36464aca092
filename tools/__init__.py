"""Scripts that generate and lock what the repository checks in; none is part of the package."""
