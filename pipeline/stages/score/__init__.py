"""The stage `score`: completeness, value, age in the stage, suggested owner, hand-off checklist and priority."""
