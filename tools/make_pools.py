"""Generate the pools for scenarios: people, addresses, companies, phones and products, with a fixed seed.

Run it with `make pools`. The result is committed, so scenarios do not depend on the version of Faker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from faker import Faker

from emulator.core.records import City, Township
from emulator.domain import installation

FOLDER = Path(installation.FOLDER).parent / "pools"
SEED = 20230403
LOCALES = {"tr": "tr_TR", "it": "it_IT"}
FAKERS = {country: Faker(locale) for country, locale in LOCALES.items()}

DISTRACTING = ("Öcalan", "Erdoğan", "Gülen", "Mussolini", "Berlusconi")
"""Last names of politicians, which generated data must not contain."""
COMMON = {
    "tr": ("Avcı", "Aydın", "Bozkurt", "Bulut", "Doğan", "Erdem", "Güneş", "Işık", "Kara", "Karaca", "Kaya", "Kılıç",
           "Koç", "Korkmaz", "Kurt", "Özdemir", "Özkan", "Öztürk", "Polat", "Şahin", "Şimşek", "Tekin", "Toprak",
           "Uçar", "Yalçın", "Yıldız", "Çakır", "Çelik"),
    "it": ("Bianchi", "Esposito", "Ferrari", "Romano", "Rossi", "Russo"),
}  # fmt: skip
"""Common last names that Faker may lack."""
# Round numbers, which are unlikely to belong to a real person.
PHONES = {"tr": "+90 555000####", "it": "+39 333000####"}
PLATES = {"ADANA": "01", "ANKARA": "06", "ANTALYA": "07", "BURSA": "16", "ESKİŞEHİR": "26", "GAZİANTEP": "27",
          "İSTANBUL": "34", "İZMİR": "35", "KAYSERİ": "38", "KOCAELİ": "41", "KONYA": "42", "MERSİN": "33",
          "TRABZON": "61"}  # fmt: skip
WAYS = {"tr": ("Caddesi", "Sokak", "Sokağı", "Bulvarı"), "it": ("Via", "Viale", "Corso", "Piazza", "Largo")}
TRADES = {
    "tr": ("Tekstil San. ve Tic. Ltd. Şti.", "Mağazacılık A.Ş.", "Mimarlık Ltd. Şti.", "Turizm ve Otelcilik A.Ş."),
    "it": ("Arredamenti S.r.l.", "Tessuti S.p.A.", "Studio Associato", "e Figli S.n.c."),
}
TAX_OFFICES = {
    "tr": ("Zincirlikuyu", "Kozyatağı", "Çankaya", "Bornova", "Nilüfer", "Meram"),
    "it": ("Milano 1", "Roma 2", "Torino 1", "Bologna 2"),
}
TAX_NUMBERS = {"tr": "9#########", "it": "9##########"}

COLOURS = ("SİYAH", "BEYAZ", "LACİVERT", "BEJ", "GRİ", "KIRMIZI", "HAKİ", "MAVİ")
CLOTHES = {"S": "Small", "M": "Medium", "L": "Large", "XL": "X Large"}
SHOES = {size: size for size in ("37", "38", "40", "42", "43")}
STANDARD = {"Standart": "Standart"}
GOODS: tuple[tuple[str, str, dict[str, str], int, str], ...] = (
    # name, group, sizes, price of the simplest in lira, tax rate
    ("Organik Pamuk Tişört", "ÜST GİYİM", CLOTHES, 299, "8.00"),
    ("Keten Gömlek", "ÜST GİYİM", CLOTHES, 649, "8.00"),
    ("Merino Kazak", "ÜST GİYİM", CLOTHES, 1199, "10.00"),
    ("Slim Fit Jean", "ALT GİYİM", CLOTHES, 899, "8.00"),
    ("Chino Pantolon", "ALT GİYİM", CLOTHES, 749, "8.00"),
    ("Pileli Midi Etek", "ALT GİYİM", CLOTHES, 699, "8.00"),
    ("Saten Elbise", "ELBİSE", CLOTHES, 1349, "10.00"),
    ("Kaşe Kaban", "DIŞ GİYİM", CLOTHES, 2999, "10.00"),
    ("Deri Bot", "AYAKKABI", SHOES, 2499, "10.00"),
    ("Koşu Ayakkabısı", "AYAKKABI", SHOES, 1799, "10.00"),
    ("Hasır Çanta", "AKSESUAR", STANDARD, 549, "18.00"),
    ("İpek Fular", "AKSESUAR", STANDARD, 399, "18.00"),
    ("Seramik Vazo", "EV", STANDARD, 459, "18.00"),
    ("Saksılı Sukulent", "EV", STANDARD, 129, "18.00"),
    ("Pamuklu Nevresim Takımı", "EV", {"Tek": "Tek Kişilik", "Cift": "Çift Kişilik"}, 1099, "10.00"),
    ("Aromatik Mum", "EV", STANDARD, 219, "20.00"),
)
PRODUCTS = 80
LIRA_PER_EURO = 21


def first_names(fake: Faker) -> list[str]:
    return distinct(300, fake.first_name)


def last_names(country: str) -> list[str]:
    made = distinct(290, lambda: last_name(FAKERS[country]))
    return sorted({*made, *COMMON[country]})


def last_name(fake: Faker) -> str:
    """Return a last name that is not in `DISTRACTING`."""
    name = str(fake.last_name())
    return last_name(fake) if name in DISTRACTING else name


def distinct(count: int, make: Callable[[], str]) -> list[str]:
    """Return `count` different values, sorted; fewer if `count * 100` tries do not find enough."""
    found: dict[str, None] = {}
    for _ in range(count * 100):
        found[make()] = None
        if len(found) == count:
            break
    return sorted(found)


def people() -> dict[str, Any]:
    return {
        country: {"first_names": first_names(fake), "last_names": last_names(country)}
        for country, fake in FAKERS.items()
    }


def line(country: str) -> str:
    """Return a street and a number in the format of the country."""
    fake = FAKERS[country]
    way, name, number = fake.random_element(WAYS[country]), last_name(fake), fake.random_int(1, 180)
    if country == "it":
        return f"{way} {fake.first_name()} {name} {number}"
    return f"{fake.first_name()} {name} {way} No: {number} D: {fake.random_int(1, 24)}"


def addresses() -> dict[str, Any]:
    return {country: distinct(300, lambda country=country: line(country)) for country in LOCALES}  # type: ignore[misc]


def postcodes() -> dict[str, str]:
    """Return a postcode for each township: from the city's licence plate code in Türkiye, from the name in Italy."""
    records = installation.load_installation("default")
    return {
        str(township.id): postcode(township, records[City][township.city]) for township in records[Township].values()
    }


def postcode(township: Township, city: City) -> str:
    if city.name in PLATES:
        return PLATES[city.name] + FAKERS["tr"].numerify("%#0")
    return township.name.split()[0]


def phones() -> dict[str, Any]:
    return {
        country: distinct(300, lambda fake=fake, country=country: fake.numerify(PHONES[country]))  # type: ignore[misc]
        for country, fake in FAKERS.items()
    }


def companies() -> dict[str, Any]:
    return {country: [company(country) for _ in range(40)] for country in LOCALES}


def company(country: str) -> dict[str, str]:
    fake = FAKERS[country]
    return {
        "name": f"{last_name(fake)} {fake.random_element(TRADES[country])}",
        "tax_office": fake.random_element(TAX_OFFICES[country]),
        "tax_no": fake.numerify(TAX_NUMBERS[country]),
    }


def products() -> list[dict[str, Any]]:
    """Return the products in the order of their SKU, in random colours and sizes."""
    fake = FAKERS["tr"]
    variants = [
        (base, colour, size)
        for base, goods in enumerate(GOODS)
        for colour in sorted(fake.random_elements(COLOURS, length=4, unique=True))
        for size in goods[2]
    ]
    chosen = sorted(fake.random_elements(range(len(variants)), length=PRODUCTS, unique=True))
    return [product(1001 + position, *variants[variant]) for position, variant in enumerate(chosen)]


def product(id_: int, base: int, colour: str, size: str) -> dict[str, Any]:
    name, group, sizes, price, tax_rate = GOODS[base]
    fake = FAKERS["tr"]
    base_code = f"PZ-{101 + base}"
    cents = (price + fake.random_int(0, 8) * 50) * 100 - 1
    values = {"renk": (colour, colour), "beden": (sizes[size], size), "erp_MalGrupAdi": (group, group)}
    return {
        "id": id_,
        "name": f"{name} {colour.replace('I', 'ı').replace('İ', 'i').title()}",
        "base_code": base_code,
        "sku": f"{base_code}-{COLOURS.index(colour) + 1:02}-{size}",
        "barcode": fake.ean13(),
        "attributes": {key: value for key, (_, value) in values.items()},
        "attributes_kwargs": {
            key: {"label": label, "value": value, "data_type": "dropdown"} for key, (label, value) in values.items()
        },
        "tax_rate": tax_rate,
        "price": cents,
        "price_eur": cents // LIRA_PER_EURO // 100 * 100 + 90,
        "images": [image(id_) for _ in range(fake.random_int(1, 3))],
    }


def image(product_id: int) -> str:
    name = UUID(int=FAKERS["tr"].random.getrandbits(128), version=4)
    return f"{{cdn_url}}/products/2022/09/07/{product_id}/{name}.jpg"


POOLS: dict[str, Callable[[], Any]] = {
    "people": people,
    "addresses": addresses,
    "postcodes": postcodes,
    "phones": phones,
    "companies": companies,
    "products": products,
}


def text(value: Any) -> str:
    """Return JSON text with one record per line."""
    return "\n".join(lines(value)) + "\n"


def lines(value: Any) -> Iterable[str]:
    if isinstance(value, dict) and any(isinstance(part, (dict, list)) for part in value.values()):
        parts = [[f"{compact(key)}: {first}", *rest] for key, part in value.items() for first, *rest in [lines(part)]]
        yield from enclosed("{", parts, "}")
    elif isinstance(value, dict):
        yield from enclosed("{", [[f"{compact(key)}: {compact(part)}"] for key, part in value.items()], "}")
    else:
        yield from enclosed("[", [[compact(part)] for part in value], "]")


def enclosed(opening: str, parts: list[list[str]], closing: str) -> Iterable[str]:
    yield opening
    for position, part in enumerate(parts):
        comma = "," if position < len(parts) - 1 else ""
        yield from ("  " + row for row in part[:-1])
        yield f"  {part[-1]}{comma}"
    yield closing


def compact(value: Any) -> str:
    return orjson.dumps(value).decode()


def main() -> None:
    """Write all pools."""
    Faker.seed(SEED)
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, make in POOLS.items():
        (FOLDER / f"{name}.json").write_text(text(make()), encoding="utf-8")


if __name__ == "__main__":
    main()
