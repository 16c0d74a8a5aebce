"""From a prepared entry to a place in a signed tree.

    pool → batch → ONE transaction: lock head · replays · chain heads · indexes · leaves · tiles · swap head
         → sign the committed head → keep the checkpoint outside the database → store it → answer

The next batch may be in its transaction while one is signed; seals never overlap, and nobody is answered before his.
Only committed heads are signed: a signed tree that was then rolled back would convict an honest operator of a fork.
Whatever a crash leaves behind, `recovery` mends or refuses at start, and after every failure the sequencer runs that
same code before it writes again.
"""
