"""Cases and people: who may act, what an act commits, who sees what.

transitions     who may do what, in which state, and what becomes of it: tables, shown in docs/casework.md
state, sight    what decisions stand on, as values; who sees what
cases, demands, challenges, standing, custody, erasures
                pure rules: state and act in, entries to be sequenced or a refusal out
projection      the one way from an entry to the rows for people
desk, access    where members act: read the state, let a rule decide, append what it decided
reading, queries, docket, connections, views, handout
                what members see and carry away
"""
