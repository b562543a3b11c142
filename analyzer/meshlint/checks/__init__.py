"""The checkers: one module a theme, each a few generator functions under `@checks(CODE)`, none knowing another.

The registry finds the modules by themselves; a new one needs no line here.
"""
