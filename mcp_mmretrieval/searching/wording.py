"""What is looked for of a question: without how to answer it, and with what stands on the page that answers. Pure."""

from __future__ import annotations

import re

MIN_LEFT_WORDS = 2
"""Words that a question keeps at least; one that would keep fewer is left as it is."""

_FORMS = "integer|int|float|string|list|number|percentage|thousands?|millions?|billions?|decimals?|format|json|words?"
_INSTRUCTION = re.compile(
    r"(?:(?<=[.?!,;:])|(?<=\w\s)(?=(?:and\s+)?(?:formatted|rounded)\b)|^)\s*(?:(?:please|and)\s+)?(?:"
    r"round(?:ed)?\s+(?:(?:off\s+)?(?:your|the)\s+(?:answer|result)|(?:it\s+)?(?:to|up|off|down))\b|"
    rf"(?:directly\s+)?answer\s+(?:(?:me\s+)?(?:in|as|with|using)\s+(?:an?\s+|the\s+)?[\w\s]*?\b(?:{_FORMS}|terms?)\b|\W?(?:yes|no)\W)|"
    r"(?:write|give|format|present|express|return|provide|output)\s+(?:down\s+)?(?:me\s+)?(?:your|the)\s+(?:final\s+)?answer\b|"
    rf"(?:give|return|provide)\s+(?:me\s+)?an?\s+(?:{_FORMS})\b|"
    r"(?:your|the)\s+answer\s+(?:shall|should|must|needs?\s+to|has\s+to)\s+be\b|"
    r"formatted\s+as\s+an?\b"
    r")(?:\[[^\]]*\]|(?:\.(?=\d)|[^.?!]))*[.?!]*",
    re.IGNORECASE,
)
_WORD = re.compile(r"\w+")

_SALES = "revenues, net sales"
_COST = "cost of revenues, cost of sales"
_EARNED = "net income"
_OPERATING = "operating income"
_ASSETS = "total assets"
_OWED = "total current liabilities"
_CURRENT = f"total current assets, {_OWED}"
_DEBT = "long-term debt, total liabilities"
_EQUITY = "total shareholders' equity, stockholders' equity"
_CASH = "cash and cash equivalents"
_FROM_OPERATIONS = "net cash provided by operating activities"
_RECEIVABLE = "accounts receivable"
_PAYABLE = "accounts payable"
_STOCK = "inventories"

_MEASURES = {
    r"current ratio|working capital(?: ratio| turnover)?": _CURRENT,
    r"quick ratio|acid[- ]test(?: ratio)?": f"{_CASH}, {_RECEIVABLE}, {_STOCK}, {_CURRENT}",
    r"cash ratio": f"{_CASH}, {_OWED}",
    r"inventory turnover|days(?: sales (?:in|of)| of)? inventory(?: outstanding)?": f"{_STOCK}, {_COST}",
    r"receivables? turnover|debtors? turnover|days sales outstanding": f"{_RECEIVABLE}, {_SALES}",
    r"payables? turnover|creditors? turnover|days payables? outstanding": f"{_PAYABLE}, {_COST}",
    r"cash conversion cycle": f"{_STOCK}, {_RECEIVABLE}, {_PAYABLE}, {_SALES}, {_COST}",
    r"(?:(?:total|fixed) )?assets? turnover": f"{_SALES}, {_ASSETS}",
    r"return on (?:average |total )?assets|roa": f"{_EARNED}, {_ASSETS}",
    r"return on (?:average |shareholders'? |common )?equity|(?-i:ROE)": f"{_EARNED}, {_EQUITY}",
    r"return on capital employed|roce|capital employed": f"{_OPERATING}, {_ASSETS}, {_OWED}",
    r"return on invested capital|roic|invested capital": f"{_OPERATING}, {_DEBT}, {_EQUITY}",
    r"debt[- ]to[- ]equity(?: ratio)?|(?:financial )?leverage ratio|gearing(?: ratio)?": f"{_DEBT}, {_EQUITY}",
    r"equity multiplier|equity ratio": f"{_ASSETS}, {_EQUITY}",
    r"debt ratio|debt[- ]to[- ](?:total[- ])?assets?(?: ratio)?": f"{_DEBT}, {_ASSETS}",
    r"capitali[sz]ation ratio": f"{_DEBT}, {_EQUITY}",
    r"interest coverage(?: ratio)?|times interest earned": f"{_OPERATING}, interest expense",
    r"gross (?:profit )?margins?|gross profit(?: ratio)?": f"gross profit, {_SALES}, {_COST}",
    r"operating (?:profit )?margin": f"{_OPERATING}, {_SALES}",
    r"(?:net )?profit margin|net (?:income )?margin": f"{_EARNED}, {_SALES}",
    r"ebitda(?: margin)?|ebit": (
        f"{_OPERATING}, depreciation and amortization, {_EARNED}, interest expense, income taxes"
    ),
    r"effective tax (?:rate|ratio)": "income tax expense, income before income taxes",
    r"operating cash flow(?: ratio)?|cash flow from operat(?:ions|ing activities)": _FROM_OPERATIONS,
    r"free cash flow": f"{_FROM_OPERATIONS}, purchases of property and equipment",
    r"capital expenditures?|capex": "purchases of property plant and equipment, investing activities",
    r"dividend pay-?out(?: ratio)?|payout ratio": f"dividends, {_EARNED}",
    r"cash flow[- ]to[- ](?:total[- ])?debt(?: ratio)?": f"{_FROM_OPERATIONS}, {_DEBT}",
    r"book value(?: per share)?": f"{_EQUITY}, shares outstanding",
}
"""What the measures of business are computed from, as textbooks on accounting define them. A report states the items
and hardly ever the ratio."""
_MEASURE = [(re.compile(rf"\b(?:{name})\b", re.IGNORECASE), items) for name, items in _MEASURES.items()]


def without_instructions(question: str) -> str:
    """The question without how its answer is to be written: `Round your answer to two decimal places.`

    Such words stand on the pages of no answer, or on those of a wrong one.
    """
    asked = " ".join(_INSTRUCTION.sub(" ", question).split())
    return asked if len(_WORD.findall(asked)) >= MIN_LEFT_WORDS else question


def line_items(question: str) -> str:
    """What the measures that a question names are computed from; empty where it names none."""
    plain = question.replace("_", " ")
    return ", ".join(dict.fromkeys(items for measure, items in _MEASURE if measure.search(plain)))
