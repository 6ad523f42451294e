"""Durable work: a job is a name, a row's id and its steps; it survives the process. The only importer of the job engine.

Our rows are the truth. A job carries ids alone, each step is idempotent and reads and writes rows, and a job that
ends early is started again under a new run. So the job engine's own database may be lost without losing work.
"""

from engine.jobs.engine import QUEUE, JobEngine, Step, StepOutcome
from engine.jobs.sweeper import Sweeper

__all__ = ["QUEUE", "JobEngine", "Step", "StepOutcome", "Sweeper"]
