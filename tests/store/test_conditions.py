"""How texts begin, and what is in them, alike on both databases."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, MetaData, Table, Text, insert, select

from ringflow.store import Store
from ringflow.store.conditions import begins_with, contains

words = Table("words", MetaData(), Column("word", Text, primary_key=True))
WORDS = (
    *("", "1", "12", "123", "1239999", "13", "2", "12*", "12a", "a", "A", "ab", "a%b", "a_b", "axb", "a/b"),
    *("a\\b", "é", "éa", "e", "z", "\ud7ffx", "\ue000", "\U0010ffff", "\U0010ffffx", "customer 4"),
    *("customer 42", "Customer 4"),
)


@pytest.fixture
async def filled(store: Store) -> Store:
    async with store.writing() as connection:
        await connection.run_sync(words.create)
        await connection.execute(insert(words), [{"word": word} for word in WORDS])
    return store


async def test_a_text_begins_with_another_as_it_is_written(filled: Store) -> None:
    async with filled.reading() as connection:
        for start in WORDS:
            query = select(words.c.word).where(begins_with(words.c.word, start))
            found = set((await connection.execute(query)).scalars())
            assert found == {word for word in WORDS if word.startswith(start)}, start


async def test_a_part_of_a_text_is_found_in_any_capitals(filled: Store) -> None:
    async with filled.reading() as connection:
        for part in ("A", "a", "%", "_", "/", "\\", "CUSTOMER", "é", "", "nothing"):
            query = select(words.c.word).where(contains(words.c.word, part))
            found = set((await connection.execute(query)).scalars())
            assert found == {word for word in WORDS if part.lower() in word.lower()}, part


async def test_digits_begin_with_digits(filled: Store) -> None:
    async with filled.reading() as connection:
        numbers = {word for word in WORDS if word.isdigit() and word.isascii()}
        for start in numbers:
            query = select(words.c.word).where(
                begins_with(words.c.word, start, digits=True), words.c.word.in_(numbers)
            )
            found = set((await connection.execute(query)).scalars())
            assert found == {word for word in numbers if word.startswith(start)}, start
