"""The command line: `main` reads the arguments, and each command is a module of its own.

A command imports what it needs when it runs, so that looking at a configuration stays quick.
"""
