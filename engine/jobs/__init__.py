"""Durable work: a job is a name, a row's id and its steps; it survives the process. The only importer of the job engine.

Our rows are the truth. A job carries ids alone, each step is idempotent and reads and writes rows, and a job that
ends early is started again under a new run. So the job engine's own database may be lost without losing work.
`engine.jobs.engine` is imported by whoever starts it: half a second that only a working process spends.
"""

from engine.jobs.lease import Lease
from engine.jobs.steps import Step, StepOutcome, run_key
from engine.jobs.sweeper import Sweep, Sweeper

__all__ = ["Lease", "Step", "StepOutcome", "Sweep", "Sweeper", "run_key"]
