"""A plain recount of a written world: dictionaries and loops, definitions word for word."""

from collections import Counter, defaultdict
from itertools import combinations

FIELD = ("subfield", 1702)


class Recount:
    """All counts of the truth, from the rows of a corpus."""

    def __init__(self, tables):
        self.year = {row["work_id"]: row["year"] for row in tables["works"]}
        self.field = {
            row["work_id"]
            for row in tables["subjects"]
            if (row["scheme"], row["subject_id"]) == FIELD
        }
        self.authorships = tables["authorships"]
        self.references = tables["references"]
        self.places = defaultdict(list)  # (work, position) -> countries, one per affiliation
        self.countries = defaultdict(set)
        for row in tables["affiliations"]:
            if row["country"] is not None:
                self.places[row["work_id"], row["position"]].append(row["country"])
                self.countries[row["work_id"]].add(row["country"])

    def output(self):
        """papers_last_author, papers_whole and papers_fractional by (year, country)."""
        last, whole, fractional = Counter(), Counter(), Counter()
        for work in self.field:
            for country in self.countries[work]:
                whole[self.year[work], country] += 1
                fractional[self.year[work], country] += 1 / len(self.countries[work])
        for row in self.authorships:
            if row["is_last"] and row["work_id"] in self.field:
                for country in set(self.places[row["work_id"], row["position"]]):
                    last[self.year[row["work_id"]], country] += 1
        return last, whole, fractional

    def collaboration(self):
        """Whole and fractional works by (year, source, target)."""
        whole, fractional = Counter(), Counter()
        for work in self.field:
            pairs = list(combinations(sorted(self.countries[work]), 2))
            for pair in pairs:
                whole[self.year[work], *pair] += 1
                fractional[self.year[work], *pair] += 1 / len(pairs)
        return whole, fractional

    def citation(self, include_citing):
        """Whole and fractional citations by (citing year, source, target)."""
        whole, fractional = Counter(), Counter()
        for row in self.references:
            citing, cited = row["citing_id"], row["cited_id"]
            if cited in self.field and (include_citing or citing in self.field):
                product = [(a, b) for a in self.countries[citing] for b in self.countries[cited]]
                for pair in product:
                    whole[self.year[citing], *pair] += 1
                    fractional[self.year[citing], *pair] += 1 / len(product)
        return whole, fractional

    def author_years(self):
        """Country -> weight of every author-year with a country, years in order."""
        counts = defaultdict(lambda: defaultdict(Counter))
        for row in self.authorships:
            work = row["work_id"]
            places = self.places[work, row["position"]]
            if places:
                counts[row["author_id"]][self.year[work]].update(places)
        return {author: _placed(years) for author, years in counts.items()}

    def scientists(self):
        """Authors with at least three works, more than half of them in the field."""
        works, inside = Counter(), Counter()
        for row in self.authorships:
            works[row["author_id"]] += 1
            inside[row["author_id"]] += row["work_id"] in self.field
        return {a for a in works if works[a] >= 3 and 2 * inside[a] > works[a]}

    def scientists_by_country(self):
        who, counts = self.scientists(), Counter()
        for author, years in self.author_years().items():
            if author in who:
                for year, shares in years.items():
                    for country, weight in shares.items():
                        counts[year, country] += weight
        return counts

    def moves(self):
        """(author, year, origin, destination) where two consecutive observed years differ."""
        found = set()
        for author, years in self.author_years().items():
            before = None
            for year in sorted(years):
                now = next(iter(years[year])) if len(years[year]) == 1 else None
                if before and now and before != now:
                    found.add((author, year, before, now))
                before = now
        return found


def _placed(years):
    placed, before = {}, None
    for year in sorted(years):
        most = max(years[year].values())
        tied = sorted(c for c, n in years[year].items() if n == most)
        if before in tied:
            tied = [before]
        before = tied[0] if len(tied) == 1 else None
        placed[year] = {country: 1 / len(tied) for country in tied}
    return placed
