"""STAGES are the stages of a run, in their order. A new one is a file or package here and an entry in the tuple."""

from models.stages import StageNames
from pipeline.stages.associate import STAGE as ASSOCIATE
from pipeline.stages.deduplicate.deduplicate import STAGE as DEDUPLICATE
from pipeline.stages.fetch.fetch import STAGE as FETCH
from pipeline.stages.score.score import STAGE as SCORE
from pipeline.stages.stage import Stage, check_order
from pipeline.stages.validate.validate import STAGE as VALIDATE
from pipeline.stages.write_back.write_back import STAGE as WRITE_BACK

STAGES: tuple[Stage, ...] = (FETCH, VALIDATE, ASSOCIATE, DEDUPLICATE, SCORE, WRITE_BACK)
# The stages that a new run is frozen to.
STAGE_NAMES: StageNames = tuple(stage.name for stage in STAGES)

check_order(STAGES)
