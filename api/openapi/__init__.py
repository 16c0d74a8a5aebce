"""Routes and their description are one thing: an operation is registered with what it takes and answers.

No library generates this: those at hand read a body before the view does (an upload would go through a temporary
file), take duplicate keys and NaN, and describe errors that are never sent. Tests hold every answer to its description.
"""
