"""What is done with a deal, in this order. Whoever adds a stage adds its file and one entry here."""

from pipeline.stage import Stage, check_order
from pipeline.stages import associate, deduplicate, fetch, score, validate, write_back

STAGES: tuple[Stage, ...] = (
    fetch.STAGE,
    validate.STAGE,
    associate.STAGE,
    deduplicate.STAGE,
    score.STAGE,
    write_back.STAGE,
)

check_order(STAGES)
