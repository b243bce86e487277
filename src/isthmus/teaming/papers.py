"""Papers as units of a matched comparison: who led them, where, with how many, to what effect."""

from __future__ import annotations

from collections.abc import Mapping

import ibis

from isthmus.engine import Table
from isthmus.study import Attribution

#: Groups of the papers a country leads, by who else is on them.
DOMESTIC, OTHER = "domestic", "other_international"


def deciding_institutions(
    corpus: Mapping[str, Table], affiliations: Table, attribution: Attribution
) -> Table:
    """Institution that stands for a work in each country it counts to.

    Where the deciding authors name several institutions of one country, the one with the
    smallest id stands for the work, so that a unit is in one stratum; null when all are unknown.

    Grain: one row per work and country. Columns: ``work_id``, ``country``, ``institution_id``.
    """
    authorships = corpus["authorships"]
    rules = {
        "last_author": authorships.is_last,
        "first_author": authorships.position == 0,
        "corresponding": authorships.is_corresponding,
    }
    if attribution in rules:
        deciding = authorships.filter(rules[attribution]).select("work_id", "position")
        affiliations = affiliations.semi_join(deciding, ["work_id", "position"])
    return affiliations.group_by("work_id", "country").agg(
        institution_id=affiliations.institution_id.min()
    )


def citations_stated(field: Table, works: Table) -> Table:
    """Citations the source states for each work of the field, where it states any number.

    Grain: one row per work whose count is known. Columns: ``work_id``, ``year``, ``c_k``.
    """
    known = works.filter(works.cited_by_count >= 0).select("work_id", "cited_by_count")
    joined = field.inner_join(known, "work_id")
    return joined.select("work_id", "year", c_k=joined.cited_by_count)


def led_papers(impact: Table, institutions: Table, works: Table) -> Table:
    """Papers with a defined impact, under each country that leads them.

    Grain: one row per work and leading country. Columns: ``work_id``, ``country``, ``year``,
    ``team_size`` (authors), ``institution_id`` (nullable), ``c_k``.
    """
    sizes = works.select("work_id", team_size="n_authors")
    joined = impact.inner_join(institutions, "work_id").inner_join(sizes, "work_id")
    columns = ["work_id", "country", "year", "team_size", "institution_id", "c_k"]
    return joined.select(*columns)


def partner_countries(led: Table, countries: Table) -> Table:
    """Other countries on the papers a country leads.

    Grain: one row per work, leading country and other country. Columns: ``work_id``,
    ``country`` (leading), ``partner``.
    """
    others = countries.select("work_id", partner="country")
    pairs = led.select("work_id", "country").inner_join(others, "work_id")
    return pairs.filter(pairs.partner != pairs.country).select("work_id", "country", "partner")


def both_sides(
    led: Table,
    partners: Table,
    thresholds: Table,
    partner: str,
    *,
    international: bool,
    elsewhere: Table | None,
) -> Table:
    """Papers of one leading country with their side of an experiment.

    Parameters
    ----------
    led, partners
        As :func:`led_papers` and :func:`partner_countries`, of one leading country.
    thresholds
        ``year``, ``threshold`` where hits begin.
    international
        Keep only controls with some other country.
    elsewhere
        ``work_id``, ``c_k``: an outcome to take instead, 0 where it has no row.

    Returns
    -------
    Table
        The papers with ``treated`` and ``is_hit`` (0 or 1).
    """
    joint = partners.filter(partners.partner == partner).select("work_id")
    joint = joint.distinct().mutate(joined=ibis.literal(1))
    marked = led.left_join(joint, "work_id")
    marked = marked.select(*led.columns, treated=marked.joined.fill_null(0))
    hits = marked.left_join(thresholds.select("year", "threshold"), "year")
    is_hit = (hits.c_k >= hits.threshold).fill_null(False).cast("int64")
    papers = hits.select(*marked.columns, is_hit=is_hit)
    if international:
        papers = papers.semi_join(partners.select("work_id").distinct(), "work_id")
    if elsewhere is not None:
        other = papers.drop("c_k").left_join(elsewhere.select("work_id", cited="c_k"), "work_id")
        papers = other.select(*papers.drop("c_k").columns, c_k=other.cited.fill_null(0))
    return papers


def joint_papers(partners: Table) -> Table:
    """Count the joint papers of every ordered pair.

    Grain: one row per leading country and partner. Columns: ``lead``, ``partner``, ``papers``.
    """
    return partners.group_by("partner", lead=partners.country).agg(papers=partners.count())


def paper_groups(led: Table, partners: Table, poles: tuple[str, ...]) -> Table:
    """Put the papers the poles lead into groups by who else is on them.

    A paper with two other poles is in both their groups.

    Grain: one row per work, leading pole and group. Columns of :func:`led_papers` and
    ``group`` (the other pole's code, ``domestic`` or ``other_international``).
    """
    ours = led.filter(led.country.isin(list(poles)))
    joined = partners.filter(partners.partner.isin(list(poles)))
    with_pole = joined.select("work_id", "country", group="partner")
    key = ["work_id", "country"]
    rest = partners.anti_join(with_pole, key).select(*key).distinct()
    home = ours.select(*key).anti_join(partners, key)
    named = [rest.mutate(group=ibis.literal(OTHER)), home.mutate(group=ibis.literal(DOMESTIC))]
    labels = with_pole.union(named[0]).union(named[1])
    return ours.inner_join(labels, key).select(*ours.columns, "group")


def team_sizes(groups: Table) -> Table:
    """Count papers by group, year and number of authors.

    Grain: one row per leading pole, group, year and team size. Columns: ``lead``, ``group``,
    ``year``, ``team_size``, ``papers``.
    """
    return groups.group_by("group", "year", "team_size", lead=groups.country).agg(
        papers=groups.count()
    )


def sizes_led(led: Table, poles: tuple[str, ...]) -> Table:
    """Count all papers that the poles lead by number of authors.

    Grain: one row per leading pole, year and team size. Columns: ``lead``, ``year``,
    ``team_size``, ``papers``.
    """
    ours = led.filter(led.country.isin(list(poles)))
    return ours.group_by("year", "team_size", lead=ours.country).agg(papers=ours.count())


def top_institutions(led: Table, number: int) -> Table:
    """Find the institutions whose papers, as led by them, gathered most citations.

    Ties at the end go to the smaller id.

    Grain: one row per institution. Columns: ``institution_id``, ``citations``, ``papers``.
    """
    known = led.filter(led.institution_id.notnull())
    sums = known.group_by("institution_id").agg(
        citations=known.c_k.sum().cast("int64"), papers=known.count()
    )
    return sums.order_by([sums.citations.desc(), sums.institution_id]).limit(number)


def at_top_institutions(led: Table, groups: Table, top: Table) -> Table:
    """Count papers by group and year, and how many a top institution leads, beside all others.

    Grain: one row per leading pole, group and year. Columns: ``lead``, ``group``, ``year``,
    ``papers``, ``papers_top_institution``, ``others``, ``others_top_institution`` (papers
    of the same leading country and year outside the group).
    """
    best = top.select("institution_id", top_citations="citations")
    marked = groups.left_join(best, "institution_id")
    inside = marked.group_by("group", "year", lead=marked.country).agg(
        papers=marked.count(), papers_top_institution=marked.top_citations.count()
    )
    everyone = led.left_join(best, "institution_id")
    totals = everyone.group_by("year", lead=everyone.country).agg(
        all_papers=everyone.count(), all_top=everyone.top_citations.count()
    )
    joined = inside.inner_join(totals, ["year", "lead"])
    return joined.select(
        *inside.columns,
        others=joined.all_papers - joined.papers,
        others_top_institution=joined.all_top - joined.papers_top_institution,
    )


def country_longitudes(institutions: Table) -> Table:
    """Mean direction of the institutions of each country around the globe.

    Grain: one row per country with a located institution. Columns: ``country``,
    ``east``, ``north`` (mean of cosine and sine of longitude).
    """
    placed = institutions.filter(institutions.lon.notnull(), institutions.country.notnull())
    angle = placed.lon.radians()
    return placed.group_by("country").agg(east=angle.cos().mean(), north=angle.sin().mean())
