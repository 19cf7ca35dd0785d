"""What the commands do, as calls: a run, a comparison, a report, a detector with its weights.

`suite.run`, `suite.compare`, `suite.report` and `suite.results` are the ones for notebooks (`suite.session.api`). The
others hand out the steps between them, for commands that say more on the way.
"""
