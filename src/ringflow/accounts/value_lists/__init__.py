"""Operators' lists of numbers or texts, in which flows look values up."""
