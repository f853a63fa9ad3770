"""Attacks: failures, damaged files and races, thousands of them. A short form runs with the other tests.

`TEST_ATTACK=full pytest tests/attack` is the full form; docs/attacks.md says what is judged.
"""
