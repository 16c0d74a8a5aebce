"""Cases and people: who may act, what an act commits, who sees what.

Rules are pure (`people`, `cases`, `sight`): state and act in, an entry to be sequenced or a refusal out. `queries`
reads the state they decide on.
"""
