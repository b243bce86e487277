"""The answers of a study: a question, a sentence with its number, a verdict, a small chart."""

from __future__ import annotations

from isthmus.report.answers.answer import Absent, Answer, Chart, Series
from isthmus.report.answers.collect import absent, answers, verdict_counts

__all__ = ["Absent", "Answer", "Chart", "Series", "absent", "answers", "verdict_counts"]
