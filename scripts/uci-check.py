#!/usr/bin/env python3
"""Figures of the UCI Online Retail files, straight from the CSV, and their comparison with an import.

    scripts/uci-check.py FILE... > figures.json              orders, cancellations, lines and sums per month and country
    scripts/uci-check.py FILE... --against BALANCE.json      compares them with a balance of Wharf; exits 1 on a difference

Python's standard library only, and nothing of Wharf: the two must agree without knowing of each other. Amounts are
decimals; a line's amount is Quantity x UnitPrice, and a sum is rounded once, to the penny.
"""
import collections
import csv
import decimal
import gzip
import io
import json
import sys

# Names that ISO 3166 writes as codes, as far as they are in the files. Other words stay as they are.
CODES = {
    "United Kingdom": "GB", "EIRE": "IE", "Germany": "DE", "France": "FR", "Spain": "ES", "Netherlands": "NL", "Belgium": "BE",
    "Switzerland": "CH", "Australia": "AU", "Portugal": "PT", "Norway": "NO", "Finland": "FI", "Italy": "IT", "Cyprus": "CY", "Sweden": "SE",
    "Japan": "JP", "Austria": "AT", "Poland": "PL", "Denmark": "DK", "Israel": "IL", "Hong Kong": "HK", "Singapore": "SG", "Canada": "CA",
    "Iceland": "IS", "Greece": "GR", "Malta": "MT", "United Arab Emirates": "AE", "Lebanon": "LB", "Lithuania": "LT", "Brazil": "BR", "USA": "US",
    "Bahrain": "BH", "Czech Republic": "CZ", "Saudi Arabia": "SA", "RSA": "ZA",
}


def rows(paths):
    for path in paths:
        opener = gzip.open if path.endswith(".gz") else open
        with opener(path, "rb") as raw:
            yield from csv.DictReader(io.TextIOWrapper(raw, encoding="utf-8", newline=""))


def figures(paths):
    invoices = {}
    for row in rows(paths):
        amount = decimal.Decimal(row["Quantity"]) * decimal.Decimal(row["UnitPrice"])
        invoice = invoices.setdefault(row["InvoiceNo"], {"at": row["InvoiceDate"], "country": row["Country"], "lines": 0, "sum": decimal.Decimal(0)})
        invoice["at"] = min(invoice["at"], row["InvoiceDate"])
        invoice["lines"] += 1
        invoice["sum"] += amount
    table = collections.defaultdict(lambda: {"orders": 0, "cancellations": 0, "lines": 0, "sum": decimal.Decimal(0), "cancelled": decimal.Decimal(0)})
    for number, invoice in invoices.items():
        cell = table[invoice["at"][:7], CODES.get(invoice["country"], invoice["country"])]
        cancelled = number.startswith("C")
        cell["cancellations" if cancelled else "orders"] += 1
        cell["lines"] += invoice["lines"]
        cell["sum"] += invoice["sum"]
        if cancelled:
            cell["cancelled"] += invoice["sum"]
    penny = decimal.Decimal("0.01")
    return {
        key: (c["orders"], c["cancellations"], c["lines"], str(c["sum"].quantize(penny)), str(c["cancelled"].quantize(penny)))
        for key, c in sorted(table.items())
    }


def imported(path):
    with open(path, encoding="utf-8") as file:
        balance = json.load(file)
    balance = balance.get("balance", balance) if isinstance(balance, dict) else balance
    pence = lambda minor: f"{decimal.Decimal(minor) / 100:.2f}"
    return {
        (r["month"], r["country"]): (r["orders"], r["cancellations"], r["lines"], pence(r["total_minor"]), pence(r["cancelled_minor"]))
        for r in balance
    }


def main():
    arguments = sys.argv[1:]
    against = None
    if "--against" in arguments:
        at = arguments.index("--against")
        against = arguments[at + 1]
        del arguments[at:at + 2]
    if not arguments:
        sys.exit(__doc__)
    told = figures(arguments)
    if against is None:
        names = ("month", "country", "orders", "cancellations", "lines", "sum", "cancelled")
        json.dump([dict(zip(names, key + value)) for key, value in told.items()], sys.stdout, indent=1)
        print()
        return
    here = imported(against)
    different = [(key, told.get(key), here.get(key)) for key in sorted(told.keys() | here.keys()) if told.get(key) != here.get(key)]
    for key, file, wharf in different:
        print(key, "file:", file, "wharf:", wharf, file=sys.stderr)
    orders, cancellations, lines = (sum(v[i] for v in told.values()) for i in range(3))
    print(f"{len(told)} months x countries, {orders} orders, {cancellations} cancellations, {lines} lines, sum {sum(decimal.Decimal(v[3]) for v in told.values())}:",
          "equal" if not different else f"{len(different)} different")
    sys.exit(1 if different else 0)


if __name__ == "__main__":
    main()
