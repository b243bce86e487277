"""Plain-Python recounts of the tables of indicators, from records, for tests."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from fractions import Fraction

from recount import Work, citation_windows, counting_citations


def work_scores(
    works: dict[int, Work],
    in_field: set[int],
    years: tuple[int, int],
    window: int,
    types: Mapping[int, str | None],
) -> dict[int, dict[str, Fraction]]:
    """Work -> normalised citations and how much of it is in the top 10, 5 and 1 %."""
    impact = citation_windows(works, in_field, years, window)
    cells: dict[tuple, list[tuple[int, Fraction]]] = defaultdict(list)
    for i in impact:
        labels = works[i].subfields or {None}
        for label in labels:
            cells[works[i].year, label, types.get(i)].append((i, Fraction(1, len(labels))))
    found: dict[int, dict[str, Fraction]] = {i: defaultdict(Fraction) for i in impact}
    for cell in cells.values():
        size = sum(weight for _, weight in cell)
        mean = sum(weight * impact[i] for i, weight in cell) / size
        for i, weight in cell:
            above = sum(w for j, w in cell if impact[j] > impact[i])
            tied = sum(w for j, w in cell if impact[j] == impact[i])
            found[i]["mncs"] += weight * (impact[i] / mean if mean else 1)
            for percent in (10, 5, 1):
                left = (size * percent / 100 - above) / tied
                found[i][f"top{percent}_share"] += weight * min(max(left, Fraction(0)), Fraction(1))
    return found


def weights(work: Work, country: str) -> dict[str, Fraction]:
    """How much of a work is a country's, by rule of counting."""
    places = work.authors if work.places is None else work.places
    shares = [
        Fraction(1, len(set(a.countries))) if country in a.countries else Fraction(0)
        for a in places
    ]
    return {
        "whole": Fraction(1),
        "fractional": Fraction(1, len(work.countries)),
        "authors": sum(shares, Fraction(0)) / len(places),
    }


def indicators(
    works: dict[int, Work],
    in_field: set[int],
    years: tuple[int, int],
    *,
    window: int = 2,
    length: int = 4,
    rule: str = "last_author",
    types: Mapping[int, str | None] | None = None,
) -> dict[tuple[int, int, str, str], dict[str, float | None]]:
    """(last year, years, country, counting) -> shares and normalised impact."""
    scores = work_scores(works, in_field, years, window, types or {})
    table: dict = {}
    there = [works[i] for i in in_field if years[0] <= works[i].year <= years[1]]
    there = [work for work in there if work.countries]
    first, last = min(w.year for w in there), max(w.year for w in there)
    for span in (1, length):
        for end in range(first + span - 1, last + 1):
            inside = [w for w in there if end - span < w.year <= end]
            for country in {c for w in inside for c in w.countries}:
                own = [w for w in inside if country in w.countries]
                for counting in ("whole", "fractional", "authors"):
                    held = {w.id: weights(w, country)[counting] for w in own}
                    row = _row(own, held, scores, rule, country)
                    table[end, span, country, counting] = row
    return table


def _row(own: list[Work], held: dict, scores: dict, rule: str, country: str) -> dict:
    total = sum(held.values())
    known = sum(held[w.id] for w in own if w.id in scores)
    domestic = sum(held[w.id] for w in own if len(w.countries) == 1)
    led = sum(held[w.id] for w in own if country in w.deciding(rule))
    row = {
        "papers": total,
        "papers_scored": known,
        "domestic_share": domestic / total,
        "international_share": 1 - domestic / total,
        "led_share": led / total,
    }
    for name in ("mncs", "top10_share", "top5_share", "top1_share"):
        summed = sum(held[w.id] * scores[w.id][name] for w in own if w.id in scores)
        row[name] = summed / known if known else None
    return {name: None if value is None else float(value) for name, value in row.items()}


def area(group: list[int], others: list[int]) -> float | None:
    """Chance that one of the group is above one of the others, ties counting half."""
    if not group or not others or not any(group + others):
        return None
    won = sum(Fraction(a > b) + Fraction(a == b) / 2 for a in group for b in others)
    return float(won / (len(group) * len(others)))


def dependence(
    works: dict[int, Work],
    in_field: set[int],
    years: tuple[int, int],
    poles: tuple[str, ...],
    window: int = 2,
) -> dict[tuple[int, str], dict[str, float | None]]:
    """(year, country) -> home share, imports, exports, third countries, preferences."""
    known = citation_windows(works, in_field, years, window)
    flows: dict = defaultdict(Fraction)
    counts: dict = defaultdict(int)
    for citing, cited in counting_citations(works, in_field):
        if cited.id in known and citing.year <= cited.year + window and cited.countries:
            for a in citing.countries:
                counts[cited.id, a] += 1
                for b in cited.countries:
                    share = Fraction(1, len(citing.countries) * len(cited.countries))
                    flows[cited.year, a, b] += share
    table = {}
    for year in {works[i].year for i in known}:
        there = [works[i] for i in known if works[i].year == year and works[i].countries]
        codes = {c for w in there for c in w.countries} | {a for y, a, _ in flows if y == year}
        gave = {a: sum(flows[year, a, b] for b in codes) for a in codes}
        for c in {c for w in there for c in w.countries}:
            got = sum(flows[year, a, c] for a in codes)
            home = flows[year, c, c]
            third = [a for a in codes if a != c and a not in poles]
            to_third, of_third = sum(flows[year, a, c] for a in third), sum(gave[a] for a in third)
            row: dict = {
                "papers": sum(c in w.countries for w in there),
                "received": got,
                "given": gave[c],
                "home_share": home / got if got else None,
                "home_expected": gave[c] / sum(gave.values()) if any(gave.values()) else None,
                "imports": gave[c] - home,
                "exports": got - home,
                "balance": (got - home) / (gave[c] - home) if gave[c] > home else None,
                "third_citations": to_third,
                "third_share": to_third / of_third if of_third else None,
            }
            for name, target in (("home_preference", c), *((f"preference_{p}", p) for p in poles)):
                group = [counts[w.id, c] for w in there if target in w.countries]
                others = [counts[w.id, c] for w in there if target not in w.countries]
                row[name] = area(group, others)
            table[year, c] = {n: None if v is None else float(v) for n, v in row.items()}
    return table


def topics(
    works: dict[int, Work],
    years: tuple[int, int],
    institutions: Mapping[int, set[tuple[int, str]]],
    blocs: Mapping[str, set[str]],
    *,
    span: int = 5,
    least: int = 30,
    first_of: int = 10,
) -> dict[tuple[int, str, str], dict]:
    """(topic, span, country) -> papers, specialisation, rank, lead, institutions."""
    scores = work_scores(works, set(works), years, 2, {})
    known = sorted({works[i].year for i in scores})
    table = {}
    for name, first, last in (
        ("all", known[0], known[-1]),
        ("first", known[0], min(known[0] + span - 1, known[-1])),
        ("last", max(known[-1] - span + 1, known[0]), known[-1]),
    ):
        inside = [works[i] for i in scores if first <= works[i].year <= last]
        inside = [w for w in inside if w.deciding("last_author")]
        for topic in {t for w in inside for t in w.subfields}:
            own = [w for w in inside if topic in w.subfields]
            if len(own) < least:
                continue
            top: dict = defaultdict(Fraction)
            papers: dict = defaultdict(Fraction)
            for w in own:
                for c in w.deciding("last_author"):
                    part = Fraction(1, len(w.deciding("last_author")))
                    papers[c] += part
                    top[c] += part * scores[w.id]["top10_share"]
            place: dict = defaultdict(Fraction)
            everyone = [works[i] for i in scores if first <= works[i].year <= last]
            for w in everyone:
                for one in institutions[w.id] if topic in w.subfields else ():
                    place[one] += scores[w.id]["top10_share"] / len(institutions[w.id])
            place = {one: value for one, value in place.items() if value}
            threshold = sorted(place.values(), reverse=True)[min(first_of, len(place)) - 1]
            above = [one for one, value in place.items() if value > threshold]
            tied = [one for one, value in place.items() if value == threshold]
            share = Fraction(min(first_of, len(place)) - len(above), len(tied))
            for c in [*papers, *blocs]:
                members = blocs.get(c, {c})
                ours = sum(top[m] for m in members)
                best = max((v for m, v in top.items() if m not in members), default=0)
                held = sum(one[1] in members for one in above)
                held += share * sum(one[1] in members for one in tied)
                row = {
                    "papers": float(sum(papers[m] for m in members)),
                    "top10_papers": float(ours),
                    "concentration": None,
                    "rank": None,
                }
                if c not in blocs:
                    n = sum(c in w.deciding("last_author") for w in own)
                    size = sum(c in w.deciding("last_author") for w in inside)
                    row["specialisation"] = n / size / (len(own) / len(inside))
                    row["rank"] = 1 + sum(v > top[c] for v in top.values())
                    shares = [v / sum(top.values()) for v in top.values()]
                    row["concentration"] = float(sum(share**2 for share in shares))
                if c in blocs or (row["rank"] == 1 and best < ours):
                    row["top_institutions"] = float(held)
                    row["lead"] = float(ours / best) if best else None
                    high = held >= 8 and ours >= 3 * best
                    medium = held >= 5 and ours >= 2 * best
                    row["monopoly_risk"] = "high" if high else "medium" if medium else "low"
                table[topic, name, c] = row
    return table
