"""The study file: its sections, their defaults and their checks."""

from isthmus.study.answers import Comparison, Findings, OwnClaim, Run
from isthmus.study.document import NAMED, Study
from isthmus.study.field import (
    CORE_LANGUAGE,
    CORE_TYPES,
    CORE_VENUES,
    EXCLUDABLE,
    About,
    Attribution,
    Concept,
    Corrections,
    Counting,
    Countries,
    Field,
    entity_id,
)
from isthmus.study.fields import SUBFIELDS_OF_A_FIELD, Contrasts, parent_field
from isthmus.study.indicators import Indicators
from isthmus.study.places import Places, Unit
from isthmus.study.questions import (
    Bounds,
    Cohorts,
    Groups,
    Impact,
    Mobility,
    Novelty,
    Scientists,
    Teaming,
)
from isthmus.study.shocks import Shock

__all__ = [
    "CORE_LANGUAGE",
    "CORE_TYPES",
    "CORE_VENUES",
    "EXCLUDABLE",
    "NAMED",
    "SUBFIELDS_OF_A_FIELD",
    "About",
    "Attribution",
    "Bounds",
    "Cohorts",
    "Comparison",
    "Concept",
    "Contrasts",
    "Corrections",
    "Counting",
    "Countries",
    "Field",
    "Findings",
    "Groups",
    "Impact",
    "Indicators",
    "Mobility",
    "Novelty",
    "OwnClaim",
    "Places",
    "Run",
    "Scientists",
    "Shock",
    "Study",
    "Teaming",
    "Unit",
    "entity_id",
    "parent_field",
]
