"""Checking the answer to a demand, believing nothing the server says (docs/spec/casework.md, "Checking an answer")."""
