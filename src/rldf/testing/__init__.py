"""Conformance suites, one for each contract, and small real parts to test against."""
