"""The REST layer: a typed function becomes an operation with validation, rights, pages, and a description."""
