"""The section on the numbers a policy desk is asked for."""

from __future__ import annotations

from typing import ClassVar, Literal

from isthmus.study.sections import Rule, Section


class Indicators(Section, frozen=True):
    """``[indicators]``: which groups of indicators a run makes, and their thresholds.

    Attributes
    ----------
    country
        Shares domestic, international and led, and normalised impact, by country.
    pairs
        Indices of collaboration of pairs of countries, beside their affinity.
    dependence
        Home share of citations, imports and exports, impact on third countries, preferences.
    topics
        Who leads each topic, specialisation, and the risk of a monopoly.
    sectors
        Papers of companies, universities, governments, and those they have together.
    window_years
        Years of the moving windows beside single years (4, as in the Leiden Ranking).
    topic_scheme
        Which labels of works are topics.
    topic_min_papers
        Papers over a span of years that a topic needs; below 30 a tenth is three papers.
    top_institutions
        How many institutions with most highly cited papers count as leading.
    high_institutions, high_lead, medium_institutions, medium_lead
        Leading institutions, and times the second's highly cited papers, from which the
        risk of a monopoly is high or medium (8 of 10 and 3, 5 of 10 and 2: ASPI 2023).
    draws
        Draws behind the uncertainty of that risk.
    """

    section: ClassVar[str] = "indicators"

    country: bool = True
    pairs: bool = True
    dependence: bool = True
    topics: bool = True
    sectors: bool = True
    window_years: int = 4
    topic_scheme: Literal["topic", "subfield", "field", "concept", "mag_fos"] = "topic"
    topic_min_papers: int = 30
    top_institutions: int = 10
    high_institutions: float = 8.0
    high_lead: float = 3.0
    medium_institutions: float = 5.0
    medium_lead: float = 2.0
    draws: int = 200

    def rules(self) -> list[Rule]:
        """Return the rules on windows and thresholds."""
        high, medium = self.high_institutions, self.medium_institutions
        lead = self.medium_lead
        return [
            *self.at_least({"window_years": 2}, " years"),
            *self.at_least({"topic_min_papers": 1, "top_institutions": 1, "draws": 1}),
            (
                0 < medium <= high <= self.top_institutions,
                "indicators.high_institutions",
                high,
                "at least `medium_institutions` and at most `top_institutions`",
            ),
            (
                1 <= lead <= self.high_lead,
                "indicators.medium_lead",
                lead,
                "1 or more and at most `high_lead`",
            ),
        ]
