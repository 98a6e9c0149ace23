"""Read what operators watch: what is being sent, what comes next, why mail waits, and what needs a person.

Every function reads a bounded number of rows. The console, the native API and the command line show the same results.
"""
